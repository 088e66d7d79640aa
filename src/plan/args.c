#include "plan/args.h"

#include <string.h>

#include "plan/interpret.h"

enum { AREA_MOST = 1024 };

struct known_args {
	struct reading reading;
	u32 area;	/* bytes from SP at the entry on that it reads */
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

/* The parameter as it lies in the frame: in one place, as far as the words that are there follow
 * one another. */
static void at_home(struct args *a, const struct go_func *f, u64 pc, struct go_param *p, u32 *area)
{
	struct go_place *places = arena_copy(&a->plan.arena, p->places,
					     p->nplaces * sizeof(*p->places));

	for (size_t i = 0; i < p->nplaces; i++) {
		i32 home = places[i].home, end = home + places[i].size;

		if (places[i].kind == PLACE_UNKNOWN || end > AREA_MOST ||
		    !go_home_is_live(a->plan.prog, f, pc, home)) {
			places[i].kind = PLACE_UNKNOWN;
			continue;
		}
		places[i].kind = PLACE_STACK;
		places[i].off = home;
		*area = MAX(*area, (u32)end);
	}
	p->places = places;
}

static struct known_args *make(struct args *a, const struct go_func *f, u64 pc)
{
	const struct go_sig *sig = go_sig_of(a->plan.prog, f);
	struct known_args *k = ARENA_NEW(&a->plan.arena, struct known_args);
	struct go_param *params = arena_copy(&a->plan.arena, sig->params,
					     sig->nparams * sizeof(*params));
	bool hide = plan_redacts(&a->plan, f->name);

	for (size_t i = 0; i < sig->nparams; i++)
		at_home(a, f, pc, &params[i], &k->area);
	reading_make(&k->reading, &a->plan, &a->dynamic, &a->cache, params, sig->nparams, hide,
		     false);
	return k;
}

const struct reading *args_read(struct args *a, struct unwinder *u, const struct go_level *l)
{
	u64 key = l->pc_rt << 1 | l->exact, pc = l->pc_rt - u->text_rt - !l->exact, *at;
	u8 area[AREA_MOST] = { 0 };
	struct interpreter in = { .sp = area, .bias = u->img->bias, .img = u->img };
	struct known_args *k;

	if (!l->func || !l->return_at || go_sig_of(a->plan.prog, l->func)->from == SIG_NONE)
		return NULL;
	if (pc - l->func->pc >= l->func->room)
		pc = l->func->pc;
	at = map_get(&a->known, key);
	k = at ? (struct known_args *)(uintptr_t)*at : make(a, l->func, pc);
	if (!at)
		*map_put(&a->known, key) = (uintptr_t)k;
	if (!unwind_read(u, l->return_at, area, k->area))
		return NULL;
	memset(a->record, 0, sizeof(a->record));
	interpret(&in, k->reading.reads, k->reading.nreads, (u8 *)a->record);
	return &k->reading;
}
