/* What runs in the target for trace contexts (propagate.h): compiled as a section of its own, which
 * is copied there. So nothing here may refer to anything outside of it: no constants in memory, no
 * library, not even one that the compiler calls by itself. It runs on 1.8 KiB of stack in the
 * thread's ring, with all registers kept by who calls it, and no vector registers.
 *
 * It touches the target's own memory in two places only: it appends a line to the buffer of the
 * bufio.Writer that the goroutine at hand has just written a request's header to; and it has
 * HTTP/2's Framer write a header block from a copy that has one field more. */
#include "inline/agent_messages.h"
#include "inline/agent_write.h"
#include "plan/record.h"
#include "plan/recovery.h"

AGENT static void born(struct propagate *p, u64 maker, u64 goid)
{
	u64 *g = maker ? goroutine(p, maker) : 0;
	struct propagate_parent *of = maker ? parent_of(p, maker, false) : 0, *to;
	struct propagate_span *s;

	if (of && of->state == PARENT_MOVES) {
		to = parent_of(p, goid, true);
		if (to) {
			to->state = PARENT_READ;
			to->texts = of->texts;
			of->texts = (struct propagate_texts){ { 0 } };
			copy((u8 *)&to->sender, (const u8 *)&of->sender, sizeof(to->sender));
		}
		forget_parent(p, of);
	}
	s = g && goid ? slot(p, *g) : 0;
	if (s)		/* the request itself, which may go on when this call has ended */
		(void)refer(p, goid, slot(p, s->within) ? s->within : *g);
}

/* true: nobody needs the record, for all that this goroutine was in has returned. */
AGENT static bool ended(struct propagate *p, u64 goid)
{
	u64 *g = goroutine(p, goid);
	struct propagate_parent *of = parent_of(p, goid, false);
	bool unneeded = g && *g & REF_SERVED && !of && knows_all(p);
	struct propagate_call *c;
	struct propagated nobody;

	if (of)
		forget_parent(p, of);
	while (p->asked && (c = call_of(&p->asks, goid, 0, true)))
		answer(p, c, &nobody);
	for (u32 i = 0; g && i < TRIES; i++) {
		struct propagate_span *s = slot(p, *g);

		if (!s || s->goid != goid)
			break;
		close_span(p, s);
		g = goroutine(p, goid);
	}
	(void)refer(p, goid, 0);
	return unneeded;
}

/* One that is in no span makes a goroutine: nothing is inherited. A table that was full may have
 * forgotten something that the collector knows. */
AGENT static bool makes_nobody(struct propagate *p, u64 maker)
{
	return !goroutine(p, maker) && !parent_of(p, maker, false) && knows_all(p);
}

/* true: nobody needs the record. */
AGENT static bool birth(struct propagate *p, const u8 *hook, bool entry, u64 *maker)
{
	bool known = *(const u32 *)(const void *)hook == 8, unneeded;

	if (entry) {
		*maker = known ? word(hook, 8) : 0;
		unneeded = *maker && makes_nobody(p, *maker);
		if (unneeded)
			*maker = 0;
		return unneeded;
	}
	unneeded = !*maker;
	if (known)
		born(p, *maker, word(hook, 8));
	*maker = 0;
	return unneeded;
}

/* Calls that a recovered panic has ended are left. */
AGENT static void recovered(struct propagate *p, const u8 *hook)
{
	const u8 *sp = hook + RECOVERY_SP, *hi = hook + RECOVERY_HI, *goid = hook + RECOVERY_GOID;
	u64 ref;

	if (captured(goid, 8) && captured(hi, 8) && captured(sp, 8))
		(void)current(p, word(goid, 0), recovery_depth(word(hi, 0), word(sp, 0)), &ref);
}

AGENT bool agent_at(struct propagate *p, u8 *record, u8 *ring, u64 how, u8 *sp, u64 keys)
{
	const struct record_head *h = (const void *)record;
	const u8 *hook = record + how_place(how, HOW_HOOK);
	struct propagated *to = (void *)(record + how_place(how, HOW_PROPAGATED));
	bool entry = (how >> 8 & 0xff) == SITE_ENTRY;
	u32 role = how & 0xff;
	struct propagate_texts texts;

	if (role == PROPAGATE_BIRTH)	/* on g0, which has no number */
		return birth(p, hook, entry, (u64 *)(void *)(ring + RING_MAKER));
	if (role == PROPAGATE_RECOVERY && entry)	/* also on g0 */
		recovered(p, hook);
	if (!h->goid)
		return false;
	if (role == PROPAGATE_MESSAGE) {
		if (entry)
			enter_message(p, h->goid, h->depth, by_context(p, record, how),
				      hook == record ? 0 : hook, to);
		else
			leave(p, h->goid, h->depth);
	} else if (role == PROPAGATE_HEADED) {
		if (entry)
			serve_headed(p, h->goid, h->depth, hook == record ? 0 : hook, to);
		else
			leave(p, h->goid, h->depth);
	} else if (role == PROPAGATE_SPAN) {
		if (entry)
			enter(p, h->goid, h->depth, by_context(p, record, how), to, &texts);
		else
			leave(p, h->goid, h->depth);
	} else if (role == PROPAGATE_SERVE || role == PROPAGATE_SERVE_INSIDE) {
		if (entry)
			serve(p, h->goid, h->depth, own_context(record, how),
			      role == PROPAGATE_SERVE_INSIDE, key_of(record, keys), to);
		else
			leave(p, h->goid, h->depth);
	} else if (role == PROPAGATE_ASK) {
		if (entry)
			ask(p, h->goid, h->depth, by_context(p, record, how),
			    hook == record ? 0 : word(hook, EXTRA_BEHIND), to);
		else
			answered(p, h->goid, h->depth, to);
	} else if (role == PROPAGATE_READ) {
		return read_begins(p, h->goid);
	} else if (role == PROPAGATE_LINE) {
		return !entry && line(p, h->goid, hook);
	} else if (role == PROPAGATE_FRAME) {
		u64 key = key_of(record, keys);

		/* one that has no key, where all have one, says nothing: its end is not seen */
		if (key || !keys)
			return frame(p, h->goid, record, entry ? hook : 0, key);
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
		return ended(p, h->goid);
	}
	return false;
}
