#include "span/messages.h"

#include <ctype.h>

#include "plan/extra.h"
#include "plan/records.h"
#include "span/headers.h"
#include "span/say.h"
#include "span/traceparent.h"

enum { BATCH_MOST = 1 << 17 };	/* a longer slice is none */

static u64 word(const u8 *at)
{
	u64 v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static struct str text(const u8 *at, u32 most)
{
	u32 n = (u32)word(at - 8);

	return (struct str){ (const char *)at, n == CAPTURE_UNREADABLE || n > most ? 0 : n };
}

static bool is_asked(const struct plan_extra *x, const char *name)
{
	for (size_t i = 0; i < x->nonly; i++)
		if (!strcmp(x->only[i], name))
			return true;
	return false;
}

/* Values of names that begin so were copied, the last one's is there. Of traceparent, or b3, there
 * must be one only. */
static bool context_of(const struct plan_extra *x, const u8 *message, struct span_context *to)
{
	struct str value = text(message + RECORD_VALUE, RECORD_VALUE_MOST);
	u32 found = 0, valid = 0, singles = 0;
	bool parents = is_asked(x, "tracepar"), b3 = is_asked(x, "b3"), single = false;
	struct sender_way by = { .what = 0 };

	for (u32 k = 0; k < records_headers_most(x); k++) {
		struct str name = text(message + records_name_at(k), RECORD_NAME_MOST);
		char small[RECORD_NAME_MOST];

		for (u32 i = 0; i < name.n && x->headers == HEADERS_BYTES_BOOL; i++)
			small[i] = (char)tolower((unsigned char)name.p[i]);
		if (x->headers == HEADERS_BYTES_BOOL)
			name.p = small;
		if (parents && str_starts(name, STR("tracepar"))) {
			found++;
			valid += str_eq(name, STR("traceparent"));
			single = false;
		} else if (b3 && str_eq(name, STR("b3"))) {
			singles++;
			single = true;
		}
	}
	if (value.n >= RECORD_VALUE_MOST)
		return false;
	if (!single)
		return found == 1 && valid && traceparent_parse(value, to);
	if (singles != 1 || !sender_b3((const u8 *)value.p, value.n, &by))
		return false;
	span_context_of(to, &by);
	return true;
}

/* Is the message i there? Its place was read before it was known how many there are. */
static bool is_there(const struct collector_facts *f, const struct call *call, u32 ask)
{
	struct expr_input in = expr_input_of(f->plan, call, f->bias);
	struct expr_result v;

	return expr_value(&in, &f->plan->exprs[ask], &v);
}

bool messages_place(const struct collector_facts *f, const struct call *call,
		    const struct rule_on *on, bool exit, struct open_span *s)
{
	const struct plan_extra *x = extra_of(&f->plan->request, call->fn->func->name);
	const struct reading *r = exit ? &call->fn->exit : &call->fn->entry;
	const u8 *record = exit ? call->exit : call->entry;
	struct field_value fields[FIELDS_MOST] = { 0 };
	i64 count;
	u32 n;

	if (!f->propagators || !x || x->kind != EXTRA_RECORDS || x->exit != exit || !record)
		return false;
	if (!(f->propagators & PROPAGATOR_W3C) && !is_asked(x, "b3"))
		return false;
	n = records_read_of(x, r);
	for (u32 i = 0; i < n && s->nlinks < LINKS_MOST; i++) {
		struct span_context from = { .sampled = false };

		if (is_there(f, call, x->places[i]) &&
		    context_of(x, record + r->hook_at + records_at(x, i), &from))
			s->links[s->nlinks++] = from;
	}
	say_fields(f, call, on, fields);
	count = on->library->messages(fields, on->rule);
	return s->nlinks == 1 && count == 1 &&
	       (s->kind == SPAN_PRODUCER || id_is_zero(s->parent, SPAN_ID));
}

/* Of a slice so long, what the record has no room for, if that can still be read. */
static u32 rest_of(const struct collector_facts *f, u64 rt, u64 n, u32 from, u64 to[DELIVERED_MOST])
{
	u32 more = from < MIN(n, (u64)BATCH_MOST) ? (u32)MIN(n - from, (u64)DELIVERED_MOST) : 0;

	if (!more || !f->read_rt || !f->read_rt(f->read_ctx, rt + 8ull * from, to, 8ull * more))
		return 0;
	return more;
}

u32 messages_delivered(const struct collector_facts *f, const struct call *call,
		       const struct rule_on *on, u32 from, u64 to[DELIVERED_MOST])
{
	const struct reading *r = &call->fn->entry;
	struct field_value own;
	u32 n;

	if (on->rule->extra.kind != EXTRA_LIST) {
		say_field(f, call, on, FIELD_WRITER, &own);
		to[0] = (u64)own.number;
		return own.there && !from;
	}
	n = (u32)headers_word(r, call->entry, EXTRA_STATUS);
	if (n == CAPTURE_UNREADABLE || n > 8 * DELIVERED_MOST)
		return 0;
	if (from)
		return rest_of(f, headers_word(r, call->entry, EXTRA_WORD),
			       headers_word(r, call->entry, EXTRA_LEN), from, to);
	for (u32 i = 0; i < n / 8; i++)
		to[i] = headers_word(r, call->entry, EXTRA_BYTES + 8 * i);
	return n / 8;
}
