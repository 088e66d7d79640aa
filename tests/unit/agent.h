/* agent - the agent (src/inline/agent.c), copied to another place as into a target, and what it is
 * told of goroutines.
 *
 * Owns     one copy, from begin() to end().  Units  as inline/propagate.h.  Fails  a test.
 * Threads  one, but for happens_on(), which each thread calls with a ring of its own. */
#ifndef TESTS_AGENT_H
#define TESTS_AGENT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "inline/layout.h"
#include "plan/extra.h"

enum {
	HEADER_LINE_MOST = 640, HOOK = 64, DECIDED = 1024, CTX = 1088, CHAIN = 1104,
	KEY = 3000, SUBKEY = 3012, RECORD = 4096,
};

static const struct reading places = {
	.hook_at = HOOK, .propagated_at = DECIDED, .ctx_at = CTX, .chain_at = CHAIN,
	.key_at = KEY, .subkey_at = SUBKEY,
};

static propagate_agent *agent;
static u8 *copied;
static struct propagate *tables;
static u8 ring[RING_DATA];
static u64 stack[8];	/* of the target: parameters lie behind a word */

static void begin(void)
{
	size_t n = (size_t)(__stop_agent - __start_agent);
	u8 *to = copied = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(to, MAP_FAILED);
	memcpy(to, __start_agent, n);
	ck_assert_int_eq(mprotect(to, n, PROT_READ | PROT_EXEC), 0);
	agent = (propagate_agent *)(uintptr_t)(to + ((const u8 *)agent_at - __start_agent));
	tables = calloc(1, sizeof(*tables));
	tables->key[0] = 0x1234567890abcdefull;
	tables->below = (u64)1 << 63;
	tables->parent = 1;
	tables->how = PROPAGATOR_W3C | PROPAGATOR_BAGGAGE;
}

static void end(void)
{
	munmap(copied, (size_t)(__stop_agent - __start_agent));
	free(tables);
}

/* A record as the engine has it, and what the agent put into it. */
struct event {
	u8 record[RECORD] __attribute__((aligned(8)));
	u8 scratch[SCRATCH_SIZE] __attribute__((aligned(8)));
	u32 captured;		/* up to here; 0: all of it */
	bool unkeyed;		/* the plan has no keys for it */
	bool unneeded;
};

static inline u32 *captured_in(struct event *e)
{
	return (u32 *)(void *)(e->scratch + SCRATCH_END);
}

/* As when the agent is called. */
static inline void hold(struct event *e)
{
	u64 at = (u64)(uintptr_t)e->scratch;

	memcpy(e->record + SCRATCH_HELD, &at, sizeof(at));
	*captured_in(e) = e->captured ? e->captured : RECORD;
}

static inline struct propagated *happens_on(struct event *e, u8 *on, u64 goid, u32 depth, u32 role,
				     u32 kind)
{
	struct record_head *h = (void *)e->record;

	h->goid = goid;
	h->depth = depth;
	hold(e);
	memset(e->record + DECIDED, 0, sizeof(struct propagated));
	e->unneeded = agent(tables, e->record, on, agent_how(role, kind, &places), (u8 *)stack,
			    e->unkeyed ? 0 : agent_keys(&places));
	return (void *)(e->record + DECIDED);
}

static struct event last;

static inline struct propagated *happens(u64 goid, u32 depth, u32 role, u32 kind)
{
	return happens_on(&last, ring, goid, depth, role, kind);
}

static void put(struct event *e, u32 at, u64 value)
{
	memcpy(e->record + HOOK + at, &value, sizeof(value));
}

/* Gives whether the collector needs to know. */
static bool born(u64 maker, u64 goid)
{
	bool needed;

	put(&last, 0, maker ? 8 : 0);
	put(&last, 8, maker);
	happens(0, 0, PROPAGATE_BIRTH, SITE_ENTRY);
	needed = !last.unneeded;
	put(&last, 0, 8);
	put(&last, 8, goid);
	happens(0, 0, PROPAGATE_BIRTH, SITE_EXIT);
	ck_assert(needed == !last.unneeded || !maker);
	return needed;
}

static void line(u64 goid, const char *text)
{
	put(&last, EXTRA_LEN, strlen(text));
	put(&last, EXTRA_STATUS, MIN(strlen(text), HEADER_LINE_MOST));
	memcpy(last.record + HOOK + EXTRA_BYTES, text, strlen(text));
	happens(goid, 200, PROPAGATE_LINE, SITE_EXIT);
}

static inline void reads(u64 goid, const char *const *lines)
{
	happens(goid, 100, PROPAGATE_READ, SITE_ENTRY);
	for (; *lines; lines++)
		line(goid, *lines);
}

/* A request came with these lines, and a goroutine serves it. */
static inline struct propagated *serves(u64 goid, const char *const *lines)
{
	reads(goid, lines);
	return happens(goid, 300, PROPAGATE_SERVE, SITE_ENTRY);
}

static inline u32 texts_in_use(void)
{
	u32 n = 0;

	for (u32 i = 0; i < TEXT_SLOTS; i++)
		n += tables->texts[i].state & 1;
	return n;
}

static inline const char *hex_of(const u8 *id, u32 n)
{
	static char to[4][40];
	static unsigned turn;
	char *at = to[turn = (turn + 1) % 4];

	for (u32 i = 0; i < n; i++)
		snprintf(at + 2 * i, 3, "%02x", id[i]);
	return at;
}

static inline const char *trace(const struct propagated *p)
{
	return p->what & PROPAGATED_THERE ? hex_of(p->trace, 16) : "none";
}

/* A request is sent: gives its trace. */
static inline const char *asks(u64 goid)
{
	const char *t = trace(happens(goid, 500, PROPAGATE_ASK, SITE_ENTRY));

	happens(goid, 500, PROPAGATE_ASK, SITE_EXIT);
	return t;
}

static inline struct propagated *starts_to_ask(u64 goid, u64 map)
{
	put(&last, EXTRA_BEHIND, map);
	return happens(goid, 500, PROPAGATE_ASK, SITE_ENTRY);
}

#define PARENT "0af7651916cd43dd8448eb211c80319c"
#define CAME "traceparent: 00-" PARENT "-b7ad6b7169203331-01"

#endif
