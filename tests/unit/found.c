/* What an earlier goshawk left in a process, which is this very one. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inline/found.h"
#include "inline/layout.h"

Suite *found_suite(void);

enum { SHARED_BYTES = 1 << 16, CODE_BYTES = 4096 + 100 };

static u64 mapped(u64 at, u64 size, int prot, int fd)
{
	int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *p = mmap((void *)(uintptr_t)at, size, prot, flags | (at ? MAP_FIXED : 0), fd, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return (u64)(uintptr_t)p;
}

static void put(u64 at, u64 word)
{
	memcpy((void *)(uintptr_t)at, &word, sizeof(word));
}

/* As one lies there: `near`, then code; and the rings, which say where. */
struct left {
	u64 room, room_size, near_rt, code_rt, shared;
};

static struct left leave(u64 near_size, int near_prot, u64 gap)
{
	const u64 page = 4096, code_size = round_up(CODE_BYTES, page);
	const u64 size = near_size + code_size + gap + 2 * page;
	int fd = memfd_create("goshawk", 0);
	struct left l = { .room = mapped(0, size, PROT_NONE, -1), .room_size = size };

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, SHARED_BYTES), 0);
	l.shared = mapped(0, SHARED_BYTES, PROT_READ | PROT_WRITE, fd);
	close(fd);
	l.near_rt = mapped(l.room + page, near_size, PROT_READ | PROT_WRITE, -1);
	put(l.near_rt + NEAR_COOKIE, 7);
	ck_assert_int_eq(mprotect((void *)(uintptr_t)l.near_rt, near_size, near_prot), 0);
	l.code_rt = mapped(l.near_rt + near_size + gap, code_size, PROT_READ | PROT_EXEC, -1);
	put(l.shared + SHARED_COOKIE, 7);
	put(l.shared + SHARED_MAGIC, MAGIC);
	put(l.shared + SHARED_NEAR, l.near_rt);
	put(l.shared + SHARED_CODE, l.code_rt);
	put(l.shared + SHARED_CODE_END, l.code_rt + CODE_BYTES);
	return l;
}

static void take_away(const struct left *l)
{
	munmap((void *)(uintptr_t)l->room, l->room_size);
	munmap((void *)(uintptr_t)l->shared, SHARED_BYTES);
}

static struct found look(void)
{
	struct found f = { 0 };
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	found_sessions(&f, getpid(), mem);
	close(mem);
	return f;
}

/* Its tables had other sizes. */
START_TEST(that_of_another_goshawk_is_known)
{
	static const u64 sizes[] = { NEAR_SIZE, 4096, NEAR_SIZE + (1 << 20), NEAR_SIZE / 2 };
	struct left l = leave(round_up(sizes[_i], 4096), PROT_READ | PROT_WRITE, 0);
	struct found f = look();

	ck_assert_uint_eq(f.sessions.n, 1);
	ck_assert_uint_eq(f.sessions.at[0].near_rt, l.near_rt);
	ck_assert_uint_eq(f.sessions.at[0].code_rt, l.code_rt);
	ck_assert_uint_eq(f.sessions.at[0].shared_lo, l.shared);
	ck_assert_uint_eq(f.sessions.at[0].shared_hi, l.shared + SHARED_BYTES);
	ck_assert_int_eq(f.sessions.at[0].owner, 0);
	ck_assert_uint_eq(found_memory(getpid(), -1), 0);	/* nothing can be read */
	found_release(&f);
	take_away(&l);
}
END_TEST

/* It would be unmapped: so all must be as we map it. */
START_TEST(what_only_says_so_is_not)
{
	struct left l = leave(8192, _i == 0 ? PROT_READ : PROT_READ | PROT_WRITE,
			      _i == 1 ? 4096 : 0);
	struct found f;

	if (_i == 2)
		put(l.shared + SHARED_CODE_END, l.code_rt + 4096);
	if (_i == 3)
		put(l.shared + SHARED_NEAR, l.near_rt + 4096);
	if (_i == 4)
		put(l.shared + SHARED_CODE_END, l.code_rt - 1);
	if (_i == 5)
		put(l.shared + SHARED_MAGIC, MAGIC + 1);
	f = look();
	ck_assert_uint_eq(f.sessions.n, 0);
	found_release(&f);
	take_away(&l);
}
END_TEST

Suite *found_suite(void)
{
	Suite *s = suite_create("found");
	TCase *c = tcase_create("sessions");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, that_of_another_goshawk_is_known, 0, 4);
	tcase_add_loop_test(c, what_only_says_so_is_not, 0, 6);
	return s;
}
