/* agent_spans - the agent: goroutines, and the spans that they are in.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: what finds no place is not known.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_SPANS_H
#define INLINE_AGENT_SPANS_H

#include "inline/agent_texts.h"
#include "plan/chain.h"

AGENT static struct propagate_goroutines *goroutines_with(struct propagate *p, u64 goid, bool far)
{
	return far ? &p->goroutines[place(goid / (WAYS / 2), GOROUTINE_SETS)] :
		     &p->goroutines_near[place(goid, GOROUTINE_SETS_NEAR)];
}

AGENT static u64 *ref_in(struct propagate_goroutines *set, u64 goid)
{
	for (u32 i = 0; i < WAYS; i++)
		if (__atomic_load_n(&set->goid[i], __ATOMIC_RELAXED) == goid)
			return &set->ref[i];
	return 0;
}

/* What it refers to; NULL: nothing. */
AGENT static u64 *goroutine(struct propagate *p, u64 goid)
{
	u64 *of = ref_in(goroutines_with(p, goid, false), goid);

	if (!of && __atomic_load_n(&p->far_goroutines, __ATOMIC_RELAXED))
		of = ref_in(goroutines_with(p, goid, true), goid);
	return of;
}

AGENT static void refers_no_more(struct propagate *p, u64 goid, u64 *of)
{
	struct propagate_goroutines *set = goroutines_with(p, goid, false);
	bool far = of < set->ref || of >= set->ref + WAYS;

	if (far)
		set = goroutines_with(p, goid, true);
	*of = 0;
	__atomic_store_n(&set->goid[of - set->ref], 0, __ATOMIC_RELEASE);
	if (far)
		__atomic_fetch_sub(&p->far_goroutines, 1, __ATOMIC_RELAXED);
}

AGENT static bool refer(struct propagate *p, u64 goid, u64 ref)
{
	u64 *of = goroutine(p, goid);

	if (!ref) {
		if (of)
			refers_no_more(p, goid, of);
		return true;
	}
	if (of) {
		*of = ref;
		return true;
	}
	for (u32 i = 0; i < 2 * WAYS; i++) {
		bool far = i >= WAYS;
		struct propagate_goroutines *set = goroutines_with(p, goid, far);
		u64 nobody = 0;

		if (!__atomic_compare_exchange_n(&set->goid[i % WAYS], &nobody, goid, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		if (far)
			__atomic_fetch_add(&p->far_goroutines, 1, __ATOMIC_RELAXED);
		set->ref[i % WAYS] = ref;
		return true;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
	return false;
}

AGENT static struct propagate_span *slot(struct propagate *p, u64 ref)
{
	struct propagate_span *s = &p->spans[ref & (SPAN_SLOTS - 1)];

	return ref && __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == ref >> 32 ? s : 0;
}

AGENT static u64 *contexts_with(struct propagate *p, u64 context, bool far)
{
	return far ? p->contexts[place_of(context, CONTEXT_SETS)] :
		     p->contexts_near[place_of(context, CONTEXT_SETS_NEAR)];
}

AGENT static u64 ref_of(const struct propagate *p, const struct propagate_span *s)
{
	return (u64)s->state << 32 | (u64)(s - p->spans);
}

/* A part of the address, in bits that a reference does not use: others need not be looked at. */
AGENT static u64 tag_of(u64 context)
{
	return (u32)(context >> 6) << CONTEXT_TAG_AT;
}

AGENT static void forget_context(struct propagate *p, const struct propagate_span *s)
{
	u64 *set = contexts_with(p, s->context, s->far), ref = ref_of(p, s) | tag_of(s->context);

	for (u32 i = 0; i < CONTEXT_WAYS; i++)
		if (__atomic_load_n(&set[i], __ATOMIC_RELAXED) == ref) {
			__atomic_store_n(&set[i], 0, __ATOMIC_RELEASE);
			if (s->far)
				__atomic_fetch_sub(&p->far, 1, __ATOMIC_RELAXED);
			return;
		}
}

AGENT static void free_span(struct propagate *p, struct propagate_span *s)
{
	if (s->context)
		forget_context(p, s);
	if (s->owns)
		drop_texts(p, &s->texts);
	__atomic_store_n(&s->state, s->state + 1, __ATOMIC_RELEASE);
}

/* The goroutine that it is of leaves it. */
AGENT static void close_span(struct propagate *p, struct propagate_span *s)
{
	u64 goid = s->goid, outer = s->outer;

	free_span(p, s);
	(void)refer(p, goid, slot(p, outer) ? outer : 0);
}

/* The span that the goroutine's trace is that of; calls that are no more are left on the way. */
AGENT static struct propagate_span *current(struct propagate *p, u64 goid, u32 depth, u64 *ref)
{
	for (u32 i = 0; i < TRIES; i++) {
		u64 *g = goroutine(p, goid);
		struct propagate_span *s = g ? slot(p, *g) : 0;

		*ref = g ? *g : 0;
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
		       struct propagated *to, struct propagate_texts *texts)
{
	u32 what;

	copy(to->trace, s->trace, 16);
	*texts = s->texts;
	what = is_doubtful(p, s->lost) ? PROPAGATED_UNKNOWN : s->what;
	to->what = what | (what & PROPAGATED_UNKNOWN ? 0 : PROPAGATED_THERE);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&s->state, __ATOMIC_RELAXED) == ref >> 32;
}

/* Where those of this thread begin: its stack here is a page of its own. */
AGENT static u32 slots_here(void)
{
	u64 page = (u64)(uintptr_t)__builtin_frame_address(0) >> 12;

	return place(page * GOLDEN >> 8, SPAN_SLOTS / SPANS_NEAR) * SPANS_NEAR;
}

/* A few slots that this thread takes again and again stay in its processor's cache; then come
 * others that are its own, then all. */
AGENT static u32 slot_to_try(u64 at, u32 i, u32 here)
{
	return i < TRIES ? here + place(at + i, SPANS_NEAREST) :
	       i < 2 * TRIES ? here + place(at + i, SPANS_NEAR) :
			       place(at + i * (SPANS_NEAR + 1), SPAN_SLOTS);
}

/* A span that others will be in, of a trace that is new or came with a request. */
AGENT static struct propagate_span *open_span(struct propagate *p, u64 goid, u32 depth, u64 outer,
					      const struct propagated *of,
					      const struct propagate_texts *texts)
{
	u64 at = 4 * goid + goid / (SPAN_SLOTS / 4) + depth * GOLDEN;
	u32 here = slots_here();

	for (u32 i = 0; i < 3 * TRIES; i++) {
		u32 n = slot_to_try(at, i, here);
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
		s->texts = *texts;
		s->owns = s->last = false;
		s->what = of->what & (PROPAGATED_SAMPLED | PROPAGATED_DEBUG |
				      PROPAGATED_UNKNOWN);
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

/* The request that has this context, for whoever comes with it. Of those that are near only one is
 * looked at whether it is still open: they are forgotten when they end, if that is seen. */
AGENT static void remember(struct propagate *p, struct propagate_span *s, u64 context)
{
	u64 ref = ref_of(p, s) | tag_of(context);

	s->context = context;
	for (u32 i = 0; i < 2 * CONTEXT_WAYS; i++) {
		bool far = i >= CONTEXT_WAYS, asks = far || i == place(s->goid, CONTEXT_WAYS);
		u64 *at = contexts_with(p, context, far) + i % CONTEXT_WAYS;
		u64 was = __atomic_load_n(at, __ATOMIC_RELAXED);

		if ((was && (!asks || slot(p, was))) ||
		    !__atomic_compare_exchange_n(at, &was, ref, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		s->far = i >= CONTEXT_WAYS;
		if (s->far)
			__atomic_fetch_add(&p->far, 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_fetch_add(&p->full, 1, __ATOMIC_RELAXED);
}

AGENT static u64 request_with(struct propagate *p, u64 context)
{
	u32 ways = __atomic_load_n(&p->far, __ATOMIC_RELAXED) ? 2 * CONTEXT_WAYS : CONTEXT_WAYS;

	for (u32 i = 0; i < ways; i++) {
		const u64 *at = contexts_with(p, context, i >= CONTEXT_WAYS) + i % CONTEXT_WAYS;
		u64 ref = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		const struct propagate_span *s;

		if (!ref || (ref & CONTEXT_TAG) != tag_of(context))
			continue;
		s = slot(p, ref);
		if (s && s->context == context)
			return ref & ~CONTEXT_TAG;
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

/* A call that is a span has begun. What its context says holds for all that it does. *texts are
 * those of its trace. */
AGENT static void enter(struct propagate *p, u64 goid, u32 depth, u64 request,
			struct propagated *to, struct propagate_texts *texts)
{
	u64 ref;
	struct propagate_span *s = current(p, goid, depth, &ref), *of = slot(p, request);

	if (of && request != ref && (!s || s->within != request) &&
	    told(p, of, request, to, texts)) {
		s = open_span(p, goid, depth, ref, to, texts);
		if (s)
			s->within = request;
		return;
	}
	if (s && told(p, s, ref, to, texts))
		return;
	*texts = (struct propagate_texts){ { 0 } };
	begin_trace(p, goid, to);
	(void)open_span(p, goid, depth, 0, to, texts);
}

AGENT static void leave(struct propagate *p, u64 goid, u32 depth)
{
	u64 *g = goroutine(p, goid);
	struct propagate_span *s = g ? slot(p, *g) : 0;

	if (!s || s->goid != goid || s->depth != depth)
		return;
	if (s->last) {
		*g |= REF_SERVED;
		free_span(p, s);
	} else {
		close_span(p, s);
	}
}

#endif
