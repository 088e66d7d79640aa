/* live - what is in a process that its file does not have: changed text, mappings, a tracer.
 *
 * The process runs on meanwhile; nothing is written to it.
 *
 * Owns     nothing: all lies in the caller's arena, but for the lists, until live_release().
 * Units    _rt addresses of the process, _va of the file.
 * Fails    never: what cannot be read is not there. Text beyond LIVE_CHANGES changes is not listed.
 * Threads  one. */
#ifndef DIAG_LIVE_H
#define DIAG_LIVE_H

#include "base/vec.h"
#include "image/image.h"

struct live_map {
	u64 lo, hi;
	bool exec;
	struct str name;	/* a file, "[vdso]", or empty */
};

/* Bytes of text that differ; of several close together the first. */
enum { LIVE_BYTES = 8, LIVE_CHANGES = 65536 };
struct live_change {
	u64 va;
	u8 is[LIVE_BYTES], was[LIVE_BYTES];
};

struct live {
	VEC(struct live_map) maps;
	VEC(struct live_change) changes;
	int tracer;		/* process id, 0: none */
	struct str tracer_name, preload;
};

void live_read(struct live *to, const struct image *img, struct arena *a);
void live_release(struct live *l);
/* The mapping that has this address, or NULL. */
const struct live_map *live_map_at(const struct live *l, u64 rt);
const struct live_map *live_map_named(const struct live *l, const char *name);

#endif
