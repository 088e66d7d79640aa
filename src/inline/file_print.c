/* What --plan shows of a copy: every byte that is changed, and the generated code. */
#include "inline/file.h"
#include "inline/listing.h"

static void print_bytes(struct out *o, const u8 *p, u32 n)
{
	for (u32 i = 0; i < n; i++)
		out_fmt(o, "%s%02x", i ? " " : "", p[i]);
}

static void print_room(struct out *o, const struct delayed *d)
{
	const struct room *r = &d->room;

	out_fmt(o, "program headers: %u in the place of %lu, ", r->n,
		(unsigned long)d->prog->img->nphdrs);
	if (r->kind == ROOM_MOVED)
		out_fmt(o, "all of them moved to 0x%lx",
			(unsigned long)(d->code_off + MANIFEST_HEAD));
	else if (r->kind == ROOM_BEHIND)
		out_z(o, "in zero bytes behind them");
	else if (r->kind == ROOM_SECTIONS)
		out_fmt(o, "in the place of the section headers, which moved to 0x%lx",
			(unsigned long)d->head->e_shoff);
	else
		out_fmt(o, "%u notes about the processor gave way", r->ndropped);
	out_line(o);
	if (d->ask.fips_resum) {
		out_z(o, "the sum of the FIPS 140 self-check: ");
		print_bytes(o, d->fips_sum, sizeof(d->fips_sum));
		out_line(o);
	}
	out_fmt(o, "code: 0x%lx bytes at 0x%lx, file offset 0x%lx; data: 0x%lx bytes at 0x%lx, "
		"0x%x of them from file offset 0x%lx", (unsigned long)d->code_size,
		(unsigned long)d->code_va, (unsigned long)d->code_off,
		(unsigned long)d->data_memory, (unsigned long)d->data_va, DELAY_CELLS,
		(unsigned long)d->data_off);
	out_line(o);
}

static void print_site(struct out *o, const struct delayed *d, const struct delayed_site *s,
		       struct arena *scratch)
{
	const struct torn_store *t = s->store;
	u64 va = go_func_va(d->prog, t->func) + t->at;
	u64 off = image_off_of(d->prog->img, va);
	u32 size = t->pair ? JUMP_SIZE : CHECK_SIZE;

	out_clean(o, torn_id(t, scratch));
	if (s->refusal) {
		out_fmt(o, ": refused: %s", refusal_text(s->refusal));
		out_line(o);
		return;
	}
	out_line(o);
	out_fmt(o, "    at 0x%lx, file offset 0x%lx: ", (unsigned long)va, (unsigned long)off);
	print_bytes(o, d->original + off, size);
	out_z(o, " -> ");
	print_bytes(o, s->is, size);
	out_line(o);
	listing(o, d->added + (s->piece_va - d->code_va), s->piece_size, s->piece_va);
}

void delayed_print(const struct delayed *d, struct out *o)
{
	struct arena scratch = { 0 };

	print_room(o, d);
	for (size_t i = 0; i < d->nsites; i++)
		print_site(o, d, &d->sites[i], &scratch);
	out_fmt(o, "what all of them call:");
	out_line(o);
	listing(o, d->added + (d->routine_va - d->code_va), d->routine_end_va - d->routine_va,
		d->routine_va);
	out_fmt(o, "%u %s delayed, %u refused", d->ndelayed,
		d->ndelayed == 1 ? "store is" : "stores are", d->nrefused);
	out_line(o);
	arena_release(&scratch);
}
