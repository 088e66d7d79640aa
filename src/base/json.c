#include <string.h>

#include "base/out.h"

void json_begin(struct json *j, struct out *o)
{
	*j = (struct json){ .o = o };
}

/* Before each value: its comma, unless it follows a key. */
static void before(struct json *j)
{
	u64 bit = (u64)1 << (j->depth & 63);

	if (j->after_key)
		j->after_key = false;
	else if (j->comma & bit)
		out_c(j->o, ',');
	j->comma |= bit;
}

static void down(struct json *j, char c)
{
	before(j);
	out_c(j->o, c);
	j->depth++;
	j->comma &= ~((u64)1 << (j->depth & 63));
}

static void up(struct json *j, char c)
{
	out_c(j->o, c);
	j->depth--;
}

void json_object(struct json *j)
{
	down(j, '{');
}

void json_object_end(struct json *j)
{
	up(j, '}');
}

void json_array(struct json *j)
{
	down(j, '[');
}

void json_array_end(struct json *j)
{
	up(j, ']');
}

/* How many bytes from `at` on are ASCII that stands for itself. */
static size_t plain(struct str s, size_t at)
{
	size_t from = at;

	while (at < s.n && (u8)(s.p[at] - 0x20) < 0x5f && s.p[at] != '"' && s.p[at] != '\\')
		at++;
	return at - from;
}

/* C1 controls are escaped too: terminals obey them. */
static void text(struct out *o, struct str s)
{
	out_c(o, '"');
	for (size_t at = 0, n; at < s.n; at += n) {
		u8 c = (u8)s.p[at];
		u32 rune = c;

		n = plain(s, at);
		if (n) {
			out_str(o, (struct str){ s.p + at, n });
			continue;
		}
		n = utf8_rune(s, at, &rune);
		if (n > 1 && rune > 0x9f && rune != 0x2028 && rune != 0x2029)
			out_str(o, (struct str){ s.p + at, n });
		else if (!n)
			out_str(o, STR("\xef\xbf\xbd"));
		else if (c == '"' || c == '\\')
			out_fmt(o, "\\%c", c);
		else if (c == '\n')
			out_str(o, STR("\\n"));
		else if (c == '\t')
			out_str(o, STR("\\t"));
		else if (c == '\r')
			out_str(o, STR("\\r"));
		else
			out_fmt(o, "\\u%04x", rune);
		n = MAX(n, (size_t)1);
	}
	out_c(o, '"');
}

void json_key_str(struct json *j, struct str key)
{
	before(j);
	text(j->o, key);
	out_c(j->o, ':');
	j->after_key = true;
}

/* A key of ours: nothing in it needs an escape. */
void json_key(struct json *j, const char *key)
{
	before(j);
	out_c(j->o, '"');
	out_z(j->o, key);
	out_str(j->o, STR("\":"));
	j->after_key = true;
}

void json_str(struct json *j, struct str s)
{
	before(j);
	text(j->o, s);
}

void json_z(struct json *j, const char *z)
{
	json_str(j, str_of(z));
}

/* Beyond 2^53 a reader that keeps numbers as doubles would change them. */
void json_u64(struct json *j, u64 v)
{
	bool quote = v > (u64)1 << 53;

	before(j);
	if (quote)
		out_c(j->o, '"');
	out_u64(j->o, v);
	if (quote)
		out_c(j->o, '"');
}

void json_i64(struct json *j, i64 v)
{
	bool quote = v < -((i64)1 << 53);

	if (v >= 0) {
		json_u64(j, (u64)v);
		return;
	}
	before(j);
	if (quote)
		out_c(j->o, '"');
	out_i64(j->o, v);
	if (quote)
		out_c(j->o, '"');
}

void json_f64(struct json *j, double v)
{
	json_float(j, v, 64);
}

void json_float(struct json *j, double v, int bits)
{
	bool quote = v - v != 0;	/* NaN, Inf */

	before(j);
	if (quote)
		out_c(j->o, '"');
	out_float(j->o, v, bits);
	if (quote)
		out_c(j->o, '"');
}

void json_bool(struct json *j, bool v)
{
	before(j);
	out_z(j->o, v ? "true" : "false");
}

void json_text(struct json *j, const char *key, struct str s)
{
	json_key(j, key);
	if (s.n)
		json_str(j, s);
	else
		json_null(j);
}

void json_null(struct json *j)
{
	before(j);
	out_str(j->o, STR("null"));
}

void json_hex(struct json *j, u64 v)
{
	before(j);
	out_c(j->o, '"');
	out_hex(j->o, v);
	out_c(j->o, '"');
}

void json_time(struct json *j, i64 unix_ns)
{
	before(j);
	out_c(j->o, '"');
	out_time(j->o, unix_ns);
	out_c(j->o, '"');
}

void json_base64(struct json *j, struct str bytes)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789+/";

	before(j);
	out_c(j->o, '"');
	for (size_t at = 0; at < bytes.n; at += 3) {
		size_t n = MIN(bytes.n - at, (size_t)3);
		u32 v = 0;
		char four[4];

		for (size_t i = 0; i < 3; i++)
			v = v << 8 | (i < n ? (u8)bytes.p[at + i] : 0);
		for (size_t i = 0; i < 4; i++)
			four[i] = i <= n ? set[v >> (18 - 6 * i) & 63] : '=';
		out_str(j->o, (struct str){ four, sizeof(four) });
	}
	out_c(j->o, '"');
}

void json_line(struct json *j)
{
	j->o->lines = true;
	out_line(j->o);
	j->depth = 0;
	j->comma = 0;
	j->after_key = false;
}
