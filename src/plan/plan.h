/* plan - from patterns and the model to sites: what is patched, what is read there, what is
 * refused.
 *
 * Owns     its arena, until plan_release(); refers to the program, which must stay open.
 * Units    record offsets in bytes; pc and va as in go/program.h.
 * Fails    plan_make: ERR_USAGE (a pattern that is wrong or matches nothing). What can't be probed
 *          stays in the plan with its refusal.
 * Threads  immutable after plan_make. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "go/bare.h"
#include "go/sig.h"
#include "plan/expr.h"
#include "plan/pattern.h"
#include "plan/propagate.h"
#include "plan/record.h"
#include "x86/patch.h"

enum read_kind {
	READ_INT, /* 8 bytes of integer register `reg` (index of the ABI: AX BX CX DI SI R8…R11) */
	READ_FLOAT, /* 8 bytes of X`reg` */
	READ_STACK, /* `size` bytes at SP + disp (SP at entry, or at the RET) */
	READ_G, /* the address of the current g */
	READ_FRAMES, /* return addresses by frame pointers (and those of the plan's bare calls,
		      * which keep none), at most size / 8; at `status` how many (u32), then 1 (u32)
		      * if behind what runtime.sigpanic interrupted comes the word at SP as well: a
		      * return address, where no frame was made. Entries only
		      */
	READ_MEM, /* `size` bytes at (word in the record at `from`) + disp; nothing if that word is
		     0 */
	READ_BYTES, /* min(count * elem, size) bytes there; count = the word in the record at len_at
		     */
	READ_WHEN, /* the next `size` steps only if the record's word at when_at equals `when` (or
		      not) */
	READ_AGAIN, /* the last of a READ_WHEN's steps: back to that, which is `size` steps before,
		     * with the word at `from` moved on by `elem`; as often as the word at len_at
		     * says (with `log`: two to its power, less one), AGAIN_MOST times at most. The
		     * word at `at` counts */
};

enum { AGAIN_MOST = 127, AGAIN_LOG_MOST = 7 };	/* that power */

/* One step of what a site reads. Steps run in order; a later one may use words that an earlier one
 * put into the record (which is all zero before). READ_MEM and READ_BYTES put a u32 status at
 * `status`: how many bytes were copied, or CAPTURE_UNREADABLE.
 *
 * What lies behind an interface depends on its dynamic type, so steps for several types stand side
 * by side, each in a READ_WHEN of its own, and share the same bytes of the record. Each step in
 * such a block repeats the block's condition, so that a printer can tell which one holds. */
struct read {
	u8 kind, reg;
	u16 size;
	u32 at;		/* where in the record the bytes go */
	u32 span; /* READ_MEM: bytes there that stand for the pointee. More than `size` where
		   * redacted fields are left out: further steps with the same `from` fill the rest
		   */
	i32 disp;
	u32 from, len_at, elem, status;
	u32 when_at;	/* 0: always; else only if the record's word there equals `when`... */
	u64 when; /* ...which is a link-time address (load bias is added), or a plain number */
	bool when_va;
	bool when_not;	/* the opposite */
	bool own; /* asked for by an expression (expr.h): not what a printer of values looks for */
	bool log;
	bool packed;	/* READ_BYTES: it has no place of its own (reading.texts) */
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
	u32 size;	/* of the record, a multiple of 8, without: */
	u32 texts;	/* bytes that packed texts have at most. They are copied last, to behind
			 * all that has a place: what was not captured stays zero (record.h) */
	u32 ctx_at;	/* the call's context.Context, two words; 0: not read */
	u32 chain_at;	/* those around it (chain.h); 0: not read */
	u32 caller_at;	/* the return address, then (READ_FRAMES) those above it; 0: not read */
	u32 stack_at;	/* status of READ_FRAMES; 0: there is none */
	u32 hook_at;	/* what a hook reads for itself; 0: nothing */
	u32 propagated_at;	/* a struct propagated; 0: there is none */
	u32 key_at, subkey_at;	/* what tells a request from others (plan_extra.keys); 0: nothing */
};

/* Of a record of this reading that was handed over. */
static inline u32 record_bytes(const u8 *record, const struct reading *r)
{
	u32 bytes;

	memcpy(&bytes, record + RECORD_BYTES, sizeof(bytes));
	return bytes ? bytes : r->size;
}

enum { CALLERS_MOST = 2 };

enum plan_hook {
	HOOK_NONE,
	HOOK_GOPANIC,	/* runtime.gopanic: a panic starts */
	HOOK_GOEXIT,	/* runtime.Goexit */
	HOOK_GOEXIT1,	/* runtime.goexit1: the goroutine ends */
	HOOK_NEWPROC1,	/* runtime.newproc1: one is made (creations.h); its exits are seen, too */
	HOOK_RECOVERY,	/* runtime.recovery: a panic has been recovered (recovery.h) */
	HOOK_EXEC,	/* syscall.runtime_BeforeExec: another program is about to begin */
	HOOK_EXEC_FAILED,	/* syscall.runtime_AfterExec: and did not */
};

struct plan_func {
	const struct go_func *func;
	struct go_name name;
	struct str method;	/* of a wrapper: what it has in itself; else empty */
	const struct go_sig *sig;
	enum refusal refusal;		/* the whole function; then nothing else is valid */
	struct patches patches;		/* entry and each exit have refusals of their own */
	struct reading entry, exit;
	const struct expr *condition;	/* the one of role EXPR_IF that is meant for it, or NULL */
	struct expr_code *codes;	/* of each expression of the plan, in order */
	u8 role;	/* enum propagate_role */
	const struct plan_extra *alone;	/* its exits are recorded by themselves, as that says */
	bool no_end;	/* its entries are recorded by themselves */
	bool found;	/* ...and only where the value of one of extra's FIELDS was read */
	const struct plan_extra *extra;	/* what a command wants read at it, or NULL */
	u32 frame;	/* bytes from its SP at the entry to that at its deferreturn; 0: there is
			 * none */
	/* Seen only when called from one of these; none: wherever. */
	struct plan_caller { u64 lo_va, hi_va; } callers[CALLERS_MOST];
	u32 ncallers;
	const struct plan_extra *named;	/* the entry only where the text is one of its names; NULL:
					 * always */
	u8 hook; /* enum plan_hook: what its entry means to the pairing of calls */
	bool shown; /* asked for by the user; false for what is there as a hook only */
	u32 line_at; /* not the function but a place in it (inside.h): bytes from its entry; else 0.
		      * patches has one window then, and entry is what is read */
	bool twin; /* an earlier one, of another line, begins there: the same window has both */
	u32 line_sp; /* bytes from SP there up to the return address */
	struct go_line line;	/* of that place */
	u32 same; /* 1 + index of the first that has its name, where that is another: a closure is
		   * there once more for each place that the function around it is inlined at */
	u32 error_at; /* VALUES_ERROR: where in the exit record the first word of its error lies; 0:
		       * its last result is none, or the results are not known */
};

enum plan_values {
	VALUES_ALL,	/* parameters and results, and what hangs on them */
	VALUES_ERROR,	/* whether an error was returned */
	VALUES_NONE,
};

enum { HOPS_MOST = 4, MESSAGES_MOST = 4 };

/* What a command reads at one function for itself (extra.h). */
struct plan_extra {
	const char *func;	/* its full name */
	enum { EXTRA_NONE, EXTRA_TEXT, EXTRA_BOXED, EXTRA_FIELDS, EXTRA_WORDS, EXTRA_CHAIN,
	       EXTRA_LIST, EXTRA_RECORDS } kind;
	bool exit;
	u8 reg;			/* as in a READ_INT */
	u16 most;		/* bytes of a text, or of a field's value; WORDS, LIST: how many */
	u32 disp;		/* FIELDS, BOXED: where the slice, or the word, is behind it */
	const char *const *only;	/* copied only if it begins so, in eight bytes; TEXT: where
					 * these are less than eight, in so many, three at most;
					 * FIELDS: if the name has so many letters, and begins so.
					 * FIELDS, RECORDS: of the name */
	size_t nonly;
	const u16 *sizes;	/* FIELDS: of the value of each, a multiple of 8 */
	/* CHAIN: two words that lie so far behind the word at hand; the next one is the first of
	 * them, or the second. The last two are a text */
	struct extra_hop { u16 disp; bool second; } hops[HOPS_MOST];
	u8 nhops;
	/* RECORDS (records.h): asks with EXPR_PLACE that say where the headers of messages are */
	u32 places[MESSAGES_MOST];
	u8 nplaces;
	enum { HEADERS_TEXT, HEADERS_BYTES, HEADERS_BYTES_BEHIND,
	       HEADERS_BYTES_BOOL } headers;
	bool beside;		/* other expressions are meant for it as well */
	bool alone;		/* TEXT, WORDS, at the exit: the entry is not recorded, nor is an
				 * exit whose text begins as none of `only`, if there are (where
				 * the engine can) */
	bool no_end;		/* the exits are not recorded: its calls are told of as they begin,
				 * and nobody is said to be called by them */
	u8 role;		/* enum propagate_role */
	bool keyed;		/* FRAME, SERVE_INSIDE: `keys` are asks for two numbers, a word and
				 * half of one, that tell the request from others */
	u32 keys[2];
	const char *callers[CALLERS_MOST];	/* seen only where one of these calls it, as far as
						 * they are there; none: wherever */
	/* WORDS: the entry is seen only where the first two are a text that is one of these, by its
	 * size and its first four letters (two of one of two); none: always */
	const char *const *names;
	size_t nnames;
};

/* The context.Context of a call (chain.h). */
struct plan_ctx {
	const char *func;	/* its full name */
	u32 ask;	/* that with EXPR_PLACE which says where it is... */
	bool in_regs;	/* ...unless its two words are in registers from `reg` on */
	u8 reg;
	bool alone;	/* without those around it */
};

struct plan_request {
	const char **patterns;
	size_t npatterns;
	u64 strings, elements, depth; /* limits: bytes of a string, elements, levels of pointers */
	const char **redact;
	size_t nredact;
	const struct expr_ask *asks;	/* --if, --show, --by, --hist */
	size_t nasks;
	const struct plan_extra *extras;
	size_t nextras;
	const struct plan_ctx *ctxs;
	size_t nctxs;
	bool contexts;	/* also of functions that nothing is said of, which have one as parameter */
	bool entry_only;
	bool entry_enough;	/* entry_only, unless an expression needs the end of the call */
	bool count_only; /* with entry_only: only how often, so an engine may count by itself */
	bool wrappers;	/* also those that have in themselves what they wrap (wrapper.h) */
	bool probes;	/* for kernel probes: no windows are needed, floats can't be read */
	bool packed;	/* texts take as much room as they need (reading.texts): for an engine that
			 * can, and without EXPR_IF, which reads them in the target */
	enum plan_values values;
	u64 frames;	/* of the stack of each call; 0: not wanted */
	bool caller;	/* who called is wanted, if not the whole stack */
	bool goroutines;	/* that goroutines are made and end is wanted */
	const char *const *quiet;	/* ...but not of those that these functions start, or that
					 * begin with them (where the engine can) */
	size_t nquiet;
	const struct propagate_ask *propagate;	/* trace contexts are kept in the target; or NULL */
};

enum { QUIET_MOST = 16 };

struct plan {
	const struct go_program *prog;
	struct plan_request request;
	struct patterns redact;
	struct expr *exprs;		/* of the request's asks */
	size_t nexprs;
	struct plan_func *funcs;	/* ascending by pc; hooks too */
	u32 nfuncs;
	u32 nlines;			/* of these, places in functions that are seen */
	bool delays;			/* these are stores that wait (torn_plan.h) */
	u32 nrefused;			/* functions refused as a whole or at their entry; places */
	u32 nexits, nexits_refused;
	struct chain_link *contexts;	/* types that lead from a context.Context on (chain.c) */
	u32 ncontexts;
	struct go_bare_calls bare;	/* where a READ_FRAMES must look beside the chain */
	u64 quiet_va[QUIET_MOST];	/* where goroutines begin that nobody is told of */
	u32 nquiet;
	struct arena arena;
};

bool plan_make(struct plan *p, const struct go_program *prog, const struct plan_request *r,
	       struct err *err) MUST_CHECK;
void plan_release(struct plan *p);
/* Of the functions that have this one's name, the index of the first: for a person they are one. */
static inline u32 plan_first(const struct plan *p, const struct plan_func *f)
{
	return f->same ? f->same - 1 : (u32)(f - p->funcs);
}
/* Is a record wanted where this function is left? */
static inline bool plan_sees_exits(const struct plan *p, const struct plan_func *f)
{
	return f->hook == HOOK_NEWPROC1 ||
	       (f->shown && !f->line_at && !f->no_end && !p->request.entry_only);
}
/* Is a parameter, field or function of this name not to be shown (nor copied)? */
bool plan_redacts(const struct plan *p, struct str name);
/* Why a function can't be probed at its entry (REFUSE_NONE: it can), and its windows; `a` owns
 * them. */
enum refusal plan_probe(const struct go_program *prog, const struct go_func *f, bool named,
			struct arena *a, struct patches *patches);
/* Why nothing of a function may be patched, whatever its code looks like. */
enum refusal plan_refuses(const struct go_program *prog, const struct go_func *f, bool named);
/* The flow of a function, decoded anew (plans keep windows only). */
bool plan_flow(const struct go_program *prog, const struct go_func *f, struct arena *a,
	       struct flow *flow, struct err *err) MUST_CHECK;
/* The instructions of a window alone, as a function that begins there: to decode all of each
 * function again would take ten times as long. */
bool plan_window_flow(const struct go_program *prog, const struct go_func *f,
		      const struct window *w, struct arena *a, struct flow *flow,
		      struct err *err) MUST_CHECK;

#endif
