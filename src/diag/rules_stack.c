/* What user code does on a system stack that it must not do there: enter the race detector, wait.
 *
 * The rules walk what may run there. A function with such a call is a finding if it, or a function
 * on the way to it, is not the runtime's own: the runtime's functions reach some of these calls,
 * too, under conditions that never hold on a system stack (rule_g0detect's page). */
#include "diag/rules.h"

static struct str name_of(const struct check *c, u32 func)
{
	return c->prog->funcs[func].name;
}

static u64 va_of(const struct check *c, u32 func)
{
	return go_func_va(c->prog, &c->prog->funcs[func]);
}

static const char *stack_name(const struct check *c, u32 func)
{
	return c->reach.of[func].stack == STACK_GSIGNAL ? "gsignal" : "g0";
}

static void look_g0race(struct check *c, const struct rule *self)
{
	for (size_t i = 0; c->prog->race && i < c->reach.order.n; i++) {
		u32 func = c->reach.order.at[i];
		const struct call *e = rule_call_of(c, func, ROLE_RACE_CODE);
		struct path_step path[REACH_PATH];
		struct finding *f;
		size_t n;

		if (!e || rule_owner(c->prog, &c->prog->funcs[func]) != OWNER_USER)
			continue;
		n = reach_path(&c->reach, func, path);
		if (rule_too_late(c, path, n))
			continue;
		f = check_found(c, self, va_of(c, func));
		rule_path(c, &c->reach, f, func, e->to, e->at);
		f->message = str_fmt(&c->arena,
			"%.*s is built for the race detector and runs on %s, where there is no "
			"race context: it dies in __tsan_func_enter, or at its first access",
			STR_F(name_of(c, func)), stack_name(c, func));
		f->advice = str_fmt(&c->arena,
			"put //go:norace before it and before all that it calls there; and let "
			"none of that touch maps, channels, sync or reflect, which call the "
			"detector by hand (G0DETECT)");
	}
}

static struct finding *blame(struct check *c, const struct rule *self, u32 func,
			     const struct call *e, struct str *who, struct str *gets_to)
{
	return rule_blame(c, &c->reach, self, OWNER_STD, func, e, who, gets_to);
}

static void look_g0detect(struct check *c, const struct rule *self)
{
	for (size_t i = 0; c->prog->race && i < c->reach.order.n; i++) {
		u32 func = c->reach.order.at[i];
		bool user = rule_owner(c->prog, &c->prog->funcs[func]) == OWNER_USER;
		const struct call *e = rule_call_of(c, func, ROLE_RACE_HAND);
		struct str who, gets_to;
		struct finding *f;

		if (!e && !user)
			e = rule_call_of(c, func, ROLE_RACE_CODE);
		f = e ? blame(c, self, func, e, &who, &gets_to) : NULL;
		if (!f)
			continue;
		f->message = str_fmt(&c->arena,
			"%.*s runs on %s and gets to %.*s, which %s: without a race context it "
			"dies there", STR_F(who), stack_name(c, func), STR_F(gets_to),
			c->graph.roles[e->to] == ROLE_RACE_HAND
				? "calls the race detector by hand"
				: "is built for the race detector");
		f->advice = STR("leave maps, channels, sync, reflect and other packages out of "
				"what runs there: //go:norace does not reach into them");
	}
}

static void look_g0park(struct check *c, const struct rule *self)
{
	for (size_t i = 0; i < c->reach.order.n; i++) {
		u32 func = c->reach.order.at[i];
		const struct call *e = rule_call_of(c, func, ROLE_PARKS);
		struct str who, gets_to;
		struct finding *f = e ? blame(c, self, func, e, &who, &gets_to) : NULL;

		if (!f)
			continue;
		f->message = str_fmt(&c->arena,
			"%.*s runs on %s and gets to %.*s, which may have to wait: a system stack "
			"cannot, and the program dies (\"semacquire not on the G stack\", \"mcall "
			"called on m->g0 stack\")",
			STR_F(who), stack_name(c, func), STR_F(gets_to));
		f->advice = STR("do not lock, send, receive, sleep or print there: leave it to a "
				"goroutine");
	}
}

const struct rule rule_g0race = {
	.id = "G0RACE",
	.level = LEVEL_ERROR,
	.what = "code that is built for the race detector runs on a system stack",
	.page =
	"In a -race build the compiler puts a call of runtime.racefuncenter at the beginning of "
	"each function that calls others, runtime.racefuncexit before it returns, and "
	"runtime.raceread or runtime.racewrite before accesses to memory. They hand g.racectx, "
	"the race context of the current goroutine, to the detector, which is C and follows that "
	"pointer unasked. The goroutines that own system stacks, g0 and gsignal of each thread, "
	"have none: the pointer is null, and the program dies of SIGSEGV in __tsan_func_enter (or "
	"__tsan_read, __tsan_write) with address 0x10 or near it.\n\n"
	"newproc1, which makes each goroutine, always runs on g0: newproc hands a closure to "
	"systemstack. So do the scheduler, stack growth, the collector's work and signal "
	"handlers. Code that a tool puts there at build time, or that gets there by a variable, "
	"an interface or go:linkname, keeps the instrumentation of its own package.\n\n"
	"Why then does nothing else that newproc1 calls crash? Because the runtime's own packages "
	"(runtime, internal/runtime/..., internal/abi, internal/bytealg and the like) are never "
	"instrumented: the compiler leaves them out. A function of yours that is inlined there is "
	"not instrumented either; one that is called is.\n\n"
	"Timers are the exception that the runtime makes itself: it gives g0 a race context "
	"while it runs their functions.\n\n"
	"Cure: //go:norace before the function and before all that it calls there. A call that it "
	"defers with arguments becomes a function of its own (F.deferwrap1), which the directive "
	"does not reach. It is not enough if one of them uses a map, a channel, sync or reflect: "
	"see G0DETECT.",
	.look = look_g0race,
};

const struct rule rule_g0detect = {
	.id = "G0DETECT",
	.level = LEVEL_ERROR,
	.what = "code on a system stack gets to what calls the race detector by hand",
	.page =
	"The compiler is not the only one that calls the race detector. In a -race build the "
	"runtime tells it of accesses that it makes for others: reading, writing and ranging over "
	"maps (runtime.racereadpc, racewritepc), channel operations, sync and sync/atomic, whose "
	"functions are entries to the detector, parts of reflect. These calls are in the "
	"library's functions, so //go:norace before the function that uses a map changes nothing: "
	"on g0 or gsignal, which have no race context, they die as in G0RACE, in __tsan_read_pc "
	"and the like.\n\n"
	"Some helpers are safe: growing, copying and converting slices look first whether they "
	"run on a system stack, and allocating passes no context.\n\n"
	"The runtime itself has a few such calls in code that may run on a system stack (names of "
	"types that reflect made are in a map); they are not reported: the way must lead through "
	"a function that is not the runtime's.\n\n"
	"Cure: no maps, channels, sync, sync/atomic or reflect in what runs there. Use arrays or "
	"slices, and copy what you need before, on the goroutine.",
	.look = look_g0detect,
};

const struct rule rule_g0park = {
	.id = "G0PARK",
	.level = LEVEL_WARNING,
	.what = "code on a system stack may have to wait",
	.page =
	"A goroutine that waits (for a lock, a channel, a timer, the network) is parked: mcall "
	"switches to its thread's g0, which runs others meanwhile. Code that already runs on g0 "
	"or gsignal cannot be parked: it is fatal, by \"semacquire not on the G stack\" for "
	"locks, else by \"mcall called on m->g0 stack\".\n\n"
	"Reported is user code that gets there (see G0RACE for how code comes to run on a system "
	"stack) and from there to runtime.gopark by locks, channels, select, sleeps, "
	"input and output. A lock that happens to be free does not wait, so this may go well a "
	"thousand times.\n\n"
	"Cure: do nothing there that can wait. Keep what is needed in the goroutine's own data "
	"beforehand, or hand it to a goroutine by something that never blocks.",
	.look = look_g0park,
};
