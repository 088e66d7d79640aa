/* agent_texts - the agent: names of header lines, and texts that came with a request and go out
 * with those that are made while it is served.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: a text that finds no place, or is too long for one, is dropped as a whole.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_TEXTS_H
#define INLINE_AGENT_TEXTS_H

#include "inline/agent.h"

/* Texts as numbers, for a text would lie elsewhere. */
#define BYTE(text, i) ((u64)(u8)(text)[i] << 8 * (i))
#define EIGHT(text) (BYTE(text, 0) | BYTE(text, 1) | BYTE(text, 2) | BYTE(text, 3) | \
		     BYTE(text, 4) | BYTE(text, 5) | BYTE(text, 6) | BYTE(text, 7))

enum header { HEADER_OTHER, HEADER_PARENT, HEADER_STATE };
enum { NAME_MOST = 16 };

/* In any case of letters; `first` and `rest` are in lower case. */
AGENT static bool is_name(const u8 *at, u32 n, u64 first, u64 rest)
{
	for (u32 i = 0; i < n; i++) {
		u8 want = (u8)((i < 8 ? first : rest) >> 8 * (i & 7));

		if ((want >= 'a' && want <= 'z' ? at[i] | 0x20 : at[i]) != want)
			return false;
	}
	return true;
}

AGENT static enum header header_named(const u8 *at, u64 n)
{
	if (n == 11 && is_name(at, 11, EIGHT("tracepar"), EIGHT("ent\0\0\0\0")))
		return HEADER_PARENT;
	if (n == 10 && is_name(at, 10, EIGHT("tracesta"), EIGHT("te\0\0\0\0\0")))
		return HEADER_STATE;
	return HEADER_OTHER;
}

AGENT static bool is_blank(u8 c)
{
	return c == ' ' || c == '\t';
}

/* "Name: value": which it is; its value lies from *from to *to, without blanks around it. */
AGENT static enum header header_line(const u8 *at, u64 n, u64 *from, u64 *to)
{
	enum header h;
	u64 i = 0;

	while (i < n && i < NAME_MOST && at[i] != ':')
		i++;
	h = i < n && at[i] == ':' ? header_named(at, i) : HEADER_OTHER;
	if (!h)
		return h;
	for (i++; i < n && is_blank(at[i]); i++)
		;
	while (n > i && is_blank(at[n - 1]))
		n--;
	*from = i;
	*to = n;
	return h;
}

/* ---- tracestate ---- */

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

/* Several lines are one list (W3C Trace Context 3.3.1.1). `whole`: that is all of it. */
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

/* As tracestate_is_sound() of span/traceparent.c has it. */
AGENT static bool is_sound_state(const struct propagate_text *t)
{
	u32 members = 0;
	bool equals = false;

	for (u32 i = 0; i <= t->n; i++) {
		u8 c = i < t->n ? t->bytes[i] : ',';

		if ((c < 0x20 || c > 0x7e) && c != '\t')
			return false;
		members += c == ',' && equals;
		equals = c != ',' && (equals || c == '=');
	}
	return members && members <= 32;
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
