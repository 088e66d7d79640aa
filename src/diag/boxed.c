#include "diag/boxed.h"

#include <inttypes.h>

#include "go/release.h"

enum { LOWEST = 4096, HCHAN = 96, HMAP = 48, ITAB_TYPE = 8, WORDS_MOST = 512 };

void boxes_make(struct boxes *b, const struct go_program *prog, const struct image *img,
		const struct go_heap *heap, const struct go_globals *globals)
{
	const struct go_global *small = go_global_named(globals, STR("runtime.staticuint64s"));

	*b = (struct boxes){ .prog = prog, .img = img, .heap = heap };
	if (small) {
		b->small_lo = small->va + img->bias;
		b->small_hi = b->small_lo + small->size;
	}
}

static bool fault(struct boxed *to, enum boxed_fault what)
{
	to->fault = what;
	return what != BOXED_RIGHT;
}

/* Bytes that it must have where the data word points to, and the type of what is there, if it has
 * one. 0: nothing is known of it. */
static u64 needs(const struct boxes *b, struct go_type *says, struct go_type **there)
{
	*there = NULL;
	if (!says->direct_iface) {
		*there = says;
		return says->size;
	}
	switch (says->kind) {
	case GO_PTR:
		*there = says->elem ? go_type_load(b->prog, says->elem) : NULL;
		/* a pointer to a very long array is a way to make slices of foreign memory */
		return *there && (*there)->kind != GO_ARRAY ? (*there)->size : 0;
	case GO_CHAN:
		return HCHAN;
	case GO_MAP:
		return HMAP;
	case GO_FUNC:
		return 8;
	}
	return 0;
}

/* The first word of it that is a pointer, and none to the collector. */
static bool lacks_pointer(const struct boxes *b, const struct go_type *t, struct boxed *to)
{
	u64 n = MIN(go_type_ptrdata(b->prog, t) / 8, (u64)WORDS_MOST);

	if (!n)
		return false;
	if (!to->object.span->pointers)
		return true;
	for (to->at = 0; to->at < n * 8; to->at += 8)
		if (go_type_sees(b->prog, t, to->at) == POINTER &&
		    go_object_sees(b->heap, &to->object, to->data + to->at) == NO_POINTER)
			return true;
	return false;
}

static bool other_chan(const struct boxes *b, const struct go_type *t, u64 data)
{
	u64 elem;

	return t->elem && image_read_rt(b->img, data + b->prog->rel->chan_elemtype, &elem, 8) &&
	       elem && elem - b->img->bias != t->elem->va;
}

static bool no_code(const struct boxes *b, u64 data)
{
	u64 code, text = b->prog->md.text_va + b->img->bias;

	return image_read_rt(b->img, data, &code, 8) &&
	       code - text >= b->prog->md.etext_va - b->prog->md.text_va;
}

bool boxed_wrong(const struct boxes *b, struct go_type *says, u64 data, struct boxed *to)
{
	struct go_type *there;
	bool is_free;

	*to = (struct boxed){ .says = go_type_load(b->prog, says), .data = data };
	if (says->kind == GO_BAD)
		return false;
	to->bytes = needs(b, says, &there);
	if (!to->bytes || (says->direct_iface && !data))
		return false;
	if (data < LOWEST)
		return fault(to, BOXED_NOTHING);
	if (data - b->small_lo < b->small_hi - b->small_lo)
		return (to->bytes > 8 || says->direct_iface || go_type_ptrdata(b->prog, says)) &&
		       fault(to, BOXED_SMALL);
	if (!go_heap_object(b->heap, data, &to->object))
		return false;
	is_free = go_object_free(b->heap, &to->object, &to->marked);
	if (to->bytes > to->object.base + to->object.span->elem - data)
		return fault(to, BOXED_OVER);
	if (is_free)
		return fault(to, BOXED_FREE);
	if (there && lacks_pointer(b, there, to))
		return fault(to, BOXED_NO_POINTER);
	if (says->direct_iface && says->kind == GO_CHAN && other_chan(b, says, data))
		return fault(to, BOXED_CHAN);
	return says->direct_iface && says->kind == GO_FUNC && no_code(b, data) &&
	       fault(to, BOXED_FUNC);
}

/* In the file's own part of memory, or where nothing is: in the heap, or mapped, it may have been
 * made while the program ran (reflect, itabs). */
static bool is_elsewhere(const struct boxes *b, u64 rt)
{
	u64 byte;

	return rt < LOWEST || rt - b->img->bias - b->img->lo_va < b->img->hi_va - b->img->lo_va ||
	       (!b->img->cut && !image_read_rt(b->img, rt, &byte, 1));
}

static bool is_descriptor(const struct boxes *b, u64 rt, struct go_type **t)
{
	*t = go_type_at(b->prog, rt - b->img->bias);
	return *t && go_type_load(b->prog, *t)->kind != GO_BAD;
}

bool interface_wrong(const struct boxes *b, bool methods, const u64 *words, struct boxed *to)
{
	struct go_type *t, *inter;
	u64 type = words[0], tab[2];

	*to = (struct boxed){ .word = words[0], .data = words[1] };
	if (!words[0])
		return false;
	if (methods) {
		if (!image_read_rt(b->img, words[0], tab, sizeof(tab)))
			return is_elsewhere(b, words[0]) && fault(to, BOXED_NO_TYPE);
		if (!is_descriptor(b, tab[0], &inter) || inter->kind != GO_INTERFACE)
			return is_elsewhere(b, words[0]) && fault(to, BOXED_NO_TYPE);
		type = tab[ITAB_TYPE / 8];
	}
	if (!is_descriptor(b, type, &t))
		return is_elsewhere(b, type) && fault(to, BOXED_NO_TYPE);
	if (!boxed_wrong(b, t, words[1], to))
		return false;
	to->word = words[0];
	return true;
}

struct str boxed_text(const struct boxed *x, struct arena *a)
{
	struct str says = x->says ? x->says->name : STR("");
	const struct go_object *o = &x->object;

	switch (x->fault) {
	case BOXED_NO_TYPE:
		return str_fmt(a, "its first word, 0x%" PRIx64 ", is no type of the program",
			       x->word);
	case BOXED_NOTHING:
		return str_fmt(a, "it says %.*s, but its value would be at 0x%" PRIx64,
			       STR_F(says), x->data);
	case BOXED_OVER:
		return str_fmt(a, "it says %.*s, of which %" PRIu64 " bytes are at 0x%" PRIx64
			       ", but the object there ends after %" PRIu64, STR_F(says), x->bytes,
			       x->data, o->base + o->span->elem - x->data);
	case BOXED_FREE:
		return str_fmt(a, "it says %.*s, but the object of %" PRIu64 " bytes at 0x%" PRIx64
			       " is free%s", STR_F(says), o->span->elem, x->data,
			       x->marked ? ", and marked" : "");
	case BOXED_NO_POINTER:
		if (!o->span->pointers)
			return str_fmt(a, "it says %.*s, which has pointers, but the object of %"
				       PRIu64 " bytes at 0x%" PRIx64 " was made without any",
				       STR_F(says), o->span->elem, x->data);
		return str_fmt(a, "it says %.*s, which has a pointer in byte %" PRIu64
			       ", but the object of %" PRIu64 " bytes at 0x%" PRIx64
			       " was made without one there", STR_F(says), x->at, o->span->elem,
			       x->data);
	case BOXED_SMALL:
		return str_fmt(a, "it says %.*s, but 0x%" PRIx64 " is one of the runtime's small "
			       "integers", STR_F(says), x->data);
	case BOXED_CHAN:
		return str_fmt(a, "it says %.*s, but what is at 0x%" PRIx64 " is no such channel",
			       STR_F(says), x->data);
	case BOXED_FUNC:
		return str_fmt(a, "it says %.*s, but what is at 0x%" PRIx64 " leads to no code",
			       STR_F(says), x->data);
	case BOXED_RIGHT:
		break;
	}
	return STR("");
}
