#include "plan/extra.h"

#include <string.h>

#include "plan/records.h"

enum { SHORT = 3 };	/* bytes of a text that a shorter one of `only` compares */

/* As a word, behind which there are zeros: so are records that nothing was written to. */
static u64 head_of(const char *only)
{
	u64 head = 0;

	memcpy(&head, only, MIN(strlen(only), (size_t)EXTRA_HEAD));
	return head;
}

bool extra_sets_apart(const struct plan_request *r, struct str func)
{
	for (size_t i = 0; i < r->nextras; i++)
		if (str_eq(func, str_of(r->extras[i].func)) && !r->extras[i].beside)
			return true;
	for (size_t i = 0; i < r->nasks; i++)
		if (r->asks[i].func && !r->asks[i].beside &&
		    str_eq(func, str_of(r->asks[i].func)))
			return true;
	return false;
}

static struct read bytes(u32 base, u32 at, u32 status, u32 most)
{
	return (struct read){
		.kind = READ_BYTES, .from = base + EXTRA_WORD, .len_at = base + EXTRA_LEN,
		.elem = 1, .at = base + at, .status = base + status, .size = (u16)most, .own = true,
	};
}

static u32 only(struct read *to, u64 head, u32 at, struct read then)
{
	to[0] = (struct read){ .kind = READ_WHEN, .size = 1, .when_at = at, .when = head };
	to[1] = then;
	to[1].when_at = at;
	to[1].when = head;
	return 2;
}

/* A text whose address and length are in two registers that follow each other. With `only`, its
 * first eight bytes are copied (and its first three, where these decide), and the whole text where
 * these are one of them. */
static u32 text(struct read *to, const struct plan_extra *x, u32 base, u32 *size)
{
	u32 n = 0, head = EXTRA_BYTES + (u32)round_up(x->most, 8), few = head + EXTRA_HEAD + 8;
	struct read whole = bytes(base, EXTRA_BYTES, EXTRA_STATUS, x->most);
	bool any = false;

	to[n++] = (struct read){ .kind = READ_INT, .reg = x->reg, .size = 8,
				 .at = base + EXTRA_WORD };
	to[n++] = (struct read){ .kind = READ_INT, .reg = (u8)(x->reg + 1), .size = 8,
				 .at = base + EXTRA_LEN };
	*size = few;
	if (!x->nonly) {
		to[n++] = whole;
		return n;
	}
	to[n++] = bytes(base, head, head + EXTRA_HEAD, EXTRA_HEAD);
	for (size_t i = 0; i < x->nonly; i++)
		any |= strlen(x->only[i]) < EXTRA_HEAD;
	if (any) {
		to[n++] = bytes(base, few, few + EXTRA_HEAD, SHORT);
		*size = few + EXTRA_HEAD + 8;
	}
	for (size_t i = 0; i < x->nonly; i++)
		n += only(to + n, head_of(x->only[i]),
			  base + (strlen(x->only[i]) < EXTRA_HEAD ? few : head), whole);
	return n;
}

/* The word in a register, and the one that it points to. */
static u32 boxed(struct read *to, const struct plan_extra *x, u32 base, u32 *size)
{
	to[0] = (struct read){ .kind = READ_INT, .reg = x->reg, .size = 8,
			       .at = base + EXTRA_WORD };
	to[1] = (struct read){
		.kind = READ_MEM, .from = base + EXTRA_WORD, .size = 8, .span = 8, .own = true,
		.disp = (i32)x->disp, .status = base + EXTRA_BEHIND_STATUS,
		.at = base + EXTRA_BEHIND,
	};
	*size = EXTRA_BEHIND + 8;
	return 2;
}

/* Registers that follow each other. */
static u32 words(struct read *to, const struct plan_extra *x, u32 base, u32 *size)
{
	for (u32 i = 0; i < x->most; i++)
		to[i] = (struct read){ .kind = READ_INT, .reg = (u8)(x->reg + i), .size = 8,
				       .at = base + 8 * i };
	*size = 8 * x->most;
	return x->most;
}

/* A slice of words, whose address and length are in two registers that follow each other. */
static u32 list(struct read *to, const struct plan_extra *x, u32 base, u32 *size)
{
	for (u32 i = 0; i < 2; i++)
		to[i] = (struct read){ .kind = READ_INT, .reg = (u8)(x->reg + i), .size = 8,
				       .at = base + EXTRA_WORD + 8 * i };
	to[2] = bytes(base, EXTRA_BYTES, EXTRA_STATUS, 8u * x->most);
	to[2].elem = 8;
	*size = EXTRA_BYTES + 8u * x->most;
	return 3;
}

static struct read text_at(u32 from, u32 at, u32 most)
{
	return (struct read){
		.kind = READ_BYTES, .from = from, .len_at = from + 8, .elem = 1, .at = at,
		.status = at - 8, .size = (u16)most, .own = true,
	};
}

/* Field i, where there is one: its name, if it has as many letters as one that is asked for, and
 * its value, if the name begins so as well. */
static u32 field(struct read *to, const struct plan_extra *x, u32 base, u32 i)
{
	u32 n = 0, at = base + EXTRA_FIELD + i * EXTRA_FIELD_SIZE, name = base + extra_name_at(i);

	for (size_t k = 0; k < x->nonly; k++) {
		size_t letters = strlen(x->only[k]), same = 0;
		u32 when = n;

		while (strlen(x->only[same]) != letters)
			same++;
		if (same < k)
			continue;	/* with that one */
		to[n++] = (struct read){ .kind = READ_WHEN, .when_at = at + 8, .when = letters };
		to[n++] = text_at(at, name, EXTRA_NAME_MOST);
		for (; same < x->nonly; same++)
			if (strlen(x->only[same]) == letters)
				n += only(to + n, head_of(x->only[same]), name,
					  text_at(at + 16, base + extra_value_at(x, (u32)same),
						  x->sizes[same]));
		to[when].size = (u16)(n - when - 1);
	}
	return n;
}

/* A slice of names and values behind a register. Behind its last field, which is zero, nothing is
 * looked at: most requests have few. */
static u32 fields(struct read *to, const struct plan_extra *x, u32 base, u32 *size)
{
	u32 n = 0, slice = base + EXTRA_COUNT - 8, ends[EXTRA_FIELDS_MOST];

	to[n++] = (struct read){ .kind = READ_INT, .reg = x->reg, .size = 8,
				 .at = base + EXTRA_WORD };
	to[n++] = (struct read){
		.kind = READ_MEM, .from = base + EXTRA_WORD, .size = 16, .span = 16, .own = true,
		.disp = (i32)x->disp, .status = base + 8, .at = slice,
	};
	to[n++] = (struct read){
		.kind = READ_BYTES, .from = slice, .len_at = slice + 8, .elem = EXTRA_FIELD_SIZE,
		.size = EXTRA_FIELDS_MOST * EXTRA_FIELD_SIZE, .own = true,
		.at = base + EXTRA_FIELD, .status = base + EXTRA_FIELD - 8,
	};
	for (u32 i = 0; i < EXTRA_FIELDS_MOST && x->nonly; i++) {
		ends[i] = n;
		to[n++] = (struct read){
			.kind = READ_WHEN, .when_not = true,
			.when_at = base + EXTRA_FIELD + i * EXTRA_FIELD_SIZE,
		};
		n += field(to + n, x, base, i);
	}
	for (u32 i = 0; i < EXTRA_FIELDS_MOST && x->nonly; i++)
		to[ends[i]].size = (u16)(n - ends[i] - 1);
	*size = extra_value_at(x, (u32)x->nonly);
	return n;
}

/* From word to word, to a text. */
static u32 chain(struct read *to, const struct plan_extra *x, u32 base, u32 *size)
{
	u32 n = 0, from = base + EXTRA_WORD, at = from;

	to[n++] = (struct read){ .kind = READ_INT, .reg = x->reg, .size = 8, .at = from };
	for (u32 i = 0; i < x->nhops; i++) {
		at = base + extra_hop_at(i);
		to[n++] = (struct read){
			.kind = READ_MEM, .from = from, .size = 16, .span = 16, .own = true,
			.disp = x->hops[i].disp, .status = at - 8, .at = at,
		};
		from = at + (x->hops[i].second ? 8 : 0);
	}
	to[n++] = text_at(at, base + extra_chained_text_at(x), x->most);
	*size = extra_chained_text_at(x) + (u32)round_up(x->most, 8);
	return n;
}

static void add(struct plan *p, struct reading *r, const struct plan_extra *x)
{
	u32 (*const make)(struct read *, const struct plan_extra *, u32, u32 *) =
		x->kind == EXTRA_TEXT ? text : x->kind == EXTRA_BOXED ? boxed :
		x->kind == EXTRA_WORDS ? words : x->kind == EXTRA_CHAIN ? chain :
		x->kind == EXTRA_LIST ? list : fields;
	size_t most = (size_t)(x->kind == EXTRA_FIELDS ? EXTRA_FIELDS_MOST : 1) *
		      (3 + 4 * x->nonly) + 4 + (x->kind == EXTRA_WORDS) * x->most +
		      x->nhops;
	struct read *reads = ARENA_ARRAY(&p->arena, struct read, r->nreads + most);
	u32 size = 0;

	if (r->nreads)
		memcpy(reads, r->reads, r->nreads * sizeof(*reads));
	r->hook_at = r->size;
	r->reads = reads;
	r->nreads += make(reads + r->nreads, x, r->size, &size);
	r->size += size;
}

const struct plan_extra *extra_of(const struct plan_request *r, struct str func)
{
	for (size_t i = 0; i < r->nextras; i++)
		if (str_eq(func, str_of(r->extras[i].func)))
			return &r->extras[i];
	return NULL;
}

void extra_read(struct plan *p, struct plan_func *f)
{
	for (size_t i = 0; i < p->request.nextras; i++) {
		const struct plan_extra *x = &p->request.extras[i];
		struct reading *r = x->exit ? &f->exit : &f->entry;

		if (x->kind == EXTRA_NONE || r->hook_at || !str_eq(f->func->name, str_of(x->func)))
			continue;
		if (x->kind == EXTRA_RECORDS)
			records_read(p, f, x);
		else
			add(p, r, x);
	}
}
