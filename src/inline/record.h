/* record - the code that writes a site's record, as part of a trampoline.
 *
 * Owns     nothing; the maker of the code (trampoline.c) has the emitter.
 * Units    rt addresses.
 * Fails    as x86/asm.h.
 * Threads  one. */
#ifndef INLINE_RECORD_H
#define INLINE_RECORD_H

#include "base/map.h"
#include "inline/trampoline.h"

struct emitter {
	struct assembler a;
	const struct plan *p;
	const struct layout *l;
	const struct stubs *stubs;
	struct code *code;
	struct map tables;	/* reads -> address of their table */
	/* the function at hand */
	const struct plan_func *fn;
	const struct flow *flow;
	u32 index;
	u64 entry_rt;
	bool abi0;
	u32 pushed;		/* bytes by which SP is lower than the code at hand has it */
};

/* Leads to the label `skip` where this call is not to be recorded; `begins` is a label for its own
 * use. R13 and R15 are lost. */
void record_only(struct emitter *e, enum site_kind kind, unsigned skip, unsigned begins);
/* record_captures.c: what hangs on the record's words. The steps are code, or table_rt is that of
 * their table. */
bool record_has_code(const struct plan_func *fn, const struct reading *r);
u64 record_table(struct emitter *e, const struct reading *r);
void record_captures(struct emitter *e, const struct reading *r, u64 table_rt);
/* Does the agent say whether its record is needed? */
static inline bool record_may_be_unneeded(const struct plan_func *fn)
{
	return fn->role == PROPAGATE_BIRTH || fn->role == PROPAGATE_FRAME ||
	       fn->role == PROPAGATE_READ || fn->role == PROPAGATE_LINE ||
	       fn->role == PROPAGATE_END;
}

/* record_only.c: to `nobody` where none of the fields that matter was there. r12: the record. */
void record_if_found(struct emitter *e, const struct reading *r, unsigned nobody);
/* The agent is told of the record, which r12 points to, with its scratch. Leads to the label
 * `nobody` where nobody needs it. */
void record_call_agent(struct emitter *e, const struct reading *r, enum site_kind kind,
		       unsigned nobody);
/* ... and that one is lost. */
void record_lost(struct emitter *e);
/* Before captures: what the agent will write when a span begins comes from other processors' caches
 * meanwhile. R13 and R15 are lost. */
void record_ask_for(struct emitter *e);

/* What the function's records need before the first of them. */
void record_tables(struct emitter *e, bool exits);
/* A record of this kind of the function at hand. Registers as record.c says. */
void record_emit(struct emitter *e, enum site_kind kind);
/* The record of a place in the middle of a function, where all registers, the flags and the bytes
 * below SP are kept. */
void record_emit_inside(struct emitter *e);

#endif
