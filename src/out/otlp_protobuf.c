#include "out/otlp_encode.h"
#include "span/traceparent.h"

/* Protobuf: a field is a tag (number << 3 | wire type) and its bytes; a message in a field is its
 * length and its fields. Fields that have their default (0, empty) are left out. */
enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };

/* Up to these a length, and a tag, is one byte; and a tag is never more than two. */
enum { LENGTH_MOST = 127, FIELD_MOST = 15, TAG_MOST = 2, VARINT_MOST = 10 };

static size_t put_varint(u8 *to, u64 v)
{
	size_t n = 0;

	while (v >= 0x80) {
		to[n++] = (u8)(v | 0x80);
		v >>= 7;
	}
	to[n++] = (u8)v;
	return n;
}

static void varint(struct out *o, u64 v)
{
	if (v < 0x80)
		out_c(o, (char)v);
	else
		o->n += put_varint((u8 *)out_room(o, VARINT_MOST), v);
}

static void tag(struct out *o, u32 field, enum wire w)
{
	varint(o, field << 3 | w);
}

static void fixed(struct out *o, u32 field, u64 v, size_t size)
{
	u8 *to = (u8 *)out_room(o, TAG_MOST + size);
	size_t n = put_varint(to, field << 3 | (size == 8 ? WIRE_FIXED64 : WIRE_FIXED32));

	memcpy(to + n, &v, size);
	o->n += n + size;
}

static u8 *put_bytes(u8 *to, u32 field, struct str s)
{
	*to++ = (u8)(field << 3 | WIRE_BYTES);
	*to++ = (u8)s.n;
	return (u8 *)memcpy(to, s.p, s.n) + s.n;
}

static void bytes(struct out *o, u32 field, const void *p, size_t n)
{
	if (n && n <= LENGTH_MOST && field <= FIELD_MOST) {
		put_bytes((u8 *)out_room(o, 2 + n), field, (struct str){ p, n });
		o->n += 2 + n;
		return;
	}
	tag(o, field, WIRE_BYTES);
	varint(o, n);
	out_str(o, (struct str){ p, n });
}

/* Room for the length of a message of about so many bytes. */
static size_t begin_of(struct out *o, u32 field, size_t about)
{
	tag(o, field, WIRE_BYTES);
	return o->n += put_varint((u8 *)out_room(o, VARINT_MOST), about);
}

/* The length goes before what was written since begin_of(), which moves where it needs other room
 * than was thought. */
static void end_of(struct out *o, size_t at, size_t about)
{
	size_t n = o->n - at, nlen, room;
	u8 len[VARINT_MOST];

	room = put_varint(len, about);
	nlen = put_varint(len, n);
	if (nlen != room) {
		out_room(o, nlen);
		memmove(o->buf + at + nlen - room, o->buf + at, n);
		o->n = at + nlen - room + n;
	}
	memcpy(o->buf + at - room, len, nlen);
}

/* Most messages are short, so there is one byte for the length. */
static size_t begin(struct out *o, u32 field)
{
	return begin_of(o, field, 0);
}

static void end(struct out *o, size_t at)
{
	end_of(o, at, 0);
}

static void text(struct out *o, u32 field, struct str s)
{
	size_t message;

	if (str_is_utf8(s)) {
		bytes(o, field, s.p, s.n);
		return;
	}
	message = begin(o, field);
	out_utf8(o, s);
	end(o, message);
}

static void some_text(struct out *o, u32 field, struct str s)
{
	if (s.n)
		text(o, field, s);
}

static void real(struct out *o, u32 field, double v)
{
	u64 bits;

	memcpy(&bits, &v, sizeof(bits));
	fixed(o, field, bits, 8);
}

static void value(struct out *o, const struct span_attr *a)
{
	switch (a->kind) {
	case ATTR_TEXT:
		text(o, 1, a->text);
		break;
	case ATTR_BOOL:
		tag(o, 2, WIRE_VARINT);
		varint(o, a->truth);
		break;
	case ATTR_INT:
		tag(o, 3, WIRE_VARINT);
		varint(o, (u64)a->number);
		break;
	case ATTR_FLOAT:
		real(o, 4, a->real);
		break;
	}
}

static u32 four_at(const char *p)
{
	u32 w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Copies a text of less than 128 bytes, and puts its bytes together in *all: one that is not ASCII
 * has a high bit there. Eight at once; the last ones again with those before them. */
static u8 *put_text(u8 *to, u32 field, struct str s, u64 *all)
{
	*to++ = (u8)(field << 3 | WIRE_BYTES);
	*to++ = (u8)s.n;
	if (s.n >= 8) {
		u64 last = eight_at(s.p + s.n - 8);

		for (size_t i = 0; i + 8 < s.n; i += 8) {
			u64 w = eight_at(s.p + i);

			memcpy(to + i, &w, sizeof(w));
			*all |= w;
		}
		memcpy(to + s.n - 8, &last, sizeof(last));
		*all |= last;
	} else if (s.n >= 4) {
		u32 first = four_at(s.p), last = four_at(s.p + s.n - 4);

		memcpy(to, &first, sizeof(first));
		memcpy(to + s.n - 4, &last, sizeof(last));
		*all |= first | last;
	} else {
		for (size_t i = 0; i < s.n; i++)
			*all |= to[i] = (u8)s.p[i];
	}
	return to + s.n;
}

/* What most attributes are: ASCII texts and numbers, so short that each length is one byte. */
static bool short_attr(struct out *o, u32 field, const struct span_attr *a)
{
	enum { TAGS = 6 };
	bool text = a->kind == ATTR_TEXT;
	size_t n = text ? a->text.n : VARINT_MOST;
	u8 *to, *length, *value;
	u64 all = 0;

	if ((!text && a->kind != ATTR_INT) || !n || !a->key.n ||
	    a->key.n + n + TAGS > LENGTH_MOST)
		return false;
	to = (u8 *)out_room(o, 2 + LENGTH_MOST);
	*to++ = (u8)(field << 3 | WIRE_BYTES);
	length = to++;
	to = put_text(to, 1, a->key, &all);
	*to++ = 2 << 3 | WIRE_BYTES;
	value = to++;
	if (text) {
		to = put_text(to, 1, a->text, &all);
	} else {
		*to++ = 3 << 3 | WIRE_VARINT;
		to += put_varint(to, (u64)a->number);
	}
	if (all & 0x8080808080808080u)
		return false;
	*value = (u8)(to - value - 1);
	*length = (u8)(to - length - 1);
	o->n = (size_t)((char *)to - o->buf);
	return true;
}

static void attrs(struct out *o, u32 field, const struct span_attr *a, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		size_t pair, v;

		if (short_attr(o, field, &a[i]))
			continue;
		pair = begin(o, field);
		text(o, 1, a[i].key);
		v = begin(o, 2);
		value(o, &a[i]);
		end(o, v);
		end(o, pair);
	}
}

static void event(struct out *o, const struct span_event *e)
{
	size_t message = begin(o, 11);

	fixed(o, 1, (u64)e->time_ns, 8);
	some_text(o, 2, e->name);
	attrs(o, 3, e->attrs, e->nattrs);
	end(o, message);
}

static void ids(struct out *o, const struct span_context *c)
{
	bytes(o, 1, c->trace, TRACE_ID);
	bytes(o, 2, c->span, SPAN_ID);
	some_text(o, 3, c->state);
}

static void link_to(struct out *o, const struct span_context *c)
{
	size_t message = begin(o, 13);

	ids(o, c);
	if (c->sampled)
		fixed(o, 6, FLAG_SAMPLED, 4);
	end(o, message);
}

static void span(struct out *o, const struct span *s)
{
	ids(o, &s->self);
	if (!id_is_zero(s->parent, SPAN_ID))
		bytes(o, 4, s->parent, SPAN_ID);
	some_text(o, 5, s->name);
	tag(o, 6, WIRE_VARINT);
	varint(o, s->kind);
	fixed(o, 7, (u64)s->start_ns, 8);
	fixed(o, 8, (u64)s->end_ns, 8);
	attrs(o, 9, s->attrs, s->nattrs);
	for (u32 i = 0; i < s->nevents; i++)
		event(o, &s->events[i]);
	if (s->dropped_events) {
		tag(o, 12, WIRE_VARINT);
		varint(o, s->dropped_events);
	}
	for (u32 i = 0; i < s->nlinks; i++)
		link_to(o, &s->links[i]);
	if (s->status != STATUS_UNSET) {
		size_t message = begin(o, 15);

		if (s->status == STATUS_ERROR)
			some_text(o, 2, s->message);
		tag(o, 3, WIRE_VARINT);
		varint(o, s->status);
		end(o, message);
	}
	fixed(o, 16, otlp_flags(s), 4);
}

static void resource(struct out *o, const struct span_resource *r)
{
	attrs(o, 1, r->attrs, r->nattrs);
}

static void exemplars(struct out *o, const struct metric_exemplar *x, u32 n)
{
	for (u32 i = 0; x && i < n; i++) {
		size_t message;

		if (!x[i].time_ns)
			continue;
		message = begin(o, 8);
		fixed(o, 2, (u64)x[i].time_ns, 8);
		real(o, 3, x[i].value);
		bytes(o, 4, x[i].span, SPAN_ID);
		bytes(o, 5, x[i].trace, TRACE_ID);
		end(o, message);
	}
}

static void point(struct out *o, const struct metric_series *s, const struct metric_about *about,
		  const struct otlp_counted *when)
{
	const u32 n = about->nbounds;
	size_t message = begin(o, 1);

	fixed(o, 2, (u64)when->from_ns, 8);
	fixed(o, 3, (u64)when->to_ns, 8);
	if (!n) {
		fixed(o, 6, s->count, 8);
		attrs(o, 7, s->attrs, s->nattrs);
		end(o, message);
		return;
	}
	fixed(o, 4, s->count, 8);
	real(o, 5, s->sum);
	bytes(o, 6, s->buckets, (n + 1) * sizeof(s->buckets[0]));
	bytes(o, 7, about->bounds, n * sizeof(about->bounds[0]));
	exemplars(o, s->exemplars, n + 1);
	attrs(o, 9, s->attrs, s->nattrs);
	real(o, 11, s->least);
	real(o, 12, s->most);
	end(o, message);
}

static void metric(struct out *o, const struct metric *m, struct metric_about about,
		   struct otlp_counted when)
{
	size_t message;

	text(o, 1, str_of(about.name));
	text(o, 2, str_of(about.what));
	text(o, 3, str_of(about.unit));
	message = begin(o, about.nbounds ? 9 : 7);
	for (size_t i = 0; i < m->series.n; i++)
		point(o, m->series.at[i], &about, &when);
	tag(o, 2, WIRE_VARINT);
	varint(o, when.temporality);
	if (!about.nbounds) {
		tag(o, 3, WIRE_VARINT);
		varint(o, true);
	}
	end(o, message);
}

/* Of the items from `from` on that are of its scope. */
static size_t about_bytes(const struct otlp_piece *p, size_t n, size_t from)
{
	enum { TAG_AND_LENGTH = 3 };
	size_t sum = 0;

	for (size_t i = from; i < n; i++)
		if (str_eq(p[i].scope, p[from].scope))
			sum += p[i].item.n + TAG_AND_LENGTH;
	return sum;
}

/* Batches are large: they are not moved for the sake of their lengths. */
static void request(struct out *o, const struct otlp_signal *of, struct str about,
		    const struct otlp_piece *p, size_t n)
{
	size_t size = about.n, all;

	(void)of;
	for (size_t i = 0; i < n; i++)
		size += otlp_scope_begins(p, i) ? about_bytes(p, n, i) : 0;
	all = begin_of(o, 1, size);
	bytes(o, 1, about.p, about.n);
	for (size_t i = 0; i < n; i++) {
		size_t message, scope, items;

		if (!otlp_scope_begins(p, i))
			continue;
		items = about_bytes(p, n, i);
		message = begin_of(o, 2, items);
		scope = begin(o, 1);
		some_text(o, 1, p[i].scope);
		end(o, scope);
		for (size_t k = i; k < n; k++)
			if (str_eq(p[k].scope, p[i].scope))
				bytes(o, 2, p[k].item.p, p[k].item.n);
		text(o, 3, STR(OTLP_SCHEMA));
		end_of(o, message, items);
	}
	text(o, 3, STR(OTLP_SCHEMA));
	end_of(o, all, size);
}

const struct otlp_encoding otlp_protobuf = {
	.content_type = "application/x-protobuf",
	.span = span, .metric = metric, .resource = resource, .request = request,
};
