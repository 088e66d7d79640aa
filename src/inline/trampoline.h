/* trampoline - the code behind a window: records, and the instructions that the jump displaced.
 *
 * Owns     its buffers, until code_release().
 * Units    rt addresses.
 * Fails    code_make: ERR_REFUSED when the code can't be put within reach of the text.
 * Threads  none. */
#ifndef INLINE_TRAMPOLINE_H
#define INLINE_TRAMPOLINE_H

#include "base/vec.h"
#include "inline/stubs.h"

/* Bytes of the text that are replaced, and what they were. */
struct jump {
	u64 rt;
	u8 was[5], is[5];
	u32 func;		/* in the plan, or NOT_PLANNED for the sigtramp hook */
	u64 to_rt;		/* the trampoline */
	u32 size;		/* of the trampoline */
	bool inner;		/* others lead into its window: written after them */
	bool may_fault;		/* the trampoline runs an instruction that may */
	u8 state;		/* enum jump_state */
};
enum jump_state {
	JUMP_DUE,
	JUMP_WRITTEN,
	JUMP_BUSY,		/* somebody goes on inside: tried again later */
	JUMP_NEVER,		/* another session's place, or not safe in this process */
};
#define NOT_PLANNED 0xffffffffu

struct code {
	u8 *bytes;		/* what goes to layout.code_rt */
	size_t size, room;
	VEC(struct jump) jumps;	/* ascending by function */
	VEC(struct fixup) fixups;
	struct stubs stubs;
	bool hooked;		/* sigtramp is: displaced instructions may fault */
	u32 sites;
};

/* Where the kernel enters Go with a signal: these are hooked. */
static inline bool enters_with_signal(const struct go_func *f)
{
	return str_eq(f->name, STR("runtime.sigtramp")) ||
	       str_eq(f->name, STR("runtime.cgoSigtramp"));
}

bool code_make(struct code *c, const struct plan *p, const struct layout *l,
	       struct err *err) MUST_CHECK;
/* The bytes are in the target: ours are not needed any more. */
void code_forget(struct code *c);
void code_release(struct code *c);
/* Bytes that a record of this site has at most. */
u32 site_size(const struct plan *p, u32 site);
const struct reading *site_reads(const struct plan *p, u32 site);

#endif
