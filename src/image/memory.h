/* memory - what elf.c, proc.c and core.c share: opening the parts of an image, and reading memory.
 *
 * Owns     struct memory: its descriptor, mapping and table, until memory_release().
 * Units    _rt: run-time addresses.
 * Fails    as image.h. memory_read: how many bytes were there, from the start on.
 * Threads  immutable after open. */
#ifndef IMAGE_MEMORY_H
#define IMAGE_MEMORY_H

#include "base/vec.h"
#include "image/image.h"

/* A PT_LOAD of a core file, what lies in the file already checked against its end; or a piece of a
 * process that was kept, `off` counted in the bytes that were kept with it. */
struct dumped {
	u64 rt, off, size;
};

/* What one image_keep took. */
struct kept {
	struct dumped *at;	/* ascending */
	size_t n, size;
	u8 *bytes;
	bool shared;		/* they lie in memory.room */
};

struct memory {
	int fd;			/* /proc/PID/mem, or -1 */
	int pid;
	const u8 *bytes;	/* the core file, or NULL */
	size_t size;
	struct dumped *dumped;	/* ascending */
	size_t ndumped;
	struct rd files;	/* the core's NT_FILE; bad if there is none */
	VEC(struct kept) kept;	/* the latest is the last */
	u8 *room;		/* image_keep_room's, of which the first `used` bytes are taken */
	size_t room_size, room_used;
};

/* A whole file, mapped privately and writable; names it in its errors. */
bool file_map(const char *path, const u8 **bytes, size_t *size, struct err *err) MUST_CHECK;
void file_unmap(const u8 *bytes, size_t size);
/* Parses img->bytes as a program and applies its relocations. */
bool elf_parse(struct image *img, struct err *err) MUST_CHECK;
/* img->bytes is a core file: opens its executable in its place. */
bool core_open(struct image *img, struct err *err) MUST_CHECK;
/* Sets the bias by where the kernel says that the entry point (and program headers) are. */
bool image_place(struct image *img, u64 entry_rt, u64 phdr_rt, struct err *err) MUST_CHECK;

size_t memory_read(const struct memory *m, u64 rt, void *to, size_t n);
/* The piece that the address lies in, or NULL; of an ascending list. */
const struct dumped *dumped_at(const struct dumped *all, size_t n, u64 rt);
/* Bytes from rt on that were kept; 0: none. */
size_t kept_read(const struct memory *m, u64 rt, void *to, size_t n);
/* Bytes from rt on, at most n, before the next that were kept. */
size_t kept_gap(const struct memory *m, u64 rt, size_t n);
void kept_release(struct memory *m);
void memory_release(struct memory *m);

#endif
