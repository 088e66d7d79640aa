/* Of each message, from its base on:
 *
 *	OFFSET  SIZE  MEANING
 *	0       64    a status, and the value
 *	64      8*24  a status each, and the beginning of a name
 *	256     8     status of what follows
 *	264     8*e   the first headers, or pointers to them; e is the size of one
 *	…       8*56  behind pointers only: a status each, and a header
 */
#include "plan/records.h"

#include <string.h>

enum {
	HEADS = RECORD_HEADERS_MOST, HEAD = 8, STATUS = 8, WORD = 8,
	BYTES_PAIR = 48,	/* name, value []byte */
	TEXT_PAIR = 40,		/* name string, value []byte */
	STEPS = 2 + 4 * HEADS,	/* of a message, at most */
};

static bool is_bytes(const struct plan_extra *x)
{
	return x->headers == HEADERS_BYTES || x->headers == HEADERS_BYTES_BEHIND;
}

static bool is_behind(const struct plan_extra *x)
{
	return x->headers == HEADERS_BYTES_BEHIND;
}

static u32 elem(const struct plan_extra *x)
{
	return is_behind(x) ? WORD : is_bytes(x) ? BYTES_PAIR : TEXT_PAIR;
}

static u32 value_in(const struct plan_extra *x)
{
	return is_bytes(x) ? 24 : 16;
}

static u32 array(void)
{
	return records_name_at(RECORD_HEADERS_MOST);
}

static u32 pairs(const struct plan_extra *x)
{
	return array() + HEADS * elem(x);
}

static u32 each(const struct plan_extra *x)
{
	return pairs(x) + (is_behind(x) ? HEADS * (STATUS + BYTES_PAIR) : 0);
}

u32 records_at(const struct plan_extra *x, u32 i)
{
	return i * each(x);
}

/* The words of header k of message i. */
static u32 words_at(const struct plan_extra *x, u32 i, u32 k)
{
	return records_at(x, i) + (is_behind(x) ? pairs(x) + k * (STATUS + BYTES_PAIR) + STATUS :
						  array() + k * elem(x));
}

u32 records_read_of(const struct plan_extra *x, const struct reading *r)
{
	return r->hook_at ? MIN((u32)x->nplaces, (r->size - r->hook_at) / each(x)) : 0;
}

static struct read bytes(u32 from, u32 size, u32 at, u32 most)
{
	return (struct read){
		.kind = READ_BYTES, .from = from, .len_at = from + WORD, .elem = size,
		.size = (u16)most, .at = at, .status = at - STATUS, .own = true,
	};
}

static u32 header(struct read *to, const struct plan_extra *x, u32 base, u32 i, u32 k)
{
	u32 n = 0, words = base + words_at(x, i, k), message = base + records_at(x, i);
	u32 name = message + records_name_at(k);
	struct read when = { .kind = READ_WHEN, .size = 1, .when_at = name };

	if (is_behind(x))
		to[n++] = (struct read){
			.kind = READ_MEM, .from = message + array() + k * WORD,
			.size = BYTES_PAIR, .span = BYTES_PAIR, .at = words,
			.status = words - STATUS, .own = true,
		};
	to[n++] = bytes(words, 1, name, RECORD_NAME_MOST);
	memcpy(&when.when, x->only[0], HEAD);
	to[n++] = when;
	to[n] = bytes(words + value_in(x), 1, message + RECORD_VALUE, RECORD_VALUE_MOST);
	to[n].when_at = when.when_at;
	to[n++].when = when.when;
	return n;
}

void records_read(struct plan *p, struct plan_func *f, const struct plan_extra *x)
{
	struct reading *r = x->exit ? &f->exit : &f->entry;
	u32 base = r->size, n = r->nreads, i = 0;
	struct read *reads = ARENA_ARRAY(&p->arena, struct read, n + x->nplaces * (u32)STEPS);

	if (n)
		memcpy(reads, r->reads, n * sizeof(*reads));
	for (; i < x->nplaces && base + (i + 1) * each(x) <= RECORD_MAX; i++) {
		const struct expr_code *c = &f->codes[x->places[i]];

		if (!c->slot || c->steps[c->n - 1].exit != x->exit)
			break;
		reads[n++] = bytes(c->slot->at, elem(x), base + records_at(x, i) + array(),
				   HEADS * elem(x));
		for (u32 k = 0; k < HEADS; k++)
			n += header(reads + n, x, base, i, k);
	}
	if (!i)
		return;
	r->hook_at = base;
	r->size = base + i * each(x);
	r->reads = reads;
	r->nreads = n;
}
