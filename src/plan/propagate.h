/* propagate - trace contexts that the target itself keeps, so that requests which it sends can say
 * whose children they are at the moment they are written.
 *
 * What calls mean to it is data of the plan: a role for each function. An engine that can run code
 * of ours in the target (inline) does at each record of such a function what its role says, and
 * puts what it decided into the record, for the collector of spans to agree with.
 *
 * Owns     nothing.
 * Units    offsets in records, in bytes. Ids are raw bytes.
 * Fails    never.
 * Threads  any. */
#ifndef PLAN_PROPAGATE_H
#define PLAN_PROPAGATE_H

#include "plan/sender.h"

enum propagate_role {
	PROPAGATE_NONE,
	PROPAGATE_SPAN,		/* a span: it begins a trace where there is none */
	PROPAGATE_MESSAGE,	/* the same, of a message whose headers (EXTRA_RECORDS) may name its
				 * parent */
	PROPAGATE_HEADED,	/* the same, of a request that is served, with its headers */
	PROPAGATE_SERVE,	/* the same, of a request whose headers may have named its parent */
	PROPAGATE_SERVE_INSIDE,	/* the same, of one that may have come inside of another one */
	PROPAGATE_ASK,		/* the same, of a request that is sent: `behind` is its header map.
				 * Of one that reads nothing, the list of its fields comes later */
	PROPAGATE_LIST,		/* that list, of names and values (EXTRA_WORDS, at the exit) */
	PROPAGATE_READ,		/* a request is read from here until it is served (recorded only if
				 * lines of one that never was wait there)... */
	PROPAGATE_LINE,		/* ...and this is a line of its header (EXTRA_TEXT, exit) */
	PROPAGATE_FRAME,	/* all fields of a request's header (EXTRA_FIELDS, `only` those of
				 * propagate_ask.how, in the order of enum header), which a
				 * goroutine that is made before its exit will serve, or who has the
				 * same keys */
	PROPAGATE_WRITE,	/* the header map is written to a bufio.Writer (EXTRA_WORDS) */
	PROPAGATE_STREAM,	/* the header map is written to an HTTP/2 stream: `behind`, from
				 * entry to exit, on one goroutine... */
	PROPAGATE_LISTED,	/* ...or the list (EXTRA_WORDS: its address)... */
	PROPAGATE_NAME,		/* ...with this field (EXTRA_WORDS: name, value)... */
	PROPAGATE_BLOCK,	/* ...in this block (Framer.WriteHeaders, whose parameter lies on
				 * the stack) */
	PROPAGATE_BIRTH,	/* newproc1 */
	PROPAGATE_END,		/* goexit1 (not recorded of a goroutine that did nothing but to
				 * serve, with keys) */
	PROPAGATE_RECOVERY,	/* runtime.recovery */
};

/* Of no use but for what is written by the agent. */
static inline bool propagate_only(u8 role)
{
	return role == PROPAGATE_LIST || (role >= PROPAGATE_WRITE && role <= PROPAGATE_BLOCK);
}

/* What was decided, in a record of SPAN, SERVE (entries) and ASK (entries and exits). */
enum {
	PROPAGATED_THERE = 1,	/* the trace is valid */
	PROPAGATED_SAMPLED = 2,
	PROPAGATED_BEGUN = 4,	/* the trace begins here */
	PROPAGATED_WRITTEN = 8,	/* ASK, exit: it went out as the parent of who serves it */
	PROPAGATED_OWN = 16,	/* ASK, exit: the program has written one of its own; trace and span
				 * are those */
	PROPAGATED_NO_ROOM = 32,	/* ASK: at once, a table was full; exit: it did not fit */
	PROPAGATED_UNKNOWN = 64,	/* of a span in the target: nobody there knows its trace */
	PROPAGATED_NO_STATE = 128,	/* ASK, exit: there was no room for the tracestate that
					 * came */
	PROPAGATED_DEBUG = SENDER_DEBUG,	/* who sent it wants to know, by B3 */
	PROPAGATED_NO_BAGGAGE = 512,	/* as NO_STATE */
	PROPAGATED_ALONE = 2048,	/* SERVE_INSIDE: nothing came with it; its FRAME may have no
					 * record */
};
_Static_assert((int)PROPAGATED_SAMPLED == (int)SENDER_SAMPLED, "they are handed on");
struct propagated {
	u8 trace[16];
	u8 span[8];		/* ASK: of the request's span */
	u32 what;
	u32 spare;
};

/* How a trace that begins here is sampled (span/sampler.h), and which headers say it. */
struct propagate_ask {
	bool parent;		/* who has a parent does as it does */
	u64 below;
	u32 how;		/* PROPAGATOR_… */
};

static inline bool trace_is_below(const u8 trace[16], u64 below)
{
	u64 bits = 0;

	for (unsigned i = 8; i < 16; i++)
		bits = bits << 8 | trace[i];
	return bits >> 1 < below;
}

struct plan;
struct plan_func;
/* Gives the function its role, and its records room for what is decided. */
void propagate_read(struct plan *p, struct plan_func *f);

#endif
