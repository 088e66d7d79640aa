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
	struct plan_caller *to = &f->callers[f->ncallers];

	if (!by)
		return;
	to->lo_va = go_func_va(p->prog, by);
	to->hi_va = to->lo_va + by->size;
	f->ncallers++;
}

/* Where the record has what was asked for, or 0. */
static u32 place_of(const struct plan_func *f, u32 ask, u32 size)
{
	const struct expr_code *c = &f->codes[ask];
	const struct expr_step *s = c->n ? &c->steps[c->n - 1] : NULL;

	return s && s->op == EX_LOAD && !s->exit && s->size == size ? s->at : 0;
}

static void read_keys(struct plan_func *f, const struct plan_extra *x)
{
	u32 key = place_of(f, x->keys[0], 8), subkey = place_of(f, x->keys[1], 4);

	if (key && subkey) {
		f->entry.key_at = key;
		f->entry.subkey_at = subkey;
		/* else its end says that nobody else is to be made who serves it */
		f->no_end |= x->role == PROPAGATE_FRAME;
	}
}

void propagate_read(struct plan *p, struct plan_func *f)
{
	const struct plan_extra *x = extra_of(&p->request, f->func->name);

	for (u32 i = 0; x && i < CALLERS_MOST && x->callers[i]; i++)
		only_from(p, f, x->callers[i]);
	if (x && x->alone)
		f->alone = x;
	f->extra = x;
	f->no_end = x && x->no_end;
	if (x && x->nnames)
		f->named = x;
	if (f->shown && x && x->keyed)
		read_keys(f, x);
	f->found = f->no_end && x && x->kind == EXTRA_FIELDS && !p->request.propagate &&
		   !p->request.probes;
	if (!p->request.propagate)
		return;
	f->role = f->hook == HOOK_NEWPROC1 ? PROPAGATE_BIRTH :
		  f->hook == HOOK_GOEXIT1 ? PROPAGATE_END :
		  f->hook == HOOK_RECOVERY ? PROPAGATE_RECOVERY :
		  !f->shown ? PROPAGATE_NONE : x ? x->role : PROPAGATE_SPAN;
	if (f->role == PROPAGATE_SPAN || f->role == PROPAGATE_SERVE ||
	    f->role == PROPAGATE_SERVE_INSIDE || f->role == PROPAGATE_MESSAGE ||
	    f->role == PROPAGATE_HEADED ||
	    f->role == PROPAGATE_ASK)
		add_room(&f->entry);
	if (f->role == PROPAGATE_ASK)
		add_room(&f->exit);
}
