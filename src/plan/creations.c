#include "plan/creations.h"

#include <string.h>

#include "go/release.h"

enum { WORD = 8, STEP = 16 };	/* a status and a word */

struct read *hook_read(struct plan *p, struct reading *r, u8 reg, const u16 *fields, u32 n)
{
	struct read *reads = ARENA_ARRAY(&p->arena, struct read, r->nreads + 1 + n);
	u32 g = r->size;

	if (r->nreads)
		memcpy(reads, r->reads, r->nreads * sizeof(*reads));
	r->reads = reads;
	reads += r->nreads;
	reads[0] = (struct read){ .kind = READ_INT, .reg = reg, .at = g, .size = WORD };
	r->hook_at = g + WORD;
	for (u32 i = 0; i < n; i++)
		reads[1 + i] = (struct read){
			.kind = READ_MEM, .from = g, .disp = fields[i], .size = WORD, .span = WORD,
			.status = r->hook_at + STEP * i, .at = r->hook_at + STEP * i + WORD,
			.own = true,
		};
	r->nreads += 1 + n;
	r->size = r->hook_at + STEP * n;
	return reads + 1;
}

void creations_read(struct plan *p, struct plan_func *newproc1)
{
	const struct go_release *rel = p->prog->rel;

	(void)hook_read(p, &newproc1->entry, rel->newproc1_caller, &rel->g_goid, 1);
	(void)hook_read(p, &newproc1->exit, 0,
			(const u16[]){ rel->g_goid, rel->g_startpc, rel->g_gopc }, 3);
}

/* pkg.F.func1, pkg.F.gowrap1, pkg.F·dwrap·1 (cmd/compile: typecheck, walk) */
static bool is_inside(struct str name, struct str of)
{
	struct str rest = str_cut(name, of.n, name.n);

	return str_starts(name, of) && (str_starts(rest, STR(".")) || str_starts(rest, STR("·")));
}

void creations_quiet(struct plan *p)
{
	for (size_t i = 0; p->request.nquiet && i < p->prog->nfuncs; i++) {
		const struct go_func *f = &p->prog->funcs[i];

		for (size_t k = 0; k < p->request.nquiet && p->nquiet < QUIET_MOST; k++) {
			struct str quiet = str_of(p->request.quiet[k]);

			if (str_eq(f->name, quiet) || is_inside(f->name, quiet))
				p->quiet_va[p->nquiet++] = go_func_va(p->prog, f);
		}
	}
}

enum refusal creations_refusal(const struct plan *p)
{
	for (u32 i = 0; i < p->nfuncs; i++) {
		const struct plan_func *f = &p->funcs[i];

		if (f->hook != HOOK_NEWPROC1)
			continue;
		for (u32 k = 0; !f->refusal && k < f->patches.nexits; k++)
			if (f->patches.exits[k].refusal)
				return f->patches.exits[k].refusal;
		return f->refusal;
	}
	return REFUSE_NO_STACK_MAP;
}
