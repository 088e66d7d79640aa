/* functab and _func: one go_func for each function.
 *
 *   functab   {pc, funcoff} for each function, ascending; then the end pc. 1.17: u64 and absolute,
 *             later u32 and from text. funcoff counts from the start of this block.
 *   _func     as struct pcln_layout says; behind it u32 pcdata[npcdata], then funcdata[nfuncdata].
 *   tables    (pcsp, pcfile, pcln, each pcdata) are runs {zigzag value delta, pc delta} of LEB128,
 *             value -1 and pc = entry before the first; a later value delta of 0 ends it.
 *
 * The exact end of a function, without padding, is where its pcsp table ends.
 * Source: runtime/symtab.go (step, funcdata), cmd/link/internal/ld/pcln.go. */
#include <string.h>

#include "go/tables.h"

enum {
	IDLE_RUNS = 16,		/* runs that cover no byte: honest tables have none */
	ARGS_UNKNOWN = -0x7fffffff - 1,
};

struct runs runs_of(const struct go_program *prog, u32 table)
{
	const u8 *p = (const u8 *)prog->pctab.p;

	if (!table || table >= prog->pctab.n)
		return (struct runs){ 0 };
	return (struct runs){ .at = p + table, .end = p + prog->pctab.n, .value = -1 };
}

/* Bounds-checked like rd_uvarint, but inline: a program of 53 MB has a million runs, and all of
 * them are walked at open. */
static inline __attribute__((always_inline)) bool number(const u8 **at, const u8 *end, u32 *to)
{
	const u8 *p = *at;
	u64 v = 0;

	if (p < end && *p < 0x80) {
		*to = *p;
		*at = p + 1;
		return true;
	}
	for (unsigned shift = 0; p < end && shift < 35; shift += 7) {
		v |= (u64)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80)) {
			*to = (u32)v;
			*at = p;
			return true;
		}
	}
	return false;
}

static inline __attribute__((always_inline)) bool next(struct runs *r)
{
	u32 delta, length;

	if (r->at == r->end || !number(&r->at, r->end, &delta) || (!delta && r->begun)
	    || !number(&r->at, r->end, &length) || length > UINT32_MAX - r->to
	    || (!length && ++r->idle > IDLE_RUNS)) {
		r->at = r->end;
		return false;
	}
	r->begun = true;
	r->value = (i32)((u32)r->value + ((delta >> 1) ^ -(delta & 1)));
	r->from = r->to;
	r->to += length;
	return true;
}

bool runs_next(struct runs *r)
{
	return next(r);
}

/* A table that runs past the next function lies; then only the padded end is known. */
static u32 exact_size(const struct go_program *prog, const struct go_func *f)
{
	struct runs r = runs_of(prog, f->pcsp);

	while (r.to <= f->room && next(&r))
		;
	return r.to && r.to <= f->room ? r.to : f->room;
}

struct str pclntab_name(const struct go_program *prog, u32 off)
{
	struct str names = str_cut(prog->funcnametab, off, prog->funcnametab.n);
	const char *end = names.n ? memchr(names.p, 0, names.n) : NULL;

	return end ? (struct str){ names.p, (size_t)(end - names.p) } : STR("");
}

/* Offset of pcdata[] behind the fixed part of the record. */
static u64 pcdata_at(const struct go_program *prog, const struct go_func *f)
{
	return (u64)f->record + prog->rel->pcln->func_size;
}

static u64 funcdata_at(const struct go_program *prog, const struct go_func *f)
{
	u64 at = pcdata_at(prog, f) + 4ull * f->npcdata;

	/* 1.17: pointers, aligned where the record lies in memory; the block itself is 8-aligned */
	return prog->rel->pcln->funcdata_pointers ? round_up(at, 8) : at;
}

static void read_record(const struct go_program *prog, struct rd *r, struct go_func *f)
{
	const struct pcln_layout *at = prog->rel->pcln;
	u32 name;

	rd_seek(r, (u64)f->record + at->name);
	name = rd_u32(r);
	f->args = (i32)rd_u32(r);
	f->deferreturn = rd_u32(r);
	f->pcsp = rd_u32(r);
	f->pcfile = rd_u32(r);
	f->pcln = rd_u32(r);
	f->npcdata = rd_u32(r);
	f->cu = rd_u32(r);
	if (at->start_line)
		f->start_line = (i32)rd_u32(r);
	f->func_id = rd_u8(r);
	f->flag = rd_u8(r);
	rd_skip(r, 1);
	f->nfuncdata = rd_u8(r);
	rd_count(r, f->npcdata, 4);
	rd_seek(r, funcdata_at(prog, f));
	rd_count(r, f->nfuncdata, at->funcdata_pointers ? 8 : 4);
	if (name >= prog->funcnametab.n)
		rd_fail(r, "has a function whose name lies outside");
	f->name = pclntab_name(prog, name);
	f->wrapper = f->func_id == prog->rel->wrapper_func_id;
	f->assembly = f->flag & prog->rel->func_assembly_flag;
}

/* 1.17 has no flag for assembly, but its files end in .s. */
static void mark_assembly_by_file(const struct go_program *prog, struct go_func *f)
{
	struct runs r = runs_of(prog, f->pcfile);

	if (next(&r))
		f->assembly = str_ends(pclntab_file(prog, f, r.value), STR(".s"));
}

static u32 functab_u(struct rd *r, bool wide, u64 text)
{
	u64 v = wide ? rd_u64(r) - text : rd_u32(r);

	if (v > UINT32_MAX)
		rd_fail(r, "functab has a function outside of text");
	return (u32)v;
}

bool pclntab_read(struct go_program *prog, struct err *err)
{
	bool wide = prog->rel->pcln->functab_each == 16;
	struct rd table = rd_of(prog->pclntable.p, prog->pclntable.n, "pclntab"), r = table;
	u64 nfuncs = 0, end_pc = prog->md.maxpc_va - prog->md.text_va;

	/* moduledata_find saw that ftab.len is the header's count and that it fits */
	if (!image_u64(prog->img, prog->md.va + MD_FTAB + 8, &nfuncs) || nfuncs < 2)
		rd_fail(&r, "has no functions");
	nfuncs = rd_count(&r, nfuncs - 1, prog->rel->pcln->functab_each);
	prog->funcs = ARENA_ARRAY(&prog->arena, struct go_func, nfuncs);
	for (u64 i = 0; i < nfuncs && !table.bad; i++) {
		struct go_func *f = &prog->funcs[i];

		f->pc = functab_u(&r, wide, prog->md.text_va);
		f->record = wide ? (u32)rd_u64(&r) : rd_u32(&r);
		if (f->pc > end_pc || (i && f->pc < f[-1].pc))
			rd_fail(&r, "functab is not sorted");
		if (i)
			f[-1].room = f->pc - f[-1].pc;
		read_record(prog, &table, f);
		if (r.bad)
			break;
	}
	if (!rd_ok(&r, err) || !rd_ok(&table, err))
		return err_in(err, "%s layout", prog->rel->pcln->since);
	prog->nfuncs = nfuncs;
	prog->funcs[nfuncs - 1].room = (u32)end_pc - prog->funcs[nfuncs - 1].pc;
	for (u64 i = 0; i < nfuncs; i++) {
		prog->funcs[i].size = exact_size(prog, &prog->funcs[i]);
		if (!prog->rel->func_assembly_flag)
			mark_assembly_by_file(prog, &prog->funcs[i]);
	}
	return true;
}

u32 go_pcdata(const struct go_program *prog, const struct go_func *f, unsigned index)
{
	struct rd r = rd_of(prog->pclntable.p, prog->pclntable.n, "pclntab");

	if (index >= f->npcdata)
		return 0;
	rd_seek(&r, pcdata_at(prog, f) + 4ull * index);
	return rd_u32(&r);
}

u64 go_funcdata_va(const struct go_program *prog, const struct go_func *f, unsigned index)
{
	struct rd r = rd_of(prog->pclntable.p, prog->pclntable.n, "pclntab");
	u32 off;

	if (index >= f->nfuncdata)
		return 0;
	if (prog->rel->pcln->funcdata_pointers) {
		rd_seek(&r, funcdata_at(prog, f) + 8ull * index);
		return rd_u64(&r);
	}
	rd_seek(&r, funcdata_at(prog, f) + 4ull * index);
	off = rd_u32(&r);
	return r.bad || off == UINT32_MAX ? 0 : prog->md.gofunc_va + off;
}

struct str pclntab_file(const struct go_program *prog, const struct go_func *f, i32 index)
{
	struct rd cus = rd_of(prog->cutab.p, prog->cutab.n, "cutab");
	struct rd files = rd_of(prog->filetab.p, prog->filetab.n, "filetab");
	u32 off;

	if (index < 0 || f->cu == UINT32_MAX)
		return STR("");
	rd_seek(&cus, 4 * ((u64)f->cu + (u32)index));
	off = rd_u32(&cus);
	if (cus.bad || off == UINT32_MAX)	/* pruned by the linker */
		return STR("");
	rd_seek(&files, off);
	return rd_z(&files);
}
