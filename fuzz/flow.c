/* Any bytes as a function: its instructions, its patches, and what each of these promises. */
#include <stdlib.h>

#include "../tests/tools/sound.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

/* A jump table's words come from the input as well. */
static bool word(const void *ctx, u64 va, u64 *to)
{
	const struct str *bytes = ctx;

	if (va < 0x1000 || va - 0x1000 > bytes->n || bytes->n - (va - 0x1000) < sizeof(*to))
		return false;
	memcpy(to, bytes->p + (va - 0x1000), sizeof(*to));
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	struct str bytes = { (const char *)data, n };
	OWN(arena) arena = {0};
	struct patches patches;
	struct flow flow;
	struct err err;
	const char *bad;

	if (n < 4)
		return 0;
	/* the first bytes choose where it lies in a page, what is padding, where deferreturn is
	 * called */
	if (!flow_make(&flow, &arena,
		       &(struct flow_input){ { bytes.p + 3, n - 3 },
					     (u32)(n - 3 - MIN(data[0] % 16u, n - 4)),
					     0x401000 + data[1] * 16,
					     data[2] & 1 ? data[2] / 2u : 0,
					     word,
					     &bytes },
		       &err))
		return 0;
	patches_make(&patches, &arena, &flow);
	bad = unsound(&flow, &patches);
	if (bad)
		die("fuzz: %s", bad);
	return 0;
}
