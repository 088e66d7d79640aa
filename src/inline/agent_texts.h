/* agent_texts - the agent: texts that came with a request and go out
 * with those that are made while it is served.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: a text that finds no place, or is too long for one, is dropped as a whole.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_TEXTS_H
#define INLINE_AGENT_TEXTS_H

#include "inline/agent.h"

/* What plan/sender.h has, once. */
#define ONCE AGENT __attribute__((noinline)) static

ONCE struct header_name name_of(enum header h)
{
	return header_name(h);
}

ONCE enum header named(const u8 *at, u64 n, u32 how)
{
	return header_named(at, n, how);
}

ONCE enum header line_named(const u8 *at, u64 n, u32 how, u64 *from, u64 *to)
{
	return header_line(at, n, how, from, to);
}

ONCE void says(struct sender *s, enum header h, const u8 *at, u64 n, bool whole)
{
	sender_take(s, h, at, n, whole);
}

ONCE struct sender_way *who(struct sender *s, u32 how)
{
	return sender_who(s, how);
}

AGENT static struct propagate_text *text_at(struct propagate *p, u64 ref)
{
	struct propagate_text *t = &p->texts[ref & (TEXT_SLOTS - 1)];

	return ref >> 32 & 1 && __atomic_load_n(&t->state, __ATOMIC_ACQUIRE) == ref >> 32 ? t : 0;
}

AGENT static void drop_text(struct propagate *p, u64 ref)
{
	struct propagate_text *t = text_at(p, ref);

	if (t)
		__atomic_store_n(&t->state, t->state + 1, __ATOMIC_RELEASE);
}

AGENT static void drop_texts(struct propagate *p, struct propagate_texts *t)
{
	for (u32 i = 0; i < TEXTS; i++) {
		drop_text(p, t->of[i]);
		t->of[i] = 0;
	}
}

/* Which of them this header is, or TEXTS. */
AGENT static u32 text_named(enum header h)
{
	return h == HEADER_STATE ? TEXT_STATE : h == HEADER_BAGGAGE ? TEXT_BAGGAGE : TEXTS;
}

AGENT static u64 new_text(struct propagate *p, u64 near)
{
	u32 at = place(near, TEXT_SLOTS);

	for (u32 i = 0; i < TRIES; i++) {
		u32 n = (at + i) & (TEXT_SLOTS - 1);
		struct propagate_text *t = &p->texts[n];
		u32 was = __atomic_load_n(&t->state, __ATOMIC_RELAXED);

		if (was & 1 || !__atomic_compare_exchange_n(&t->state, &was, was + 1, false,
							    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		t->n = 0;
		return (u64)(was + 1) << 32 | n;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return TEXT_DROPPED;
}

/* Several lines are one list (W3C Trace Context 3.3.1.1, Baggage 3.3). `whole`: that is all of
 * it. */
AGENT static void add_text(struct propagate *p, u64 *ref, u64 near, const u8 *from, u64 n,
			   bool whole)
{
	struct propagate_text *t;

	if ((!n && whole) || *ref == TEXT_DROPPED)
		return;
	if (!*ref)
		*ref = new_text(p, near);
	t = text_at(p, *ref);
	if (!t)
		return;
	if (!whole || n > TEXT_MOST || t->n + !!t->n + n > TEXT_MOST) {
		drop_text(p, *ref);
		*ref = TEXT_DROPPED;
		return;
	}
	if (t->n)
		t->bytes[t->n++] = ',';
	copy(t->bytes + t->n, from, (u32)n);
	t->n += (u32)n;
}

/* What was read becomes that of who serves it, where it is as it must be. */
AGENT static u64 take_text(struct propagate *p, u64 *of, enum header h)
{
	const struct propagate_text *t = text_at(p, *of);
	u64 ref = *of;

	if (!t || !sender_text(h, t->bytes, t->n))
		return 0;
	*of = 0;
	return ref;
}

/* Copies it; gives how many bytes it has, or 0: it is no more, or there is no room. */
AGENT static u32 copy_text(struct propagate *p, u64 ref, u8 *to, u64 room)
{
	const struct propagate_text *t = text_at(p, ref);
	u32 n = t ? t->n : 0;

	if (!n || n > room || n > TEXT_MOST)
		return 0;
	copy(to, t->bytes, n);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return text_at(p, ref) ? n : 0;
}

#endif
