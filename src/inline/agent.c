/* What runs in the target for trace contexts (propagate.h): compiled as a section of its own, which
 * is copied there. So nothing here may refer to anything outside of it: no constants in memory, no
 * library, not even one that the compiler calls by itself. It runs on 1.8 KiB of stack in the
 * thread's ring, with all registers kept by who calls it, and no vector registers.
 *
 * It touches the target's own memory in two places only: it appends a line to the buffer of the
 * bufio.Writer that the goroutine at hand has just written a request's header to; and it has
 * HTTP/2's Framer write a header block from a copy that has one field more. */
#include "inline/propagate.h"
#include "plan/chain.h"
#include "plan/extra.h"
#include "plan/record.h"

#define AGENT __attribute__((section("agent")))

enum {
	TRIES = 8,
	GOLDEN = 0x9e3779b1u,
	TRACEPARENT = 55,	/* bytes of the value */
	LINE = 70,		/* "Traceparent: " value "\r\n" */
	/* bufio.Writer: an error, then the buffer, then how much of it is in use */
	WRITER_ERROR = 0, WRITER_BUFFER = 16, WRITER_SIZE = 24, WRITER_USED = 40,
};

AGENT static u64 word(const u8 *at, u32 off)
{
	return *(const u64 *)(const void *)(at + off);
}

AGENT static u64 mix(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

AGENT static u32 hash(u64 x, u32 n)
{
	return (u32)(mix(x) >> 32) & (n - 1);
}

AGENT static void copy(u8 *to, const u8 *from, u32 n)
{
	for (u32 i = 0; i < n; i++)
		to[i] = from[i];
}

/* A new id: a number of this moment, in a sequence that nobody without the key can tell. */
AGENT static void new_id(const struct propagate *p, u64 of, u8 *to, u32 n)
{
	u64 now = __builtin_ia32_rdtsc(), a = mix(p->key[0] ^ mix(now + of * GOLDEN));
	u64 b = mix(p->key[1] ^ a ^ now);

	for (u32 i = 0; i < n; i++)
		to[i] = (u8)((i < 8 ? a : b) >> 8 * (i & 7));
	to[n - 1] |= !a;
}

/* ---- goroutines and the spans they are in ---- */

AGENT static struct propagate_goroutine *goroutine(struct propagate *p, u64 goid)
{
	struct propagate_goroutine *set = p->goroutines[hash(goid, GOROUTINE_SETS)];

	for (u32 i = 0; i < WAYS; i++)
		if (__atomic_load_n(&set[i].goid, __ATOMIC_RELAXED) == goid)
			return &set[i];
	return 0;
}

AGENT static bool refer(struct propagate *p, u64 goid, u64 ref)
{
	struct propagate_goroutine *g = goroutine(p, goid);
	struct propagate_goroutine *set = p->goroutines[hash(goid, GOROUTINE_SETS)];

	if (g) {
		g->ref = ref;
		if (!ref)
			__atomic_store_n(&g->goid, 0, __ATOMIC_RELEASE);
		return true;
	}
	for (u32 i = 0; ref && i < WAYS; i++) {
		u64 nobody = 0;

		if (__atomic_compare_exchange_n(&set[i].goid, &nobody, goid, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			set[i].ref = ref;
			return true;
		}
	}
	if (ref)
		__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return !ref;
}

AGENT static struct propagate_span *slot(struct propagate *p, u64 ref)
{
	struct propagate_span *s = &p->spans[ref & (SPAN_SLOTS - 1)];

	return ref && __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == ref >> 32 ? s : 0;
}

/* The goroutine that it is of leaves it. */
AGENT static void close_span(struct propagate *p, struct propagate_span *s)
{
	u64 goid = s->goid, outer = s->outer;

	__atomic_store_n(&s->state, s->state + 1, __ATOMIC_RELEASE);
	(void)refer(p, goid, slot(p, outer) ? outer : 0);
}

/* The span that the goroutine's trace is that of; calls that are no more are left on the way. */
AGENT static struct propagate_span *current(struct propagate *p, u64 goid, u32 depth, u64 *ref)
{
	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_goroutine *g = goroutine(p, goid);
		struct propagate_span *s = g ? slot(p, g->ref) : 0;

		*ref = g ? g->ref : 0;
		if (!s) {
			if (g)
				(void)refer(p, goid, 0);
			*ref = 0;
			return 0;
		}
		if (s->goid != goid || depth > s->depth)
			return s;
		close_span(p, s);
	}
	return 0;
}

/* Records have been lost since: who waits for whom may be otherwise by now. */
AGENT static bool is_doubtful(const struct propagate *p, u64 lost)
{
	return lost != __atomic_load_n(&p->lost, __ATOMIC_RELAXED);
}

/* Copies what it says of its trace; false: it has just been closed. */
AGENT static bool told(const struct propagate *p, const struct propagate_span *s, u64 ref,
		       u8 trace[16], u32 *what)
{
	copy(trace, s->trace, 16);
	*what = is_doubtful(p, s->lost) ? PROPAGATED_UNKNOWN : s->what;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&s->state, __ATOMIC_RELAXED) == ref >> 32;
}

/* A span that others will be in, of a trace that is new or came with a request. */
AGENT static struct propagate_span *open_span(struct propagate *p, u64 goid, u32 depth, u64 outer,
					      const struct propagated *of)
{
	u32 at = hash(goid * GOLDEN + __builtin_ia32_rdtsc(), SPAN_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		u32 n = (at + i) & (SPAN_SLOTS - 1);
		struct propagate_span *s = &p->spans[n];
		u32 was = __atomic_load_n(&s->state, __ATOMIC_RELAXED);

		if (was & 1 || !__atomic_compare_exchange_n(&s->state, &was, was + 1, false,
							    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		s->goid = goid;
		s->depth = depth;
		s->lost = __atomic_load_n(&p->lost, __ATOMIC_RELAXED);
		s->outer = outer;
		s->context = s->within = 0;
		s->what = of->what & (PROPAGATED_SAMPLED | PROPAGATED_UNKNOWN);
		copy(s->trace, of->trace, 16);
		if (refer(p, goid, (u64)(was + 1) << 32 | n))
			return s;
		__atomic_store_n(&s->state, was + 2, __ATOMIC_RELEASE);	/* nobody would close it */
		return 0;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return 0;
}

AGENT static void begin_trace(struct propagate *p, u64 goid, struct propagated *to)
{
	new_id(p, goid, to->trace, 16);
	to->what = PROPAGATED_THERE | PROPAGATED_BEGUN |
		   (trace_is_below(to->trace, p->below) ? PROPAGATED_SAMPLED : 0);
}

/* The request that has this context, for whoever comes with it. */
AGENT static void remember(struct propagate *p, struct propagate_span *s, u64 context)
{
	u64 *set = p->contexts[hash(context, CONTEXT_SETS)];
	u64 ref = (u64)s->state << 32 | (u64)(s - p->spans);

	s->context = context;
	for (u32 i = 0; i < CONTEXT_WAYS; i++) {
		u64 was = __atomic_load_n(&set[i], __ATOMIC_RELAXED);

		if (!slot(p, was) &&
		    __atomic_compare_exchange_n(&set[i], &was, ref, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
}

AGENT static u64 request_with(struct propagate *p, u64 context)
{
	const u64 *set = p->contexts[hash(context, CONTEXT_SETS)];

	for (u32 i = 0; i < CONTEXT_WAYS; i++) {
		u64 ref = __atomic_load_n(&set[i], __ATOMIC_ACQUIRE);
		const struct propagate_span *s = slot(p, ref);

		if (s && s->context == context)
			return ref;
	}
	return 0;
}

/* The request that the call's contexts lead to, innermost first (plan/chain.h), or 0. */
AGENT static u64 by_context(struct propagate *p, const u8 *record, u64 how)
{
	u32 at = how_place(how, HOW_CTX), chain = how_place(how, HOW_CHAIN);
	u64 ref = 0;

	for (u32 i = 0; at && i < CHAIN_MOST && word(record, at) && !ref; i++) {
		ref = request_with(p, word(record, at + 8));
		at = i ? at + 16 : chain;
	}
	return ref;
}

AGENT static u64 own_context(const u8 *record, u64 how)
{
	u32 at = how_place(how, HOW_CTX);

	return at && word(record, at) ? word(record, at + 8) : 0;
}

/* A call that is a span has begun. What its context says holds for all that it does. */
AGENT static void enter(struct propagate *p, u64 goid, u32 depth, u64 request,
			struct propagated *to)
{
	u64 ref;
	struct propagate_span *s = current(p, goid, depth, &ref), *of = slot(p, request);
	u32 what;

	if (of && request != ref && (!s || s->within != request) &&
	    told(p, of, request, to->trace, &what)) {
		to->what = what | (what & PROPAGATED_UNKNOWN ? 0 : PROPAGATED_THERE);
		s = open_span(p, goid, depth, ref, to);
		if (s)
			s->within = request;
		return;
	}
	if (s && told(p, s, ref, to->trace, &what)) {
		to->what = what | (what & PROPAGATED_UNKNOWN ? 0 : PROPAGATED_THERE);
		return;
	}
	begin_trace(p, goid, to);
	(void)open_span(p, goid, depth, 0, to);
}

AGENT static void leave(struct propagate *p, u64 goid, u32 depth)
{
	struct propagate_goroutine *g = goroutine(p, goid);
	struct propagate_span *s = g ? slot(p, g->ref) : 0;

	if (s && s->goid == goid && s->depth == depth)
		close_span(p, s);
}

/* ---- what came with a request ---- */

AGENT static int digit(u8 c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

AGENT static bool hex(const u8 *from, u8 *to, u32 n)
{
	u8 any = 0;

	for (u32 i = 0; i < n; i++) {
		int hi = digit(from[2 * i]), lo = digit(from[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		to[i] = (u8)(hi << 4 | lo);
		any |= to[i];
	}
	return any;
}

/* As span/traceparent.c reads it. */
AGENT static bool parse(const u8 *at, u64 n, u8 trace[16], u8 span[8], u32 *what)
{
	u8 version = 0, flags = 0;

	if (n < TRACEPARENT)
		return false;
	(void)hex(at, &version, 1);
	if ( at[2] != '-' || at[35] != '-' || at[52] != '-' ||
	    digit(at[0]) < 0 || digit(at[1]) < 0 || digit(at[53]) < 0 || digit(at[54]) < 0 ||
	    version == 0xff || (n > TRACEPARENT && (!version || at[55] != '-')))
		return false;
	(void)hex(at + 53, &flags, 1);
	*what = flags & 1 ? PROPAGATED_SAMPLED : 0;
	return hex(at + 3, trace, 16) && hex(at + 36, span, 8);
}

AGENT static bool is_traceparent_name(const u8 *at)
{
	return word(at, 0) == 0x7261706563617274ull && at[8] == 'e' && at[9] == 'n' &&
	       at[10] == 't';
}

/* "traceparent:" in any case of letters, then blanks: how many bytes; 0: it is none. */
AGENT static u64 is_traceparent(const u8 *at, u64 n)
{
	/* as numbers, for a text would lie elsewhere */
	const u64 a = 0x7261706563617274ull;	/* "tracepar" */
	const u32 b = 0x3a746e65u;		/* "ent:" */
	u64 x;
	u32 y;

	if (n < 12)
		return 0;
	x = word(at, 0) | 0x2020202020202020ull;
	y = *(const u32 *)(const void *)(at + 8) | 0x00202020u;
	if (x != a || y != b)
		return 0;
	for (x = 12; x < n && (at[x] == ' ' || at[x] == '\t'); x++)
		;
	return x;
}

AGENT static struct propagate_parent *parent_of(struct propagate *p, u64 goid, bool make)
{
	u32 at = hash(goid, PARENT_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_parent *of = &p->parents[(at + i) & (PARENT_SLOTS - 1)];

		if (__atomic_load_n(&of->goid, __ATOMIC_RELAXED) == goid)
			return of;
	}
	for (u32 i = 0; make && i < TRIES; i++) {
		struct propagate_parent *of = &p->parents[(at + i) & (PARENT_SLOTS - 1)];
		u64 nobody = 0;

		if (!__atomic_compare_exchange_n(&of->goid, &nobody, goid, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		of->state = of->count = 0;
		return of;
	}
	return 0;
}

AGENT static void forget_parent(struct propagate_parent *of)
{
	__atomic_store_n(&of->goid, 0, __ATOMIC_RELEASE);
}

AGENT static void line(struct propagate *p, u64 goid, const u8 *text, u64 n)
{
	u64 skip = is_traceparent(text, n);
	struct propagate_parent *of = skip ? parent_of(p, goid, true) : 0;
	u8 span[8];

	if (!of)
		return;
	while (n > skip && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	of->count += 1 + !parse(text + skip, n - skip, of->trace, span, &of->what);
}

/* How many bytes were captured, where these lie behind their status. */
AGENT static u32 captured(const u8 *at, u32 most)
{
	u32 n = *(const u32 *)(const void *)(at - 8);

	return n > most ? 0 : n;	/* CAPTURE_UNREADABLE */
}

/* Of names that begin so the last one's value was captured: there must be one only. */
AGENT static void frame(struct propagate *p, u64 goid, const u8 *fields)
{
	struct propagate_parent *of = parent_of(p, goid, false);
	const struct plan_extra first = { 0 };
	const u8 *value;
	u32 count = 0, valid = 0;
	u8 span[8];
	u64 n;

	if (of)
		forget_parent(of);
	if (!fields)
		return;
	n = word(fields, EXTRA_COUNT);
	for (u32 i = 0; i < EXTRA_FIELDS_MOST && i < n; i++) {
		const u8 *name = fields + extra_name_at(i);
		u32 size = captured(name, EXTRA_NAME_MOST);

		if (size < 8 || word(name, 0) != 0x7261706563617274ull)	/* "tracepar" */
			continue;
		count++;
		valid = size == 11 && is_traceparent_name(name);
	}
	of = parent_of(p, goid, true);
	if (!of)
		return;
	value = fields + extra_value_at(&first, 0);
	of->state = PARENT_MOVES;
	if (count == 1 && valid)
		of->count = 1 + !parse(value, captured(value, 512), of->trace, span, &of->what);
}

AGENT static void serve(struct propagate *p, u64 goid, u32 depth, u64 context, bool inside,
			struct propagated *to)
{
	struct propagate_parent *of = parent_of(p, goid, false);
	u64 ref = 0;
	struct propagate_span *s = current(p, goid, depth, &ref);
	u32 what;

	if (s && context && s->goid == goid && s->context == context &&
	    told(p, s, ref, to->trace, &what)) {	/* one library hands it on to another */
		to->what = what | (what & PROPAGATED_UNKNOWN ? 0 : PROPAGATED_THERE);
		return;
	}
	if (of && of->state == PARENT_READ && of->count == 1) {
		copy(to->trace, of->trace, 16);
		to->what = PROPAGATED_THERE;
		if (p->parent ? of->what & PROPAGATED_SAMPLED : trace_is_below(to->trace, p->below))
			to->what |= PROPAGATED_SAMPLED;
	} else if (inside && !of) {
		/* inside of another request, whose goroutine made this one; or a goroutine of a
		 * pool, and what came with the call was read by another one */
		to->what = PROPAGATED_UNKNOWN;
		if (s && told(p, s, ref, to->trace, &what))
			to->what = what | (what & PROPAGATED_UNKNOWN ? 0 : PROPAGATED_THERE);
	} else {
		begin_trace(p, goid, to);
	}
	if (of)
		forget_parent(of);
	s = open_span(p, goid, depth, ref, to);
	if (s && context)
		remember(p, s, context);
}

/* ---- what goes out ---- */

/* `map`: an address, so even. */
AGENT static struct propagate_request *request_of(struct propagate *p, u64 map)
{
	u32 at = hash(map, ASK_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_request *r = &p->requests[(at + i) & (ASK_SLOTS - 1)];

		if (__atomic_load_n(&r->map, __ATOMIC_ACQUIRE) == map)
			return r;
	}
	return 0;
}

AGENT static struct propagate_call *call_of(struct propagate_call *calls, u32 n, u64 goid,
					    u32 depth, bool any)
{
	u32 at = hash(goid, n);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_call *c = &calls[(at + i) & (n - 1)];

		if (__atomic_load_n(&c->goid, __ATOMIC_ACQUIRE) == goid &&
		    (any || c->depth == depth))
			return c;
	}
	return 0;
}

AGENT static struct propagate_call *new_call(struct propagate *p, struct propagate_call *calls,
					     u32 n, u64 goid)
{
	u32 at = hash(goid, n);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_call *c = &calls[(at + i) & (n - 1)];
		u64 nobody = 0;

		if (__atomic_compare_exchange_n(&c->goid, &nobody, goid, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return c;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return 0;
}

AGENT static void forget(struct propagate_call *c)
{
	__atomic_store_n(&c->goid, 0, __ATOMIC_RELEASE);
}

/* Several requests may have one map: nobody can tell then which of them is written, so none of them
 * gets a parent until all have been answered. */
AGENT static struct propagate_request *enter_request(struct propagate *p, u64 map,
						     const struct propagated *of)
{
	struct propagate_request *r = request_of(p, map);
	u32 at = hash(map, ASK_SLOTS);

	if (r && __atomic_load_n(&r->users, __ATOMIC_ACQUIRE) && !is_doubtful(p, r->lost)) {
		__atomic_store_n(&r->shared, 1, __ATOMIC_RELEASE);
		__atomic_fetch_add(&r->users, 1, __ATOMIC_ACQ_REL);
		return r;
	}
	for (u32 i = 0; i < 2 * TRIES; i++) {
		u64 was = 0;

		if (!r || i)
			r = &p->requests[(at + i) & (ASK_SLOTS - 1)];
		/* one that was never written, or whose end was not seen */
		if (i >= TRIES || r->map == map) {
			was = __atomic_load_n(&r->map, __ATOMIC_RELAXED);
			if (was == 1 || (__atomic_load_n(&r->users, __ATOMIC_ACQUIRE) &&
					 !is_doubtful(p, r->lost)))
				continue;
		}
		if (!__atomic_compare_exchange_n(&r->map, &was, 1, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		r->users = 1;
		r->shared = 0;
		r->made = __builtin_ia32_rdtsc();
		r->lost = __atomic_load_n(&p->lost, __ATOMIC_RELAXED);
		r->what = of->what & PROPAGATED_SAMPLED;
		copy(r->trace, of->trace, 16);
		copy(r->span, of->span, 8);
		__atomic_store_n(&r->map, map, __ATOMIC_SEQ_CST);
		for (u32 k = 0; k < TRIES; k++) {	/* who came at the same moment */
			struct propagate_request *o = &p->requests[(at + k) & (ASK_SLOTS - 1)];

			if (o != r && __atomic_load_n(&o->map, __ATOMIC_SEQ_CST) == map)
				o->shared = r->shared = 1;
		}
		return r;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Its list is no more, or another's: it keeps its place for the call that it is of, if that still
 * waits. A key that is odd is no address. */
AGENT static void rename_request(struct propagate_request *r, u64 key)
{
	u64 to = __atomic_load_n(&r->users, __ATOMIC_ACQUIRE) ? (u64)r | 1 : 0;

	(void)__atomic_compare_exchange_n(&r->map, &key, to, false, __ATOMIC_ACQ_REL,
					  __ATOMIC_RELAXED);
}

/* A list may be written when the call that it is of has ended (a stream): within a second. */
AGENT static void leave_request(struct propagate *p, struct propagate_call *c)
{
	struct propagate_request *r = &p->requests[c->request];

	if (c->request == (u32)NO_REQUEST)
		return;
	if (!__atomic_sub_fetch(&r->users, 1, __ATOMIC_ACQ_REL) && (!c->listed || r->map & 1))
		__atomic_store_n(&r->map, 0, __ATOMIC_RELEASE);
	c->request = (u32)NO_REQUEST;
}

/* The call has ended; gives what became of its request. */
AGENT static void answer(struct propagate *p, struct propagate_call *c, struct propagated *to)
{
	struct propagate_request *r = &p->requests[c->request];

	to->what = 0;
	if (is_doubtful(p, c->lost))	/* its place may be another's */
		c->request = (u32)NO_REQUEST;
	if (c->request != (u32)NO_REQUEST && !r->shared) {
		to->what = r->what;
		copy(to->trace, r->trace, 16);
		copy(to->span, r->span, 8);
	} else if (c->of.what & PROPAGATED_OWN) {
		*to = c->of;
	}
	leave_request(p, c);
	forget(c);
}

AGENT static void ask(struct propagate *p, u64 goid, u32 depth, u64 request, u64 map,
		      struct propagated *to)
{
	struct propagate_call *c = call_of(p->asks, ASK_SLOTS, goid, depth, false);
	struct propagate_request *r;

	if (c)		/* its end was not seen */
		answer(p, c, to);
	c = map ? call_of(p->asks, ASK_SLOTS, goid, 0, true) : 0;
	r = c && c->request != (u32)NO_REQUEST ? &p->requests[c->request] : 0;
	if (r && c->depth < depth && __atomic_load_n(&r->map, __ATOMIC_ACQUIRE) == map) {
		copy(to->trace, r->trace, 16);	/* one library hands it on to another */
		copy(to->span, r->span, 8);
		to->what = PROPAGATED_THERE | r->what;
		return;
	}
	r = 0;
	enter(p, goid, depth, request, to);
	if (!(to->what & PROPAGATED_THERE))
		return;
	new_id(p, goid ^ map, to->span, 8);
	c = new_call(p, p->asks, ASK_SLOTS, goid);
	if (!c)
		return;
	r = map ? enter_request(p, map, to) : 0;
	c->depth = depth;
	c->lost = __atomic_load_n(&p->lost, __ATOMIC_RELAXED);
	c->listed = !map;
	c->of = *to;
	c->request = r ? (u32)(r - p->requests) : (u32)NO_REQUEST;
}

/* The goroutine has made the list of fields for the innermost call that waits for one; once more
 * when it tries again. */
AGENT static void list(struct propagate *p, u64 goid, const u8 *fields, u64 n)
{
	u32 at = hash(goid, ASK_SLOTS);
	struct propagate_call *c = 0;
	struct propagate_request *r;

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_call *one = &p->asks[(at + i) & (ASK_SLOTS - 1)];

		if (__atomic_load_n(&one->goid, __ATOMIC_ACQUIRE) == goid && one->listed &&
		    (!c || one->depth > c->depth))
			c = one;
	}
	r = fields ? request_of(p, (u64)fields) : 0;
	if (r)		/* of one that was never written, and lay there before */
		rename_request(r, (u64)fields);
	if (!c || !fields)
		return;
	if (is_doubtful(p, c->lost))
		return;
	leave_request(p, c);
	for (u64 i = 0; i < n; i++) {
		const u8 *field = fields + i * EXTRA_FIELD_SIZE;
		const u8 *value = (const u8 *)word(field, 16);
		u32 what = 0;

		if (word(field, 8) != 11 || !is_traceparent_name((const u8 *)word(field, 0)))
			continue;
		c->of.what = PROPAGATED_OWN;
		if (parse(value, word(field, 24), c->of.trace, c->of.span, &what))
			c->of.what |= PROPAGATED_THERE | what;
		return;
	}
	r = enter_request(p, (u64)fields, &c->of);
	if (r)
		c->request = (u32)(r - p->requests);
}

AGENT static void answered(struct propagate *p, u64 goid, u32 depth, struct propagated *to)
{
	struct propagate_call *c = call_of(p->asks, ASK_SLOTS, goid, depth, false);

	to->what = 0;
	leave(p, goid, depth);
	if (c)
		answer(p, c, to);
}

AGENT static void begin_write(struct propagate *p, u64 goid, const u8 *words)
{
	u64 map = word(words, 0), itab = word(words, 8);
	const u8 *w = (const u8 *)word(words, 16), *buffer;
	struct propagate_request *r = map ? request_of(p, map) : 0;
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);

	if (!r || r->shared || is_doubtful(p, r->lost) || itab != p->itab_rt || !w)
		return;
	c = c ? c : new_call(p, p->writes, WRITE_SLOTS, goid);
	if (!c)
		return;
	buffer = (const u8 *)word(w, WRITER_BUFFER);
	c->held = word(w, WRITER_USED);
	c->request = (u32)(r - p->requests);
	c->block = 0;
	c->writer = (u64)w;
	c->map = map;
	if (c->held < 16 || c->held > word(w, WRITER_SIZE)) {
		forget(c);
		return;
	}
	c->head = word(buffer, 0);
	c->tail = word(buffer, (u32)c->held - 8);
}

AGENT static u8 *put_hex(u8 *to, const u8 *id, u32 n)
{
	for (u32 i = 0; i < 2 * n; i++) {
		u8 d = i & 1 ? id[i / 2] & 15 : id[i / 2] >> 4;

		*to++ = (u8)(d < 10 ? '0' + d : 'a' + d - 10);
	}
	return to;
}

/* Texts as numbers, for a text would lie elsewhere. */
AGENT static u8 *put_value(u8 *to, const struct propagate_request *r)
{
	to[0] = to[1] = '0';
	to[2] = '-';
	to = put_hex(to + 3, r->trace, 16);
	*to++ = '-';
	to = put_hex(to, r->span, 8);
	*to++ = '-';
	*to++ = '0';
	*to++ = (u8)('0' + !!(r->what & PROPAGATED_SAMPLED));
	return to;
}

AGENT static void put_line(u8 *to, const struct propagate_request *r)
{
	*(u64 *)(void *)to = 0x7261706563617254ull;		/* "Tracepar" */
	*(u32 *)(void *)(to + 8) = 0x3a746e65;			/* "ent:" */
	to[12] = ' ';
	to = put_value(to + 13, r);
	*(u16 *)(void *)to = 0x0a0d;				/* "\r\n" */
}

/* The header that lies in the buffer has a traceparent of the program's own. */
AGENT static bool has_own(const u8 *at, u64 n, struct propagate_request *r)
{
	u64 i = 0;

	while (i < n) {
		u64 skip = is_traceparent(at + i, n - i), end = i;

		while (end < n && at[end] != '\r' && at[end] != '\n')
			end++;
		if (skip) {
			r->what = PROPAGATED_OWN;
			if (parse(at + i + skip, end - i - skip, r->trace, r->span, &r->spare))
				r->what |= PROPAGATED_THERE | r->spare;
			return true;
		}
		while (end < n && (at[end] == '\r' || at[end] == '\n'))
			end++;
		i = end;
	}
	return false;
}

AGENT static void end_write(struct propagate *p, u64 goid)
{
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);
	struct propagate_request *r;
	u8 *w, *buffer;
	u64 used, size;

	if (!c)
		return;
	r = &p->requests[c->request];
	w = (u8 *)c->writer;
	buffer = (u8 *)word(w, WRITER_BUFFER);
	used = word(w, WRITER_USED);
	size = word(w, WRITER_SIZE);
	/* still his, and the same bytes before it: nothing was sent meanwhile */
	if (__atomic_load_n(&r->map, __ATOMIC_ACQUIRE) != c->map || r->shared)
		goto out;
	if (word(w, WRITER_ERROR) || used < c->held || used + LINE > size ||
	    word(buffer, 0) != c->head || word(buffer, (u32)c->held - 8) != c->tail) {
		r->what |= PROPAGATED_NO_ROOM;
		goto out;
	}
	if (has_own(buffer + c->held, used - c->held, r))
		goto out;
	put_line(buffer + used, r);
	*(u64 *)(void *)(w + WRITER_USED) = used + LINE;
	r->what |= PROPAGATED_WRITTEN | PROPAGATED_THERE;
out:
	forget(c);
}

/* ---- HTTP/2 ---- */

#define LIST_AGE_MOST (1ull << 31)	/* ticks: about a second */

enum {
	FIELD = 69,		/* bytes of the field, as hpack writes a literal that is not kept */
	/* HeadersFrameParam: stream, block, its length and capacity; is it the last of its header? */
	PARAM_BLOCK = 8, PARAM_SIZE = 16, PARAM_ROOM = 24, PARAM_ENDS = 33,
};

AGENT static void end_stream(struct propagate *p, u64 goid)
{
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);
	struct propagate_request *r;

	if (!c)
		return;
	r = &p->requests[c->request];
	if (c->block)
		__atomic_store_n(&p->blocks[c->block - 1].goid, 0, __ATOMIC_RELEASE);
	if (c->listed)
		rename_request(r, c->map);
	c->block = 0;
	forget(c);
}

AGENT static void begin_stream(struct propagate *p, u64 goid, u64 map, bool listed)
{
	struct propagate_request *r = map ? request_of(p, map) : 0;
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);

	if (c)
		end_stream(p, goid);
	if (r && listed && !r->users && __builtin_ia32_rdtsc() - r->made > LIST_AGE_MOST)
		r = 0;
	c = r && !r->shared && !is_doubtful(p, r->lost) ? new_call(p, p->writes, WRITE_SLOTS, goid) : 0;
	if (!c)
		return;
	c->request = (u32)(r - p->requests);
	c->map = map;
	c->listed = listed;
	c->block = 0;
}

AGENT static void name(struct propagate *p, u64 goid, const u8 *words)
{
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);
	const u8 *at = (const u8 *)word(words, 0);
	struct propagate_request *r = c ? &p->requests[c->request] : 0;
	u64 n = word(words, 24);

	if (!c || !is_traceparent_name(at))
		return;
	r->what = PROPAGATED_OWN;
	if (parse((const u8 *)word(words, 16), n, r->trace, r->span, &r->spare))
		r->what |= PROPAGATED_THERE | r->spare;
}

AGENT static struct propagate_block *new_block(struct propagate *p, u64 goid)
{
	u32 at = hash(goid, BLOCKS);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_block *b = &p->blocks[(at + i) & (BLOCKS - 1)];
		u64 nobody = 0;

		if (__atomic_compare_exchange_n(&b->goid, &nobody, goid, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return b;
	}
	return 0;
}

/* The block is written from a copy that has one field more; the program reads it until this call
 * has ended, and does not keep it. `param` is the call's own. */
AGENT static void block(struct propagate *p, u64 goid, u8 *param)
{
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);
	struct propagate_request *r = c ? &p->requests[c->request] : 0;
	const u8 *from = (const u8 *)word(param, PARAM_BLOCK);
	u64 n = word(param, PARAM_SIZE);
	struct propagate_block *b;
	u8 *to;

	if (!c || c->block || r->what & PROPAGATED_OWN || r->shared ||
	    __atomic_load_n(&r->map, __ATOMIC_ACQUIRE) != c->map)
		return;
	b = n <= BLOCK_MOST - FIELD && param[PARAM_ENDS] ? new_block(p, goid) : 0;
	if (!b) {
		r->what |= PROPAGATED_NO_ROOM;
		return;
	}
	c->block = (u32)(b - p->blocks) + 1;
	copy(b->bytes, from, (u32)n);
	to = b->bytes + n;
	to[0] = 0;		/* a literal, not to be kept; its name is new */
	to[1] = 11;
	*(u64 *)(void *)(to + 2) = 0x7261706563617274ull;	/* "tracepar" */
	*(u32 *)(void *)(to + 10) = 0x37746e65;		/* "ent", 55 */
	put_value(to + 14, r);
	*(u64 *)(void *)(param + PARAM_BLOCK) = (u64)b->bytes;
	*(u64 *)(void *)(param + PARAM_SIZE) = n + FIELD;
	*(u64 *)(void *)(param + PARAM_ROOM) = n + FIELD;
	r->what |= PROPAGATED_WRITTEN | PROPAGATED_THERE;
}

/* ---- goroutines come and go ---- */

AGENT static void born(struct propagate *p, u64 maker, u64 goid)
{
	struct propagate_goroutine *g = maker ? goroutine(p, maker) : 0;
	struct propagate_parent *of = maker ? parent_of(p, maker, false) : 0, *to;
	struct propagate_span *s;

	if (of && of->state == PARENT_MOVES) {
		to = parent_of(p, goid, true);
		if (to) {
			to->state = PARENT_READ;
			to->count = of->count;
			to->what = of->what;
			copy(to->trace, of->trace, 16);
		}
		forget_parent(of);
	}
	s = g && goid ? slot(p, g->ref) : 0;
	if (s)		/* the request itself, which may go on when this call has ended */
		(void)refer(p, goid, slot(p, s->within) ? s->within : g->ref);
}

AGENT static void ended(struct propagate *p, u64 goid)
{
	struct propagate_goroutine *g = goroutine(p, goid);
	struct propagate_parent *of = parent_of(p, goid, false);
	struct propagate_call *c;
	struct propagated nobody;

	if (of)
		forget_parent(of);
	while ((c = call_of(p->asks, ASK_SLOTS, goid, 0, true)))
		answer(p, c, &nobody);
	for (u32 i = 0; g && i < TRIES; i++) {
		struct propagate_span *s = slot(p, g->ref);

		if (!s || s->goid != goid)
			break;
		close_span(p, s);
		g = goroutine(p, goid);
	}
	(void)refer(p, goid, 0);
}

AGENT void agent_at(struct propagate *p, u8 *record, u8 *ring, u64 how, u8 *sp)
{
	const struct record_head *h = (const void *)record;
	const u8 *hook = record + how_place(how, HOW_HOOK);
	struct propagated *to = (void *)(record + how_place(how, HOW_PROPAGATED));
	bool entry = (how >> 8 & 0xff) == SITE_ENTRY;
	u64 *maker = (u64 *)(void *)(ring + RING_MAKER);
	u32 role = how & 0xff;

	if (role == PROPAGATE_BIRTH) {	/* on g0, which has no number */
		if (entry) {
			*maker = *(const u32 *)(const void *)hook == 8 ? word(hook, 8) : 0;
		} else {
			if (*(const u32 *)(const void *)hook == 8)
				born(p, *maker, word(hook, 8));
			*maker = 0;
		}
	}
	if (!h->goid)
		return;
	if (role == PROPAGATE_SPAN) {
		if (entry)
			enter(p, h->goid, h->depth, by_context(p, record, how), to);
		else
			leave(p, h->goid, h->depth);
	} else if (role == PROPAGATE_SERVE || role == PROPAGATE_SERVE_INSIDE) {
		if (entry)
			serve(p, h->goid, h->depth, own_context(record, how),
			      role == PROPAGATE_SERVE_INSIDE, to);
		else
			leave(p, h->goid, h->depth);
	} else if (role == PROPAGATE_ASK) {
		if (entry)
			ask(p, h->goid, h->depth, by_context(p, record, how),
			    hook == record ? 0 : word(hook, EXTRA_BEHIND), to);
		else
			answered(p, h->goid, h->depth, to);
	} else if (role == PROPAGATE_READ) {
		struct propagate_parent *of = parent_of(p, h->goid, false);

		if (of && entry)
			forget_parent(of);
		else if (of)
			of->state = PARENT_READ;
	} else if (role == PROPAGATE_LINE) {
		if (!entry && *(const u32 *)(const void *)(hook + EXTRA_STATUS) ==
			      word(hook, EXTRA_LEN))
			line(p, h->goid, hook + EXTRA_BYTES, word(hook, EXTRA_LEN));
	} else if (role == PROPAGATE_FRAME) {
		frame(p, h->goid, entry ? hook : 0);
	} else if (role == PROPAGATE_WRITE) {
		if (entry)
			begin_write(p, h->goid, hook);
		else
			end_write(p, h->goid);
	} else if (role == PROPAGATE_LIST) {
		if (!entry)
			list(p, h->goid, (const u8 *)word(hook, 0), word(hook, 8));
	} else if (role == PROPAGATE_STREAM || role == PROPAGATE_LISTED) {
		if (entry)
			begin_stream(p, h->goid,
				     word(hook, role == PROPAGATE_STREAM ? EXTRA_BEHIND : 0),
				     role == PROPAGATE_LISTED);
		else
			end_stream(p, h->goid);
	} else if (role == PROPAGATE_NAME) {
		if (entry)
			name(p, h->goid, hook);
	} else if (role == PROPAGATE_BLOCK) {
		if (entry)
			block(p, h->goid, sp + 8);
	} else if (role == PROPAGATE_END) {
		ended(p, h->goid);
	}
}
