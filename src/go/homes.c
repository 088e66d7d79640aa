#include "go/homes.h"

#include "base/vec.h"
#include "go/dwarf_impl.h"
#include "go/types_impl.h"

enum { PIECES = 16, DEPTHS = 32, LOCALS = 48, HOPS = 16, ENTRIES = 1 << 16, FAR = 1 << 20 };

/* The frame's base is behind the return address. */
static bool place_of(const struct debug_piece *p, u32 at, i32 *off)
{
	i64 from = p->off + 8 + (at - p->at);

	*off = (i32)from;
	return from > -FAR && from < FAR;
}

static bool in_pieces(Dwarf_Die *die, u64 va, u32 at, u32 size, i32 *off)
{
	struct debug_piece p[PIECES];
	size_t n = debug_pieces(die, va, p, PIECES);

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
			return in_pieces(&die, va, at, size, off);
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
	size_t n = debug_pieces(die, va, pieces, PIECES);
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

/* One that lies in the same place all the time has nothing in it before its declaration. */
static bool is_declared(Dwarf_Die die, i32 line)
{
	u64 declared;

	if (debug_moves(&die))
		return true;
	for (unsigned hops = 0; hops < HOPS; hops++) {
		if (debug_number(&die, DW_AT_decl_line, &declared))
			return line <= 0 || declared < (u64)line;
		if (!debug_ref(&die, DW_AT_abstract_origin, &die))
			break;
	}
	return false;
}

size_t go_local_vars(const struct go_program *prog, const struct go_func *f, u64 va, u64 behind,
		     size_t depth, size_t depths, i32 line, struct go_param **to)
{
	Dwarf_Die chain[DEPTHS], die;
	struct go_param all[LOCALS];
	size_t n = 0, kept = 0;
	bool more;

	if (!dwarf_func_entry(prog, prog->md.text_va + f->pc, &die) ||
	    inlined_at(die, va, chain) != depths || depth > depths)
		return 0;
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
		if (tag == DW_TAG_variable && is_declared(die, line)) {
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
				all[at] = v;
				n = MAX(n, at + 1);
			}
		}
		more = debug_next(&die, &die);
	}
	*to = ARENA_ARRAY(types_arena(prog), struct go_param, n + 1);
	for (size_t i = 0; i < n; i++)	/* those that are nowhere say nothing */
		if (all[i].nplaces)
			(*to)[kept++] = all[i];
	return kept;
}
