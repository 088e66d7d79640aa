#include "go/homes.h"

#include "base/vec.h"
#include "go/dwarf_impl.h"
#include "go/release.h"
#include "go/stored.h"
#include "go/types_impl.h"

enum { VARIABLE_MOST = 1024, MARKS = 4096, WORDS_MERGED = 3 };
enum { PIECES = 16, DEPTHS = 32, LOCALS = 48, HOPS = 16, ENTRIES = 1 << 16, FAR = 1 << 20 };

/* The frame's base is behind the return address. */
static bool place_of(const struct debug_piece *p, u32 at, i32 *off)
{
	i64 from = p->off + 8 + (at - p->at);

	*off = (i32)from;
	return from > -FAR && from < FAR;
}

static bool in_pieces(Dwarf_Die *die, u64 va, u64 of, u32 at, u32 size, i32 *off)
{
	struct debug_piece p[PIECES];
	size_t n = debug_pieces(die, va, of, p, PIECES);

	for (size_t i = 0; i < n; i++)
		if (at >= p[i].at && (u64)at + size <= (u64)p[i].at + p[i].size)
			return place_of(&p[i], at, off);
	return false;
}

bool go_home_elsewhere(const struct go_program *prog, const struct go_func *f, u64 va,
		       struct str name, u32 at, u32 size, i32 *off)
{
	Dwarf_Die die;
	bool more;

	if (!name.n || !dwarf_func_entry(prog, prog->md.text_va + f->pc, &die))
		return false;
	for (more = debug_child(&die, &die); more; more = debug_next(&die, &die)) {
		struct dwarf_param p;

		if (dwarf_tag(&die) != DW_TAG_formal_parameter)
			continue;
		p = dwarf_read_param(prog, die);
		if (!p.result && str_eq(p.name, name))
			return in_pieces(&die, va, p.type ? go_type_load(prog, p.type)->size : 0,
					 at, size, off);
	}
	return false;
}

/* Entries of the calls that are inlined at va, the outermost first. */
static size_t inlined_at(Dwarf_Die die, u64 va, Dwarf_Die *to)
{
	size_t n = 0;
	bool more = debug_child(&die, &die);

	for (size_t seen = 0; more && n < DEPTHS && seen < ENTRIES; seen++) {
		int tag = dwarf_tag(&die);

		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
		    debug_covers(&die, va)) {
			if (tag == DW_TAG_inlined_subroutine)
				to[n++] = die;
			more = debug_child(&die, &die);
		} else {
			more = debug_next(&die, &die);
		}
	}
	return n;
}

/* All of it, or nothing. */
static void put_places(const struct go_program *prog, Dwarf_Die *die, u64 va, struct go_param *p)
{
	struct debug_piece pieces[PIECES];
	size_t n = debug_pieces(die, va, p->size, pieces, PIECES);
	u32 done = 0;

	p->places = ARENA_ARRAY(types_arena(prog), struct go_place, n + 1);
	for (size_t i = 0; i < n && pieces[i].at == done && done < p->size; i++) {
		struct go_place *pl = &p->places[p->nplaces++];

		*pl = (struct go_place){ .kind = PLACE_STACK, .at = done };
		if (!place_of(&pieces[i], done, &pl->off))
			break;
		pl->size = (u16)MIN(pieces[i].size, p->size - done);
		pl->home = pl->off;
		done += pl->size;
	}
	if (done < p->size)
		p->nplaces = 0;
}

size_t go_inlined_params(const struct go_program *prog, const struct go_func *f, u64 va, u64 behind,
			 size_t depth, size_t depths, struct go_param **to)
{
	Dwarf_Die chain[DEPTHS], die;
	VEC(struct go_param) all = { 0 };
	size_t n;
	bool more;

	if (!dwarf_func_entry(prog, prog->md.text_va + f->pc, &die) ||
	    inlined_at(die, va, chain) != depths || depth >= depths)
		return 0;
	for (more = debug_child(&chain[depth], &die); more && all.n < DEPTHS;
	     more = debug_next(&die, &die)) {
		struct dwarf_param p;

		if (dwarf_tag(&die) != DW_TAG_formal_parameter)
			continue;
		p = dwarf_read_param(prog, die);
		if (p.result || !p.type || !p.name.n || p.name.p[0] == '~')
			continue;
		*vec_push(&all) = (struct go_param){ .name = p.name, .type = p.type,
			.size = (u32)MIN(go_type_load(prog, p.type)->size, (u64)UINT16_MAX) };
		put_places(prog, &die, behind, &all.at[all.n - 1]);
	}
	n = all.n;
	*to = arena_copy(types_arena(prog), all.at, n * sizeof(**to));
	vec_release(&all);
	return n;
}

/* In which line; 0: that is not said. */
static i32 line_declared(Dwarf_Die die)
{
	u64 declared;

	for (unsigned hops = 0; hops < HOPS; hops++) {
		if (debug_number(&die, DW_AT_decl_line, &declared))
			return declared < INT32_MAX ? (i32)declared : 0;
		if (!debug_ref(&die, DW_AT_abstract_origin, &die))
			break;
	}
	return 0;
}

/* The bytes that values of a type have, without what lies between fields. */
struct value_bytes {
	u64 bits[VARIABLE_MOST / STORED_MOST];
	u32 marks;
};

static bool mark(struct value_bytes *b, const struct go_program *prog, struct go_type *t, u64 at)
{
	bool all = true;

	t = go_type_load(prog, t);
	if (++b->marks > MARKS || t->size > VARIABLE_MOST || at > VARIABLE_MOST - t->size)
		return false;
	if (t->kind == GO_STRUCT) {
		for (size_t i = 0; i < t->nfields && all; i++)
			if (!str_eq(t->fields[i].name, STR("_")))
				all = t->fields[i].type && mark(b, prog, t->fields[i].type,
								at + t->fields[i].offset);
	} else if (t->kind == GO_ARRAY && t->elem) {
		u64 each = go_type_load(prog, t->elem)->size;

		for (u64 i = 0; each && i < t->size / each && all; i++)
			all = mark(b, prog, t->elem, at + i * each);
	} else {
		for (u64 i = at; i < at + t->size; i++)
			b->bits[i / STORED_MOST] |= 1ull << i % STORED_MOST;
	}
	return all && b->marks < MARKS;
}

/* One that lies in memory all the time (its address is taken, it is large, or the code is not
 * optimised) has nothing of its own there before its declaration has run. In optimised code there
 * is a list of locations for some: it begins before that is stored, and does not end where others
 * come to lie in the same place. What is in a register at times has a list of its words, each of
 * which is stored where the list says so. */
static bool is_stored(struct stored *s, const struct go_param *v, bool moves, i32 declared)
{
	const struct go_program *prog = s->prog;
	struct value_bytes b = { 0 };
	bool all;

	if (moves && (v->nplaces > 1 || v->size <= 8))
		return true;
	if (v->nplaces != 1 || !declared || !s->flow.n || !mark(&b, prog, v->type, 0) ||
	    (moves && v->size > 8 * WORDS_MERGED && prog->rel->merges_locals))
		return false;
	all = true;
	for (size_t i = 0; i < ARRAY_LEN(b.bits) && all; i++)
		all = !b.bits[i] || stored_certainly(s, v->places[0].off + (i32)i * STORED_MOST,
						     b.bits[i], declared);
	return all;
}

/* Of the call inlined `depth` deep of so many, as frames count it. */
static i32 call_of(const struct go_program *prog, const struct go_func *f, u64 va, size_t depth,
		   size_t depths)
{
	struct go_frame frames[GO_FRAMES];
	size_t n = go_frames_at(prog, f, va - prog->md.text_va, frames);

	return n == depths + 1 && depth < depths ? frames[depths - 1 - depth].call : -1;
}

size_t go_local_vars(const struct go_program *prog, const struct go_func *f, u64 va, u64 behind,
		     size_t depth, size_t depths, i32 line, struct go_param **to)
{
	Dwarf_Die chain[DEPTHS], die;
	struct go_param all[LOCALS];
	size_t n = 0, kept = 0;
	struct stored stored;
	bool more;

	if (!dwarf_func_entry(prog, prog->md.text_va + f->pc, &die) ||
	    inlined_at(die, va, chain) != depths || depth > depths)
		return 0;
	stored_begin(&stored, prog, f, va - prog->md.text_va,
		     call_of(prog, f, va, depth, depths), line);
	more = debug_child(depth < depths ? &chain[depth] : &die, &die);
	for (size_t seen = 0; more && seen < ENTRIES; seen++) {
		int tag = dwarf_tag(&die);
		struct dwarf_param p;
		struct go_param v;
		size_t at = 0;

		if (tag == DW_TAG_lexical_block && debug_covers(&die, va)) {
			more = debug_child(&die, &die);
			continue;
		}
		if (tag == DW_TAG_variable &&
		    (debug_moves(&die) || line_declared(die) < line)) {
			p = dwarf_read_param(prog, die);
			v = (struct go_param){ .name = p.name, .type = p.type };
			while (at < n && !str_eq(all[at].name, p.name))
				at++;	/* the inner one hides the outer one */
			/* a part that the compiler keeps by itself is "name.len" */
			if (p.type && p.name.n && at < LOCALS &&
			    str_find(p.name, STR(".")) < 0) {
				v.size = (u32)MIN(go_type_load(prog, p.type)->size,
						  (u64)UINT16_MAX);
				put_places(prog, &die, behind, &v);
				if (v.nplaces && !is_stored(&stored, &v, debug_moves(&die),
							    line_declared(die)))
					v.nplaces = 0;
				all[at] = v;
				n = MAX(n, at + 1);
			}
		}
		more = debug_next(&die, &die);
	}
	stored_end(&stored);
	*to = ARENA_ARRAY(types_arena(prog), struct go_param, n + 1);
	for (size_t i = 0; i < n; i++)	/* those that are nowhere say nothing */
		if (all[i].nplaces)
			(*to)[kept++] = all[i];
	return kept;
}
