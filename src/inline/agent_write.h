/* agent_write - the agent: a request says whose child it is, in HTTP/1 and HTTP/2.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: what finds no place is not known.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_WRITE_H
#define INLINE_AGENT_WRITE_H

#include "inline/agent_requests.h"

enum {
	LINE = 70,		/* "Traceparent: " value "\r\n" */
	STATE_LINE = 14,	/* "Tracestate: " and "\r\n" */
	/* bufio.Writer: an error, then the buffer, then how much of it is in use */
	WRITER_ERROR = 0, WRITER_BUFFER = 16, WRITER_SIZE = 24, WRITER_USED = 40,
};

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
	*(u64 *)(void *)to = EIGHT("Tracepar");
	*(u32 *)(void *)(to + 8) = (u32)EIGHT("ent:\0\0\0");
	to[12] = ' ';
	to = put_value(to + 13, r);
	*(u16 *)(void *)to = 0x0a0d;				/* "\r\n" */
}

/* "Tracestate: " value "\r\n": how many bytes it takes, or 0. */
AGENT static u32 put_state_line(struct propagate *p, struct propagate_request *r, u8 *to, u64 room)
{
	u32 n = room > STATE_LINE ? copy_text(p, r->tracestate, to + 12, room - STATE_LINE) : 0;

	if (!n) {
		r->what |= text_at(p, r->tracestate) ? PROPAGATED_NO_STATE : 0;
		return 0;
	}
	*(u64 *)(void *)to = EIGHT("Tracesta");
	*(u32 *)(void *)(to + 8) = (u32)EIGHT("te: \0\0\0");
	*(u16 *)(void *)(to + 12 + n) = 0x0a0d;
	return STATE_LINE + n;
}

/* A field that the program writes itself: there is none of ours then. */
AGENT static void is_own(struct propagate_request *r, enum header h, const u8 *value, u64 n)
{
	if (h == HEADER_STATE)
		r->tracestate = 0;
	if (h != HEADER_PARENT || r->what & PROPAGATED_OWN)
		return;
	r->what = PROPAGATED_OWN;
	if (parse(value, n, r->trace, r->span, &r->spare))
		r->what |= PROPAGATED_THERE | r->spare;
}

/* The header that lies in the buffer may have some. */
AGENT static void find_own(const u8 *at, u64 n, struct propagate_request *r)
{
	u64 i = 0;

	while (i < n) {
		u64 end = i, from = 0, to = 0;
		enum header h;

		while (end < n && at[end] != '\r' && at[end] != '\n')
			end++;
		h = header_line(at + i, end - i, &from, &to);
		if (h)
			is_own(r, h, at + i + from, to - from);
		while (end < n && (at[end] == '\r' || at[end] == '\n'))
			end++;
		i = end;
	}
}

/* Behind the header that the goroutine has written since begin_write. */
AGENT static void append_lines(struct propagate *p, const struct propagate_call *c,
			       struct propagate_request *r)
{
	u8 *w = (u8 *)c->writer, *buffer = (u8 *)word(w, WRITER_BUFFER);
	u64 used = word(w, WRITER_USED), size = word(w, WRITER_SIZE);

	if (__atomic_load_n(&r->map, __ATOMIC_ACQUIRE) != c->map || r->shared ||
	    is_doubtful(p, r->lost))
		return;
	/* the same bytes lie before it: nothing was sent meanwhile */
	if (word(w, WRITER_ERROR) || used < c->held || used + LINE > size ||
	    word(buffer, 0) != c->head || word(buffer, (u32)c->held - 8) != c->tail) {
		r->what |= PROPAGATED_NO_ROOM;
		return;
	}
	find_own(buffer + c->held, used - c->held, r);
	if (r->what & PROPAGATED_OWN)
		return;
	put_line(buffer + used, r);
	used += LINE;
	used += put_state_line(p, r, buffer + used, size - used);
	*(u64 *)(void *)(w + WRITER_USED) = used;
	r->what |= PROPAGATED_WRITTEN | PROPAGATED_THERE;
}

AGENT static void end_write(struct propagate *p, u64 goid)
{
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);

	if (!c)
		return;
	append_lines(p, c, &p->requests[c->request]);
	forget(c);
}

/* ---- HTTP/2 ---- */

#define LIST_AGE_MOST (1ull << 31)	/* ticks: about a second */

enum {
	FIELD = 69,		/* bytes of the field, as hpack writes a literal that is not kept */
	STATE_FIELD = 16,	/* before the value of tracestate, at most */
	/* HeadersFrameParam: stream, block, its length and capacity; is it its header's last? */
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
	if (r && (r->shared || is_doubtful(p, r->lost)))
		r = 0;
	c = r ? new_call(p, p->writes, WRITE_SLOTS, goid) : 0;
	if (!c)
		return;
	c->request = (u32)(r - p->requests);
	c->map = map;
	c->listed = listed;
	c->block = 0;
	__atomic_store_n(&p->streams, 1, __ATOMIC_RELAXED);
}

AGENT static void name(struct propagate *p, u64 goid, const u8 *words)
{
	struct propagate_call *c = call_of(p->writes, WRITE_SLOTS, goid, 0, true);
	enum header h = c ? header_named((const u8 *)word(words, 0), word(words, 8)) : HEADER_OTHER;

	if (h)
		is_own(&p->requests[c->request], h, (const u8 *)word(words, 16), word(words, 24));
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

/* A number of HPACK's with seven bits in its first byte (RFC 7541 5.1), below 2^14 + 127. */
AGENT static u8 *put_number(u8 *to, u32 n)
{
	*to++ = (u8)(n < 127 ? n : 127);
	if (n < 127)
		return to;
	n -= 127;
	if (n >= 128)
		*to++ = (u8)(n | 128);
	*to++ = (u8)(n < 128 ? n : n >> 7);
	return to;
}

/* A field with the request's tracestate: how many bytes it takes, or 0. */
AGENT static u32 put_state_field(struct propagate *p, struct propagate_request *r, u8 *to, u64 room)
{
	const struct propagate_text *t = text_at(p, r->tracestate);
	u32 n = t ? t->n : 0, value;

	if (!n || n > TEXT_MOST || room < STATE_FIELD + n) {
		r->what |= n ? PROPAGATED_NO_STATE : 0;
		return 0;
	}
	to[0] = 0;
	to[1] = 10;
	*(u64 *)(void *)(to + 2) = EIGHT("tracesta");
	*(u16 *)(void *)(to + 10) = (u16)EIGHT("te\0\0\0\0\0");
	value = (u32)(put_number(to + 12, n) - to);
	return copy_text(p, r->tracestate, to + value, room - value) == n ? value + n : 0;
}

/* The block is written from a copy that has some fields more; the program reads it until this call
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
	*(u64 *)(void *)(to + 2) = EIGHT("tracepar");
	*(u32 *)(void *)(to + 10) = (u32)EIGHT("ent\x37\0\0\0");	/* 55 bytes */
	put_value(to + 14, r);
	n += FIELD;
	n += put_state_field(p, r, b->bytes + n, BLOCK_MOST - n);
	*(u64 *)(void *)(param + PARAM_BLOCK) = (u64)b->bytes;
	*(u64 *)(void *)(param + PARAM_SIZE) = n;
	*(u64 *)(void *)(param + PARAM_ROOM) = n;
	r->what |= PROPAGATED_WRITTEN | PROPAGATED_THERE;
}

#endif
