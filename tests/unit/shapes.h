/* shapes - functions of every shape that trampolines meet, and what all tests of them do: a heap
 * with holes, and the record that a call must leave.
 *
 * Owns     mc, between shapes_begin() and shapes_end().
 * Units    as machine.h.
 * Fails    a test.
 * Threads  one; machine_run alone may be called by several. */
#ifndef TESTS_SHAPES_H
#define TESTS_SHAPES_H

#include "machine.h"

#include <sys/uio.h>

#include "plan/interpret.h"

/* 64 bytes apart, so calls to morestack from slot N are at -64 * N. */
enum {
	MORESTACK,
	FRAME,
	LEAF,
	FLOATS,
	TIGHT,
	TAIL,
	JCC_TAIL,
	FAULT,
	NOTHING,
	RIP,
	DEFERS,
	BRANCHES,
	ABI0,
	NOTHING0,
	SIGTRAMP,
	SLOTS
};
enum { BUFFER = 1 << 15, MORESTACKS = 128 / 8 };

static const struct function functions[SLOTS] = {
	[MORESTACK] = { .name = "runtime.morestack",
			.hex = "49 c7 46 10 00 00 00 00 " /* mov qword [r14+16], 0: the guard */
			       "49 ff 86 80 00 00 00 c3 " }, /* inc qword [r14+128]; ret */
	[FRAME] = { .name = "main.frame",
		    .hex = "49 3b 66 10 76 15 " /*  0: cmp rsp, [r14+16]; jbe 27 */
			   "55 48 89 e5 48 83 ec 10 " /*  6: push rbp; mov rbp, rsp; sub rsp, 16 */
			   "f2 0f 58 c1 48 ff c0 " /* 14: addsd xmm0, xmm1; inc rax */
			   "48 83 c4 10 5d c3 " /* 21: add rsp, 16; pop rbp; ret */
			   "48 89 44 24 08 " /* 27: mov [rsp+8], rax */
			   "e8 9b ff ff ff " /* 32: call morestack */
			   "48 8b 44 24 08 eb d4 " }, /* 37: mov rax, [rsp+8]; jmp 0 */
	[LEAF] = { .name = "main.leaf",
		   .hex = "48 8d 04 18 48 ff c3 c3 " }, /* lea rax, [rax+rbx]; inc rbx; ret */
	[FLOATS] = { .name = "main.floats",
		     .hex = "f2 0f 58 c1 f2 0f 10 ca c3 " }, /* addsd xmm0, xmm1; movsd xmm1, xmm2;
								ret */
	[TIGHT] = { .name = "main.tight",
		    .hex = "48 85 c0 74 05 " /*  0: test rax, rax; je 10 */
			   "48 83 c3 07 90 c3 " }, /*  5: add rbx, 7; nop; 10: ret */
	[TAIL] = { .name = "main.tail",
		   .hex = "48 83 c0 05 90 e9 36 ff ff ff " }, /* add rax, 5; nop; jmp leaf */
	[JCC_TAIL] = { .name = "main.jccTail",
		       .hex = "48 85 c0 0f 84 f7 fe ff ff " /* test rax, rax; je leaf */
			      "48 83 c3 09 90 c3 " }, /* add rbx, 9; nop; ret */
	[FAULT] = { .name = "main.fault",
		    .hex = "48 ff c3 48 8b 00 c3 " }, /* inc rbx; 3: mov rax, [rax]; ret */
	[NOTHING] = { .name = "main.nothing", .hex = "0f 1f 44 00 00 0f 1f 44 00 00 c3 " },
	[RIP] = { .name = "main.rip",
		  .hex = "48 8b 05 f9 1f 00 00 90 c3 " }, /* mov rax, [rip+0x1ff9] */
	[DEFERS] = { .name = "main.defers",
		     .deferreturn = 23,
		     .hex = "49 3b 66 10 76 1c " /*  0: cmp rsp, [r14+16]; jbe 34 */
			    "55 48 89 e5 48 83 ec 10 " /*  6: push rbp; mov rbp, rsp; sub rsp, 16 */
			    "48 ff c0 " /* 14: inc rax */
			    "48 83 c4 10 5d c3 " /* 17: add rsp, 16; pop rbp; ret */
			    "e8 64 ff ff ff " /* 23: call nothing, as if it were deferreturn */
			    "48 83 c4 10 5d c3 " /* 28: add rsp, 16; pop rbp; ret */
			    "e8 59 fd ff ff eb d7 " }, /* 34: call morestack; jmp 0 */
	[BRANCHES] = { .name = "main.branches",
		       .hex = "48 83 f8 03 7f 06 " /*  0: cmp rax, 3; jg 12 */
			      "48 83 c3 01 90 c3 " /*  6: add rbx, 1; nop; ret */
			      "48 83 fb 00 75 02 " /* 12: cmp rbx, 0; jne 20 */
			      "90 c3 " /* 18: nop; ret */
			      "48 83 c3 02 75 02 90 90 c3 " }, /* 20: add rbx, 2; jne 28; nop; nop;
								  28: ret */
	[ABI0] = { .name = "main.abi0",
		   .assembly = true,
		   .hex = "48 8b 44 24 08 48 89 44 24 10 c3 " }, /* mov rax, [rsp+8]; mov [rsp+16],
								    rax; ret */
	[NOTHING0] = { .name = "main.nothing0",
		       .assembly = true,
		       .hex = "0f 1f 44 00 00 0f 1f 44 00 00 c3 " },
	[SIGTRAMP] = { .name = "runtime.sigtramp", .hex = "55 48 89 e5 90 5d c3 " },
};

static struct machine mc;

static inline void shapes_begin(void)
{
	machine_begin(&mc, 22, functions, SLOTS, BUFFER);
}

static inline void shapes_end(void)
{
	machine_end(&mc);
}

/* Heap */

enum { HEAP_PAGES = 16, PAGE_SIZE = 4096 };
static u8 *heap;

static inline bool page_is_there(u64 page)
{
	return page != 5 && page != 11;
}

static inline u64 wild(void)
{
	static const u64 odd[] = { 0,
				   8,
				   4095,
				   0x8000000000000000u,
				   0xffffffffffffffffu,
				   0xfffffffffffff000u,
				   0x0000800000000000u,
				   0xdeadbeefdeadbeefu,
				   0x7ffffffff000u,
				   3,
				   1,
				   100 };
	u64 r = machine_random();

	return r % 3 ? (u64)(uintptr_t)heap + (r >> 8) % (HEAP_PAGES * PAGE_SIZE)
		     : odd[(r >> 8) % ARRAY_LEN(odd)];
}

static inline void heap_begin(void)
{
	u8 *all = mmap(NULL, (HEAP_PAGES + 2) * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	ck_assert_ptr_ne(all, MAP_FAILED);
	heap = all + PAGE_SIZE;
	for (u64 i = 0; i < HEAP_PAGES; i++) {
		if (!page_is_there(i))
			continue;
		ck_assert(!mprotect(heap + i * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE));
		for (u64 k = 0; k < PAGE_SIZE; k += 8) {
			u64 r = machine_random(),
			    v = r % 4 ? r % 4 == 1 ? r >> 60 : wild() : machine_random();

			memcpy(heap + i * PAGE_SIZE + k, &v, 8);
		}
	}
}

static inline bool readable(u64 va, u64 n)
{
	u64 at = va - (u64)(uintptr_t)heap;

	if (at >= HEAP_PAGES * PAGE_SIZE || n > HEAP_PAGES * PAGE_SIZE - at)
		return false;
	for (u64 i = at / PAGE_SIZE; i <= (at + n - 1) / PAGE_SIZE; i++)
		if (!page_is_there(i))
			return false;
	return true;
}

/* Junk may be an address by chance: a sanitizer maps a good part of all there are. */
static inline bool fetch(u64 va, u64 n, void *to)
{
	struct iovec local = { to, n }, remote = { (void *)(uintptr_t)va, n };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)n;
}

static inline struct interpreter interpreter_of(const struct cpu *c)
{
	static const u8 regs[] = { RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11 };
	struct interpreter in = { .sp = (u8 *)(uintptr_t)c->r[RSP],
				  .bias = mc.layout.bias,
				  .bare = &mc.plan.bare,
				  .text_rt = mc.text_rt,
				  .bp = c->r[RBP],
				  .stack_lo = mc.t.g[G_STACK_LO / 8],
				  .stack_hi = mc.t.g[G_STACK_HI / 8],
				  .fetch = fetch };

	for (u32 i = 0; i < ARRAY_LEN(in.ints); i++)
		in.ints[i] = c->r[regs[i]];
	for (u32 i = 0; i < ARRAY_LEN(in.floats); i++)
		in.floats[i] = c->x[i][0];
	return in;
}

static inline void expect_head(const struct record_head *h, const struct thread *t, u32 site,
			       u32 depth)
{
	ck_assert_uint_eq(record_site(h), site);
	ck_assert_uint_eq(h->goid, t->g[mc.mem.prog.rel->g_goid / 8]);
	ck_assert_uint_eq(h->depth, depth);
	ck_assert_uint_eq(h->g, (u32)(uintptr_t)t->g);
	ck_assert_uint_gt(h->tsc, 0);
}

enum { DEPTH = 8 * (STACK_WORDS - AT_CALL) };

static inline void expect_bytes(const struct reading *r, const struct cpu *c, u32 site)
{
	u8 want[RECORD_MAX] = { 0 }, got[RECORD_MAX];
	struct interpreter in = interpreter_of(c);
	struct record_head h;

	ck_assert(machine_take(&mc, &mc.t, got, &h));
	expect_head(&h, &mc.t, site, DEPTH);
	interpret(&in, r->reads, r->nreads, r->size, want);
	for (u32 i = RECORD_HEAD; i < r->size + r->texts; i++)
		ck_assert_msg(want[i] == got[i], "site %u: byte %u of %u is %#x, not %#x", site, i,
			      r->size + r->texts, got[i], want[i]);
}

static inline void expect_nothing_more(void)
{
	u8 bytes[RECORD_MAX];
	struct record_head h;

	ck_assert(!machine_take(&mc, &mc.t, bytes, &h));
}

static const struct read two_words[] = {
	{ .kind = READ_INT, .reg = 0, .size = 8, .at = 32 },
	{ .kind = READ_FLOAT, .reg = 0, .size = 8, .at = 40 },
	{ .kind = READ_STACK, .disp = 8, .size = 16, .at = 48 },
};

static inline struct reading two(void)
{
	return (struct reading){ .reads = arena_copy(&mc.arena, two_words, sizeof(two_words)),
				 .nreads = ARRAY_LEN(two_words), .size = 64 };
}

static inline void expect_words(const struct cpu *c, u32 site)
{
	u8 got[RECORD_MAX];
	struct record_head h;

	ck_assert(machine_take(&mc, &mc.t, got, &h));
	expect_head(&h, &mc.t, site, DEPTH);
	if (site % 4 == SITE_TAIL)
		return;
	ck_assert_uint_eq(word_in(got, 32), c->r[RAX]);
	ck_assert_uint_eq(word_in(got, 40), c->x[0][0]);
	ck_assert_uint_eq(word_in(got, 48), mc.t.stack[AT_CALL + 1]);
	ck_assert_uint_eq(word_in(got, 56), mc.t.stack[AT_CALL + 2]);
}

static inline void probe_nothing(void)
{
	machine_probe(&mc, NOTHING, two(), two());
	machine_patch(&mc);
}

#endif
