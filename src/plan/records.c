/* Of each message, from its base on:
 *
 *	OFFSET  SIZE  MEANING
 *	0       64    a status, and the value
 *	64      n*24  a status each, and the beginning of a name; n is records_headers_most()
 *	…       8     status of what follows
 *	…       n*e   the first headers, or pointers to them; e is the size of one
 *	…       n*56  behind pointers only: a status each, and a header
 */
#include "plan/records.h"

#include <string.h>

enum {
	HEAD = 8, STATUS = 8, WORD = 8,
	BYTES_PAIR = 48,	/* name, value []byte */
	TEXT_PAIR = 40,		/* name string, value []byte */
	BOOL_PAIR = 56,		/* name, value []byte, noValue bool */
};

static bool is_bytes(const struct plan_extra *x)
{
	return x->headers != HEADERS_TEXT;
}

static bool is_behind(const struct plan_extra *x)
{
	return x->headers == HEADERS_BYTES_BEHIND;
}

static u32 elem(const struct plan_extra *x)
{
	return is_behind(x) ? WORD : x->headers == HEADERS_BYTES_BOOL ? BOOL_PAIR :
	       is_bytes(x) ? BYTES_PAIR : TEXT_PAIR;
}

static u32 value_in(const struct plan_extra *x)
{
	return is_bytes(x) ? 24 : 16;
}

static u32 array(const struct plan_extra *x)
{
	return records_name_at(records_headers_most(x));
}

static u32 pairs(const struct plan_extra *x)
{
	return array(x) + records_headers_most(x) * elem(x);
}

static u32 each(const struct plan_extra *x)
{
	return pairs(x) + (is_behind(x) ? records_headers_most(x) * (STATUS + BYTES_PAIR) : 0);
}

u32 records_at(const struct plan_extra *x, u32 i)
{
	return i * each(x);
}

/* The words of header k of message i. */
static u32 words_at(const struct plan_extra *x, u32 i, u32 k)
{
	return records_at(x, i) + (is_behind(x) ? pairs(x) + k * (STATUS + BYTES_PAIR) + STATUS :
						  array(x) + k * elem(x));
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
			.kind = READ_MEM, .from = message + array(x) + k * WORD,
			.size = BYTES_PAIR, .span = BYTES_PAIR, .at = words,
			.status = words - STATUS, .own = true,
		};
	to[n++] = bytes(words, 1, name, RECORD_NAME_MOST);
	for (size_t o = 0; o < x->nonly; o++) {
		memcpy(&when.when, x->only[o], HEAD);
		to[n++] = when;
		to[n] = bytes(words + value_in(x), 1, message + RECORD_VALUE, RECORD_VALUE_MOST);
		to[n].when_at = when.when_at;
		to[n++].when = when.when;
	}
	return n;
}

/* Are these headers as they are taken to be, as far as that is known? */
static bool are_sound(const struct plan *p, const struct plan_extra *x, const struct slot *slot)
{
	struct go_type *t = slot->param ? slot->param->type : NULL;

	t = t ? go_type_load(p->prog, t) : NULL;
	t = t && t->elem ? go_type_load(p->prog, t->elem) : NULL;
	return !t || t->size == elem(x);
}

void records_read(struct plan *p, struct plan_func *f, const struct plan_extra *x)
{
	struct reading *r = x->exit ? &f->exit : &f->entry;
	u32 base = r->size, n = r->nreads, i = 0;
	u32 heads = records_headers_most(x), steps = 1 + heads * (2 + 2 * (u32)x->nonly);
	struct read *reads = ARENA_ARRAY(&p->arena, struct read, n + x->nplaces * steps);

	if (n)
		memcpy(reads, r->reads, n * sizeof(*reads));
	for (; i < x->nplaces && base + (i + 1) * each(x) + r->texts <= RECORD_MAX; i++) {
		const struct expr_code *c = &f->codes[x->places[i]];

		if (!c->slot || c->steps[c->n - 1].exit != x->exit || !are_sound(p, x, c->slot))
			break;
		reads[n++] = bytes(c->slot->at, elem(x), base + records_at(x, i) + array(x),
				   heads * elem(x));
		for (u32 k = 0; k < heads; k++)
			n += header(reads + n, x, base, i, k);
	}
	if (!i)
		return;
	r->hook_at = base;
	r->size = base + i * each(x);
	r->reads = reads;
	r->nreads = n;
}
