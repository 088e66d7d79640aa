/* The race detector entered where there is no race context: on a thread's own stack (g0).
 *
 * Functions that are compiled with -race call runtime.racefuncenter, which hands g.racectx to the
 * detector; a g0 has none, and the detector reads through 0 (at 0x10). The runtime's own packages
 * are never compiled so; code that a tool has put into them, or that they are made to call, is.
 * Without instrumentation the same happens where a map, a channel or an append is used: those tell
 * the detector by hand (runtime/race.go, runtime/map.go). */
#include <inttypes.h>

#include "diag/explain.h"
#include "diag/frame.h"

static bool is_detector(struct str func)
{
	static const char *const begins[] = {
		"__tsan_", "_ZN6__tsan", "racecall", "racefuncenter", "runtime.race",
		"racecallatomic", "runtime.racecall",
	};

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (str_starts(func, str_of(begins[i])))
			return true;
	return false;
}

/* What called the detector: the innermost frame that is none of it. */
static const struct death_frame *caller(const struct death *d, u32 from, u32 *at)
{
	for (u32 i = from; i < d->nframes; i++)
		if (!is_detector(d->frames[i].func) && d->frames[i].func.n) {
			*at = i;
			return &d->frames[i];
		}
	return NULL;
}

/* Where the detector was, among the frames; -1: it was not. */
static i64 detector_at(const struct death *d)
{
	for (u32 i = 0; i < d->nframes && i < 24; i++)
		if (d->frames[i].stack != STACK_OF_SIGNAL)
			return is_detector(d->frames[i].func) ? (i64)i : -1;
	return -1;
}

static void common(struct diagnosis *to, struct death *d, const struct death_frame *by,
		   const struct death_frame *own)
{
	bool by_hand = own != by;

	to->cause = true;
	to->kind = by_hand ? "race_on_g0_by_runtime" : "race_on_g0";
	explain_place(to, own);
	to->summary = str_fmt(d->a, by_hand ?
		"%.*s runs on a system stack (g0) and uses what calls the race detector by hand "
		"(%.*s); there is no race context there" :
		"%.*s is compiled with -race, but runs on a system stack (g0), which has no race "
		"context", STR_F(own->func), STR_F(by->func));
	to->why =
		by_hand ? STR("map iteration and access, channel operations and growing a slice "
			      "tell the race detector even where the function itself is not "
			      "instrumented (//go:norace); on g0 there is no context to tell it "
			      "with (g.racectx is 0), and it reads through the null pointer")
			: STR("the compiler has put a call of runtime.racefuncenter at the "
			      "function's start; it hands g.racectx of the current g to the "
			      "detector. The runtime runs this code on g0, whose racectx is 0, and "
			      "the detector reads through the null pointer. The runtime's own "
			      "packages are never instrumented, so nothing else there does this");
	to->advice =
		by_hand ? STR("take the map, the channel or the append out of what runs there (a "
			      "slice that is long enough, plain loops and allocation are "
			      "permitted), or copy it before, on the user's goroutine; `goshawk "
			      "check FILE` finds all such places")
			: STR("put //go:norace before the function and all that it calls. That "
			      "alone is not enough where one of them ranges over or reads a map, "
			      "uses a channel or grows a slice: these call the detector by hand, "
			      "and it will die there next. `goshawk check FILE` finds both before "
			      "it runs");
}

static bool from_stacks(struct diagnosis *to, struct death *d)
{
	i64 in = detector_at(d);
	const struct death_frame *by, *own;
	u32 at = 0, last;

	if (in < 0 || !d->on_g0 || !d->has_racectx || d->racectx)
		return false;
	by = own = caller(d, (u32)in, &at);
	if (!by || by->stack != STACK_OF_THREAD)
		return false;
	for (last = at; last < d->nframes && d->frames[last].stack == STACK_OF_THREAD; last++)
		;
	/* the runtime's own that calls by hand: whom does it work for? */
	while (at + 1 < last && frame_is_runtime(own->func))
		own = &d->frames[++at];
	if (frame_is_runtime(own->func))
		own = by;
	to->certainty = CERTAIN;
	common(to, d, by, own);
	evidence(
		to, d, "%.*s: pc 0x%" PRIx64 " in %.*s", STR_F(d->message), d->pc,
		STR_F(d->frames[in].func.n ? d->frames[in].func : STR("the race detector's code")));
	if (d->has_address)
		evidence(to, d, "it touched 0x%" PRIx64 ", a field behind a null pointer",
			 d->address);
	if (d->has_ints)
		evidence(to, d, "its first argument (rdi) is 0x%" PRIx64, d->ints[7]);
	evidence(to, d, "the current g, 0x%" PRIx64 ", is a g0: its racectx is 0", d->g_rt);
	if (d->g && d->g->racectx)
		evidence(to, d, "goroutine %lld, which had gone over to g0, has one: 0x%" PRIx64,
			 (long long)d->g->goid, d->g->racectx);
	for (u32 i = last; i < d->nframes && i < last + 3 && last; i++)
		if (str_starts(d->frames[i].func, STR("runtime.newproc")))
			last = i + 1;
	evidence(to, d, "path: %.*s", STR_F(explain_path(d, last)));
	return true;
}

/* A text shows no frame of g0: the address and the register speak, and who had gone over to it. */
static bool from_text(struct diagnosis *to, struct death *d)
{
	const struct death_frame *from;
	struct death_frame own = { .func = STR("code that the runtime calls") };
	const struct go_func *f = d->prog && d->has_pc ?
		go_func_at(d->prog, d->pc - d->u->text_rt) : NULL;

	if (d->img || !explain_says(d, "SIGSEGV") || !d->on_g0 || !d->has_ints || d->ints[7] ||
	    (d->has_address && (d->address < 0x8 || d->address > 0x200)) ||
	    death_uncanonical(d) || !d->nframes ||
	    !str_eq(d->frames[0].func, STR("runtime.systemstack_switch")) || d->nframes < 2)
		return false;
	from = &d->frames[1];
	if (!f && !str_eq(from->func, STR("runtime.newproc")))
		return false;
	if (f && !is_detector(f->name))
		return false;
	to->certainty = LIKELY;
	common(to, d, &own, &own);
	to->func = STR("");
	to->summary = str_fmt(d->a,
			      "the race detector was most likely entered on a system stack (g0), "
			      "which has no race context, below %.*s",
			      STR_F(from->func));
	evidence(to, d, "%.*s outside of goroutines (goroutine 0), at a small address%s",
		 STR_F(d->message), d->has_address ? "" : " (not printed)");
	evidence(to, d, "rdi, the first argument of C code, is 0");
	if (f)
		evidence(to, d, "pc 0x%" PRIx64 " is in %.*s", d->pc, STR_F(f->name));
	evidence(to, d, "the goroutine had gone over to g0 in %.*s, called by %.*s",
		 STR_F(from->func), STR_F(d->nframes > 2 ? d->frames[2].func : STR("?")));
	to->advice = STR("`goshawk check FILE` names the function; a core, or `goshawk explain -- "
			 "PROGRAM`, shows the way to it. The cures: //go:norace for what is called "
			 "there, and no map, channel or growing slice in it");
	return true;
}

bool explain_race(struct diagnosis *to, struct death *d)
{
	return from_stacks(to, d) || from_text(to, d);
}
