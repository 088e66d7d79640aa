/* What the heap holds when there is no more memory. An object tells its type only from Go 1.22 on,
 * and only if it has pointers and more than 512 bytes: a descriptor's address stands before it, or
 * in its span. All others are counted by size. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/vec.h"
#include "diag/explain.h"
#include "go/heap.h"
#include "go/types.h"

enum { ROWS = 6, HEADERS_MOST = 200000 };

struct held {
	u64 elem, type_rt;
	bool pointers;
	u64 objects, bytes;
};

struct count {
	const struct death *d;
	VEC(struct held) rows;
	struct map known;	/* size, type and pointers, mixed: index + 1 */
	u64 headers;		/* that were read */
	u64 by_header;		/* of this span */
	const struct go_span *span;
	bool cut;
};

static void add(struct count *c, u64 type_rt, u64 objects)
{
	const struct go_span *s = c->span;
	u64 key = type_rt * 0x9e3779b97f4a7c15 ^ s->elem << 1 ^ s->pointers;
	u64 *at = map_put(&c->known, key);

	if (!*at) {
		*vec_push(&c->rows) = (struct held){ s->elem, type_rt, s->pointers, 0, 0 };
		*at = c->rows.n;
	}
	c->rows.at[*at - 1].objects += objects;
	c->rows.at[*at - 1].bytes += objects * s->elem;
}

static void header(void *ctx, u64 rt)
{
	struct count *c = ctx;
	u64 type;

	c->headers++;
	if (!image_read_rt(c->d->img, rt, &type, 8))
		return;
	c->by_header++;
	add(c, type, 1);
}

static int by_bytes(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : -(x->bytes > y->bytes);
}

static struct str what(struct death *d, const struct held *h)
{
	struct go_type *t = h->type_rt ? go_type_at(d->prog, h->type_rt - d->img->bias) : NULL;

	if (t && go_type_load(d->prog, t)->kind != GO_BAD)
		return str_fmt(d->a, "of type %.*s, or elements of it", STR_F(t->name));
	return h->pointers ? STR("with pointers, of types that the heap does not keep")
			   : STR("without pointers (text, bytes, numbers)");
}

void explain_held(struct diagnosis *to, struct death *d)
{
	struct count c = { .d = d };
	struct go_heap heap;
	u64 bytes = 0;

	if (!go_heap_read(&heap, d->img, d->prog, d->a)) {
		evidence(to, d, "what holds the heap is not known: its records can't be read");
		return;
	}
	for (size_t i = 0; i < heap.n; i++) {
		const struct go_span *s = c.span = &heap.at[i];
		u64 most = s->headers && c.headers < HEADERS_MOST ? HEADERS_MOST - c.headers : 0;
		u64 n;

		c.by_header = 0;
		n = go_span_taken(&heap, s, most, header, &c);
		bytes += n * s->elem;
		c.cut |= s->headers && n > c.by_header;
		if (n > c.by_header)
			add(&c, s->type_rt, n - c.by_header);
	}
	evidence(to, d, "the heap holds %" PRIu64 " KiB in objects%s, some of which may be garbage",
		 bytes >> 10, heap.cut ? " (of the part that was looked at)" : "");
	if (c.rows.n)
		qsort(c.rows.at, c.rows.n, sizeof(c.rows.at[0]), by_bytes);
	for (size_t i = 0; i < MIN(c.rows.n, (size_t)ROWS); i++)
		evidence(to, d, "%" PRIu64 " KiB: %" PRIu64 " object%s of %" PRIu64 " bytes, %.*s",
			 c.rows.at[i].bytes >> 10, c.rows.at[i].objects,
			 c.rows.at[i].objects == 1 ? "" : "s", c.rows.at[i].elem,
			 STR_F(what(d, &c.rows.at[i])));
	if (c.cut)
		evidence(to, d, "types were read of the first %d objects only", HEADERS_MOST);
	vec_release(&c.rows);
	map_release(&c.known);
}
