#include "span/headers.h"

#include "plan/extra.h"
#include "span/say.h"

u64 headers_word(const struct reading *r, const u8 *record, u32 at)
{
	u64 v = 0;

	if (r->hook_at && record)
		memcpy(&v, record + r->hook_at + at, sizeof(v));
	return v;
}

struct str headers_text(const struct reading *r, const u8 *record, u16 most)
{
	u32 n = (u32)headers_word(r, record, EXTRA_STATUS);

	if (!n || n == CAPTURE_UNREADABLE || n > most)
		return (struct str){ 0 };
	return (struct str){ (const char *)record + r->hook_at + EXTRA_BYTES, n };
}

/* Where the plan knows in which places of the record both lie; neither is ever 0. */
static bool has_keys(const struct call *call, u64 *key, u32 *sub)
{
	const struct reading *r = &call->fn->entry;

	if (!r->key_at || !call->entry)
		return false;
	memcpy(key, call->entry + r->key_at, sizeof(*key));
	memcpy(sub, call->entry + r->subkey_at, sizeof(*sub));
	return *key && *sub;
}

u64 headers_reader(const struct collector_facts *f, const struct call *call,
		   const struct rule_on *on, struct field_value *key)
{
	struct field_value sub;
	u64 word;
	u32 n;

	if (has_keys(call, &word, &n)) {
		*key = (struct field_value){ .there = true, .number = (i64)word };
		return incoming_key(word, n);
	}
	say_field(f, call, on, FIELD_KEY, key);
	say_field(f, call, on, FIELD_SUBKEY, &sub);
	if (key->there && sub.there)
		return incoming_key((u64)key->number, (u64)sub.number);
	return on->fields & 1u << FIELD_KEY ? 0 : call->goid;
}

void headers_line(struct incoming *in, const struct call *call, const struct rule_on *on)
{
	struct str text = headers_text(&call->fn->exit, call->exit, on->rule->extra.most);

	if (text.n)
		incoming_line(in, call->goid, text,
			      headers_word(&call->fn->exit, call->exit, EXTRA_LEN) == text.n);
}

static struct str text_at(const u8 *record, u32 at, u32 most)
{
	u32 n;

	memcpy(&n, record + at - 8, sizeof(n));
	if (n == CAPTURE_UNREADABLE || n > most)
		return STR("");
	return (struct str){ (const char *)record + at, n };
}

/* Of names that may be one of those that matter the last one's value was copied, so there must be
 * one only. The goroutine that this one makes before it is done is the one that serves it, unless
 * the request has a key. */
void headers_frame(struct incoming *in, const struct collector_facts *f, const struct call *call,
		   const struct rule_on *on)
{
	const struct plan_extra *x = &f->rules->extras[on - f->rules->on];
	const struct reading *rd = &call->fn->entry;
	const u8 *record = call->entry + rd->hook_at;
	u64 count = headers_word(rd, call->entry, EXTRA_COUNT);
	struct field_value key;
	u64 by = headers_reader(f, call, on, &key);

	incoming_drop(in, by);
	if (!rd->hook_at || !by)
		return;
	for (u32 k = 0; k < x->nonly; k++) {
		struct str found = STR(""), value, head = str_of(x->only[k]);
		u64 size = 0;
		u32 n = 0;

		value = text_at(record, extra_value_at(x, k), x->sizes[k]);
		for (u32 i = 0; i < MIN(count, (u64)EXTRA_FIELDS_MOST); i++) {
			struct str name = text_at(record, extra_name_at(i), EXTRA_NAME_MOST);

			if (!extra_may_be(name, head))
				continue;
			found = name;
			size = headers_word(rd, call->entry,
					    EXTRA_FIELD + i * EXTRA_FIELD_SIZE + 24);
			n++;
		}
		if (n)
			incoming_field(in, by, found, value, n == 1 && value.n == size);
	}
	if (call->fn->found)
		incoming_read(in, by, call->start_ns);
}
