/* Who may have what others wait for: by made-up stacks and objects in this process's own memory. */
#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "go/holders.h"
#include "go/release.h"

Suite *holders_suite(void);

enum { STACKS = 24, WORDS = 32, OBJECT = 64 };

/* Outside of what the executable has, as a heap is. */
static struct world {
	u64 stacks[STACKS][WORDS];
	u64 objects[8][OBJECT / 8];
} *w;
static struct image img;
static struct go_program prog;
static struct unwinder unwinder;
static struct goroutines gs;
static struct holders holders;
static struct go_span span;
static struct go_heap heap;
static const struct go_globals no_globals;

static u64 rt(const void *p)
{
	return (u64)(uintptr_t)p;
}

static void begin(void)
{
	struct err err;

	w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(w, MAP_FAILED);
	ck_assert(image_open_pid(&img, getpid(), &err));
	prog.img = &img;
	unwinder.prog = &prog;
	unwinder.img = &img;
	for (int i = 0; i < STACKS; i++)
		*vec_push(&gs.all) = (struct goroutine){
			.g_rt = 0x1000 + (u64)i * 0x100, .goid = i + 1, .lo = rt(w->stacks[i]),
			.hi = rt(w->stacks[i]) + sizeof(w->stacks[i]),
			.sp = rt(w->stacks[i]) + 8 * 8,
		};
	span = (struct go_span){ .base = rt(w->objects), .size = sizeof(w->objects),
				 .elem = OBJECT, .nelems = 8, .freeindex = 8, .pointers = true };
	heap = (struct go_heap){ .img = &img, .at = &span, .n = 1 };
}

static void end(void)
{
	holders_release(&holders);
	vec_release(&gs.all);
	image_release(&img);
	munmap(w, sizeof(*w));
}

/* Goroutine 1 waits for this lock, if no other is named. */
static const struct held *find(u64 lock)
{
	struct wait wait = { .kind = WAIT_MUTEX, .address = lock };

	holders_wait(&holders, &gs.all.at[0], &wait);
	holders_find(&holders, &gs, &unwinder, &heap, &no_globals);
	return holders_of(&holders, lock);
}

START_TEST(who_has_the_address_on_his_stack)
{
	u64 lock = rt(&w->objects[3]);
	const struct held *h;

	w->stacks[0][20] = lock;	/* he waits himself */
	w->stacks[2][20] = lock;
	w->stacks[3][2] = lock;		/* below SP: not in use any more */
	w->stacks[4][WORDS - 1] = lock;
	w->stacks[5][20] = lock;
	gs.all.at[5].system = true;
	h = find(lock);
	ck_assert_ptr_nonnull(h);
	ck_assert_uint_eq(h->n, 2);
	ck_assert_int_eq(h->at[0].g->goid, 3);
	ck_assert_int_eq(h->at[1].g->goid, 5);
	ck_assert(h->at[0].by == HELD_ADDRESS && !h->more && !h->unsure && !h->global);
	ck_assert_ptr_null(holders_of(&holders, lock + 8));
}
END_TEST

START_TEST(who_has_what_it_is_a_part_of_or_what_leads_there)
{
	u64 lock = rt(&w->objects[3]) + 24;
	const struct held *h;

	w->stacks[2][20] = rt(&w->objects[3]);
	w->objects[5][1] = lock;	/* a closure */
	w->stacks[3][20] = rt(&w->objects[5]);
	w->stacks[4][20] = rt(&w->objects[5]) + 8;	/* into it, not to it */
	w->stacks[5][20] = rt(&w->objects[3]) + 8;	/* another part of the same object */
	h = find(lock);
	ck_assert_uint_eq(h->n, 2);
	ck_assert(h->at[0].g->goid == 3 && h->at[0].by == HELD_OBJECT);
	ck_assert(h->at[1].g->goid == 4 && h->at[1].by == HELD_BEHIND);
	ck_assert_uint_eq(h->object, rt(&w->objects[3]));
	ck_assert_uint_eq(h->size, OBJECT);
}
END_TEST

START_TEST(two_locks_of_one_object_and_the_nearest_way_to_each)
{
	u64 one = rt(&w->objects[3]) + 8, two = rt(&w->objects[3]) + 16;
	struct wait wait = { .kind = WAIT_MUTEX, .address = two };
	const struct held *h;

	holders_wait(&holders, &gs.all.at[1], &wait);
	w->stacks[2][20] = rt(&w->objects[3]);
	w->stacks[2][21] = one;
	h = find(one);
	ck_assert(h->n == 1 && h->at[0].by == HELD_ADDRESS);
	h = holders_of(&holders, two);
	ck_assert(h->n == 1 && h->at[0].by == HELD_OBJECT && h->at[0].g->goid == 3);
}
END_TEST

/* As on a stack that is made to be full of one object's address. */
START_TEST(a_word_that_is_everywhere_is_followed_once)
{
	enum { PARTS = 8192 };
	u64 size = 8 * PARTS, object = rt(mmap(NULL, size, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct wait wait = { .kind = WAIT_MUTEX };
	const struct held *h;

	span = (struct go_span){ .base = object, .size = size, .elem = size, .nelems = 1,
				 .freeindex = 1, .pointers = true };
	for (u64 i = 2; i < PARTS; i++) {
		wait.address = object + 8 * i;
		holders_wait(&holders, &gs.all.at[1], &wait);
	}
	for (u64 i = 0; i < PARTS; i++)
		((u64 *)(uintptr_t)object)[i] = object;
	for (int i = 2; i < STACKS; i++) {
		gs.all.at[i].lo = gs.all.at[i].sp = object;
		gs.all.at[i].hi = object + size;
	}
	h = find(object + 8);
	ck_assert(h->n == HOLDERS_MOST && h->more && h->at[0].by == HELD_OBJECT);
	h = holders_of(&holders, object + 16);
	ck_assert(h->n == HOLDERS_MOST && h->at[0].by == HELD_OBJECT);
	munmap((void *)(uintptr_t)object, size);
}
END_TEST

START_TEST(an_address_is_not_that_of_its_object)
{
	u64 one = rt(&w->objects[3]) + 8, two = rt(&w->objects[3]) + 16;
	struct wait wait = { .kind = WAIT_MUTEX, .address = two };

	w->stacks[2][21] = one;
	ck_assert_uint_eq(find(one)->n, 1);
	holders_release(&holders);
	holders = (struct holders){ 0 };
	holders_wait(&holders, &gs.all.at[0], &(struct wait){ .kind = WAIT_MUTEX, .address = one });
	holders_wait(&holders, &gs.all.at[1], &wait);
	holders_find(&holders, &gs, &unwinder, &heap, &no_globals);
	ck_assert_uint_eq(holders_of(&holders, one)->n, 1);
	ck_assert_uint_eq(holders_of(&holders, two)->n, 0);
}
END_TEST

START_TEST(there_may_be_more_than_are_listed)
{
	u64 lock = rt(&w->objects[3]);
	const struct held *h;
	OWN(arena) a = { 0 };
	struct str s;

	for (int i = 1; i < STACKS; i++)
		w->stacks[i][20] = lock;
	h = find(lock);
	ck_assert(h->n == HOLDERS_MOST && h->more);
	s = holders_text(&h, 1, &a);
	ck_assert(str_eq(s, STR("goroutines 2, 3, 4, 5 and others have it on their stacks")));
}
END_TEST

START_TEST(texts)
{
	u64 lock = rt(&w->objects[3]) + 24;
	const struct held *h;
	OWN(arena) a = { 0 };

	w->stacks[2][20] = rt(&w->objects[3]);
	h = find(lock);
	ck_assert(str_eq(holders_text(&h, 1, &a),
			 STR("goroutine 3 has what it is a part of on its stack")));
	ck_assert_str_eq(holders_may(WAIT_MUTEX, false), "may hold it");
	ck_assert_str_eq(holders_may(WAIT_CHANNEL, true), "may receive from it");
	ck_assert_str_eq(holders_may(WAIT_CHANNEL, false), "may send on it, or close it");
	ck_assert_str_eq(held_by_name(HELD_BEHIND), "behind");
}
END_TEST

START_TEST(each_is_named_once)
{
	u64 one = rt(&w->objects[1]), two = rt(&w->objects[2]);
	struct wait waits = { .kind = WAIT_SELECT, .n = 1, .at = { { .address = two } } };
	const struct held *both[2];
	OWN(arena) a = { 0 };

	for (int i = 1; i < 4; i++)
		w->stacks[i][20] = one;
	w->stacks[2][22] = w->stacks[5][20] = two;
	holders_wait(&holders, &gs.all.at[0], &waits);
	both[0] = find(one);
	both[1] = holders_of(&holders, two);
	ck_assert(str_eq(holders_text(both, 2, &a),
			 STR("goroutines 2, 3, 4, 6 have it on their stacks")));
}
END_TEST

START_TEST(nobody_may_have_it)
{
	const struct held *h = find(rt(&w->objects[3]));
	OWN(arena) a = { 0 };

	ck_assert(!h->n && !holders_text(&h, 1, &a).n);
}
END_TEST

/* Memory may lie: what one waits in leads back to itself, and to no channel, or to one. */
START_TEST(a_ring_of_waits_has_an_end)
{
	const struct go_release *rel = release_of(22);
	u64 *sudog = w->objects[0];
	struct goroutine g = { .g_rt = 0x1000, .status = GO_WAITING, .waiting = rt(sudog) };
	struct wait wait;

	prog.rel = rel;
	sudog[0] = g.g_rt;
	sudog[rel->sudog_waitlink / 8] = rt(sudog);
	wait_of(&wait, &unwinder, &g, NULL, 0);
	ck_assert_int_eq(wait.kind, WAIT_NONE);
	sudog[rel->sudog_c / 8] = rt(w->objects[4]);
	wait_of(&wait, &unwinder, &g, NULL, 0);
	ck_assert_int_eq(wait.kind, WAIT_CHANNEL);
	ck_assert(wait.n == WAIT_CHANNELS && wait.more);
}
END_TEST

Suite *holders_suite(void)
{
	Suite *s = suite_create("holders");
	TCase *t = tcase_create("holders");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, who_has_the_address_on_his_stack);
	tcase_add_test(t, who_has_what_it_is_a_part_of_or_what_leads_there);
	tcase_add_test(t, two_locks_of_one_object_and_the_nearest_way_to_each);
	tcase_add_test(t, a_word_that_is_everywhere_is_followed_once);
	tcase_add_test(t, an_address_is_not_that_of_its_object);
	tcase_add_test(t, there_may_be_more_than_are_listed);
	tcase_add_test(t, texts);
	tcase_add_test(t, each_is_named_once);
	tcase_add_test(t, nobody_may_have_it);
	tcase_add_test(t, a_ring_of_waits_has_an_end);
	suite_add_tcase(s, t);
	return s;
}
