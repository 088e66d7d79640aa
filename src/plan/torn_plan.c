#include "plan/torn_plan.h"

#include "go/fips.h"

static enum refusal refuses(const struct torn_store *t, const struct go_program *prog,
			    const struct go_fips *fips)
{
	u64 va = go_func_va(prog, t->func) + t->at;

	if (!t->refusal && va < fips->range[0].hi && va + t->window.size > fips->range[0].lo)
		return REFUSE_FIPS;
	return !t->refusal && t->copy_only ? REFUSE_PAGE : t->refusal;
}

void torn_plan(struct plan *p, const struct go_program *prog,
	       const struct torn_store *const *stores, size_t n)
{
	struct go_fips fips;

	*p = (struct plan){ .prog = prog, .delays = true, .request.entry_only = true };
	go_fips_find(prog->img, &fips);
	p->funcs = ARENA_ARRAY(&p->arena, struct plan_func, n + 1);
	p->nfuncs = (u32)n;
	for (size_t i = 0; i < n; i++) {
		const struct torn_store *t = stores[i];
		struct plan_func *f = &p->funcs[i];

		*f = (struct plan_func){
			.func = t->func, .name = go_name_split(t->func->name), .shown = true,
			.refusal = refuses(t, prog, &fips), .line_at = t->at, .line = t->line,
		};
		if (f->refusal) {
			p->nrefused++;
			continue;
		}
		p->nlines++;
		f->patches.nwindows = 1;
		f->patches.windows = arena_copy(&p->arena, &t->window, sizeof(t->window));
	}
}
