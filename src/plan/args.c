#include "plan/args.h"

#include <string.h>

#include "go/homes.h"
#include "plan/interpret.h"

enum { AREA_MOST = 1024, BELOW_MOST = 4096 /* of a frame, from SP at the entry down */ };

struct known_args {
	struct reading reading;
	u32 area, below;	/* bytes from SP at the entry on that it reads, and below it */
	bool none;	/* nothing is known of an inlined call's */
};

bool args_init(struct args *a, const struct go_program *prog, const struct plan_request *request,
	       struct err *err)
{
	*a = (struct args){ .plan = { .prog = prog, .request = *request } };
	if (!patterns_compile(&a->plan.redact, request->redact, request->nredact, err))
		return false;
	dynamic_types_find(&a->dynamic, &a->plan);
	return true;
}

void args_release(struct args *a)
{
	map_release(&a->known);
	reading_cache_release(&a->cache);
	patterns_release(&a->plan.redact);
	arena_release(&a->plan.arena);
}

/* Where it is, is within reach of one read of the stack. */
static void take(struct known_args *k, struct go_place *p, i32 off)
{
	i32 end = off + p->size;

	p->kind = PLACE_UNKNOWN;
	if (off < -BELOW_MOST || end > AREA_MOST)
		return;
	p->kind = PLACE_STACK;
	p->off = off;
	k->area = MAX(k->area, (u32)MAX(end, 0));
	k->below = MAX(k->below, (u32)MAX(-off, 0));
}

/* The parameter as it lies in the frame: where DWARF says so; else at its home, if the runtime's
 * tables say that this is kept, which may be from before the function changed it. */
static void at_home(struct args *a, const struct go_func *f, u64 pc, u64 behind, struct go_param *p,
		    struct known_args *k)
{
	const struct go_program *prog = a->plan.prog;
	struct go_place *places = arena_copy(&a->plan.arena, p->places,
					     p->nplaces * sizeof(*p->places));

	for (size_t i = 0; i < p->nplaces; i++) {
		struct go_place *at = &places[i];
		i32 off = at->home;

		if (at->kind != PLACE_UNKNOWN &&
		    (go_home_elsewhere(prog, f, prog->md.text_va + behind, p->name, at->at,
				       at->size, &off) ||
		     go_home_is_live(prog, f, pc, off)))
			take(k, at, off);
		else
			at->kind = PLACE_UNKNOWN;
	}
	p->places = places;
}

/* What a call is asked for. */
struct question {
	const struct go_level *l;
	size_t frame, frames;
	bool locals;
	i32 line;
};

static void take_all(struct known_args *k, struct go_param *params, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < params[i].nplaces; j++)
			take(k, &params[i].places[j], params[i].places[j].off);
}

static struct known_args *make(struct args *a, const struct question *q, u64 pc)
{
	const struct go_program *prog = a->plan.prog;
	const struct go_func *f = q->l->func;
	struct known_args *k = ARENA_NEW(&a->plan.arena, struct known_args);
	u64 behind = pc + !q->l->exact, va = prog->md.text_va + pc;
	bool inlined = q->frame + 1 < q->frames;
	struct go_frame frames[GO_FRAMES];
	struct go_param *params;
	size_t n;
	bool secret = plan_redacts(&a->plan, f->name);

	if (q->frame < go_frames_at(prog, f, pc, frames))
		secret |= plan_redacts(&a->plan, frames[q->frame].name);
	if (q->locals) {
		n = go_local_vars(prog, f, va, prog->md.text_va + behind,
				  inlined ? q->frames - 2 - q->frame : q->frames - 1,
				  q->frames - 1, q->line, &params);
		take_all(k, params, n);
	} else if (inlined) {
		n = go_inlined_params(prog, f, va, prog->md.text_va + behind,
				      q->frames - 2 - q->frame, q->frames - 1, &params);
		take_all(k, params, n);
	} else {
		const struct go_sig *sig = go_sig_of(prog, f);

		n = sig->nparams;
		params = arena_copy(&a->plan.arena, sig->params, n * sizeof(*params));
		for (size_t i = 0; i < n; i++)
			at_home(a, f, pc, behind, &params[i], k);
	}
	k->none = (inlined || q->locals) && !n;
	reading_make(&k->reading, &a->plan, &a->dynamic, &a->cache, params, n,
		     secret, false);
	return k;
}

static const struct reading *read_in(struct args *a, struct unwinder *u, const struct question *q)
{
	const struct go_level *l = q->l;
	u64 key = (u64)q->frame << 57 | (u64)q->locals << 56 | l->pc_rt << 1 | l->exact, *at;
	u64 pc = l->pc_rt - u->text_rt - !l->exact;
	u8 area[BELOW_MOST + AREA_MOST] = { 0 };
	struct interpreter in = { .sp = area + BELOW_MOST, .bias = u->img->bias, .img = u->img };
	struct known_args *k;

	if (!l->func || !l->return_at)
		return NULL;
	if (pc - l->func->pc >= l->func->room)
		pc = l->func->pc;
	at = map_get(&a->known, key);
	k = at ? (struct known_args *)(uintptr_t)*at : make(a, q, pc);
	if (!at)
		*map_put(&a->known, key) = (uintptr_t)k;
	if (k->none || !unwind_read(u, l->return_at - k->below, area + BELOW_MOST - k->below,
				    k->below + k->area))
		return NULL;
	memset(a->record, 0, sizeof(a->record));
	interpret(&in, k->reading.reads, k->reading.nreads, k->reading.size, (u8 *)a->record);
	return &k->reading;
}

const struct reading *args_read(struct args *a, struct unwinder *u, const struct go_level *l,
				size_t frame, size_t frames)
{
	struct question q = { .l = l, .frame = frame, .frames = frames };

	if (l->func && frame + 1 >= frames &&
	    go_sig_of(a->plan.prog, l->func)->from == SIG_NONE)
		return NULL;
	return read_in(a, u, &q);
}

const struct reading *args_read_locals(struct args *a, struct unwinder *u, const struct go_level *l,
				       size_t frame, size_t frames, i32 line)
{
	struct question q = { l, frame, frames, true, line };

	return read_in(a, u, &q);
}
