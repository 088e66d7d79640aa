/* file - a copy of a program that waits between the words of its stores, and the way back.
 *
 * The copy is the original with a jump (or a call) at each site, two PT_LOADs behind all others
 * (code, which begins with the manifest, and the delays' data), and their program headers (room.h).
 *
 * Owns     struct delayed: its bytes, until delayed_release(); refers to program and stores.
 * Units    link-time addresses (_va), file offsets (_off).
 * Fails    ERR_REFUSED (delays are in it already, or it is the output), ERR_UNSUPPORTED (a library,
 *          too many headers, more than 2 GiB), ERR_FORMAT (a damaged manifest), ERR_IO, ERR_DENIED.
 *          Nothing is left behind then.
 * Threads  one calls; the file's sum is made by another one. */
#ifndef INLINE_FILE_H
#define INLINE_FILE_H

#include "base/hands.h"
#include "base/sha256.h"
#include "inline/manifest.h"
#include "inline/room.h"
#include "plan/torn.h"

struct delayed_site {
	const struct torn_store *store;
	enum refusal refusal;	/* none: it is delayed */
	u64 piece_va;		/* what its jump leads to */
	u32 piece_size;		/* as much of it as is its own */
	u8 is[8];		/* what stands at the site now */
};

struct change {			/* to the original */
	u64 off;
	u32 size;
	u8 kind;		/* enum piece_kind */
	const u8 *is;
};

struct delayed {
	const struct go_program *prog;
	struct delay_ask ask;
	struct delayed_site *sites;	/* in the order in which they were given */
	size_t nsites;
	u32 ndelayed, nrefused;
	struct change *changes;	/* ascending */
	size_t nchanges;
	const u8 *original;	/* the file as it is; the image's bytes if they are that */
	size_t original_size;
	u64 sum;
	u8 fips_sum[SHA256_SIZE];	/* with fips_resum */
	struct room room;
	Elf64_Ehdr *head;	/* as it will be */
	u64 code_off, code_va, code_size, data_off, data_va, data_memory;
	u64 routine_va, routine_end_va;
	u8 *added;		/* from code_off on: code, data, section headers if they moved */
	size_t nadded;
	size_t ntail;	/* bytes at the original's end that no header names: an archive, say, which
			 * the program looks for at its file's end; so there they stand again */
	struct hand summing;	/* gives `sum`, while the stores are looked for */
	struct arena arena;
};

/* Can there be a copy of it at all? What can be done before it is known where the delays go is
 * begun; *d must stay where it is. */
bool delayed_open(struct delayed *d, const struct go_program *prog, struct err *err) MUST_CHECK;
/* Once for each delayed_open. Stores ascending by address. */
bool delayed_make(struct delayed *d, const struct torn_store *const *stores, size_t n,
		  const struct delay_ask *ask, struct err *err) MUST_CHECK;
void delayed_release(struct delayed *d);
/* Every byte that is changed, and the generated code. */
void delayed_print(const struct delayed *d, struct out *o);
/* Never over the program itself. */
bool delayed_write(const struct delayed *d, const char *path, struct err *err) MUST_CHECK;

/* Writes the original of a copy, byte for byte. */
bool delayed_undo(const struct image *img, const char *path, struct err *err) MUST_CHECK;

#endif
