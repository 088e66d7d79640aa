/* What a program has printed when it died: any bytes; all that is read out of them lies in them. */
#include "base/err.h"
#include "diag/crash.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

static void inside(struct str s, struct str all)
{
	if (s.n && (s.p < all.p || s.n > all.n || s.p > all.p + all.n - s.n))
		die("fuzz: a text that was not printed");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	OWN(arena) arena = { 0 };
	struct str all = { arena_copy(&arena, data, n), n };
	const struct crash_frame *f;
	struct crash c;
	ptrdiff_t from = crash_begins(all);

	crash_read(&c, all, &arena);
	if ((from < 0) != (c.kind == CRASH_NONE))
		die("fuzz: a crash that does not begin");
	inside(c.message, all);
	inside(c.detail, all);
	for (u32 i = 0; i < c.ngoroutines; i++) {
		inside(c.goroutines[i].state, all);
		if (c.goroutines[i].nframes > CRASH_FRAMES)
			die("fuzz: too many frames");
		for (u32 k = 0; k < c.goroutines[i].nframes; k++) {
			inside(c.goroutines[i].frames[k].func, all);
			inside(c.goroutines[i].frames[k].file, all);
		}
	}
	f = crash_culprit(&c);
	if (f)
		inside(f->func, all);
	return 0;
}
