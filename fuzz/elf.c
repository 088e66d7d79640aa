/* Any bytes as an ELF file or a core file. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "go/program.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

static void look(const struct image *img)
{
	u64 word;
	i64 off;
	u8 c = 0;

	for (size_t i = 0; i < img->nsecs; i++) {
		struct str bytes = image_section_bytes(img, &img->secs[i]);

		for (size_t k = 0; k < bytes.n; k += 512)
			c ^= (u8)bytes.p[k];
	}
	for (size_t i = 0; i < img->nsegs; i++) {
		u64 va = img->segs[i].va, room = image_room(img, va);

		c ^= image_bytes(img, va, room).n ? (u8)image_bytes(img, va, room).p[room - 1] : 0;
		if (image_u64(img, va + img->segs[i].size - 8, &word))
			c ^= (u8)word;
		image_off_of(img, va);
		if (image_tls_word(img, va, &off))
			c ^= (u8)off;
	}
	__asm__ volatile("" : : "r"(c));	/* what was read counts */
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	OWN(image) img = {0};
	OWN(go_program) prog = {0};
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct err err;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, n) == (ssize_t)n && image_open(&img, path, &err)) {
		look(&img);
		if (go_open(&prog, &img, &err))
			go_program_release(&prog);
		prog = (struct go_program){0};
	}
	close(fd);
	return 0;
}
