/* mapped - the file that lies at an address of a process or core, and the function there.
 *
 * Owns     nothing: texts lie in the arena that is given.
 * Units    rt addresses; offsets in the mapped file.
 * Fails    never: what is not known is false or empty.
 * Threads  any. */
#ifndef IMAGE_MAPPED_H
#define IMAGE_MAPPED_H

#include "base/rd.h"
#include "image/image.h"

struct mapped {
	struct str path;
	u64 off;	/* of the address, in the file */
	u64 first_rt;	/* where the file's first page is mapped; 0: nowhere */
};

/* `files`: what a core's note NT_FILE has. */
bool mapped_by_core(struct rd files, u64 rt, struct arena *a, struct mapped *to);
bool image_mapped(const struct image *img, u64 rt, struct arena *a, struct mapped *to);
/* Each file whose first page is mapped, in the order of addresses, until one is the right one: its
 * path, or an empty one. */
struct str mapped_file(const struct image *img, struct arena *a,
		       bool (*is_it)(const struct image *img, u64 first_rt));
/* "abort+0x12": the symbol whose bytes the address lies in; else "at or after abort": the nearest
 * one below that says no size, in the same section. Empty if there is none, and where the file that
 * is there now is not seen to be what was mapped. */
struct str mapped_function(const struct image *img, const struct mapped *m, struct arena *a);

#endif
