#include "span/traceparent.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_named(struct str name, struct str want)
{
	if (name.n != want.n)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]) !=
		    want.p[i])
			return false;
	return true;
}

enum trace_header trace_header(struct str line, struct str *value)
{
	ptrdiff_t colon = str_find(line, STR(":"));
	struct str name;

	if (colon < 0)
		return HEADER_OTHER;
	name = str_cut(line, 0, (size_t)colon);
	*value = str_cut(line, (size_t)colon + 1, line.n);
	while (value->n && is_blank(value->p[0]))
		*value = str_cut(*value, 1, value->n);
	while (value->n && is_blank(value->p[value->n - 1]))
		value->n--;
	return is_named(name, STR("traceparent")) ? HEADER_TRACEPARENT :
	       is_named(name, STR("tracestate")) ? HEADER_TRACESTATE : HEADER_OTHER;
}

static bool hex(struct str s, size_t at, u8 *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(s.p[at + 2 * i]), lo = hex_digit(s.p[at + 2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		to[i] = (u8)(hi << 4 | lo);
	}
	return true;
}

bool traceparent_parse(struct str s, struct span_context *to)
{
	struct span_context c = { 0 };
	u8 version, flags;

	if (s.n < TRACEPARENT_SIZE || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-' ||
	    !hex(s, 0, &version, 1) || !hex(s, 3, c.trace, TRACE_ID) ||
	    !hex(s, 36, c.span, SPAN_ID) || !hex(s, 53, &flags, 1))
		return false;
	if (version == 0xff || (s.n > TRACEPARENT_SIZE && (!version || s.p[55] != '-')))
		return false;
	if (id_is_zero(c.trace, TRACE_ID) || id_is_zero(c.span, SPAN_ID))
		return false;
	c.sampled = flags & 1;
	*to = c;
	return true;
}

bool tracestate_is_sound(struct str s)
{
	size_t members = 0, equals = 0;

	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && (s.p[i] < 0x20 || s.p[i] > 0x7e) && s.p[i] != '\t')
			return false;
		equals += i < s.n && s.p[i] == '=';
		if (i == s.n || s.p[i] == ',') {
			members += equals > 0;
			equals = 0;
		}
	}
	return s.n <= TRACESTATE_MOST && members && members <= 32;
}

static void to_hex(char *to, const u8 *id, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		to[2 * i] = digits[id[i] >> 4];
		to[2 * i + 1] = digits[id[i] & 15];
	}
	to[2 * n] = 0;
}

void trace_id_hex(char to[2 * TRACE_ID + 1], const u8 id[TRACE_ID])
{
	to_hex(to, id, TRACE_ID);
}

void span_id_hex(char to[2 * SPAN_ID + 1], const u8 id[SPAN_ID])
{
	to_hex(to, id, SPAN_ID);
}
