/* go_program - the Go model of an image: version, functions, lines, inlined calls, settings.
 *
 * Owns     its arena; names and tables are views into the image, which must stay open.
 * Units    pc is an offset from moduledata.text (_pc); text_va + pc is the link-time address.
 * Fails    go_open: ERR_FORMAT (not a Go program, tables that lie), ERR_UNSUPPORTED (release,
 *          link mode). Lookups: NULL or false.
 * Threads  one: types, signatures and the tables' last places are kept on demand. A twin for
 *          each further one.
 * Sources  runtime/symtab.go, cmd/link/internal/ld/{pcln,symtab}.go, debug/buildinfo; see
 * release.c. */
#ifndef GO_PROGRAM_H
#define GO_PROGRAM_H

#include "base/map.h"
#include "image/image.h"

struct go_release;	/* release.h: a row of facts */

struct go_setting {
	struct str key, value;
};

struct go_module {
	struct str path, version;
	struct str required;	/* the path that imports name: another one if this replaces it */
};

struct go_version {
	struct str text;	/* "go1.26.8", "devel go1.28-…", or empty when unknown */
	unsigned minor, patch;	/* 0 when unknown */
	bool known;
};

/* One row of functab with its _func. */
struct go_func {
	u32 pc;
	u32 size;		/* exact: the last pc of the pcsp table; padded if there is none */
	u32 room;		/* up to the next function's entry: size and padding */
	struct str name;	/* as the table has it */
	u32 record;		/* offset of its _func in the pcln block */
	u32 deferreturn;	/* offset of the CALL from the entry, 0 if none */
	i32 args;		/* bytes of argument area, or -0x80000000 */
	u32 pcsp, pcfile, pcln;	/* offsets in pctab */
	u32 npcdata;
	u32 cu;
	i32 start_line;		/* 0 if unknown */
	u8 func_id, flag, nfuncdata;
	bool wrapper;		/* funcID wrapper */
	bool assembly;		/* by flag; in 1.17 by the lack of tables */
};

struct moduledata {
	u64 va;
	u64 text_va, etext_va, minpc_va, maxpc_va;
	u64 types_va, etypes_va, rodata_va, gofunc_va, typedesclen;
	u64 typelinks_va, ntypelinks, itablinks_va, nitablinks, itaboffset, itabsize;
	u64 noptrdata_va, enoptrdata_va, data_va, edata_va;
	u64 bss_va, ebss_va, noptrbss_va, enoptrbss_va;
	u64 findfunctab_va, gcdata_va;
	u8 hasmain;
};

struct go_types;	/* types.c */
struct go_dwarf;	/* go/dwarf.c */
struct go_sigs;		/* sig.c: signatures made so far */
struct go_names;	/* pclntab.c: functions by name */
struct go_recent;	/* lines.c */
struct go_globals;	/* globals.h */
struct go_itabs;	/* itabs.c */
struct forms;		/* x86/form.h: instructions decoded so far */

struct go_program {
	const struct image *img;
	struct go_version version;
	struct str main_path;			/* `path` line */
	struct go_module main_module, *deps;
	size_t ndeps;
	struct go_setting *settings;		/* build lines */
	size_t nsettings;
	struct str build_id;
	bool race, cgo, trimpath, has_symtab, has_dwarf;
	struct str buildmode;			/* "exe", "pie", "c-shared"…, recorded or derived */
	const struct go_release *rel;
	struct moduledata md;
	/* blocks of pclntab, each bounded */
	struct str funcnametab, cutab, filetab, pctab, pclntable;
	u64 pclntab_va;
	struct go_func *funcs;			/* ascending by pc; zero-size entries included */
	size_t nfuncs;
	struct go_types *types;			/* loaded on demand */
	struct go_dwarf *dwarf;
	bool homes;	/* set before DWARF is asked for anything: homes.h will be asked, too */
	struct map *fork_child;			/* fork.c: pcs, made on demand */
	struct go_sigs *sigs;
	struct go_names *names;
	struct go_recent *recent;
	struct go_globals *globals;
	struct go_itabs *itabs;
	struct map *stores;			/* stored.c: by function, made on demand */
	struct forms *forms;
	u64 *write_barrier_va;			/* vars.c: on demand; 0: not found */
	struct arena arena;
};

bool go_open(struct go_program *prog, const struct image *img, struct err *err) MUST_CHECK;
void go_program_release(struct go_program *prog);
/* The same for another thread: what was read at opening is the first's, what is loaded on demand
 * its own. Released before the first. */
void go_program_twin(struct go_program *twin, const struct go_program *first);
void go_twin_release(struct go_program *twin);

/* The function that covers this pc (its padding included), or NULL. */
const struct go_func *go_func_at(const struct go_program *prog, u64 pc);
/* The one with this exact name: of several, the compiled non-wrapper one. NULL if none. */
const struct go_func *go_func_named(const struct go_program *prog, struct str name);
static inline u64 go_func_va(const struct go_program *prog, const struct go_func *f)
{
	return prog->md.text_va + f->pc;
}
/* The function's code and the padding behind it. */
struct str go_func_bytes(const struct go_program *prog, const struct go_func *f);

struct go_line {
	struct str file;	/* empty if unknown */
	i32 line;
};
/* Of the innermost inlined body at pc (an offset from text). */
struct go_line go_line_at(const struct go_program *prog, const struct go_func *f, u64 pc);
/* Where f begins in its source. */
struct go_line go_func_line(const struct go_program *prog, const struct go_func *f);

/* Does any instruction of f come from this line of a file whose path satisfies `ends`? */
bool go_func_has_line(const struct go_program *prog, const struct go_func *f, struct str file,
		      i32 line, bool (*ends)(struct str path, struct str end));

/* A frame at one pc: the function itself, or one that was inlined there. */
struct go_frame {
	struct str name;
	struct go_line at;
	bool inlined, wrapper;
	i32 call;		/* which of the calls inlined into the function; -1: itself */
};
enum { GO_FRAMES = 64 };
/* Innermost first; returns how many, at most GO_FRAMES. */
size_t go_frames_at(const struct go_program *prog, const struct go_func *f, u64 pc,
		    struct go_frame *to);

/* Value of a pcdata/pcsp table at pc; -1 where there is none. */
i32 go_pcvalue(const struct go_program *prog, const struct go_func *f, u32 table, u64 pc);
/* Offset of a pcdata table, for go_pcvalue. */
u32 go_pcdata(const struct go_program *prog, const struct go_func *f, unsigned index);
/* Address of a funcdata, 0 if none. */
u64 go_funcdata_va(const struct go_program *prog, const struct go_func *f, unsigned index);

/* Calls fn for each name that is inlined somewhere, with the place (pc) of the inlined body. */
void go_each_inlined(const struct go_program *prog, struct str name,
		     void (*fn)(void *ctx, const struct go_func *in, u64 pc), void *ctx);
/* The same for every inlined call of a function; of the program, in order of the functions that
 * hold them. */
void go_each_inline_in(const struct go_program *prog, const struct go_func *f,
		       void (*fn)(void *ctx, struct str name, const struct go_func *in, u64 pc),
		       void *ctx);
void go_each_inline(const struct go_program *prog,
		    void (*fn)(void *ctx, struct str name, const struct go_func *in, u64 pc),
		    void *ctx);
/* Each name that occurs in an inline tree, once. */
size_t go_inlined_names(const struct go_program *prog, struct arena *a, struct str **names);

/* A name in parts, views into it: package "net/http" (still escaped), receiver "*Server" or "",
 * function "Serve", closure "func1.2" or "", type arguments "go.shape.int" or "". */
struct go_name {
	struct str package, receiver, function, closure, type_args;
	bool pointer;		/* receiver is *T */
};
struct go_name go_name_split(struct str name);
/* The runtime and what only it uses: excluded unless a pattern names it. */
bool go_is_runtime(struct str package);
const char *go_setting(const struct go_program *prog, const char *key);	/* arena copy, or NULL */

#endif
