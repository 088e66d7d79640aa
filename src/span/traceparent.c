#include "span/traceparent.h"

enum header trace_header(struct str line, u32 how, struct str *value)
{
	u64 from = 0, to = 0;
	enum header h = header_line((const u8 *)line.p, line.n, how, &from, &to);

	*value = str_cut(line, from, to);
	return h;
}

bool traceparent_parse(struct str s, struct span_context *to)
{
	struct sender_way by = { .what = 0 };

	if (!sender_traceparent((const u8 *)s.p, s.n, &by))
		return false;
	span_context_of(to, &by);
	return true;
}

void span_context_of(struct span_context *to, const struct sender_way *by)
{
	*to = (struct span_context){
		.sampled = by->what & SENDER_SAMPLED, .deferred = by->what & SENDER_DEFERRED,
	};
	memcpy(to->trace, by->trace, TRACE_ID);
	memcpy(to->span, by->span, SPAN_ID);
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
