/* Copies with delays: where their headers go, what they refuse, and the way back, on fakes. */
#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fake/fake.h"
#include "go/fork.h"
#include "inline/file.h"

Suite *delayed_suite(void);

enum { PHDR = 56, HEADER = 64, FIRST = 8, SECOND = 24, PAIR = 40 };

static struct fake fake;
static struct image img;
static struct go_program prog;
static struct delayed d;
static struct err err;
static char folder[64], path[128];
static const struct delay_ask ask = { .ns = 1000, .every = 1, .percent = 50 };

static void put(size_t at, const char *hex)
{
	for (char *end; *hex; at++, hex = end)
		fake.bytes.at[at] = (u8)strtoul(hex, &end, 16);
}

/* `cmp dword [flag], 0; je +1`, and the flag is the program's data. */
static void put_check(size_t at)
{
	put(fake.at_text + at, "83 3d 00 00 00 00 00 74 01");
	fake_put(&fake, fake.at_text + at + 2, fake.at_md - (fake.at_text + at + 7), 4);
}

/* The stores of the first function: two checks, and a pair whose second is `mov [rax+8], rdx`, with
 * `mov [rax+16], rcx` or what else is given behind it. */
static void make(const struct fake_wish *w, const char *behind)
{
	fake_make(&fake, w);
	put_check(FIRST);
	put_check(SECOND);
	put(fake.at_text + PAIR, "48 89 50 08 48 89 48 10 90 90");
	if (behind)
		put(fake.at_text + PAIR + 4, behind);
}

static void open_fake(void)
{
	ck_assert_msg(fake_open(&fake, &img, &err), "%s", err.msg);
	ck_assert_msg(go_open(&prog, &img, &err), "%s", err.msg);
}

static bool delay(void)
{
	static struct torn_store stores[3];
	static const struct torn_store *at[3];

	for (unsigned i = 0; i < 3; i++) {
		stores[i] = (struct torn_store){ .func = &prog.funcs[FAKE_MAIN],
						 .at = i ? i == 1 ? SECOND : PAIR : FIRST,
						 .pair = i == 2 };
		at[i] = &stores[i];
	}
	stores[0].window.size = stores[1].window.size = 7;
	if (prog.img) {
		struct arena a = { 0 };
		struct flow f;

		ck_assert(go_flow(&prog, stores[2].func, &a, &f, &err));
		stores[2].refusal = window_from(&f, (u32)flow_find(&f, PAIR), &stores[2].window);
		ck_assert_int_eq(stores[2].refusal, 0);
		arena_release(&a);
	}
	return delayed_open(&d, &prog, &err) && delayed_make(&d, at, 3, &ask, &err);
}

static void open_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/goshawk-delayed-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/new", folder);
}

static void close_all(void)
{
	delayed_release(&d);
	go_program_release(&prog);
	image_release(&img);
	fake_release(&fake);
	unlink(path);
	rmdir(folder);
	prog = (struct go_program){ 0 };
	err = (struct err){ 0 };
}

static u8 *slurp(const char *from, size_t *n)
{
	FILE *f = fopen(from, "r");
	u8 *p = malloc(1 << 20);

	ck_assert_ptr_nonnull(f);
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static bool undo(const char *from, const char *to)
{
	struct image copy = { 0 };
	bool ok;

	err = (struct err){ 0 };
	ok = image_open(&copy, from, &err) && delayed_undo(&copy, to, &err);
	image_release(&copy);
	return ok;
}

/* A copy that opens, says what it is, has all that the original has, and goes back to it. */
static void round_trip(enum room_kind kind)
{
	struct image copy = { 0 };
	struct manifest m;
	char old[140];
	size_t n;
	u8 *bytes;

	open_fake();
	ck_assert_msg(delay(), "%s", err.msg);
	ck_assert_int_eq(d.room.kind, kind);
	ck_assert_uint_eq(d.ndelayed, 3);
	ck_assert_msg(delayed_write(&d, path, &err), "%s", err.msg);
	ck_assert_msg(image_open(&copy, path, &err), "%s", err.msg);
	ck_assert_uint_eq(copy.nsegs, img.nsegs + 2);
	ck_assert(copy.segs[img.nsegs].exec && !copy.segs[img.nsegs].write);
	ck_assert(copy.segs[img.nsegs + 1].write && !copy.segs[img.nsegs + 1].exec);
	ck_assert_uint_ge(copy.segs[img.nsegs].va, img.hi_va);
	ck_assert_uint_eq(copy.bytes[fake.at_text + FIRST], 0xe8);
	ck_assert_uint_eq(copy.bytes[fake.at_text + PAIR], 0xe9);
	ck_assert_msg(manifest_find(&copy, &m, &err), "%s", err.msg);
	ck_assert_uint_eq(m.sites, 3);
	ck_assert_uint_eq(m.size, fake.bytes.n);
	if (kind == ROOM_MOVED) /* what old kernels tell the program: first address + e_phoff */
		ck_assert_uint_eq(copy.segs[img.nsegs].va - copy.segs[img.nsegs].off,
				  img.segs[0].va - img.segs[0].off);
	image_release(&copy);
	snprintf(old, sizeof(old), "%s/old", folder);
	ck_assert_msg(undo(path, old), "%s", err.msg);
	bytes = slurp(old, &n);
	unlink(old);
	ck_assert_uint_eq(n, fake.bytes.n);
	ck_assert_mem_eq(bytes, fake.bytes.at, n);
	free(bytes);
}

START_TEST(headers_go_behind_the_table)
{
	make(&(struct fake_wish){ .minor = 22, .sections = _i }, NULL);
	fake_put(&fake, 56, 4, 2);	/* the last one gives way to zeros */
	memset(fake.bytes.at + HEADER + 4 * PHDR, 0, PHDR);
	round_trip(ROOM_BEHIND);
}
END_TEST

START_TEST(headers_take_the_place_of_notes)
{
	make(&(struct fake_wish){ .minor = 22, .sections = _i }, NULL);
	fake_put(&fake, HEADER + 4 * PHDR, PT_GNU_PROPERTY, 4);
	round_trip(ROOM_REPLACES);
}
END_TEST

START_TEST(the_table_moves)
{
	make(&(struct fake_wish){ .minor = 22, .sections = _i & 1, .pie = _i >> 1 }, NULL);
	round_trip(ROOM_MOVED);
}
END_TEST

/* Zero bytes that belong to a section are not free; nor are the section headers. */
START_TEST(what_is_used_is_not_free)
{
	make(&(struct fake_wish){ .minor = 22, .sections = true }, NULL);
	fake_put(&fake, 56, 4, 2);
	memset(fake.bytes.at + HEADER + 4 * PHDR, 0, PHDR);
	fake_put(&fake, fake.at_shdrs + 2 * 64 + 24, HEADER + 4 * PHDR + 8, 8);
	open_fake();
	ck_assert_msg(delay(), "%s", err.msg);
	ck_assert_int_eq(d.room.kind, ROOM_MOVED);
}
END_TEST

START_TEST(what_may_fault_is_left_alone)
{
	static const struct {
		const char *behind;
		bool refused;
	} cases[] = {
		{ "48 89 48 10 90 90", false },		/* mov [rax+16], rcx */
		{ "48 89 4b 10 90 90", true },		/* mov [rbx+16], rcx */
		{ "48 8b 0b 90 90 90", true },		/* mov rcx, [rbx] */
		{ "48 89 4c 24 08 90", false },		/* mov [rsp+8], rcx */
		{ "48 89 4c 88 08 90", true },		/* mov [rax+rcx*4+8], rcx */
		{ "90 90 90 90 90 90", false },
	};

	make(&(struct fake_wish){ .minor = 22 }, cases[_i].behind);
	open_fake();
	ck_assert_msg(delay(), "%s", err.msg);
	ck_assert_int_eq(d.sites[2].refusal, cases[_i].refused ? REFUSE_FAULT : REFUSE_NONE);
	ck_assert_uint_eq(d.ndelayed, cases[_i].refused ? 2 : 3);
}
END_TEST

/* A file is written in pieces of 256 KiB: what is changed may lie on both sides of an edge. */
START_TEST(changes_at_the_edges_of_what_is_written)
{
	enum { EDGE = 256 * 1024, SIZE = 2 * EDGE + 100 };
	static const u8 is[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static struct change changes[] = {
		{ .off = 0, .size = 8 }, { .off = EDGE - 8, .size = 8 }, { .off = EDGE, .size = 1 },
		{ .off = EDGE + 1, .size = 7 }, { .off = 2 * EDGE - 3, .size = 7 },
		{ .off = 2 * EDGE + 4, .size = 5 }, { .off = SIZE - 1, .size = 1 },
	};
	struct delayed large = { .prog = &prog, .original_size = SIZE, .code_off = SIZE + 10,
				 .changes = changes, .nchanges = ARRAY_LEN(changes),
				 .added = (u8 *)(uintptr_t)is, .nadded = 8 };
	u8 *original = malloc(SIZE), *want = malloc(SIZE + 18), *got;
	size_t n;

	make(&(struct fake_wish){ .minor = 22 }, NULL);
	open_fake();
	memset(original, 0xaa, SIZE);
	memset(want, 0xaa, SIZE);
	memset(want + SIZE, 0, 10);
	memcpy(want + SIZE + 10, is, 8);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		changes[i].is = is;
		memcpy(want + changes[i].off, is, changes[i].size);
	}
	large.original = original;
	ck_assert_msg(delayed_write(&large, path, &err), "%s", err.msg);
	got = slurp(path, &n);
	ck_assert_uint_eq(n, SIZE + 18);
	ck_assert_mem_eq(got, want, SIZE + 18);
	free(original);
	free(want);
	free(got);
}
END_TEST

START_TEST(refuses_a_copy_and_a_library)
{
	struct image copy = { 0 };
	struct go_program again = { 0 };
	struct delayed none;

	make(&(struct fake_wish){ .minor = 22 }, NULL);
	open_fake();
	ck_assert(delay() && delayed_write(&d, path, &err));
	ck_assert_msg(image_open(&copy, path, &err) && go_open(&again, &copy, &err), "%s", err.msg);
	ck_assert(!delayed_open(&none, &again, &err));
	ck_assert_int_eq(err.kind, ERR_REFUSED);
	delayed_release(&none);
	go_program_release(&again);
	image_release(&copy);
	prog.md.hasmain = 0;
	ck_assert(!delayed_open(&none, &prog, &err));
	ck_assert_int_eq(err.kind, ERR_UNSUPPORTED);
	delayed_release(&none);
}
END_TEST

/* Whatever happened to a copy: its original comes back, or a sentence. */
START_TEST(damage_is_seen)
{
	char old[140];
	size_t n, at;
	u8 *bytes;

	make(&(struct fake_wish){ .minor = 22 }, NULL);
	fake_put(&fake, HEADER + 4 * PHDR, PT_GNU_PROPERTY, 4);	/* the table stays */
	open_fake();
	ck_assert(delay() && delayed_write(&d, path, &err));
	snprintf(old, sizeof(old), "%s/old", folder);
	bytes = slurp(path, &n);
	for (at = d.code_off; at < d.code_off + d.code_size; at++) {
		FILE *f = fopen(path, "r+");
		bool magic = at < d.code_off + 16;

		fseek(f, (long)at, SEEK_SET);
		fputc(bytes[at] ^ 0x21, f);
		fclose(f);
		ck_assert_msg(!undo(path, old), "byte %zu", at - d.code_off);
		ck_assert_msg(err.kind == (magic ? ERR_USAGE : ERR_FORMAT) ||
			      (at < d.code_off + 20 && err.kind == ERR_UNSUPPORTED),
			      "byte %zu: %s", at - d.code_off, err.msg);
		ck_assert_int_ne(access(old, F_OK), 0);
		f = fopen(path, "r+");
		fseek(f, (long)at, SEEK_SET);
		fputc(bytes[at], f);
		fclose(f);
	}
	ck_assert_msg(undo(path, old), "%s", err.msg);
	unlink(old);
	for (at = n - 1; at > d.code_off; at -= MIN(at - d.code_off, 97)) {
		ck_assert_int_eq(truncate(path, (off_t)at), 0);
		ck_assert(!undo(path, old));
	}
	free(bytes);
}
END_TEST

Suite *delayed_suite(void)
{
	Suite *s = suite_create("delayed");
	TCase *t = tcase_create("delayed");

	tcase_add_checked_fixture(t, open_folder, close_all);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, headers_go_behind_the_table, 0, 2);
	tcase_add_loop_test(t, headers_take_the_place_of_notes, 0, 2);
	tcase_add_loop_test(t, the_table_moves, 0, 4);
	tcase_add_test(t, what_is_used_is_not_free);
	tcase_add_loop_test(t, what_may_fault_is_left_alone, 0, 6);
	tcase_add_test(t, changes_at_the_edges_of_what_is_written);
	tcase_add_test(t, refuses_a_copy_and_a_library);
	tcase_add_test(t, damage_is_seen);
	suite_add_tcase(s, t);
	return s;
}
