#include "go/globals.h"

#include <elf.h>
#include <stdlib.h>

#include "base/vec.h"
#include "go/dwarf.h"

static int by_va(const void *a, const void *b)
{
	const struct go_global *x = a, *y = b;

	return x->va < y->va ? -1 : x->va > y->va;
}

/* Variables of packages: "main.shared", not "main..stmp_3" nor "go:string.*". */
static bool is_variable(struct str name)
{
	return str_find(name, STR(".")) > 0 && str_find(name, STR("..")) < 0 &&
	       !str_starts(name, STR("go:")) && !str_starts(name, STR("go.")) &&
	       !str_starts(name, STR("type:")) && !str_starts(name, STR("type."));
}

static void read_all(struct go_globals *to, const struct go_program *prog, struct arena *a)
{
	const struct section *symtab = image_section(prog->img, ".symtab");
	const struct section *strtab = image_section(prog->img, ".strtab");
	VEC(struct go_global) list = { 0 };
	struct str names, symbols;
	struct rd r;

	if (!symtab || !strtab)
		return;
	names = image_section_bytes(prog->img, strtab);
	symbols = image_section_bytes(prog->img, symtab);
	r = rd_of(symbols.p, symbols.n, "symbols");
	while (rd_left(&r) >= sizeof(Elf64_Sym)) {
		struct rd name = rd_of(names.p, names.n, "symbol names");
		u8 info;
		struct go_global g;

		rd_seek(&name, rd_u32(&r));
		info = rd_u8(&r);
		(void)rd_u8(&r);
		(void)rd_u16(&r);
		g.va = rd_u64(&r);
		g.size = rd_u64(&r);
		if (ELF64_ST_TYPE(info) != STT_OBJECT || !g.size)
			continue;
		g.name = rd_z(&name);
		if (!name.bad && is_variable(g.name))
			*vec_push(&list) = g;
	}
	to->n = list.n;
	to->at = arena_copy(a, list.at, list.n * sizeof(*list.at));
	vec_release(&list);
	for (size_t i = 1; i < to->n; i++)	/* the linker sorts most of them */
		if (to->at[i].va < to->at[i - 1].va) {
			qsort(to->at, to->n, sizeof(*to->at), by_va);
			break;
		}
}

const struct go_globals *go_globals_of(const struct go_program *prog)
{
	struct go_program *p = (struct go_program *)prog;	/* a cache */

	if (!p->globals) {
		p->globals = ARENA_NEW(&p->arena, struct go_globals);
		read_all(p->globals, prog, &p->arena);
	}
	return p->globals;
}

const struct go_global *go_global_named(const struct go_globals *all, struct str name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->at[i].name, name))
			return &all->at[i];
	return NULL;
}

const struct go_global *go_global_at(const struct go_globals *all, u64 va)
{
	size_t lo = 0, hi = all->n;

	while (lo < hi) {	/* the first that begins behind va */
		size_t mid = lo + (hi - lo) / 2;

		if (all->at[mid].va <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && va - all->at[lo - 1].va < all->at[lo - 1].size ? &all->at[lo - 1] : NULL;
}

struct go_type *go_global_type(const struct go_program *prog, const struct go_global *g)
{
	return go_dwarf_variable(prog, g->name, g->va);
}
