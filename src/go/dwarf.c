/* DWARF is read lazily. A list of the units' code ranges is made once; a function's unit is walked
 * when the first of its functions is asked for; a type is one entry that is read when it is looked
 * at. What has a descriptor is taken from there (one Go type is one struct), and only what DWARF
 * alone knows is made from its entries. Units of other languages are passed over. */
#include "go/dwarf.h"

#include <stdlib.h>

#include "base/vec.h"
#include "go/dwarf_impl.h"
#include "go/types_impl.h"

enum {
	LANG_GO = 0x16,
	HOPS = 16,		/* typedefs and abstract origins that point on */
	MAX_PARAMS = 1024,
};

struct unit {
	u64 offset;
	struct str path, package;
	bool indexed, optimised;
};

struct code_range {
	u64 lo, hi;
	u32 unit;
};

struct entries {
	Dwarf_Die *at;
	size_t n, room;
};

struct go_dwarf {
	struct debug debug;
	bool open;
	VEC(struct unit) units;
	VEC(struct code_range) ranges;	/* ascending */
	struct map func_at;		/* code address: entry of the subprogram */
	struct map variable_at;		/* address: entry of the variable */
	struct map type_at;		/* entry: struct go_type * */
	struct entries own, abstract, all;	/* of the function at hand */
};

static int by_lo(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* A range has some function's code, and no other has it. Units that lie may have the same ones. */
static void list_units(struct go_dwarf *dw, size_t nfuncs)
{
	Dwarf_Die die;
	u64 at = 0, language;

	while (dw->ranges.n <= nfuncs + dw->units.n && debug_unit(&dw->debug, &at, &die)) {
		struct debug_range range = { 0 };
		struct str producer;

		if (dwarf_tag(&die) != DW_TAG_compile_unit ||
		    !debug_number(&die, DW_AT_language, &language) || language != LANG_GO)
			continue;
		producer = debug_text(&dw->debug, &die, DW_AT_producer);
		*vec_push(&dw->units) = (struct unit){
			.offset = debug_offset(&die),
			.path = debug_text(&dw->debug, &die, DW_AT_name),
			.package = debug_text(&dw->debug, &die, AT_GO_PACKAGE_NAME),
			.optimised = str_find(producer, STR("-N")) < 0,
		};
		while (debug_range(&die, &range) && dw->ranges.n <= nfuncs + dw->units.n)
			*vec_push(&dw->ranges) = (struct code_range){
				range.lo, range.hi, (u32)dw->units.n - 1,
			};
	}
	if (dw->ranges.n)
		qsort(dw->ranges.at, dw->ranges.n, sizeof(dw->ranges.at[0]), by_lo);
}

static struct go_dwarf *dwarf_of(const struct go_program *prog)
{
	struct go_program *p = (struct go_program *)prog;

	if (!p->dwarf) {
		p->dwarf = ARENA_NEW(&p->arena, struct go_dwarf);
		p->dwarf->open = debug_open(&p->dwarf->debug, prog->img, prog->homes);
		if (p->dwarf->open)
			list_units(p->dwarf, prog->nfuncs);
	}
	return p->dwarf->open ? p->dwarf : NULL;
}

void go_dwarf_release(struct go_program *prog)
{
	struct go_dwarf *dw = prog->dwarf;

	if (!dw)
		return;
	debug_release(&dw->debug);
	vec_release(&dw->units);
	vec_release(&dw->ranges);
	vec_release(&dw->own);
	vec_release(&dw->abstract);
	vec_release(&dw->all);
	map_release(&dw->func_at);
	map_release(&dw->variable_at);
	map_release(&dw->type_at);
	prog->dwarf = NULL;
}

/* Functions and variables in one walk, which is what takes the time. */
static void index_unit(struct go_dwarf *dw, struct unit *u)
{
	Dwarf_Die unit, die;
	u64 va;
	bool more;

	if (u->indexed)
		return;
	u->indexed = true;
	more = debug_entry(&dw->debug, u->offset, &unit) && debug_child(&unit, &die);
	for (; more; more = debug_next(&die, &die)) {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram && debug_low_pc(&die, &va))
			*map_put(&dw->func_at, va) = debug_offset(&die);
		else if (tag == DW_TAG_variable && debug_location(&die, &va))
			*map_put(&dw->variable_at, va) = debug_offset(&die);
	}
}

static const struct unit *unit_at(struct go_dwarf *dw, u64 va)
{
	size_t lo = 0, hi = dw->ranges.n;

	while (lo < hi) {	/* the first range that begins behind va */
		size_t mid = lo + (hi - lo) / 2;

		if (dw->ranges.at[mid].lo <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || va >= dw->ranges.at[lo - 1].hi)
		return NULL;
	index_unit(dw, &dw->units.at[dw->ranges.at[lo - 1].unit]);
	return &dw->units.at[dw->ranges.at[lo - 1].unit];
}

struct dwarf_param dwarf_read_param(const struct go_program *prog, Dwarf_Die die)
{
	struct go_dwarf *dw = prog->dwarf;
	struct dwarf_param p = { .name = STR("") };
	Dwarf_Die type;

	for (unsigned hops = 0; hops < HOPS; hops++) {
		if (!p.name.n)
			p.name = debug_text(&dw->debug, &die, DW_AT_name);
		if (!p.type && debug_ref(&die, DW_AT_type, &type))
			p.type = dwarf_type(prog, &type);
		p.result |= debug_flag(&die, DW_AT_variable_parameter);
		if (!debug_ref(&die, DW_AT_abstract_origin, &die))
			break;
	}
	return p;
}

/* Entries of the formal parameters below one. */
static void list_params(Dwarf_Die *func, struct entries *to)
{
	Dwarf_Die die;
	bool more;

	to->n = 0;
	for (more = debug_child(func, &die); more && to->n < MAX_PARAMS;
	     more = debug_next(&die, &die))
		if (dwarf_tag(&die) == DW_TAG_formal_parameter)
			*vec_push(to) = die;
}

static bool is_origin_of(Dwarf_Die *die, Dwarf_Die *origin)
{
	Dwarf_Die to;

	return debug_ref(die, DW_AT_abstract_origin, &to) &&
	       debug_offset(&to) == debug_offset(origin);
}

/* A function that was also inlined is in two entries, and each may lack parameters that the other
 * has: those of the abstract one that the concrete one leaves out are put back where they stood. */
static void merge_params(struct entries *own, struct entries *abstract, struct entries *to)
{
	size_t done = 0;

	to->n = 0;
	for (size_t i = 0; i < own->n; i++) {
		for (size_t j = done; j < abstract->n; j++) {
			if (!is_origin_of(&own->at[i], &abstract->at[j]))
				continue;
			while (done < j)
				*vec_push(to) = abstract->at[done++];
			done++;
			break;
		}
		*vec_push(to) = own->at[i];
	}
	while (done < abstract->n)
		*vec_push(to) = abstract->at[done++];
}

static void read_params(const struct go_program *prog, struct go_dwarf *dw, Dwarf_Die *func,
			struct dwarf_func *f)
{
	struct dwarf_param *results;
	size_t nresults = 0;
	Dwarf_Die origin;

	list_params(func, &dw->own);
	dw->abstract.n = 0;
	if (debug_ref(func, DW_AT_abstract_origin, &origin))
		list_params(&origin, &dw->abstract);
	merge_params(&dw->own, &dw->abstract, &dw->all);
	f->params = ARENA_ARRAY(types_arena(prog), struct dwarf_param, dw->all.n);
	results = ARENA_ARRAY(types_arena(prog), struct dwarf_param, dw->all.n);
	for (size_t i = 0; i < dw->all.n; i++) {
		struct dwarf_param p = dwarf_read_param(prog, dw->all.at[i]);

		if (!p.result)
			f->params[f->nparams++] = p;
		else if (!nresults || str_eq(p.name, STR("_")) ||
			 !str_eq(results[nresults - 1].name, p.name))
			results[nresults++] = p;	/* some stand there twice (1.18 to 1.22) */
	}
	for (size_t i = 0; i < nresults; i++)
		f->params[f->nparams++] = results[i];
}

bool dwarf_func_entry(const struct go_program *prog, u64 va, Dwarf_Die *die)
{
	struct go_dwarf *dw = dwarf_of(prog);
	u64 *entry = dw && unit_at(dw, va) ? map_get(&dw->func_at, va) : NULL;

	return entry && debug_entry(&dw->debug, *entry, die);
}

bool go_dwarf_func(const struct go_program *prog, u64 va, struct dwarf_func *f)
{
	struct go_dwarf *dw = dwarf_of(prog);
	Dwarf_Die entry, die;

	*f = (struct dwarf_func){ 0 };
	if (!dwarf_func_entry(prog, va, &entry))
		return false;
	die = entry;
	f->optimised = unit_at(dw, va)->optimised;
	for (unsigned hops = 0; hops < HOPS && !f->name.n; hops++) {
		f->name = debug_text(&dw->debug, &die, DW_AT_name);
		if (!f->name.n && !debug_ref(&die, DW_AT_abstract_origin, &die))
			break;
	}
	read_params(prog, dw, &entry, f);
	return true;
}

struct go_type *go_dwarf_variable(const struct go_program *prog, struct str name, u64 va)
{
	struct go_dwarf *dw = dwarf_of(prog);
	struct str package = go_name_split(name).package;
	Dwarf_Die die, type;
	u64 *entry;

	for (size_t i = 0; dw && i < dw->units.n; i++)
		if (str_eq(dw->units.at[i].path, package))
			index_unit(dw, &dw->units.at[i]);
	entry = dw ? map_get(&dw->variable_at, va) : NULL;
	if (!entry || !debug_entry(&dw->debug, *entry, &die) ||
	    !debug_ref(&die, DW_AT_type, &type))
		return NULL;
	return dwarf_type(prog, &type);
}

const struct debug *dwarf_debug(const struct go_program *prog)
{
	struct go_dwarf *dw = dwarf_of(prog);

	return dw ? &dw->debug : NULL;
}

struct go_type **dwarf_type_slot(const struct go_program *prog, u64 entry)
{
	return (struct go_type **)map_put(&prog->dwarf->type_at, entry);
}

struct str dwarf_package_of(const struct go_program *prog, struct str path)
{
	const struct go_dwarf *dw = dwarf_of(prog);

	for (size_t i = 0; dw && i < dw->units.n; i++)
		if (str_eq(dw->units.at[i].path, path))
			return dw->units.at[i].package;
	return STR("");
}

/* hash<string,int>, *hchan<bool>, groupReference<...>: made by the linker for debuggers. */
static bool is_made_up(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '<' && (i + 1 == name.n || name.p[i + 1] != '-'))
			return true;
	return !name.n;
}

size_t go_dwarf_types(const struct go_program *prog, struct go_type ***types)
{
	struct go_dwarf *dw = dwarf_of(prog);
	VEC(struct go_type *) all = { 0 };
	Dwarf_Die unit, die;
	size_t n;

	for (size_t i = 0; dw && i < dw->units.n; i++) {
		bool more = debug_entry(&dw->debug, dw->units.at[i].offset, &unit) &&
			    debug_child(&unit, &die);

		for (; more; more = debug_next(&die, &die))
			if (dwarf_is_type(&die) &&
			    !is_made_up(debug_text(&dw->debug, &die, DW_AT_name)))
				*vec_push(&all) = dwarf_type(prog, &die);
	}
	n = all.n;
	*types = arena_copy(types_arena(prog), all.at, all.n * sizeof(all.at[0]));
	vec_release(&all);
	return n;
}
