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

enum { TRACEPARENT = 55 };	/* bytes of the value */

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
	struct propagate_parent *of = skip ? parent_of(p, goid, false) : 0;
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

#endif
