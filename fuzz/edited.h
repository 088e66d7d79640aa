/* edited - a real Go binary with some bytes changed, as a fuzzer says: small inputs reach deep
 * tables.
 *
 *   OFFSET SIZE MEANING (of each edit; as many as the input has room for)
 *   0      4    where: modulo the length of the section
 *   4      2    which section: modulo their number; the last number is the file's first 4 KiB
 *   6      1    0: set, 1: add, 2: xor, 3: set 8 bytes to the value, repeated
 *   7      1    the value
 *
 * The binary is the file that GOSHAWK_FUZZ_BASE names (the Makefile builds one).
 *
 * Owns     a copy of it in memory, for the life of the process.
 * Units    bytes of the file.
 * Fails    ends the process where the base is not there.
 * Threads  one. */
#ifndef FUZZ_EDITED_H
#define FUZZ_EDITED_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

struct edited {
	char path[64];		/* opens the edited copy */
	u8 *bytes;		/* the same, to write to */
	u8 *original;
	size_t size;
	struct { u64 off, size; } parts[128];
	size_t nparts;
};

enum { EDIT_SIZE = 8, EDITS_MAX = 64, EDIT_WIDE = 8 };

static inline void edited_open(struct edited *e)
{
	const char *base = getenv("GOSHAWK_FUZZ_BASE");
	int fd = memfd_create("base", MFD_CLOEXEC),
	    from = open(base ? base : "", O_RDONLY | O_CLOEXEC);
	OWN(image) img = {0};
	struct err err;
	struct stat st;

	if (from < 0 || fstat(from, &st) || !image_open(&img, base, &err))
		die("fuzz: GOSHAWK_FUZZ_BASE must name a Go binary (make replay, make fuzz do)");
	e->size = (size_t)st.st_size;
	if (fd < 0 || ftruncate(fd, st.st_size))
		die("fuzz: no memory for %zu bytes", e->size);
	e->bytes = mmap(NULL, e->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	e->original = mem_resize(NULL, e->size);
	if (e->bytes == MAP_FAILED || read(from, e->bytes, e->size) != st.st_size)
		die("fuzz: cannot read %s", base);
	memcpy(e->original, e->bytes, e->size);
	snprintf(e->path, sizeof(e->path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < img.nsecs && e->nparts + 1 < ARRAY_LEN(e->parts); i++) {
		if (!img.secs[i].size)
			continue;
		e->parts[e->nparts].off = img.secs[i].off;
		e->parts[e->nparts++].size = img.secs[i].size;
	}
	e->parts[e->nparts++].size = 4096;
	close(from);
}

/* Makes the edits, or (undo) puts back what stood there. */
static inline void edited_apply(struct edited *e, const u8 *data, size_t n, bool undo)
{
	n = MIN(n / EDIT_SIZE, (size_t)EDITS_MAX);
	for (size_t i = 0; i < n; i++, data += EDIT_SIZE) {
		u32 where;
		u16 which;
		u64 off;

		memcpy(&where, data, sizeof(where));
		memcpy(&which, data + 4, sizeof(which));
		which %= (u16)e->nparts;
		off = e->parts[which].off + where % e->parts[which].size;
		for (u64 k = 0; k < (data[6] % 4 == 3 ? EDIT_WIDE : 1) && off + k < e->size; k++) {
			u8 *to = &e->bytes[off + k];

			*to = undo ? e->original[off + k] : data[6] % 4 == 1 ? (u8)(*to + data[7]) :
			      data[6] % 4 == 2 ? *to ^ data[7] : data[7];
		}
	}
}

#endif
