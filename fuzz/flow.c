/* Any bytes as a function: its instructions, its patches, and what each of these promises. */
#include <stdlib.h>

#include "../tests/tools/sound.h"
#include "base/err.h"
#include "x86/barrier.h"
#include "x86/origin.h"

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

static bool keeps(const void *ctx, i64 target)
{
	(void)ctx;
	return target & 1;
}

/* Whatever is compared with 0 is taken for the flag: checks, their stores, where these lie. */
static void read_checks(const struct flow *f, struct arena *a)
{
	struct origins o;

	origins_begin(&o, f, a, keeps, NULL);
	for (u32 k = 0; k < f->n; k++) {
		struct barrier *checks;
		const char *bad;
		struct window w;
		i64 flag;
		u32 n;

		if (!barrier_flag(f, k, &flag))
			continue;
		n = barriers_find(f, flag, a, &checks);
		for (u32 i = 0; i < n; i++)
			for (u32 s = 0; s < checks[i].nstores; s++) {
				u32 insn = checks[i].stores[s].insn;

				(void)origin_of_place(&o, insn, &origins_effect(&o, insn)->mem);
				(void)flags_live_at(f, insn, a);
				bad = window_from(f, insn, &w) ? NULL : unsound_window(f, &w);
				if (bad)
					die("fuzz: a store: %s", bad);
			}
	}
	origins_end(&o);
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
		       &(struct flow_input){
				.bytes = { bytes.p + 3, n - 3 },
				.size = (u32)(n - 3 - MIN(data[0] % 16u, n - 4)),
				.va = 0x401000 + data[1] * 16,
				.deferreturn = data[2] & 1 ? data[2] / 2u : 0,
				.word = word, .ctx = &bytes,
		       },
		       &err))
		return 0;
	patches_make(&patches, &arena, &flow);
	bad = unsound(&flow, &patches);
	if (bad)
		die("fuzz: %s", bad);
	read_checks(&flow, &arena);
	return 0;
}
