/* Any bytes as the notes and the memory of a core of a real Go program: goroutines, stacks, values,
 * what it died of. Whatever they say, the time is bounded and nothing outside of them is read.
 *
 *   OFFSET SIZE MEANING
 *   0      2    n, modulo what is left
 *   2      n    notes, behind an auxiliary vector that fits the program
 *   2 + n       memory, at 0xc000000000; its first 24 bytes are runtime.allgs, too */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "diag/explain.h"
#include "go/vars.h"
#include "out/diagnosis.h"
#include "out/goroutine.h"

enum { HEAD = 64 + 3 * 56, AUXV = 20 + 48, SLICE = 24, GOROUTINES = 40 };
static const u64 heap = 0xc000000000;

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

static struct {
	const char *path;
	u64 entry, phdr, allgs;
} base;

static void base_find(void)
{
	OWN(image) img = {0};
	OWN(go_program) prog = {0};
	struct err err;

	base.path = getenv("GOSHAWK_FUZZ_BASE");
	if (!base.path || !image_open(&img, base.path, &err) || !go_open(&prog, &img, &err) ||
	    !go_allgs_va(&prog, &base.allgs))
		die("fuzz: GOSHAWK_FUZZ_BASE must name a Go binary (make replay, make fuzz do)");
	base.entry = img.entry_va;
	base.phdr = img.lo_va + img.phdrs_off;
}

static void segment(u64 *to, u32 type, u64 off, u64 rt, u64 size)
{
	const u64 words[] = { type | (u64)6 << 32, off, rt, 0, size, size, 1 };

	memcpy(to, words, sizeof(words));
}

static size_t core_make(u8 *to, const u8 *data, size_t n)
{
	size_t notes = n > 2 ? (data[0] | (size_t)data[1] << 8) % (n - 1) : 0;
	size_t rest = n > 2 + notes ? n - 2 - notes : 0;
	u64 words[HEAD / 8] = { 0 };
	const u64 auxv[] = { AT_ENTRY, base.entry, AT_PHDR, base.phdr, 0, 0 };
	const u32 head[] = { 5, 48, NT_AUXV, 0x45524f43, 0 };
	size_t at = HEAD + AUXV + notes;

	memcpy(words, "\177ELF\2\1\1", 7);
	words[2] = ET_CORE | EM_X86_64 << 16 | (u64)1 << 32;
	words[4] = 64;
	words[6] = (u64)64 << 32 | (u64)56 << 48;
	words[7] = 3;
	segment(words + 8, PT_NOTE, HEAD, 0, AUXV + notes);
	segment(words + 15, PT_LOAD, at, base.allgs, MIN(rest, (size_t)SLICE));
	segment(words + 22, PT_LOAD, at, heap, rest);
	memcpy(to, words, HEAD);
	memcpy(to + HEAD, head, sizeof(head));
	memcpy(to + HEAD + sizeof(head), auxv, sizeof(auxv));
	memcpy(to + HEAD + AUXV, data + (n > 2 ? 2 : 0), notes + rest);
	return HEAD + AUXV + notes + rest;
}

static void look(struct image *img, struct arena *a)
{
	OWN(go_program) prog = {0};
	OWN(goroutines) gs = {0};
	OWN(unwinder) u = {0};
	OWN(out) out = {0};
	struct plan_request limits = { .strings = 64, .elements = 8, .depth = 2 };
	struct goroutine_view *v = ARENA_NEW(a, struct goroutine_view);
	struct death d = { .a = a };
	struct diagnosis found;
	struct json j;
	struct err err;

	if (!go_open(&prog, img, &err) || !goroutines_gather(&gs, img, &prog, NULL, 0, &err))
		return;
	goroutines_settle(&gs);
	unwinder_init(&u, &prog);
	out_memory(&out);
	json_begin(&j, &out);
	if (goroutine_view_init(v, &gs, &limits, &err))
		for (size_t i = 0; i < gs.all.n && i < GOROUTINES; i++) {
			const struct goroutine *one = &gs.all.at[i];

			goroutine_json(&j, v, one);
			goroutine_group_print(&out, v, &one, 1);
			out.n = 0;
		}
	d.prog = &prog;
	d.img = img;
	d.gs = &gs;
	d.u = &u;
	death_of_image(&d, NULL, 0);
	explain(&found, &d);
	diagnosis_json(&j, &found);
	goroutine_view_release(v);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	OWN(arena) arena = { 0 };
	OWN(image) img = {0};
	u8 *core = arena_alloc(&arena, HEAD + AUXV + n);
	int fd = memfd_create("core", MFD_CLOEXEC);
	struct err err;
	char path[64];
	size_t size;

	if (!base.path)
		base_find();
	size = core_make(core, data, n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, core, size) == (ssize_t)size &&
	    image_open_core(&img, path, base.path, &err))
		look(&img, &arena);
	close(fd);
	return 0;
}
