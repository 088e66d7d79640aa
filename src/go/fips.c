#include "go/fips.h"

#include "go/tables.h"

enum { OWN_ADDRESS = 48, RANGES = 56, SIZE = 120 };

static const char mark[16] = "\xff Go fipsinfo \xff";

/* Where the mark lies in writable data; 0: nowhere. */
static u64 find(const struct image *img)
{
	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];
		struct str bytes = { (const char *)img->bytes + s->off, s->filesz };
		ptrdiff_t at = s->write ? str_find(bytes, (struct str){ mark, sizeof(mark) }) : -1;

		if (at >= 0)
			return s->va + (u64)at;
	}
	return 0;
}

bool fipsinfo_there(const struct image *img)
{
	return find(img);
}

bool go_fips_find(const struct image *img, struct go_fips *to)
{
	u64 own;
	struct rd r;

	*to = (struct go_fips){ .va = find(img) };
	if (!to->va)
		return false;
	r = image_rd(img, to->va, SIZE, "fipsinfo");
	rd_skip(&r, OWN_ADDRESS);
	own = rd_u64(&r);
	rd_seek(&r, RANGES);
	for (size_t i = 0; i < ARRAY_LEN(to->range); i++) {
		to->range[i].lo = rd_u64(&r);
		to->range[i].hi = rd_u64(&r);
	}
	return !r.bad && own == to->va;
}
