/* plan - from patterns and the model to sites: what is patched, what is read there, what is refused.
 *
 * Owns     its arena, until plan_release(); refers to the program, which must stay open.
 * Units    record offsets in bytes; pc and va as in go/program.h.
 * Fails    plan_make: ERR_USAGE (a pattern that is wrong or matches nothing). What can't be probed
 *          stays in the plan with its refusal.
 * Threads  immutable after plan_make. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "go/sig.h"
#include "plan/record.h"
#include "x86/patch.h"

enum read_kind {
	READ_INT,	/* 8 bytes of integer register `reg` (index of the ABI: AX BX CX DI SI R8…R11) */
	READ_FLOAT,	/* 8 bytes of X`reg` */
	READ_STACK,	/* `size` bytes at SP + disp (SP at entry, or at the RET) */
	READ_MEM,	/* `size` bytes at (word in the record at `from`) + disp; nothing if that word is 0 */
	READ_BYTES,	/* min(count * elem, size) bytes there; count = the word in the record at len_at */
};

/* One step of what a site reads. Steps run in order; a later one may use words that an earlier one
 * put into the record. READ_MEM and READ_BYTES put a u32 status at `status`: how many bytes were
 * copied, or CAPTURE_UNREADABLE. */
struct read {
	u8 kind, reg;
	u16 size;
	u32 at;		/* where in the record the bytes go */
	i32 disp;
	u32 from, len_at, elem, status;
	u32 when_at;	/* 0: always; else only if the record's word there equals `when`... */
	u64 when;	/* ...which is a link-time address (load bias is added), or a small number */
	bool when_va;
	u32 if_below;	/* 0, or: only if the record's word at `when_at` is below this (maps) */
};

/* A parameter or result, and where its bytes lie in the record. */
struct slot {
	const struct go_param *param;
	u32 at;
	bool taken;	/* false: no room, or a place that is not known */
	bool redacted;
};

struct reading {
	struct read *reads;
	u32 nreads;
	struct slot *slots;
	u32 nslots;
	u32 size;	/* of the record, a multiple of 8 */
};

struct plan_func {
	const struct go_func *func;
	struct go_name name;
	const struct go_sig *sig;
	enum refusal refusal;		/* the whole function; then nothing else is valid */
	struct patches patches;		/* entry and each exit have refusals of their own */
	struct reading entry, exit;
	bool hook;			/* ours (gopanic, goexit1): patched, not shown */
};

struct plan_request {
	const char **patterns;
	size_t npatterns;
	u64 strings, elements, depth;	/* limits: bytes of a string, elements, levels of pointers */
	const char **redact;
	size_t nredact;
	bool entry_only;
};

struct plan {
	const struct go_program *prog;
	struct plan_request request;
	struct plan_func *funcs;	/* ascending by pc; hooks too */
	u32 nfuncs;
	u32 nrefused;			/* functions refused as a whole or at their entry */
	u32 nexits, nexits_refused;
	struct arena arena;
};

bool plan_make(struct plan *p, const struct go_program *prog, const struct plan_request *r,
	       struct err *err) MUST_CHECK;
void plan_release(struct plan *p);
/* Why a function can't be probed at its entry (REFUSE_NONE: it can), and its windows; `a` owns them. */
enum refusal plan_probe(const struct go_program *prog, const struct go_func *f, bool named,
			struct arena *a, struct patches *patches);
/* The flow of a function, decoded anew (plans keep windows only). */
bool plan_flow(const struct go_program *prog, const struct go_func *f, struct arena *a,
	       struct flow *flow, struct err *err) MUST_CHECK;

#endif
