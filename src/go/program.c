#include "go/program.h"

#include <string.h>

#include "go/fork.h"
#include "go/sig.h"
#include "go/tables.h"
#include "image/mapped.h"

/* Packers leave PT_LOADs and nothing of Go's; UPX signs its header, which follows the program's. */
static bool packed_by_upx(const struct image *img)
{
	struct str head = { (const char *)img->bytes, MIN(img->size, (size_t)4096) };

	return str_find(head, STR("UPX!")) >= 0;
}

/* Go code that others load exports a hash of each of its packages. Its tables are put together by
 * the dynamic loader from symbols. */
static bool is_loaded_by_others(const struct image *img)
{
	const struct section *names = image_section(img, ".dynstr");

	return names && str_find(image_section_bytes(img, names), STR("link.pkghashbytes.")) >= 0;
}

/* The note with which Go's linker gives its build id: it is in the first page. */
static bool has_go_note(const struct image *img, u64 first_rt)
{
	static const char kind_and_name[] = "\4\0\0\0Go\0";	/* and one more NUL */
	char page[4096];

	return image_read_rt(img, first_rt, page, sizeof(page)) &&
	       str_find((struct str){ page, sizeof(page) },
			(struct str){ kind_and_name, sizeof(kind_and_name) }) >= 0;
}

/* A program of another language may have Go code in it, by a library (c-shared). */
static bool other_language(const struct image *img, struct err *err)
{
	OWN(arena) a = { 0 };
	struct str library = mapped_file(img, &a, has_go_note);

	if (library.n)
		return err_set(err, ERR_FORMAT,
			       "not a Go program, but it has loaded a Go library, %.*s: info, "
			       "funcs, types, disasm and check look into that file; what runs of "
			       "it can't be looked into", STR_F(library));
	return err_set(err, ERR_FORMAT,
		       "not a Go program (no build information and no function table)");
}

static bool not_go(const struct go_program *prog, bool has_info, struct err *err)
{
	if (packed_by_upx(prog->img))
		return err_set(err, ERR_UNSUPPORTED, "packed by UPX: unpack it first (upx -d)");
	if (is_loaded_by_others(prog->img))
		return err_set(err, ERR_UNSUPPORTED,
			       "a plugin, or part of a program in shared libraries; goshawk knows "
			       "programs that are one file");
	if (!has_info)
		return other_language(prog->img, err);
	return err_set(err, ERR_FORMAT, "built by %.*s, but its function table is gone or damaged",
		       STR_F(prog->version.text));
}

static bool supported(const struct go_version *v, struct err *err)
{
	if (!v->known || (v->minor >= RELEASE_FIRST && v->minor <= RELEASE_LAST))
		return true;
	return err_set(err, ERR_UNSUPPORTED, "built by %.*s; goshawk knows go1.%d to go1.%d",
		       STR_F(v->text), RELEASE_FIRST, RELEASE_LAST);
}

static unsigned lowest(u32 minors)
{
	return (unsigned)__builtin_ctz(minors);
}

static u8 highest_func_id(const struct go_program *prog)
{
	u8 highest = 0;

	for (size_t i = 0; i < prog->nfuncs; i++)
		highest = MAX(highest, prog->funcs[i].func_id);
	return highest;
}

/* Of releases that share all layouts, those with this highest funcID (the wrapper's, which every
 * program has) and with or without the FIPS record. */
static u32 by_evidence(const struct go_program *prog, u32 minors)
{
	u8 highest = highest_func_id(prog);
	bool fips = fipsinfo_there(prog->img);
	u32 left = 0;

	for (unsigned m = RELEASE_FIRST; m <= RELEASE_LAST; m++)
		if (minors & 1u << m && release_of(m)->wrapper_func_id == highest
		    && release_of(m)->fipsinfo == fips)
			left |= 1u << m;
	return left;
}

/* Without a version: what the data and the tables themselves say, and no guess where they leave
 * two. */
static bool release_by_evidence(struct go_program *prog, u32 minors, struct err *err)
{
	struct go_version v = version_in_data(prog, minors);
	u32 left = v.known ? 1u << v.minor : by_evidence(prog, minors);

	if (left & (left - 1))
		return err_set(err, ERR_UNSUPPORTED,
			       "does not say its Go release, and its tables fit go1.%u as well as "
			       "go1.%u", lowest(left), lowest(left & (left - 1)));
	if (!left)
		return err_set(err, ERR_UNSUPPORTED,
			       "does not say its Go release, and its tables contradict each other "
			       "(they look like go1.%u's)", lowest(minors));
	if (v.known)
		prog->version = v;
	prog->rel = release_of(lowest(left));
	for (size_t i = 0; i < prog->nfuncs; i++)
		prog->funcs[i].wrapper = prog->funcs[i].func_id == prog->rel->wrapper_func_id;
	return true;
}

static bool contradicted(const struct go_program *prog, u32 minors, struct err *err)
{
	return err_set(err, ERR_FORMAT,
		       "says that it was built by %.*s, but its tables are those of go1.%u",
		       STR_F(prog->version.text), lowest(minors));
}

static bool read_tables(struct go_program *prog, struct err *err)
{
	bool has_info = buildinfo_read(prog);
	struct found found = { 0 };

	if (!supported(&prog->version, err))
		return false;
	if (!moduledata_find(prog->img, &found))
		return not_go(prog, has_info, err);
	if (prog->version.known && !(found.minors & 1u << prog->version.minor))
		return contradicted(prog, found.minors, err);
	prog->rel = release_of(prog->version.known ? prog->version.minor : lowest(found.minors));
	return moduledata_read(prog, &found, err) && pclntab_read(prog, err)
	    && (prog->version.known || release_by_evidence(prog, found.minors, err));
}

static bool setting_is(const struct go_program *prog, struct str key, struct str value)
{
	for (size_t i = 0; i < prog->nsettings; i++)
		if (str_eq(prog->settings[i].key, key))
			return str_eq(prog->settings[i].value, value);
	return false;
}

/* A whole name in funcnametab or a whole path in filetab: both are texts that end in NUL. */
static bool has_text(struct str table, struct str text_with_nuls)
{
	return str_find(table, text_with_nuls) >= 0
	       || str_starts(table, str_cut(text_with_nuls, 1, text_with_nuls.n));
}

static struct str build_mode(const struct go_program *prog)
{
	for (size_t i = 0; i < prog->nsettings; i++)
		if (str_eq(prog->settings[i].key, STR("-buildmode")))
			return prog->settings[i].value;
	if (!prog->md.hasmain)
		return prog->img->interp ? STR("c-archive") : STR("c-shared");
	return prog->img->pie ? STR("pie") : STR("exe");
}

static void derive(struct go_program *prog)
{
	/* internal/buildcfg writes -race; before 1.18, and with other build systems, nobody does */
	prog->race = setting_is(prog, STR("-race"), STR("true"))
		     || (!prog->nsettings
			 && has_text(prog->funcnametab, STR("\0runtime.racefuncenter\0")));
	/* an assembly function of runtime/cgo, which every program with cgo has */
	prog->cgo = has_text(prog->funcnametab, STR("\0crosscall2\0"));
	/* a trimmed build's files have no root; 1.17 and 1.18 don't record -trimpath */
	prog->trimpath = has_text(prog->filetab, STR("\0runtime/proc.go\0"));
	prog->buildmode = build_mode(prog);
	for (size_t i = 0; i < prog->img->nsecs; i++) {
		struct str name = prog->img->secs[i].name;

		prog->has_symtab |= str_eq(name, STR(".symtab"));
		prog->has_dwarf |= str_eq(name, STR(".debug_info"))
				   || str_eq(name, STR(".zdebug_info"));
	}
}

bool go_open(struct go_program *prog, const struct image *img, struct err *err)
{
	*prog = (struct go_program){ .img = img };
	if (!read_tables(prog, err))
		return err_in(err, "%.*s", STR_F(img->path));
	derive(prog);
	return true;
}

void go_program_release(struct go_program *prog)
{
	go_types_release(prog);
	go_sigs_release(prog);
	go_recent_release(prog);
	if (prog->fork_child)
		map_release(prog->fork_child);
	if (prog->stores)
		map_release(prog->stores);
	arena_release(&prog->arena);
	*prog = (struct go_program){ 0 };
}

void go_twin_release(struct go_program *twin)
{
	twin->fork_child = NULL;	/* the first's */
	go_program_release(twin);
}

const struct go_func *go_func_at(const struct go_program *prog, u64 pc)
{
	size_t lo = 0, hi = prog->nfuncs;
	const struct go_func *f;

	/* the first that begins behind pc; of several at one pc the last counts */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (prog->funcs[mid].pc <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	f = &prog->funcs[lo - 1];
	return pc - f->pc < f->room ? f : NULL;
}

struct str go_func_bytes(const struct go_program *prog, const struct go_func *f)
{
	return image_bytes(prog->img, go_func_va(prog, f), f->room);
}

/* Functions by name: a hash table of 1 + index, made at the first question. */
struct go_names {
	u32 *slots;
	u32 mask;
};

static const struct go_names *names_of(const struct go_program *prog)
{
	struct go_program *mut = (struct go_program *)(uintptr_t)prog;
	struct go_names *t = prog->names;
	u32 room = 16;

	if (t)
		return t;
	while (room < 2 * prog->nfuncs)
		room *= 2;
	t = ARENA_NEW(&mut->arena, struct go_names);
	t->slots = ARENA_ARRAY(&mut->arena, u32, room);
	t->mask = room - 1;
	for (u32 i = 0; i < prog->nfuncs; i++) {
		u32 at = str_hash(prog->funcs[i].name) & t->mask;

		while (t->slots[at])
			at = (at + 1) & t->mask;
		t->slots[at] = i + 1;
	}
	mut->names = t;
	return t;
}

/* What says nothing new once it is made is made now, and shared. */
void go_program_twin(struct go_program *twin, const struct go_program *first)
{
	go_runs_in_fork_child(first, &first->funcs[0]);
	*twin = *first;
	twin->names = (struct go_names *)(uintptr_t)names_of(first);
	twin->types = NULL;
	twin->dwarf = NULL;
	twin->sigs = NULL;
	twin->recent = NULL;
	twin->stores = NULL;
	twin->forms = NULL;
	twin->arena = (struct arena){ 0 };
}

const struct go_func *go_func_named(const struct go_program *prog, struct str name)
{
	const struct go_names *t = names_of(prog);
	const struct go_func *best = NULL;

	for (u32 at = str_hash(name) & t->mask; t->slots[at]; at = (at + 1) & t->mask) {
		const struct go_func *f = &prog->funcs[t->slots[at] - 1];

		if (!str_eq(f->name, name))
			continue;
		if (!best || (best->assembly || best->wrapper) > (f->assembly || f->wrapper))
			best = f;
	}
	return best;
}

const char *go_setting(const struct go_program *prog, const char *key)
{
	for (size_t i = 0; i < prog->nsettings; i++)
		if (str_eq(prog->settings[i].key, str_of(key)))
			return str_z((struct arena *)(uintptr_t)&prog->arena,
				     prog->settings[i].value);
	return NULL;
}
