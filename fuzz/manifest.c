/* Any bytes as the manifest of a copy with delays. */
#include <stdlib.h>
#include <string.h>

#include "inline/manifest.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

/* The checksum would keep everything out: it is made right. */
static void sum(u8 *p, size_t n)
{
	u32 size;
	u64 is;

	if (n < MANIFEST_HEAD)
		return;
	memcpy(&size, p + 20, sizeof(size));
	if (size < 32 || size > n)
		return;
	is = manifest_sum(p + 32, size - 32);
	memcpy(p + 24, &is, sizeof(is));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	u8 *p = malloc(n + 1);
	struct segment seg = { .va = 0x400000, .size = n, .filesz = n, .exec = true };
	struct image img = { .path = STR("copy"), .bytes = p, .size = n, .segs = &seg, .nsegs = 1 };
	struct manifest m;
	struct piece piece;
	struct err err;
	u64 end = 0;
	u8 c = 0;

	memcpy(p, data, n);
	sum(p, n);
	if (manifest_find(&img, &m, &err)) {
		for (size_t i = 0; i < m.version.n; i++)
			c ^= (u8)m.version.p[i];
		for (u32 i = 0; i < m.npieces && manifest_piece(&m, &end, &piece); i++)
			for (u32 k = 0; piece.was && k < piece.size; k++)
				c ^= piece.was[k];
	}
	__asm__ volatile("" : : "r"(c));	/* what was read counts */
	free(p);
	return 0;
}
