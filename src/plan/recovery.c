#include "plan/recovery.h"

#include "go/release.h"
#include "plan/creations.h"

enum { G_PANIC = 32, PANIC_AT = 56 };	/* runtime.g (runtime2.go) */

void recovery_read(struct plan *p, struct plan_func *recovery)
{
	const struct go_release *rel = p->prog->rel;
	struct reading *r = &recovery->entry;
	const u16 fields[] = { rel->g_goid, G_STACK_HI, rel->g_sigcode0, G_PANIC };
	struct read *sp, *panic;

	hook_read(p, r, 0, fields, ARRAY_LEN(fields) - !rel->panic_sp);
	if (!rel->panic_sp)
		return;
	/* the _panic is read before its SP, which stands in the same place for all releases */
	sp = (struct read *)&r->reads[r->nreads - 2];
	panic = (struct read *)&r->reads[r->nreads - 1];
	*sp = *panic;
	*panic = (struct read){
		.kind = READ_MEM, .from = r->hook_at + PANIC_AT, .disp = rel->panic_sp, .size = 8,
		.span = 8, .status = r->hook_at + RECOVERY_SP - 8,
		.at = r->hook_at + RECOVERY_SP, .own = true,
	};
}
