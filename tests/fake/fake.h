/* fake - small Go binaries made of C literals: ELF, build information, pclntab, moduledata, for the
 * layout of any release. They are what a reader meets, not what a processor runs: the code is int3.
 *
 * The layouts are written down here a second time on purpose: a mistake in src/go/release.c must
 * not be able to agree with itself.
 *
 * Owns     struct fake its bytes, until fake_release().
 * Units    at_* are file offsets (and base + at_* addresses: the file is mapped as it lies).
 * Fails    never.
 * Threads  one. */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include "base/vec.h"
#include "image/image.h"

/* What to make. Zero is a stripped static program of go1.MINOR without section headers. */
struct fake_wish {
	unsigned minor;			/* 17 to 27 */
	const char *version;		/* what the build information says; NULL: "go1.MINOR.3" */
	const char *modules;		/* module text without its frame; NULL: a usual one */
	bool pie;			/* pointers have relocations... */
	bool zero_bytes;		/* ...and the bytes there are zero, as lld leaves them */
	bool sections;
	bool no_buildinfo, no_gotables;
	bool decoy;			/* build information's magic in read-only data, before it */
	bool other_magic;		/* as garble does */
	bool version_in_data;		/* runtime.buildVersion */
	bool second_version;		/* another release's name beside it */
	bool c_start;			/* the entry point is not Go's: external link mode */
};

struct fake {
	VEC(u8) bytes;
	u64 base;			/* address of file offset 0 */
	size_t at_phdrs, at_text, at_note, at_decoy, at_pclntab, at_names, at_cutab, at_filetab,
		at_pctab, at_functab;
	size_t at_record[16];		/* of function i */
	size_t at_gofunc, at_types, at_textsectmap, at_findfunctab;
	size_t at_buildinfo, at_md, at_relocs, at_shdrs;
	size_t nrelocs, nfuncs;
	int fd;				/* of fake_path */
	char path[64];
};

/* The functions in order; `entry` counts from text. Code and padding are int3. */
enum {
	FAKE_MAIN,	/* main.main: lines, inlined calls; exact size 90 of 96 */
	FAKE_METHOD,	/* main.(*T).Serve */
	FAKE_EMPTY,	/* main.empty: zero bytes, at the address of the next */
	FAKE_ABI0,	/* runtime.memmove, assembly */
	FAKE_MEMMOVE,	/* runtime.memmove, compiled: the one that its name means */
	FAKE_WRAPPER,	/* main.T.Serve, a wrapper */
	FAKE_C,		/* memcpy_c: no tables */
	FAKE_FUNCS,
};

/* A fake may be changed, byte by byte, before it is opened. */
void fake_make(struct fake *f, const struct fake_wish *w);
void fake_release(struct fake *f);
void fake_put(struct fake *f, size_t at, u64 value, unsigned size);
u64 fake_get(const struct fake *f, size_t at, unsigned size);
/* The offset of moduledata's field in this release (as of textsectmap: of the slice's pointer). */
enum fake_field {
	F_TYPES,
	F_ETYPES,
	F_TEXTSECTMAP,
	F_HASMAIN,
	F_BAD,
	F_NEXT,
	F_GOFUNC,
	F_TYPELINKS
};
size_t fake_field(unsigned minor, enum fake_field field);
/* A path that opens its first n bytes. */
const char *fake_path(struct fake *f, size_t n);
bool fake_open(struct fake *f, struct image *img, struct err *err) MUST_CHECK;

#endif
