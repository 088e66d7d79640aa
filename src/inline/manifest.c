#include "inline/manifest.h"

#include <string.h>

enum { SUM_AT = 24, SUMMED_FROM = 32, VERSION_ROOM = 32, LARGEST_PIECE = 1 << 16 };

u64 manifest_sum(const void *p, size_t n)
{
	const u64 odd = 0x9e3779b97f4a7c15ull;
	u64 h = n * odd, w;
	size_t at = 0;

	for (; n - at >= sizeof(w); at += sizeof(w)) {
		memcpy(&w, (const u8 *)p + at, sizeof(w));
		h = (h ^ w) * odd;
		h ^= h >> 32;
	}
	w = 0;
	if (at < n)
		memcpy(&w, (const u8 *)p + at, n - at);
	h = (h ^ w) * odd;
	return h ^ h >> 32;
}

static bool parse(struct manifest *m, struct rd r, struct err *err)
{
	u32 layout, size, at;
	u64 sum;
	struct str rest;

	rd_skip(&r, sizeof(MANIFEST_MAGIC));
	layout = rd_u32(&r);
	if (!r.bad && layout != MANIFEST_LAYOUT)
		return err_set(err, ERR_UNSUPPORTED,
			       "a later goshawk has put delays into it (layout %u); use that one",
			       layout);
	size = rd_u32(&r);
	sum = rd_u64(&r);
	r = rd_sub(&r, 0, size);
	rd_seek(&r, SUMMED_FROM);
	rest = rd_bytes(&r, rd_left(&r));
	if (!r.bad && manifest_sum(rest.p, rest.n) != sum)
		rd_fail(&r, "is damaged: its checksum is another");
	rd_seek(&r, SUMMED_FROM);
	m->version = rd_bytes(&r, VERSION_ROOM);
	m->version.n = strnlen(m->version.p, m->version.n);
	m->size = rd_u64(&r);
	m->sum = rd_u64(&r);
	m->ask.ns = (i64)rd_u64(&r);
	m->ask.every = rd_u64(&r);
	m->ask.per_million = rd_u32(&r);
	m->ask.percent = rd_u32(&r);
	m->ask.seed = rd_u64(&r);
	m->flag_va = rd_u64(&r);
	m->data_va = rd_u64(&r);
	m->sites = rd_u32(&r);
	m->flags = rd_u32(&r);
	m->ask.fips_resum = m->flags & MANIFEST_FIPS;
	m->npieces = rd_u32(&r);
	at = rd_u32(&r);
	m->pieces = rd_sub(&r, at, r.n - MIN((size_t)at, r.n));
	m->npieces = (u32)rd_count(&m->pieces, m->npieces, 2);
	return rd_ok(&m->pieces, err);
}

bool manifest_find(const struct image *img, struct manifest *m, struct err *err)
{
	*m = (struct manifest){ 0 };
	*err = (struct err){ 0 };
	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];

		if (s->exec && s->filesz >= MANIFEST_HEAD &&
		    !memcmp(img->bytes + s->off, MANIFEST_MAGIC, sizeof(MANIFEST_MAGIC)))
			return parse(m, rd_of(img->bytes + s->off, s->filesz,
					      "the list of what was changed"), err) ||
			       err_in(err, "%.*s", STR_F(img->path));
	}
	return false;
}

bool manifest_absent(const struct image *img, struct err *err)
{
	struct manifest m;

	if (manifest_find(img, &m, err))
		return err_set(err, ERR_REFUSED, "%.*s: delays are in it already; goshawk stress "
			       "--undo takes them out", STR_F(img->path));
	return !err->kind;
}

bool manifest_piece(struct manifest *m, u64 *end, struct piece *to)
{
	struct rd *r = &m->pieces;
	u64 gap = rd_uvarint(r), what = rd_uvarint(r);

	*to = (struct piece){ .off = *end + gap, .size = (u32)(what / 4), .kind = what % 4 };
	if (r->bad)
		return false;
	if (gap > m->size || to->off > m->size || what / 4 > LARGEST_PIECE ||
	    to->size > m->size - to->off || (to->kind == PIECE_CHECK && to->size != CHECK_SIZE)) {
		rd_fail(r, "has a piece that lies outside of the file");
		return false;
	}
	if (to->kind != PIECE_CHECK)
		to->was = (const u8 *)rd_bytes(r, to->size).p;
	*end = to->off + to->size;
	return !r->bad;
}

u64 manifest_va(const struct image *img, u64 off)
{
	for (size_t i = 0; i < img->nsegs; i++)
		if (off - img->segs[i].off < img->segs[i].filesz)
			return img->segs[i].va + (off - img->segs[i].off);
	return 0;
}

void manifest_check(const struct manifest *m, u64 va, u8 *to)
{
	u32 rel = (u32)(m->flag_va - (va + CHECK_SIZE));

	to[0] = 0x83;
	to[1] = 0x3d;
	memcpy(to + 2, &rel, sizeof(rel));
	to[6] = 0;
}

static void put(u8 **to, const void *p, size_t n)
{
	memcpy(*to, p, n);
	*to += n;
}

#define PUT_FIELD(to, v) put(&(to), &(v), sizeof(v))

void manifest_write(const struct manifest *m, u8 *to, u32 pieces_at, struct str pieces)
{
	u32 layout = MANIFEST_LAYOUT, size = pieces_at + (u32)pieces.n;
	u64 ns = (u64)m->ask.ns, sum;
	u8 *at = to;

	memset(to, 0, MANIFEST_HEAD);
	memcpy(to + pieces_at, pieces.p, pieces.n);
	put(&at, MANIFEST_MAGIC, sizeof(MANIFEST_MAGIC));
	PUT_FIELD(at, layout);
	PUT_FIELD(at, size);
	at = to + SUMMED_FROM;
	memcpy(at, m->version.p, MIN(m->version.n, (size_t)VERSION_ROOM));
	at += VERSION_ROOM;
	PUT_FIELD(at, m->size);
	PUT_FIELD(at, m->sum);
	PUT_FIELD(at, ns);
	PUT_FIELD(at, m->ask.every);
	PUT_FIELD(at, m->ask.per_million);
	PUT_FIELD(at, m->ask.percent);
	PUT_FIELD(at, m->ask.seed);
	PUT_FIELD(at, m->flag_va);
	PUT_FIELD(at, m->data_va);
	PUT_FIELD(at, m->sites);
	PUT_FIELD(at, m->flags);
	PUT_FIELD(at, m->npieces);
	PUT_FIELD(at, pieces_at);
	sum = manifest_sum(to + SUMMED_FROM, size - SUMMED_FROM);
	memcpy(to + SUM_AT, &sum, sizeof(sum));
}

static void put_uvarint(struct out *o, u64 v)
{
	for (; v >= 0x80; v >>= 7)
		out_c(o, (char)(v | 0x80));
	out_c(o, (char)v);
}

void manifest_put(struct out *o, const struct piece *p, u64 *end)
{
	put_uvarint(o, p->off - *end);
	put_uvarint(o, (u64)p->size * 4 + p->kind);
	if (p->kind != PIECE_CHECK)
		out_str(o, (struct str){ (const char *)p->was, p->size });
	*end = p->off + p->size;
}
