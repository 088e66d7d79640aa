/* sender - what the headers of a request say of who sent it, by W3C Trace Context and B3. It is
 * read twice, in the target by the agent (inline/agent.c) and outside by the collector of spans,
 * who must agree; so it is here once. It refers to nothing, not even to constants in memory.
 *
 *   traceparent:  00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *                 version, trace id, id of the caller's span, flags (bit 0: sampled)
 *   b3:           0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1-00f067aa0ba902b7
 *                 trace id (of 8 bytes or 16), id of the caller's span, sampled (0, 1, or d: for
 *                 debugging), parent of that one; the last two may not be there
 *   x-b3-traceid, x-b3-spanid, x-b3-sampled (0, 1), x-b3-flags (1: for debugging)
 * Hex is in lower case. Where b3 says nothing of sampling, who is asked decides.
 *
 * Owns     nothing.
 * Units    ids are raw bytes.
 * Fails    what is not valid, or there twice, says nothing.
 * Threads  any.
 * Source   https://www.w3.org/TR/trace-context/ 3.2, 3.3;
 *          https://github.com/openzipkin/b3-propagation;
 *          OpenTelemetry's specification, Propagators API, B3 requirements: `b3` goes before
 *          x-b3-*; an id of a caller's parent is not passed on; of several propagators the last one
 *          that finds something counts. */
#ifndef PLAN_SENDER_H
#define PLAN_SENDER_H

#include "base/defs.h"

#define SHARED static inline __attribute__((always_inline, unused))

/* Texts as numbers, for a text would lie elsewhere. */
#define BYTE(text, i) ((u64)(u8)(text)[i] << 8 * (i))
#define EIGHT(text) (BYTE(text, 0) | BYTE(text, 1) | BYTE(text, 2) | BYTE(text, 3) | \
		     BYTE(text, 4) | BYTE(text, 5) | BYTE(text, 6) | BYTE(text, 7))

/* Which headers are read and written. */
enum {
	PROPAGATOR_W3C = 1,		/* traceparent, tracestate */
	PROPAGATOR_BAGGAGE = 2,
	PROPAGATOR_B3 = 4,		/* written as `b3`; read in both ways */
	PROPAGATOR_B3MULTI = 8,		/* written as x-b3-*; read in both ways */
	PROPAGATOR_B3_FIRST = 16,	/* where both are valid, b3 counts, not traceparent */
	PROPAGATOR_ANY_B3 = PROPAGATOR_B3 | PROPAGATOR_B3MULTI,
};

enum header {
	HEADER_OTHER, HEADER_PARENT, HEADER_STATE, HEADER_BAGGAGE, HEADER_B3,
	HEADER_B3_TRACE, HEADER_B3_SPAN, HEADER_B3_SAMPLED, HEADER_B3_FLAGS, HEADERS,
};

enum { HEADER_NAME_MOST = 12 };

/* In the way in which Go writes names; in lower case with LOWER. */
struct header_name {
	u64 first, rest;
	u32 n;
};
#define LOWER 0x2020202020202020ull

SHARED struct header_name header_name(enum header h)
{
	if (h == HEADER_PARENT)
		return (struct header_name){ EIGHT("Tracepar"), EIGHT("ent\0\0\0\0"), 11 };
	if (h == HEADER_STATE)
		return (struct header_name){ EIGHT("Tracesta"), EIGHT("te\0\0\0\0\0"), 10 };
	if (h == HEADER_BAGGAGE)
		return (struct header_name){ EIGHT("Baggage"), 0, 7 };
	if (h == HEADER_B3)
		return (struct header_name){ BYTE("B3", 0) | BYTE("B3", 1), 0, 2 };
	if (h == HEADER_B3_TRACE)
		return (struct header_name){ EIGHT("X-B3-Tra"), EIGHT("ceid\0\0\0"), 12 };
	if (h == HEADER_B3_SPAN)
		return (struct header_name){ EIGHT("X-B3-Spa"), EIGHT("nid\0\0\0\0"), 11 };
	if (h == HEADER_B3_SAMPLED)
		return (struct header_name){ EIGHT("X-B3-Sam"), EIGHT("pled\0\0\0"), 12 };
	return (struct header_name){ EIGHT("X-B3-Fla"), EIGHT("gs\0\0\0\0\0"), 10 };
}

SHARED u32 header_by(enum header h)
{
	return h <= HEADER_STATE ? PROPAGATOR_W3C :
	       h == HEADER_BAGGAGE ? PROPAGATOR_BAGGAGE : PROPAGATOR_ANY_B3;
}

/* How many bytes of a value are read where fields are (plan/extra.h): one of more is not valid, or
 * does not go on. */
SHARED u32 header_most(enum header h)
{
	return h == HEADER_STATE || h == HEADER_BAGGAGE ? 512 :
	       h == HEADER_PARENT || h == HEADER_B3 ? 72 : 40;
}

SHARED bool is_named(const u8 *at, const struct header_name *name)
{
	for (u32 i = 0; i < name->n; i++) {
		u8 want = (u8)((i < 8 ? name->first : name->rest) >> 8 * (i & 7)) | 0x20;

		if ((want >= 'a' && want <= 'z' ? at[i] | 0x20 : at[i]) != want)
			return false;
	}
	return true;
}

/* In any case of letters. */
SHARED enum header header_named(const u8 *at, u64 n, u32 how)
{
	u8 first = n >= 2 && n <= HEADER_NAME_MOST ? at[0] | 0x20 : 0;

	if (first != 't' && first != 'b' && first != 'x')
		return HEADER_OTHER;
	for (u32 h = HEADER_PARENT; h < HEADERS; h++) {
		struct header_name name = header_name((enum header)h);

		if (how & header_by((enum header)h) && n == name.n && is_named(at, &name))
			return (enum header)h;
	}
	return HEADER_OTHER;
}

SHARED bool is_blank(u8 c)
{
	return c == ' ' || c == '\t';
}

/* "Name: value": which it is; its value lies from *from to *to, without blanks around it. */
SHARED enum header header_line(const u8 *at, u64 n, u32 how, u64 *from, u64 *to)
{
	enum header h;
	u64 i = 0;

	while (i < n && i <= HEADER_NAME_MOST && at[i] != ':')
		i++;
	h = i < n && at[i] == ':' ? header_named(at, i, how) : HEADER_OTHER;
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

/* ---- values ---- */

/* Of who sent the request; together with PROPAGATED_SAMPLED and _DEBUG of plan/propagate.h. */
enum { SENDER_SAMPLED = 2, SENDER_DEBUG = 256, SENDER_DEFERRED = 1024 };

enum { SENDER_W3C, SENDER_B3, SENDER_MULTI, SENDER_WAYS };

struct sender {
	struct sender_way {
		u8 trace[16], span[8];
		u32 what;
		u32 times;	/* 1: it was there once; more: twice, or once and not valid */
	} by[SENDER_WAYS];
	u8 parts[4];		/* of SENDER_MULTI: how often from HEADER_B3_TRACE on */
};

SHARED int sender_digit(u8 c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: not hex, or all zero. */
SHARED bool sender_hex(const u8 *from, u8 *to, u32 n)
{
	u8 any = 0;

	for (u32 i = 0; i < n; i++) {
		int hi = sender_digit(from[2 * i]), lo = sender_digit(from[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		to[i] = (u8)(hi << 4 | lo);
		any |= to[i];
	}
	return any;
}

enum { TRACEPARENT_SIZE = 55, B3_PARENT = 17 /* "-" and an id */ };

/* A later version is read as version 00 is, when it begins so. */
SHARED bool sender_traceparent(const u8 *at, u64 n, struct sender_way *to)
{
	u8 version = 0, flags = 0;

	if (n < TRACEPARENT_SIZE)
		return false;
	(void)sender_hex(at, &version, 1);
	if ( at[2] != '-' || at[35] != '-' || at[52] != '-' ||
	    sender_digit(at[0]) < 0 || sender_digit(at[1]) < 0 || sender_digit(at[53]) < 0 ||
	    sender_digit(at[54]) < 0 || version == 0xff ||
	    (n > TRACEPARENT_SIZE && (!version || at[55] != '-')))
		return false;
	(void)sender_hex(at + 53, &flags, 1);
	to->what = flags & 1 ? SENDER_SAMPLED : 0;
	return sender_hex(at + 3, to->trace, 16) && sender_hex(at + 36, to->span, 8);
}

/* One of 8 bytes has zeros before it. */
SHARED bool sender_b3_trace(const u8 *at, u64 n, u8 trace[16])
{
	if (n == 32)
		return sender_hex(at, trace, 16);
	for (u32 i = 0; i < 8; i++)
		trace[i] = 0;
	return n == 16 && sender_hex(at, trace + 8, 8);
}

SHARED bool sender_b3(const u8 *at, u64 n, struct sender_way *to)
{
	u64 trace = n > 32 && at[32] == '-' ? 32 : 16, i = trace + 17;
	u8 parent[8];

	to->what = SENDER_DEFERRED;
	if (n < i || at[trace] != '-' || !sender_b3_trace(at, trace, to->trace) ||
	    !sender_hex(at + trace + 1, to->span, 8))
		return false;
	if (i == n)
		return true;
	if (n < i + 2 || at[i] != '-')
		return false;
	if (at[i + 1] != '0' && at[i + 1] != '1' && at[i + 1] != 'd')
		return false;
	to->what = at[i + 1] == '0' ? 0 : at[i + 1] == '1' ? SENDER_SAMPLED :
							      SENDER_SAMPLED | SENDER_DEBUG;
	i += 2;
	return i == n || (n == i + B3_PARENT && at[i] == '-' && sender_hex(at + i + 1, parent, 8));
}

/* "true" and "false" are what was written before there was a specification. */
SHARED bool sender_b3_sampled(const u8 *at, u64 n, u32 *what)
{
	bool yes = n == 1 ? at[0] == '1' : n == 4 && at[0] == 't' && at[1] == 'r' &&
						   at[2] == 'u' && at[3] == 'e';
	bool no = n == 1 ? at[0] == '0' : n == 5 && at[0] == 'f' && at[1] == 'a' &&
						  at[2] == 'l' && at[3] == 's' && at[4] == 'e';

	*what |= yes ? SENDER_SAMPLED : 0;
	return yes || no;
}

SHARED void sender_begin(struct sender *s)
{
	for (u32 i = 0; i < SENDER_WAYS; i++)
		s->by[i].what = s->by[i].times = 0;
	for (u32 i = 0; i < 4; i++)
		s->parts[i] = 0;
}

SHARED void sender_part(struct sender *s, enum header h, const u8 *at, u64 n)
{
	struct sender_way *m = &s->by[SENDER_MULTI];
	u8 *times = &s->parts[h - HEADER_B3_TRACE];
	bool valid = true;

	if (h == HEADER_B3_TRACE)
		valid = sender_b3_trace(at, n, m->trace);
	else if (h == HEADER_B3_SPAN)
		valid = n == 16 && sender_hex(at, m->span, 8);
	else if (h == HEADER_B3_SAMPLED)
		valid = sender_b3_sampled(at, n, &m->what);
	else if (n == 1 && at[0] == '1')
		m->what |= SENDER_SAMPLED | SENDER_DEBUG;
	*times = *times || !valid ? 2 : 1;
}

/* A header that says something; `whole`: all of its value is there. */
SHARED void sender_take(struct sender *s, enum header h, const u8 *at, u64 n, bool whole)
{
	struct sender_way *w3c = &s->by[SENDER_W3C], *b3 = &s->by[SENDER_B3];

	if (h == HEADER_PARENT)
		w3c->times += !whole || !sender_traceparent(at, n, w3c) ? 2 : 1;
	else if (h == HEADER_B3)
		b3->times += !whole || !sender_b3(at, n, b3) ? 2 : 1;
	else if (h >= HEADER_B3_TRACE)
		sender_part(s, h, at, whole ? n : 0);
}

/* Who sent it, or NULL. */
SHARED struct sender_way *sender_who(struct sender *s, u32 how)
{
	struct sender_way *w3c = s->by[SENDER_W3C].times == 1 ? &s->by[SENDER_W3C] : 0;
	struct sender_way *multi = &s->by[SENDER_MULTI], *b3 = 0;

	if (s->by[SENDER_B3].times == 1)
		b3 = &s->by[SENDER_B3];
	else if (s->parts[0] == 1 && s->parts[1] == 1 && s->parts[2] <= 1 && s->parts[3] <= 1)
		b3 = multi;
	if (b3 == multi && !s->parts[2] && !(multi->what & SENDER_DEBUG))
		multi->what = SENDER_DEFERRED;
	return b3 && (!w3c || how & PROPAGATOR_B3_FIRST) ? b3 : w3c;
}

/* Is this a list of members with values, in characters that are allowed? */
SHARED bool sender_list(const u8 *at, u64 n, u32 most)
{
	u32 members = 0;
	bool equals = false;

	for (u64 i = 0; i <= n; i++) {
		u8 c = i < n ? at[i] : ',';

		if ((c < 0x20 || c > 0x7e) && c != '\t')
			return false;
		members += c == ',' && equals;
		equals = c != ',' && (equals || c == '=');
	}
	return members && members <= most;
}

SHARED bool sender_text(enum header h, const u8 *at, u64 n)
{
	return sender_list(at, n, h == HEADER_STATE ? 32 : 512);
}

#endif
