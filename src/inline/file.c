#include "inline/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/vec.h"
#include "base/version.h"
#include "go/fips.h"
#include "go/vars.h"
#include "image/memory.h"
#include "inline/emit.h"
#include "plan/plan.h"
#include "x86/effect.h"

enum { PAGE = 4096, LONGEST_PIECE = 160, CHECK_PIECE = 12, ROUTINE_ROOM = 2048,
       AT_ONCE = 256 * 1024 /* is written */, WORTH_A_HAND = 1 << 20 };

VEC_TYPE(change_vec, struct change);

struct maker {
	struct delayed *d;
	struct delay_code code;
	struct assembler a;
	struct change_vec changes;
	struct arena scratch;	/* of the window at hand */
	struct go_fips fips;
};

/* Which sites ------------------------------------------------------------------------------ */

static bool decode_window(struct maker *m, const struct torn_store *t, struct flow *f)
{
	struct err err;

	arena_reset(&m->scratch);
	return plan_window_flow(m->d->prog, t->func, &t->window, &m->scratch, f, &err);
}

/* The store itself goes to where the first word was stored a moment ago. What comes behind it may
 * fault, unless it has the same base: nobody would send such a fault back to the original. */
static bool may_fault(const struct flow *f)
{
	struct effect store, e;
	u32 written = 0;

	effect_of(f, &f->insns[0], &store);
	for (u32 k = 1; k < f->n; k++) {
		const struct insn *in = &f->insns[k];

		effect_of(f, in, &e);
		if (in->may_fault &&
		    (e.kind == EFFECT_OTHER || e.mem.base == GP_NONE || e.mem.index != GP_NONE ||
		     e.mem.base != store.mem.base || store.mem.index != GP_NONE ||
		     written & 1u << e.mem.base))
			return true;
		written |= e.writes;
	}
	return false;
}

static enum refusal refuses(struct maker *m, const struct torn_store *t)
{
	u64 va = go_func_va(m->d->prog, t->func) + t->at;
	struct flow f;

	if (t->refusal)
		return t->refusal;
	if (!m->d->ask.fips_resum && va < m->fips.range[0].hi &&
	    va + t->window.size > m->fips.range[0].lo)
		return REFUSE_FIPS;
	if (!t->pair)
		return REFUSE_NONE;
	if (!decode_window(m, t, &f))
		return REFUSE_DECODE;
	return may_fault(&f) ? REFUSE_FAULT : REFUSE_NONE;
}

static void choose_sites(struct maker *m, const struct torn_store *const *stores, size_t n)
{
	struct delayed *d = m->d;

	d->sites = ARENA_ARRAY(&d->arena, struct delayed_site, n + 1);
	d->nsites = n;
	for (size_t i = 0; i < n; i++) {
		struct delayed_site *s = &d->sites[i];

		*s = (struct delayed_site){ .store = stores[i], .refusal = refuses(m, stores[i]) };
		d->ndelayed += !s->refusal;
		d->nrefused += s->refusal != 0;
	}
}

/* Where everything goes -------------------------------------------------------------------- */

static u64 most_code(const struct delayed *d)
{
	u64 n = MANIFEST_HEAD + sizeof(d->room.table) + ROUTINE_ROOM + DELAY_GROUP * CHECK_PIECE;

	for (size_t i = 0; i < d->nsites; i++)
		if (!d->sites[i].refusal)
			n += d->sites[i].store->pair ? LONGEST_PIECE : CHECK_PIECE;
	/* the manifest's pieces: two short numbers and the bytes */
	return n + (u64)d->ndelayed * 16 + 2 * sizeof(d->room.table);
}

static void place(struct delayed *d)
{
	const struct image *img = d->prog->img;

	d->ntail = d->original_size - room_end(&d->room, img);
	d->code_off = round_up(d->original_size, PAGE);
	d->code_va = img->hi_va + PAGE;
	if (d->room.kind == ROOM_MOVED) {
		u64 apart = img->segs[0].va - img->segs[0].off;

		d->code_off = MAX(d->code_off, d->code_va - apart);
		d->code_va = d->code_off + apart;
	}
	d->data_va = d->code_va + round_up(most_code(d), PAGE);
	d->data_memory = DELAY_CELLS + (u64)d->ndelayed * DELAY_CELL;
}

/* The code --------------------------------------------------------------------------------- */

static void change(struct maker *m, u64 off, const u8 *is, u32 size, enum piece_kind kind)
{
	*vec_push(&m->changes) = (struct change){ .off = off, .size = size, .kind = (u8)kind,
						  .is = is };
}

/* `e8 rel32` or `e9 rel32` at va, then what else stands there now. */
static bool branch(struct maker *m, struct delayed_site *s, u8 op, u32 size, struct err *err)
{
	const struct torn_store *t = s->store;
	u64 va = go_func_va(m->d->prog, t->func) + t->at;
	i64 rel = (i64)(s->piece_va - (va + JUMP_SIZE));
	i32 rel32 = (i32)rel;

	if (rel != rel32)
		return err_set(err, ERR_UNSUPPORTED, "%.*s: spans more than 2 GiB, so its code "
			       "can't reach what is put behind it", STR_F(m->d->prog->img->path));
	s->is[0] = op;
	memcpy(s->is + 1, &rel32, sizeof(rel32));
	s->is[5] = 0x66;	/* a NOP of two bytes: the call returns to it */
	s->is[6] = 0x90;
	change(m, image_off_of(m->d->prog->img, va), s->is, size, t->pair ? PIECE_WINDOW :
	       PIECE_CHECK);
	return true;
}

static bool emit_checks(struct maker *m, struct delayed_site **group, u32 n, u32 first,
			struct err *err)
{
	u64 pieces[DELAY_GROUP];

	delay_checks(&m->a, &m->code, first, n, pieces);
	for (u32 k = 0; k < n; k++) {
		group[k]->piece_va = pieces[k];
		group[k]->piece_size = DELAY_CHECK_PIECE;
		if (!branch(m, group[k], 0xe8, CHECK_SIZE, err))
			return false;
	}
	return true;
}

static bool emit_all_checks(struct maker *m, u32 *cell, struct err *err)
{
	struct delayed *d = m->d;
	struct delayed_site *group[DELAY_GROUP];
	u32 n = 0;

	for (size_t i = 0; i <= d->nsites; i++) {
		bool is = i < d->nsites && !d->sites[i].refusal && !d->sites[i].store->pair;

		if (is)
			group[n++] = &d->sites[i];
		if (n == DELAY_GROUP || (n && i == d->nsites)) {
			if (!emit_checks(m, group, n, *cell, err))
				return false;
			*cell += n;
			n = 0;
		}
	}
	return true;
}

static bool emit_all_windows(struct maker *m, u32 *cell, struct err *err)
{
	struct delayed *d = m->d;

	for (size_t i = 0; i < d->nsites; i++) {
		struct delayed_site *s = &d->sites[i];
		const struct torn_store *t = s->store;
		struct flow f;

		if (s->refusal || !t->pair)
			continue;
		if (!decode_window(m, t, &f))
			return err_set(err, ERR_FORMAT, "%.*s: does not decode any more",
				       STR_F(t->func->name));
		s->piece_va = delay_window(&m->a, &m->code, (*cell)++, &f,
					   &(struct window){ .count = f.n, .keep_flags =
							     t->window.keep_flags }, f.va);
		s->piece_size = (u32)(asm_here(&m->a) - s->piece_va);
		if (!branch(m, s, 0xe9, JUMP_SIZE, err))
			return false;
	}
	return true;
}

static bool emit(struct maker *m, struct err *err)
{
	struct delayed *d = m->d;
	u64 before = MANIFEST_HEAD +
		     (d->room.kind == ROOM_MOVED ? d->room.n * sizeof(d->room.table[0]) : 0);
	u64 most = most_code(d);
	u32 cell = 0;

	d->added = arena_alloc(&d->arena, (size_t)(round_up(most, PAGE) + DELAY_CELLS +
						   d->room.sections_size));
	asm_start(&m->a, d->added + before, (size_t)(most - before), d->code_va + before);
	while (m->a.n % 16)
		PUT(&m->a, 0xcc);
	d->routine_va = asm_here(&m->a);
	delay_routine(&m->a, &m->code);
	d->routine_end_va = asm_here(&m->a);
	if (!emit_all_checks(m, &cell, err) || !emit_all_windows(m, &cell, err) ||
	    !asm_ok(&m->a, err))
		return false;
	d->code_size = before + m->a.n;
	return true;
}

/* The headers and the manifest ------------------------------------------------------------- */

static void change_headers(struct maker *m)
{
	struct delayed *d = m->d;
	struct room *r = &d->room;
	Elf64_Ehdr *head = arena_copy(&d->arena, d->original, sizeof(*head));

	d->head = head;
	if (r->kind == ROOM_MOVED) {
		head->e_phoff = d->code_off + MANIFEST_HEAD;
		room_move(r, head->e_phoff, d->code_va + MANIFEST_HEAD);
	}
	head->e_phnum = (Elf64_Half)r->n;
	change(m, 0, (const u8 *)head, sizeof(*head), PIECE_OTHER);
	if (r->kind != ROOM_MOVED)
		change(m, d->prog->img->phdrs_off, (const u8 *)r->table,
		       r->n * (u32)sizeof(r->table[0]), PIECE_OTHER);
}

/* Once it is known how long everything is. */
static void fill_headers(struct delayed *d)
{
	struct room *r = &d->room;

	r->table[r->first_new] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = d->code_off,
		.p_vaddr = d->code_va, .p_paddr = d->code_va, .p_filesz = d->code_size,
		.p_memsz = d->code_size, .p_align = PAGE,
	};
	r->table[r->first_new + 1] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = d->data_off,
		.p_vaddr = d->data_va, .p_paddr = d->data_va, .p_filesz = DELAY_CELLS,
		.p_memsz = d->data_memory, .p_align = PAGE,
	};
	if (r->kind == ROOM_MOVED)
		memcpy(d->added + MANIFEST_HEAD, r->table, r->n * sizeof(r->table[0]));
	d->nadded = (size_t)(d->data_off - d->code_off) + DELAY_CELLS;
	if (r->kind == ROOM_SECTIONS) {
		memcpy(d->added + d->nadded, d->original + r->sections_off, r->sections_size);
		d->head->e_shoff = d->code_off + d->nadded;
		d->nadded += r->sections_size;
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* The bytes of a range as they will be. */
static void sum_range(const struct maker *m, struct sha256 *sum, u64 off, u64 size)
{
	u8 big_endian[8], *bytes = mem_resize(NULL, size);

	for (unsigned i = 0; i < 8; i++)
		big_endian[i] = (u8)(size >> (56 - 8 * i));
	sha256_add(sum, big_endian, sizeof(big_endian));
	memcpy(bytes, m->d->original + off, size);
	for (size_t i = 0; i < m->changes.n; i++) {
		const struct change *c = &m->changes.at[i];

		for (u32 k = 0; k < c->size; k++)
			if (c->off + k - off < size)
				bytes[c->off + k - off] = c->is[k];
	}
	sha256_add(sum, bytes, size);
	mem_free(bytes);
}

/* The self-check's sum of what the program will be. */
static bool sum_again(struct maker *m, struct err *err)
{
	static const char begin[] = "go fips object v1\n";
	const struct image *img = m->d->prog->img;
	struct sha256 sum;

	if (!m->d->ask.fips_resum)
		return true;
	if (!m->fips.va)
		return err_set(err, ERR_USAGE, "%.*s: has no FIPS 140 self-check (Go 1.24 and "
			       "later have), so --fips-resum means nothing", STR_F(img->path));
	hmac0_begin(&sum);
	sha256_add(&sum, begin, sizeof(begin) - 1);
	for (size_t i = 0; i < ARRAY_LEN(m->fips.range); i++) {
		u64 lo = m->fips.range[i].lo, size = m->fips.range[i].hi - lo;

		if (size > image_room(img, lo))
			return err_set(err, ERR_FORMAT, "%.*s: its FIPS 140 self-check sums what "
				       "is not in the file", STR_F(img->path));
		sum_range(m, &sum, image_off_of(img, lo), size);
	}
	hmac0_end(&sum, m->d->fips_sum);
	change(m, image_off_of(img, m->fips.va + GO_FIPS_SUM), m->d->fips_sum, GO_FIPS_SUM_SIZE,
	       PIECE_OTHER);
	return true;
}

/* What was at the places that are changed. */
static void pieces(const struct maker *m, struct out *list)
{
	u64 end = 0;

	for (size_t i = 0; i < m->changes.n; i++) {
		const struct change *c = &m->changes.at[i];

		manifest_put(list, &(struct piece){ .off = c->off, .size = c->size, .kind = c->kind,
						    .was = m->d->original + c->off }, &end);
	}
}

static void finish(struct maker *m)
{
	struct delayed *d = m->d;
	struct out list;
	struct manifest man = {
		.version = STR(GOSHAWK_VERSION), .size = d->original_size, .sum = d->sum,
		.ask = d->ask, .flag_va = m->code.flag_rt, .data_va = d->data_va,
		.sites = d->ndelayed, .flags = d->ask.fips_resum ? MANIFEST_FIPS : 0,
	};
	u32 at = (u32)d->code_size;

	change_headers(m);
	qsort(m->changes.at, m->changes.n, sizeof(*m->changes.at), by_offset);
	man.npieces = (u32)m->changes.n;
	out_memory(&list);
	pieces(m, &list);
	d->code_size += list.n;
	d->data_off = d->code_off + round_up(d->code_size, PAGE);
	fill_headers(d);
	manifest_write(&man, d->added, at, (struct str){ list.buf, list.n });
	out_release(&list);
	delay_data(d->added + (d->data_off - d->code_off), &d->ask);
	d->nchanges = m->changes.n;
	d->changes = arena_copy(&d->arena, m->changes.at, d->nchanges * sizeof(*d->changes));
}

static bool may(const struct go_program *prog, struct err *err)
{
	const struct image *img = prog->img;

	if (img->kind != IMAGE_FILE)
		return err_set(err, ERR_USAGE, "%.*s: give the program's file, not a process",
			       STR_F(img->path));
	if (!manifest_absent(img, err))
		return false;
	return prog->md.hasmain ||
	       err_set(err, ERR_UNSUPPORTED, "%.*s: a library, not a program that starts by itself",
		       STR_F(img->path));
}

/* One mapping less: whoever reads one for the first time waits for the system at each 64 KiB. */
static bool open_original(struct delayed *d, struct err *err)
{
	const struct image *img = d->prog->img;

	if (!img->relocated) {
		d->original = img->bytes;
		d->original_size = img->size;
		return true;
	}
	if (!file_map(img->path.p, &d->original, &d->original_size, err))
		return err_in(err, "%.*s", STR_F(img->path));
	if (d->original_size != img->size)
		return err_set(err, ERR_IO, "%.*s: has just been changed by somebody",
			       STR_F(img->path));
	return true;
}

static void make_sum(void *delayed)
{
	struct delayed *d = delayed;

	d->sum = manifest_sum(d->original, d->original_size);
}

bool delayed_open(struct delayed *d, const struct go_program *prog, struct err *err)
{
	*d = (struct delayed){ .prog = prog };
	if (!may(prog, err) || !open_original(d, err))
		return false;
	if (hands_for(d->original_size, WORTH_A_HAND) > 1)
		hand_begin(&d->summing, make_sum, d);
	else
		make_sum(d);
	return true;
}

static bool make_code(struct maker *m, const struct torn_store *const *stores, size_t n,
		      struct err *err)
{
	choose_sites(m, stores, n);
	place(m->d);
	m->code.data_rt = m->d->data_va;
	return emit(m, err) && sum_again(m, err);
}

bool delayed_make(struct delayed *d, const struct torn_store *const *stores, size_t n,
		  const struct delay_ask *ask, struct err *err)
{
	const struct go_program *prog = d->prog;
	struct maker m = { .d = d };
	bool ok;

	d->ask = *ask;
	if (!room_find(&d->room, prog->img, err))
		return false;
	if (!go_write_barrier_va(prog, &m.code.flag_rt))
		return err_set(err, ERR_UNSUPPORTED, "%.*s: has no checks of the write barrier",
			       STR_F(prog->img->path));
	go_fips_find(prog->img, &m.fips);
	ok = make_code(&m, stores, n, err);
	hand_end(&d->summing);
	if (!d->ask.seed)	/* the same input is to give the same copy */
		d->ask.seed = (d->sum & 0xffffff) | 1;
	if (ok)
		finish(&m);
	vec_release(&m.changes);
	arena_release(&m.scratch);
	return ok;
}

void delayed_release(struct delayed *d)
{
	hand_end(&d->summing);
	if (d->prog && d->prog->img->relocated)
		file_unmap(d->original, d->original_size);
	arena_release(&d->arena);
	*d = (struct delayed){ 0 };
}

/* Out it goes ------------------------------------------------------------------------------ */

/* A new file beside the input, with the same permissions. It belongs to whoever writes it, and must
 * not lend his rights as the input may lend its owner's (set-uid, set-gid). */
static bool open_output(struct out_file *f, struct str input, const char *path, struct err *err)
{
	struct stat in, out;

	if (stat(input.p, &in))
		return err_set(err, ERR_IO, "%.*s: %s", STR_F(input), strerror(errno));
	if (!stat(path, &out) && out.st_dev == in.st_dev && out.st_ino == in.st_ino)
		return err_set(err, ERR_REFUSED, "%s: is the input itself, which is never written "
			       "over; name another file", path);
	if (!out_file_open(f, path, false, err))
		return false;
	if (f->temp && fchmod(f->out.fd, in.st_mode & 0777))
		return err_set(err, ERR_IO, "%s: cannot set its permissions: %s", path,
			       strerror(errno));
	return true;
}

static void put_zeros(struct out *o, u64 n)
{
	static const char zeros[PAGE];

	for (; n; n -= MIN(n, sizeof(zeros)))
		out_str(o, (struct str){ zeros, MIN(n, sizeof(zeros)) });
}

/* What lies in both of them: the change's bytes to where they go in those from `at` on. */
static void apply(const struct change *c, u8 *bytes, u64 at, u64 n)
{
	u64 from = MAX(c->off, at), to = MIN(c->off + c->size, at + n);

	if (from < to)
		memcpy(bytes + (from - at), c->is + (from - c->off), to - from);
}

/* In whole pages and many of them at once: that takes the system half as long. */
static void put_changed(struct out *o, const struct delayed *d)
{
	u8 *piece = mem_resize(NULL, AT_ONCE);
	size_t next = 0;

	for (u64 at = 0; at < d->original_size; at += AT_ONCE) {
		u64 n = MIN(d->original_size - at, (u64)AT_ONCE);
		const u8 *is = d->original + at;

		if (next < d->nchanges && d->changes[next].off < at + n) {
			memcpy(piece, is, n);
			is = piece;
		}
		for (; next < d->nchanges && d->changes[next].off < at + n; next++) {
			apply(&d->changes[next], piece, at, n);
			if (d->changes[next].off + d->changes[next].size > at + n)
				break;
		}
		out_through(o, (struct str){ (const char *)is, n });
	}
	mem_free(piece);
}

bool delayed_write(const struct delayed *d, const char *path, struct err *err)
{
	OWN(out_file) f = { .out.fd = -1 };

	if (!open_output(&f, d->prog->img->path, path, err))
		return false;
	put_changed(&f.out, d);
	put_zeros(&f.out, d->code_off - d->original_size);
	out_through(&f.out, (struct str){ (const char *)d->added, d->nadded });
	out_through(&f.out, (struct str){ (const char *)d->original + d->original_size - d->ntail,
					  d->ntail });
	return out_file_commit(&f, err);
}

/* Puts the pieces into the copy's own bytes. */
static bool put_back(const struct image *img, struct manifest *m, u8 *bytes, struct err *err)
{
	u8 check[CHECK_SIZE];
	struct piece p;
	u64 end = 0;

	for (u32 i = 0; i < m->npieces && manifest_piece(m, &end, &p); i++) {
		if (p.kind == PIECE_CHECK) {
			manifest_check(m, manifest_va(img, p.off), check);
			p.was = check;
		}
		memcpy(bytes + p.off, p.was, p.size);
	}
	return rd_ok(&m->pieces, err) || err_in(err, "%.*s", STR_F(img->path));
}

bool delayed_undo(const struct image *img, const char *path, struct err *err)
{
	OWN(out_file) f = { .out.fd = -1 };
	struct manifest m;
	const u8 *bytes;
	size_t size;
	bool ok;

	if (!manifest_find(img, &m, err))
		return err->kind ? false
				 : err_set(err, ERR_USAGE, "%.*s: no delays are in it, so there is "
					   "nothing to undo", STR_F(img->path));
	if (!file_map(img->path.p, &bytes, &size, err))
		return err_in(err, "%.*s", STR_F(img->path));
	if (m.size > size || !put_back(img, &m, (u8 *)(uintptr_t)bytes, err) ||
	    manifest_sum(bytes, m.size) != m.sum)
		ok = err->kind ? false
			       : err_set(err, ERR_FORMAT, "%.*s: was changed again after the "
					 "delays were put in, so the original can't be had "
					 "back from it",
					 STR_F(img->path));
	else
		ok = open_output(&f, img->path, path, err);
	if (ok) {
		out_through(&f.out, (struct str){ (const char *)bytes, m.size });
		ok = out_file_commit(&f, err);
	}
	file_unmap(bytes, size);
	return ok;
}
