/* tables - what go_open is made of: build information, moduledata, pclntab.
 *
 * Owns     nothing: all goes into the program and its arena.
 * Units    as program.h.
 * Fails    as program.h; "not there" is false or 0 without an error where it says so.
 * Threads  as program.h. */
#ifndef GO_TABLES_H
#define GO_TABLES_H

#include "go/program.h"
#include "go/release.h"

/* buildinfo.c: version, modules, settings, build id. False if there is no build information. */
bool buildinfo_read(struct go_program *prog);
struct go_version version_parse(struct str text);
/* runtime.buildVersion, found by its look in the data; of the releases in the set `minors`. */
struct go_version version_in_data(const struct go_program *prog, u32 minors);
bool fipsinfo_there(const struct image *img);

/* moduledata.c: where pclntab and moduledata are, and which releases' layouts they fit. */
struct found {
	u64 pclntab_va, md_va;
	u32 minors;	/* bit n: go1.n */
};
bool moduledata_find(const struct image *img, struct found *to);
/* Fills prog->md and the blocks of pclntab; prog->rel says the layout. */
bool moduledata_read(struct go_program *prog, const struct found *at, struct err *err) MUST_CHECK;

/* pclntab.c: prog->funcs. */
bool pclntab_read(struct go_program *prog, struct err *err) MUST_CHECK;
/* The path of file number `index` of a function; empty if pruned or unknown. */
struct str pclntab_file(const struct go_program *prog, const struct go_func *f, i32 index);
struct str pclntab_name(const struct go_program *prog, u32 off);

/* A value table, run by run: `value` holds for [from, to), which count from the entry. */
struct runs {
	const u8 *at, *end;
	i32 value;
	u32 from, to, idle;
	bool begun;
};
struct runs runs_of(const struct go_program *prog, u32 table);
bool runs_next(struct runs *r);

/* lines.c: what go_pcvalue keeps. */
void go_recent_release(struct go_program *prog);

/* An inline tree with what its records do not say directly. */
struct inlined_call {
	struct str name;
	i32 parent;	/* index, or -1: the function itself */
	i32 file, line;	/* of the call, 1.17 to 1.19; else -1, 0 */
	u32 parent_pc;	/* offset from the entry */
	bool wrapper;
};
/* Record `index`; false if it is not there. 1.20 and later: parent is found by parent_pc. */
bool inlined_call_at(const struct go_program *prog, const struct go_func *f, i32 index,
		     struct inlined_call *to);

#endif
