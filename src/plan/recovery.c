#include "plan/recovery.h"

#include "go/release.h"
#include "plan/creations.h"

/* SP is in g.sigcode0, or in the _panic that g has, whose address is read for it. */
enum { SP_STEP = 2, PANIC_STEP, PANIC_AT = 56 };

void recovery_read(struct plan *p, struct plan_func *recovery)
{
	const struct go_release *rel = p->prog->rel;
	struct reading *r = &recovery->entry;
	const u16 fields[] = { rel->g_goid, G_STACK_HI, rel->g_sigcode0, G_PANIC };
	struct read *steps = hook_read(p, r, 0, fields, ARRAY_LEN(fields) - !rel->panic_sp);
	struct read sp = steps[SP_STEP];

	if (!rel->panic_sp)
		return;
	/* a pointer is read before what it leads to */
	steps[SP_STEP] = steps[PANIC_STEP];
	sp.from = r->hook_at + PANIC_AT;
	sp.disp = rel->panic_sp;
	steps[PANIC_STEP] = sp;
}
