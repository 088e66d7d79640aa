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

AGENT static struct propagate_parent *parent_of(struct propagate *p, u64 goid, bool make)
{
	u32 at = place(goid, PARENT_SLOTS);

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
		of->tracestate = 0;
		return of;
	}
	return 0;
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

AGENT static void frame(struct propagate *p, u64 goid, const u8 *fields)
{
	struct propagate_parent *of = parent_of(p, goid, false);
	struct field_of parent, state;
	u8 span[8];

	if (of)
		forget_parent(p, of);
	if (!fields)
		return;
	of = parent_of(p, goid, true);
	if (!of)
		return;
	of->state = PARENT_MOVES;
	parent = field_of(fields, HEADER_PARENT, EIGHT("tracepar"), 0);
	state = field_of(fields, HEADER_STATE, EIGHT("tracesta"), 1);
	if (parent.count != 1)
		return;
	of->count = 1 + !parse(parent.value, parent.n, of->trace, span, &of->what);
	if (of->count == 1 && state.count)
		add_text(p, &of->tracestate, goid, state.value, state.n,
			 state.whole && state.count == 1);
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
			struct propagated *to)
{
	struct propagate_parent *of = parent_of(p, goid, false);
	u64 ref = 0, state = 0;
	struct propagate_span *s = current(p, goid, depth, &ref);
	bool owns = false;

	if (s && context && s->goid == goid && s->context == context &&
	    told(p, s, ref, to, &state))	/* one library hands it on to another */
		return;
	if (of && of->state == PARENT_READ && of->count == 1) {
		copy(to->trace, of->trace, 16);
		to->what = PROPAGATED_THERE;
		if (p->parent ? of->what & PROPAGATED_SAMPLED : trace_is_below(to->trace, p->below))
			to->what |= PROPAGATED_SAMPLED;
		state = take_state(p, of);
		owns = true;
	} else if (inside && !of) {
		/* inside of another request, whose goroutine made this one; or a goroutine of a
		 * pool, and what came with the call was read by another one */
		if (!s || !told(p, s, ref, to, &state))
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
