/* agent_incoming - the agent: what came with a request says whose child it is.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: what finds no place is not known.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_INCOMING_H
#define INLINE_AGENT_INCOMING_H

#include "inline/agent_spans.h"
#include "plan/extra.h"

enum {
	TRACEPARENT = 55,	/* bytes of the value */
	HEADER_LINE_MOST = 640,	/* of a line that was captured (span/http_rules.c) */
};
#define UNSERVED_MOST (1ull << 31)	/* ticks: about a second */

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

/* What tells a request from others (span/headers.c), or 0. A stream's number is never 0. */
AGENT static u64 key_of(const u8 *record, u64 keys)
{
	u32 at = (u32)keys, sub = (u32)(keys >> 32);
	u64 stream = sub ? *(const u32 *)(const void *)(record + sub) : 0;

	return stream ? (mix(word(record, at) ^ mix(stream)) | PARENT_KEYED) & ~(1ull << 62) : 0;
}

/* A request that was read, and then nobody served it. */
AGENT static bool is_left(const struct propagate_parent *of, u64 goid)
{
	return goid & PARENT_KEYED && goid != PARENT_TAKEN &&
	       __builtin_ia32_rdtsc() - of->made > UNSERVED_MOST;
}

/* A place for this goroutine, which is `as` from now on. */
AGENT static struct propagate_parent *claim_parent(struct propagate *p, u64 goid, u64 as)
{
	u32 at = place(goid, PARENT_SLOTS);

	for (u32 i = 0; i < 2 * TRIES; i++) {
		struct propagate_parent *of = &p->parents[(at + i % TRIES) & (PARENT_SLOTS - 1)];
		u64 was = i < TRIES ? 0 : __atomic_load_n(&of->goid, __ATOMIC_ACQUIRE);

		if ((i >= TRIES && was && !is_left(of, was)) ||
		    !__atomic_compare_exchange_n(&of->goid, &was, as, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		if (was)
			drop_text(p, of->tracestate);
		of->state = of->count = 0;
		of->tracestate = 0;
		return of;
	}
	return 0;
}

AGENT static struct propagate_parent *parent_of(struct propagate *p, u64 goid, bool make)
{
	u32 at = place(goid, PARENT_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		struct propagate_parent *of = &p->parents[(at + i) & (PARENT_SLOTS - 1)];

		if (__atomic_load_n(&of->goid, __ATOMIC_RELAXED) == goid)
			return of;
	}
	return make ? claim_parent(p, goid, goid) : 0;
}

/* Of several who want it one gets it. */
AGENT static struct propagate_parent *take_parent(struct propagate *p, u64 key)
{
	struct propagate_parent *of = key ? parent_of(p, key, false) : 0;

	return of && __atomic_compare_exchange_n(&of->goid, &key, PARENT_TAKEN, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED) ? of : 0;
}

AGENT static void forget_parent(struct propagate *p, struct propagate_parent *of)
{
	drop_text(p, of->tracestate);
	of->tracestate = 0;
	__atomic_store_n(&of->goid, 0, __ATOMIC_RELEASE);
}

/* How many bytes were captured, where these lie behind their status. */
AGENT static u32 captured(const u8 *at, u32 most)
{
	u32 n = *(const u32 *)(const void *)(at - 8);

	return n > most ? 0 : n;	/* CAPTURE_UNREADABLE */
}

/* A line of a header, where an EXTRA_TEXT has it. */
AGENT static void line(struct propagate *p, u64 goid, const u8 *extra)
{
	const u8 *text = extra + EXTRA_BYTES;
	u32 n = captured(text, HEADER_LINE_MOST);
	bool whole = n == word(extra, EXTRA_LEN);
	u64 from = 0, to = 0;
	enum header h = header_line(text, n, &from, &to);
	struct propagate_parent *of = h ? parent_of(p, goid, false) : 0;
	u8 span[8];

	if (!of)
		return;
	if (h == HEADER_STATE)
		add_text(p, &of->tracestate, goid, text + from, to - from, whole);
	else if (whole)
		of->count += 1 + !parse(text + from, to - from, of->trace, span, &of->what);
}

/* Of names that begin so the last one's value was captured: there must be one only. */
struct field_of {
	const u8 *value;
	u32 n, count;
	bool whole;
};

AGENT static struct field_of field_of(const u8 *fields, enum header h, u64 head, u32 k)
{
	const struct plan_extra x = { .most = TEXT_MOST };
	struct field_of f = { .value = fields + extra_value_at(&x, k) };
	u64 n = word(fields, EXTRA_COUNT), size = 0;

	for (u32 i = 0; i < EXTRA_FIELDS_MOST && i < n; i++) {
		const u8 *name = fields + extra_name_at(i);
		u32 len = captured(name, EXTRA_NAME_MOST);

		if (len < 8 || word(name, 0) != head)
			continue;
		size = word(fields, EXTRA_FIELD + i * EXTRA_FIELD_SIZE + 24);
		f.count += 1 + (header_named(name, len) != h);
	}
	f.n = captured(f.value, TEXT_MOST);
	f.whole = f.n == size;
	return f;
}

/* `near`: where a place for a text is looked for. One goroutine reads many requests, so it is not
 * that one's number. */
AGENT static void take_fields(struct propagate *p, u64 near, const u8 *fields,
			      struct propagate_parent *of)
{
	struct field_of parent = field_of(fields, HEADER_PARENT, EIGHT("tracepar"), 0);
	struct field_of state = field_of(fields, HEADER_STATE, EIGHT("tracesta"), 1);
	u8 span[8];

	if (parent.count != 1)
		return;
	of->count = 1 + !parse(parent.value, parent.n, of->trace, span, &of->what);
	if (of->count == 1 && state.count)
		add_text(p, &of->tracestate, near, state.value, state.n,
			 state.whole && state.count == 1);
}

AGENT static void frame(struct propagate *p, u64 goid, const u8 *fields, u64 key)
{
	struct propagate_parent *of = parent_of(p, goid, false);

	if (of)
		forget_parent(p, of);
	if (!fields)
		return;
	of = take_parent(p, key);
	if (of)		/* another connection's, which lay at the same address */
		forget_parent(p, of);
	of = key ? claim_parent(p, key, PARENT_TAKEN) : parent_of(p, goid, true);
	if (!of)
		return;
	of->state = key ? PARENT_READ : PARENT_MOVES;
	take_fields(p, key ? key : goid ^ __builtin_ia32_rdtsc(), fields, of);
	if (!key)
		return;
	of->made = __builtin_ia32_rdtsc();
	__atomic_store_n(&of->goid, key, __ATOMIC_RELEASE);
}

/* What was read becomes that of who serves it. */
AGENT static u64 take_state(struct propagate *p, struct propagate_parent *of)
{
	const struct propagate_text *t = text_at(p, of->tracestate);
	u64 ref = of->tracestate;

	if (!t || !is_sound_state(t))
		return 0;
	of->tracestate = 0;
	return ref;
}

AGENT static void serve(struct propagate *p, u64 goid, u32 depth, u64 context, bool inside,
			u64 key, struct propagated *to)
{
	struct propagate_parent *of;
	u64 ref = 0, state = 0;
	struct propagate_span *s = current(p, goid, depth, &ref);
	bool owns = false;

	if (s && context && s->goid == goid && s->context == context &&
	    told(p, s, ref, to, &state))	/* one library hands it on to another */
		return;
	of = take_parent(p, key);
	if (!of)
		of = parent_of(p, goid, false);
	if (of && of->state == PARENT_READ && of->count == 1) {
		copy(to->trace, of->trace, 16);
		to->what = PROPAGATED_THERE;
		if (p->parent ? of->what & PROPAGATED_SAMPLED : trace_is_below(to->trace, p->below))
			to->what |= PROPAGATED_SAMPLED;
		state = take_state(p, of);
		owns = true;
	} else if (inside && !of) {
		/* inside of another request, whose goroutine made this one; with a key it is
		 * inside of none, and what came with it is not known */
		if (key || !s || !told(p, s, ref, to, &state))
			to->what = PROPAGATED_UNKNOWN;
	} else {
		begin_trace(p, goid, to);
	}
	if (of)
		forget_parent(p, of);
	s = open_span(p, goid, depth, ref, to, state);
	if (s)
		s->owns = owns;
	else if (owns)
		drop_text(p, state);
	if (s && context)
		remember(p, s, context);
}

#endif
