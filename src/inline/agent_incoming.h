/* agent_incoming - the agent: what came with a request says whose child it is.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: what finds no place is not known.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_INCOMING_H
#define INLINE_AGENT_INCOMING_H

#include "inline/agent_spans.h"
#include "inline/layout.h"
#include "plan/extra.h"

enum { HEADER_LINE_MOST = 640 };	/* of a line that was captured (span/http_rules.c) */
#define UNSERVED_MOST (1ull << 31)	/* ticks: about a second */
#define SETTLED_AFTER (1ull << 32)	/* ticks: two seconds */

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

/* Requests that had no place, or lost it, so far. */
AGENT static u64 gaps(const struct propagate *p)
{
	return __atomic_load_n(&p->lost, __ATOMIC_RELAXED) +
	       __atomic_load_n(&p->full, __ATOMIC_RELAXED) +
	       __atomic_load_n(&p->given_up, __ATOMIC_RELAXED);
}

/* A request that is served by now was seen when it was read. */
AGENT static bool sees_all(const struct propagate *p)
{
	return __atomic_load_n(&p->since, __ATOMIC_RELAXED) == SETTLED &&
	       __atomic_load_n(&p->gaps, __ATOMIC_RELAXED) == gaps(p);
}

/* One is read: so we see them, and if for two seconds nothing was lost, that is all of them. */
AGENT static void sees_one(struct propagate *p)
{
	u64 now = __builtin_ia32_rdtsc(), since = __atomic_load_n(&p->since, __ATOMIC_RELAXED);
	u64 n = gaps(p);

	if (n != __atomic_load_n(&p->gaps, __ATOMIC_RELAXED) || !since) {
		__atomic_store_n(&p->since, now, __ATOMIC_RELAXED);
		__atomic_store_n(&p->gaps, n, __ATOMIC_RELAXED);
	} else if (since != SETTLED && now - since > SETTLED_AFTER) {
		(void)__atomic_compare_exchange_n(&p->since, &since, SETTLED, false,
						  __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

/* Goroutines that were made one after the other have places side by side, and connections come in
 * bursts: where several of these meet, some are elsewhere. */
AGENT static u32 parent_place(u64 goid, u32 i)
{
	enum { APART = 61 };

	return i < TRIES ? place(goid + i, PARENT_SLOTS) :
			   place(hash(goid, PARENT_SLOTS) + APART * i, PARENT_SLOTS);
}

AGENT static void count_parent(struct propagate *p, const struct propagate_parent *of, u64 n)
{
	if (of->keyed)
		__atomic_fetch_add(&p->keyed, n, __ATOMIC_RELAXED);
	if (of->far)
		__atomic_fetch_add(&p->far_parents, n, __ATOMIC_RELAXED);
}

/* A place for this goroutine, which is `as` from now on. */
AGENT static struct propagate_parent *claim_parent(struct propagate *p, u64 goid, u64 as)
{
	enum { ALL = 2 * TRIES };

	if (!(as & PARENT_KEYED) && !__atomic_load_n(&p->unkeyed, __ATOMIC_RELAXED))
		__atomic_store_n(&p->unkeyed, 1, __ATOMIC_RELEASE);
	for (u32 i = 0; i < 2 * ALL; i++) {
		u32 n = parent_place(goid, i % ALL);
		u64 *of_goid = &p->parent_goids[n];
		struct propagate_parent *of = &p->parents[n];
		u64 was = i < ALL ? 0 : __atomic_load_n(of_goid, __ATOMIC_ACQUIRE);

		if ((i >= ALL && was && !is_left(of, was)) ||
		    !__atomic_compare_exchange_n(of_goid, &was, as, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		if (was) {
			drop_texts(p, &of->texts);
			count_parent(p, of, -1);
			__atomic_fetch_add(&p->given_up, 1, __ATOMIC_RELAXED);
		}
		of->keyed = as & PARENT_KEYED;
		of->far = i % ALL >= TRIES;
		count_parent(p, of, 1);
		of->state = 0;
		of->said = false;
		sender_begin(&of->sender);
		of->texts = (struct propagate_texts){ { 0 } };
		return of;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Where all have keys, no goroutine is looked for: its place would be in no cache. */
AGENT static struct propagate_parent *parent_of(struct propagate *p, u64 goid, bool make)
{
	u32 tries = __atomic_load_n(&p->far_parents, __ATOMIC_RELAXED) ? 2 * TRIES : TRIES;

	if (!(goid & PARENT_KEYED) && !__atomic_load_n(&p->unkeyed, __ATOMIC_ACQUIRE))
		tries = 0;
	for (u32 i = 0; i < tries; i++) {
		u32 n = parent_place(goid, i);

		if (__atomic_load_n(&p->parent_goids[n], __ATOMIC_RELAXED) == goid)
			return &p->parents[n];
	}
	return make ? claim_parent(p, goid, goid) : 0;
}

AGENT static u64 *goid_of(struct propagate *p, const struct propagate_parent *of)
{
	return &p->parent_goids[of - p->parents];
}

/* Of several who want it one gets it. */
AGENT static struct propagate_parent *take_parent(struct propagate *p, u64 key)
{
	struct propagate_parent *of = key && __atomic_load_n(&p->keyed, __ATOMIC_ACQUIRE) ?
				      parent_of(p, key, false) : 0;

	return of && __atomic_compare_exchange_n(goid_of(p, of), &key, PARENT_TAKEN, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED) ? of : 0;
}

AGENT static void forget_parent(struct propagate *p, struct propagate_parent *of)
{
	drop_texts(p, &of->texts);
	count_parent(p, of, -1);
	__atomic_store_n(goid_of(p, of), 0, __ATOMIC_RELEASE);
}

/* How many bytes were captured, where these lie behind their status. */
AGENT static u32 captured(const u8 *at, u32 most)
{
	u32 n = *(const u32 *)(const void *)(at - 8);

	return n > most ? 0 : n;	/* CAPTURE_UNREADABLE */
}

/* One that says something of the request at hand. */
AGENT static void take(struct propagate *p, u64 near, struct propagate_parent *of, enum header h,
		       const u8 *value, u64 n, bool whole)
{
	u32 text = text_named(h);

	if (text < TEXTS)
		add_text(p, &of->texts.of[text], near, value, n, whole);
	else
		says(&of->sender, h, value, n, whole);
}

/* Where a table was full, the collector may know more. */
AGENT static bool knows_all(const struct propagate *p)
{
	return !__atomic_load_n(&p->full, __ATOMIC_RELAXED);
}

/* true: nobody needs the record, for no line of an earlier request that was never served waits for
 * this one. */
AGENT static bool read_begins(struct propagate *p, u64 goid)
{
	struct propagate_parent *of = parent_of(p, goid, false);
	bool said = of && of->said;

	if (of)
		forget_parent(p, of);
	(void)parent_of(p, goid, true);
	return !said && knows_all(p);
}

/* A line of a header, where an EXTRA_TEXT has it. true: nobody needs the record. */
AGENT static bool line(struct propagate *p, u64 goid, const u8 *extra)
{
	const u8 *text = extra + EXTRA_BYTES;
	u32 n = captured(text, HEADER_LINE_MOST);
	u64 from = 0, to = 0;
	enum header h = line_named(text, n, p->how, &from, &to);
	struct propagate_parent *of = h ? parent_of(p, goid, false) : 0;

	if (!of)
		return !h || knows_all(p);
	of->said = true;
	take(p, goid, of, h, text + from, to - from, n == word(extra, EXTRA_LEN));
	return false;
}

/* Of names that begin so the last one's value was captured, where `value` is: there must be one
 * only. false: there is none. */
AGENT static bool field(struct propagate *p, u64 near, struct propagate_parent *of, enum header h,
			const u8 *fields, const u8 *value)
{
	struct header_name want = name_of(h);
	u64 n = word(fields, EXTRA_COUNT), size = 0;
	u32 count = 0, most = header_most(h);

	for (u32 i = 0; i < want.n && i < 8; i++)
		want.first |= (u64)0x20 << 8 * i;
	for (u32 i = 0; i < EXTRA_FIELDS_MOST && i < n; i++) {
		const u8 *name = fields + extra_name_at(i);
		u32 len = captured(name, EXTRA_NAME_MOST);

		if (len < MIN(want.n, 8) || word(name, 0) != want.first)
			continue;
		size = word(fields, EXTRA_FIELD + i * EXTRA_FIELD_SIZE + 24);
		count += 1 + (named(name, len, p->how) != h);
	}
	n = captured(value, most);
	if (count)
		take(p, near, of, h, value, n, count == 1 && n == size);
	return count;
}

AGENT static bool is_read(const u8 *fields)
{
	return *(const u32 *)(const void *)(fields + EXTRA_FIELD - 8) != CAPTURE_UNREADABLE;
}

/* One of the names matters. */
AGENT static bool any_named(const struct propagate *p, const u8 *fields)
{
	u64 n = word(fields, EXTRA_COUNT);

	for (u32 i = 0; i < EXTRA_FIELDS_MOST && i < n; i++) {
		const u8 *name = fields + extra_name_at(i);

		if (named(name, captured(name, EXTRA_NAME_MOST), p->how))
			return true;
	}
	return false;
}

/* `near`: where a place for a text is looked for. One goroutine reads many requests, so it is not
 * that one's number. false: none of them says anything. */
AGENT static bool take_fields(struct propagate *p, u64 near, const u8 *fields,
			      struct propagate_parent *of)
{
	const u8 *value = fields + extra_name_at(EXTRA_FIELDS_MOST);
	bool any = false;

	if (!any_named(p, fields))
		return false;
	for (u32 h = HEADER_PARENT; h < HEADERS; h++) {
		if (!(p->how & header_by((enum header)h)))
			continue;
		any |= field(p, near, of, (enum header)h, fields, value);
		value += 8 + header_most((enum header)h);
	}
	return any;
}

/* Four words at once: there are about sixty. */
AGENT static void zero(u8 *record, u32 from, u32 to)
{
	u64 *at = (u64 *)(void *)(record + from), *end = (u64 *)(void *)(record + to);

	for (; end - at >= 4; at += 4)
		at[0] = at[1] = at[2] = at[3] = 0;
	for (; at < end; at++)
		*at = 0;
}

/* Most requests have no field that says anything: what was read of the others is not needed, and
 * is the largest part of the record. It must be what was captured last. */
AGENT static void drop_fields(u8 *record, const u8 *fields)
{
	u8 *scratch = (u8 *)word(record, SCRATCH_HELD);
	u32 *end = (u32 *)(void *)(scratch + SCRATCH_END);
	u32 at_fields = (u32)(fields - record), from = at_fields + EXTRA_FIELD - 8;
	u32 n = *(const u32 *)(const void *)(record + from);

	/* where reading them failed, some may be there nonetheless */
	if (!is_read(fields) || *end > at_fields + extra_name_at(EXTRA_FIELDS_MOST))
		return;
	/* what lies between the fields and the names has never been written */
	zero(record, from, from + 8 + n);
	zero(record, at_fields + extra_name_at(0) - 8, *end);
	*end = MIN(*end, from);
}

/* true: nobody needs the record. A request that comes with nothing needs no place, where who serves
 * it will know that it would have one. */
AGENT static bool frame(struct propagate *p, u64 goid, u8 *record, const u8 *fields, u64 key)
{
	struct propagate_parent *of = parent_of(p, goid, false);

	__builtin_prefetch(goroutines_with(p, goid, false));	/* it will make one */
	if (of)
		forget_parent(p, of);
	if (!fields)
		return false;
	of = take_parent(p, key);
	if (of)		/* another connection's, which lay at the same address */
		forget_parent(p, of);
	if (key && !sees_all(p))
		sees_one(p);
	if (key && is_read(fields) && !any_named(p, fields) && sees_all(p)) {
		drop_fields(record, fields);
		return true;
	}
	of = key ? claim_parent(p, key, PARENT_TAKEN) : parent_of(p, goid, true);
	if (!of)
		return false;
	of->state = key ? PARENT_READ : PARENT_MOVES;
	if (!take_fields(p, key ? key : goid ^ __builtin_ia32_rdtsc(), fields, of))
		drop_fields(record, fields);
	if (!key)
		return false;
	of->made = __builtin_ia32_rdtsc();
	__atomic_store_n(goid_of(p, of), key, __ATOMIC_RELEASE);
	return false;
}

/* Who sent the request has this context. */
AGENT static void sent_by(const struct propagate *p, const struct sender_way *by,
			  struct propagated *to)
{
	copy(to->trace, by->trace, 16);
	to->what = PROPAGATED_THERE | (by->what & PROPAGATED_DEBUG);
	if (p->parent && !(by->what & SENDER_DEFERRED) ? by->what & SENDER_SAMPLED :
						       trace_is_below(to->trace, p->below))
		to->what |= PROPAGATED_SAMPLED;
}

AGENT static void serve(struct propagate *p, u64 goid, u32 depth, u64 context, bool inside,
			u64 key, struct propagated *to)
{
	struct propagate_texts texts = { { 0 } };
	struct propagate_parent *of;
	struct sender_way *by;
	u64 ref = 0;
	struct propagate_span *s;
	bool owns = false, read, alone;

	if (context)
		ask_for(contexts_with(p, context, false));
	s = current(p, goid, depth, &ref);
	if (s && context && s->goid == goid && s->context == context &&
	    told(p, s, ref, to, &texts))	/* one library hands it on to another */
		return;
	of = take_parent(p, key);
	if (!of)
		of = parent_of(p, goid, false);
	alone = key && !of && sees_all(p);
	read = of && of->state == PARENT_READ;
	by = read ? who(&of->sender, p->how) : 0;
	if (by) {
		sent_by(p, by, to);
	} else if (inside && !of && !alone) {
		/* inside of another request, whose goroutine made this one; with a key it is
		 * inside of none, and what came with it is not known */
		if (key || !s || !told(p, s, ref, to, &texts))
			to->what = PROPAGATED_UNKNOWN;
	} else {
		begin_trace(p, goid, to);
		to->what |= alone ? PROPAGATED_ALONE : 0;
	}
	if (read) {
		texts = (struct propagate_texts){ { 0 } };
		if (by == &of->sender.by[SENDER_W3C])
			texts.of[TEXT_STATE] = take_text(p, &of->texts.of[TEXT_STATE],
							 HEADER_STATE);
		texts.of[TEXT_BAGGAGE] = take_text(p, &of->texts.of[TEXT_BAGGAGE],
						   HEADER_BAGGAGE);
		owns = texts.of[TEXT_STATE] || texts.of[TEXT_BAGGAGE];
	}
	if (of)
		forget_parent(p, of);
	s = open_span(p, goid, depth, ref, to, &texts);
	if (s) {
		s->owns = owns;
		s->last = key && !ref && p->ends && sees_all(p);
	} else if (owns) {
		drop_texts(p, &texts);
	}
	if (s && context)
		remember(p, s, context);
}

#endif
