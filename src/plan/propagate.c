#include "plan/propagate.h"

#include "plan/extra.h"

static void add_room(struct reading *r)
{
	r->propagated_at = r->size;
	r->size += sizeof(struct propagated);
}

static void only_from(struct plan *p, struct plan_func *f, const char *caller)
{
	const struct go_func *by = go_func_named(p->prog, str_of(caller));

	if (!by)
		return;
	f->caller_lo_va = go_func_va(p->prog, by);
	f->caller_hi_va = f->caller_lo_va + by->size;
}

void propagate_read(struct plan *p, struct plan_func *f)
{
	const struct plan_extra *x = extra_of(&p->request, f->func->name);

	if (x && x->caller)
		only_from(p, f, x->caller);
	if (x && x->alone)
		f->alone = x;
	f->no_end = x && x->no_end;
	if (x && x->nnames)
		f->named = x;
	if (!p->request.propagate)
		return;
	f->role = f->hook == HOOK_NEWPROC1 ? PROPAGATE_BIRTH :
		  f->hook == HOOK_GOEXIT1 ? PROPAGATE_END :
		  !f->shown ? PROPAGATE_NONE : x ? x->role : PROPAGATE_SPAN;
	if (f->role == PROPAGATE_SPAN || f->role == PROPAGATE_SERVE ||
	    f->role == PROPAGATE_SERVE_INSIDE || f->role == PROPAGATE_MESSAGE ||
	    f->role == PROPAGATE_ASK)
		add_room(&f->entry);
	if (f->role == PROPAGATE_ASK)
		add_room(&f->exit);
}
