/* propagate - the tables of trace contexts in the target, and the code that keeps them (agent.c).
 *
 * A goroutine refers to the slot of the span that began its trace or serves its request; who is
 * made inherits that, as long as the slot is open. A call whose context.Context leads to a request
 * that is served refers to that one until its end, wherever the goroutine comes from. So it is with
 * the collector's spans
 * (span/context.h), who sees the same records in the same order: what is decided here happens only
 * where a record is written. Tables that are full forget: a request is then sent without a parent,
 * or with a trace of its own, which its record says.
 *
 * The tables lie in the target, behind NEAR_MARKS; a fork's child reads zeros.
 *
 * Owns     nothing.
 * Units    rt addresses of the target. goid 0: a free place.
 * Fails    never.
 * Threads  all of the target's. A goroutine's own places are written by it alone, or by its maker
 *          before it runs; others are claimed by compare-and-swap, and read between two looks at
 *          `state`. */
#ifndef INLINE_PROPAGATE_H
#define INLINE_PROPAGATE_H

#include "plan/plan.h"

enum {
	WAYS = 8,
	GOROUTINE_SETS = 8192,
	GOROUTINE_SETS_NEAR = 128,	/* looked through first: these stay in the cache */
	SPAN_SLOTS = 16384,
	SPANS_NEAR = 128,	/* of these, where a thread looks for a place first, and where */
	SPANS_NEAREST = 8,	/* of those */
	CONTEXT_SETS = 4096,
	CONTEXT_SETS_NEAR = 64,	/* the same */
	CONTEXT_WAYS = 8,
	CONTEXT_TAG_AT = 14,	/* bits: above the number of a slot */
	PARENT_SLOTS = 4096,
	REQUEST_SLOTS = 16384,
	CALL_SLOTS = 16384,
	TEXT_SLOTS = 2048,
	TEXT_MOST = 512,
};

#define CONTEXT_TAG (0xffffffffull & ~(u64)((1 << CONTEXT_TAG_AT) - 1))
_Static_assert(SPAN_SLOTS <= 1 << CONTEXT_TAG_AT, "a tag must leave room for the slot");

/* What came with a request and goes out as it is, with those that are sent while that is served:
 * the number of each text, or 0. */
enum { TEXT_STATE, TEXT_BAGGAGE, TEXTS };
struct propagate_texts {
	u64 of[TEXTS];
};

/* In a reference to a span that is closed: it returned, and was all that this goroutine did. */
#define REF_SERVED (1ull << 31)
_Static_assert((u64)SPAN_SLOTS <= REF_SERVED, "it is in no slot's number");

/* Goroutines that were made one after the other. */
struct propagate_goroutines {
	u64 goid[WAYS];
	u64 ref[WAYS];		/* state of a slot << 32 | its number; REF_SERVED */
};

struct propagate_span {
	u32 state;		/* odd: open; another number each time */
	u32 depth;		/* of the call that it is of (plan/record.h) */
	u64 goid;		/* whose */
	u64 outer;		/* what that one referred to before, or 0 */
	u64 context;		/* of a request: the address of its context.Context, or 0 */
	u64 within;		/* the request that a context says it is part of, or 0 */
	u64 lost;		/* as of its beginning */
	u8 trace[16];
	u32 what;		/* PROPAGATED_SAMPLED; _UNKNOWN: what is in it says nothing */
	bool owns;		/* the texts end with it */
	bool far;		/* its context is not in contexts_near */
	bool last;		/* its goroutine was in none before, and is not looked for by its
				 * number in what is recorded of requests */
	struct propagate_texts texts;
};

struct propagate_text {
	u32 state;		/* odd: in use; another number each time */
	u32 n;
	u8 bytes[TEXT_MOST];
};
enum { TEXT_DROPPED = 1 };	/* in the place of a text's number: it was too long */

/* What the headers of the request said that a goroutine reads. Where requests are handed to
 * goroutines of a pool, what tells this one from others (PARENT_KEYED) stands for its goroutine. */
struct propagate_parent {
	u64 made;		/* KEYED: ticks, for one that is never served */
	u32 state;
	bool keyed, far;	/* as counted in struct propagate */
	bool said;		/* a line of its header is among the records */
	struct sender sender;
	struct propagate_texts texts;	/* or TEXT_DROPPED */
};
enum { PARENT_READ, PARENT_MOVES };	/* the goroutine that is made next serves */
#define PARENT_KEYED (1ull << 63)
#define PARENT_TAKEN (~0ull)		/* it is being filled, or served */

/* A request that is being sent, by its header map, or the list of its fields. */
struct propagate_request {
	u64 map;		/* 0: free; odd: being made, or written, its list is no more */
	u32 users, shared;	/* requests with this map that are under way; once more than one */
	u32 what, spare;
	u64 made;		/* ticks */
	u64 lost;		/* as of then */
	u8 trace[16], span[8];
	struct propagate_texts texts;	/* of the request that is served meanwhile */
	struct sender own;	/* what the program writes itself, with PROPAGATED_OWN */
};

enum { SETTLED = 1 };	/* all that came for some time was seen */
enum { NO_REQUEST = -1 };

/* The calls that send them, and those that write a header. */
struct propagate_call {
	u32 depth, request;	/* place in `requests`, or NO_REQUEST */
	struct propagated of;	/* as which it was told to begin */
	bool listed;		/* it has a list, not a map */
	u64 lost;		/* as of its beginning */
	struct propagate_texts texts;
	u64 map;
	u32 block, spare;	/* 1 + place in `blocks`; 0: none */
	u64 writer, held, head, tail;	/* a bufio.Writer; how many bytes it held, the first and
					 * the last of them */
};

/* Whose is apart from the rest: most that are looked for are not there. */
struct propagate_calls {
	u64 goid[CALL_SLOTS];
	struct propagate_call at[CALL_SLOTS];
};

/* A header block of HTTP/2 with one field more. */
enum { BLOCKS = 128, BLOCK_MOST = 2048 - 8 };
struct propagate_block {
	u64 goid;
	u8 bytes[BLOCK_MOST];
};

struct propagate {
	u64 key[2];		/* random: ids are made of it */
	u64 below;
	u32 parent;
	u32 streams;		/* not 0: a header block was of a request that is sent */
	u32 how;		/* PROPAGATOR_… */
	u32 asked;		/* a request was sent */
	u64 itab_rt;		/* of *bufio.Writer as an io.Writer */
	u64 ends;		/* not 0: the ends of all goroutines are seen */
	u64 lost;		/* records of functions that have a role here: what was decided
				 * before the last of them is not trusted any more */
	u64 full;		/* times that a table was */
	u64 given_up;		/* requests whose headers were forgotten before they were served */
	u64 gaps, since;	/* how often any of these ways was gone, and ticks when that was
				 * found, or SETTLED */
	_Alignas(64) u64 far;	/* contexts that are in `contexts` */
	u64 far_goroutines;	/* and those in `goroutines` */
	u64 far_parents;	/* of requests that are read, those in their second place */
	u64 keyed;		/* and those with keys */
	u64 unkeyed;		/* not 0: there was one without */
	_Alignas(64) struct propagate_goroutines goroutines_near[GOROUTINE_SETS_NEAR],
					  goroutines[GOROUTINE_SETS];
	/* by address: what refers to the request, with a part of the address. Those that are not
	 * closed; where records have been lost, others as well */
	u64 contexts_near[CONTEXT_SETS_NEAR][CONTEXT_WAYS], contexts[CONTEXT_SETS][CONTEXT_WAYS];
	struct propagate_span spans[SPAN_SLOTS];
	/* whose: its place is taken when it begins to read one. Apart from what is read: most that
	 * are looked for are not there */
	u64 parent_goids[PARENT_SLOTS];
	struct propagate_parent parents[PARENT_SLOTS];
	struct propagate_request requests[REQUEST_SLOTS];
	struct propagate_calls asks, writes;
	struct propagate_block blocks[BLOCKS];
	struct propagate_text texts[TEXT_SLOTS];
};

/* Of a ring: the goroutine that makes one, while newproc1 runs on this thread. */
enum { RING_MAKER = 240, RING_AGENT = 248 };

/* The code, which is copied into the target: it refers to nothing but itself and what it is given.
 * `how`: role, enum site_kind, and places in the record, as agent_how() has them. `sp`: the
 * target's stack pointer, at a function's first or last instruction. `keys`: two more places, as
 * agent_keys() has them. Gives whether nobody needs the record. */
typedef bool propagate_agent(struct propagate *p, u8 *record, u8 *ring, u64 how, u8 *sp, u64 keys);
extern const u8 __start_agent[], __stop_agent[];
__attribute__((nonnull(1))) propagate_agent agent_at;

enum { HOW_PLACE = 12 };	/* bits of a place, which is a multiple of 8 */
enum { HOW_HOOK, HOW_PROPAGATED, HOW_CTX, HOW_CHAIN };
static inline u64 agent_how(u32 role, u32 kind, const struct reading *r)
{
	u64 places = (u64)r->chain_at / 8;

	places = places << HOW_PLACE | r->ctx_at / 8;
	places = places << HOW_PLACE | r->propagated_at / 8;
	places = places << HOW_PLACE | r->hook_at / 8;
	return places << 16 | kind << 8 | role;
}

static inline u64 agent_keys(const struct reading *r)
{
	return (u64)r->subkey_at << 32 | r->key_at;
}

static inline u32 how_place(u64 how, u32 i)
{
	return (u32)(how >> (16 + HOW_PLACE * i) & ((1 << HOW_PLACE) - 1)) * 8;
}

#endif
