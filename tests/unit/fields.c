/* Header fields behind a register (plan/extra.h, EXTRA_FIELDS): which names and values are read. */
#include <check.h>

#include "plan/extra.h"
#include "plan/interpret.h"

Suite *fields_suite(void);

#define FUNC "net/http.process"

struct field {
	const char *name;
	u64 nname;
	const char *value;
	u64 nvalue, sensitive;
};
_Static_assert(sizeof(struct field) == EXTRA_FIELD_SIZE, "as in hpack.HeaderField");

static struct field all[EXTRA_FIELDS_MOST + 2];
static struct { u64 before; struct field *fields; u64 n; } frame;
static u8 record[RECORD_MAX];
static const char *const w3c[] = { "traceparent", "tracestate", "baggage" };
static const char *const b3[] = { "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled" };
static const u16 sizes[] = { 72, 512, 512, 40 };
static struct plan_extra extra;

static bool fetch(u64 va, u64 n, void *to)
{
	memcpy(to, (const void *)(uintptr_t)va, n);
	return true;
}

static void ask(const char *const *names, size_t n)
{
	extra = (struct plan_extra){
		.func = FUNC, .kind = EXTRA_FIELDS, .reg = 1, .disp = 8, .only = names, .nonly = n,
		.sizes = sizes,
	};
}

static void has(u32 i, const char *name, const char *value)
{
	all[i] = (struct field){ name, strlen(name), value, strlen(value), 0 };
	frame.n = i + 1;
}

/* Each length is looked at once, and where there is no field, nothing more is. */
static void expect_no_detours(const struct reading *r)
{
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		if (d->kind != READ_WHEN)
			continue;
		if (d->when_not)
			ck_assert_uint_eq(i + 1 + d->size, r->nreads);
		for (u32 k = 0; k < i; k++)
			ck_assert(r->reads[k].kind != READ_WHEN ||
				  r->reads[k].when_at != d->when_at || r->reads[k].when != d->when);
	}
}

/* What a call with this frame puts into its record. */
static const u8 *seen(void)
{
	struct plan p = { .request = { .extras = &extra, .nextras = 1 } };
	const struct go_func func = { .name = STR(FUNC) };
	struct plan_func f = { .func = &func, .entry = { .size = RECORD_HEAD } };
	const struct interpreter in = { .ints = { 0, (uintptr_t)&frame }, .fetch = fetch };

	frame.fields = all;
	memset(record, 0, sizeof(record));
	extra_read(&p, &f);
	ck_assert_uint_eq(f.entry.hook_at, RECORD_HEAD);
	ck_assert_uint_le(f.entry.size, RECORD_MAX);
	expect_no_detours(&f.entry);
	interpret(&in, f.entry.reads, f.entry.nreads, f.entry.size, record);
	arena_release(&p.arena);
	return record + RECORD_HEAD;
}

static const char *text(const u8 *at)
{
	static char to[4][600];
	static u32 turn;
	char *now = to[turn = (turn + 1) % 4];
	u32 n;

	memcpy(&n, at - 8, sizeof(n));
	ck_assert_uint_lt(n, sizeof(to[0]));
	memcpy(now, at, n);
	now[n] = 0;
	return now;
}

static const char *name(const u8 *hook, u32 i)
{
	return text(hook + extra_name_at(i));
}

static const char *value(const u8 *hook, u32 k)
{
	return text(hook + extra_value_at(&extra, k));
}

static void begin(void)
{
	memset(all, 0, sizeof(all));
	ask(w3c, ARRAY_LEN(w3c));
}

/* No credential's name or value is copied unless it has as many letters as what is looked for. */
START_TEST(names_of_other_lengths_are_not_read)
{
	const u8 *hook;

	has(0, "authorization", "secret");
	has(1, "cookies", "secret");	/* as long as baggage */
	has(2, "traceparents", "secret");
	has(3, "traceparent", "00-11-22-01");
	has(4, "tracestat", "secret");
	has(5, "tracestate", "a=b");
	hook = seen();
	ck_assert_str_eq(name(hook, 0), "");
	ck_assert_str_eq(name(hook, 1), "cookies");
	ck_assert_str_eq(name(hook, 2), "");
	ck_assert_str_eq(name(hook, 3), "traceparent");
	ck_assert_str_eq(name(hook, 4), "");
	ck_assert_str_eq(name(hook, 5), "tracestate");
	ck_assert_str_eq(value(hook, 0), "00-11-22-01");
	ck_assert_str_eq(value(hook, 1), "a=b");
	ck_assert_str_eq(value(hook, 2), "");
	ck_assert_ptr_null(memmem(record, sizeof(record), "secret", 6));
}
END_TEST

/* Eight letters are compared: of those that may be one the last one's value is there, so that
 * whoever counts names knows that it may be another's. */
START_TEST(of_names_that_begin_alike_the_last_value_is_there)
{
	const u8 *hook;

	has(0, "traceparent", "first");
	has(1, "traceparade", "last");
	hook = seen();
	ck_assert_str_eq(name(hook, 0), "traceparent");
	ck_assert_str_eq(name(hook, 1), "traceparade");
	ck_assert_str_eq(value(hook, 0), "last");
	ck_assert(extra_may_be(STR("traceparade"), STR("traceparent")));
	ck_assert(!extra_may_be(STR("traceparents"), STR("traceparent")));
	ck_assert(!extra_may_be(STR("b4"), STR("b3")));
}
END_TEST

START_TEST(several_names_may_have_the_same_length)
{
	const u8 *hook;

	ask(b3, ARRAY_LEN(b3));
	has(0, "content-type", "secret");
	has(1, "x-b3-sampled", "1");
	has(2, "x-b3-traceid", "0af7651916cd43dd");
	has(3, "b3", "0");
	has(4, "x-b3-spanid", "b7ad6b7169203331");
	hook = seen();
	ck_assert_str_eq(value(hook, 0), "0");
	ck_assert_str_eq(value(hook, 1), "0af7651916cd43dd");
	ck_assert_str_eq(value(hook, 2), "b7ad6b7169203331");
	ck_assert_str_eq(value(hook, 3), "1");
	ck_assert_str_eq(name(hook, 0), "content-type");
	ck_assert_ptr_null(memmem(record, sizeof(record), "secret", 6));
}
END_TEST

/* As many as a request may have, and more; what lay there before is not the request's. */
START_TEST(fields_are_read_to_the_last_that_is_looked_at)
{
	const u8 *hook;

	for (u32 i = 0; i < ARRAY_LEN(all); i++)
		has(i, "te", "trailers");
	has((u32)ARRAY_LEN(all) - 1, "tracestate", "behind");
	has(EXTRA_FIELDS_MOST - 1, "traceparent", "there");
	frame.n = ARRAY_LEN(all);
	hook = seen();
	ck_assert_str_eq(value(hook, 0), "there");
	ck_assert_str_eq(value(hook, 1), "");
	frame.n = EXTRA_FIELDS_MOST - 1;
	ck_assert_str_eq(value(seen(), 0), "");
	frame.n = 0;
	ck_assert_str_eq(value(seen(), 0), "");
}
END_TEST

START_TEST(where_nothing_is_looked_for_the_fields_alone_are_read)
{
	const u8 *hook;

	ask(w3c, 0);
	has(0, "traceparent", "00-11-22-01");
	hook = seen();
	ck_assert_str_eq(name(hook, 0), "");
	ck_assert_ptr_null(memmem(record, sizeof(record), "00-11", 5));
}
END_TEST

Suite *fields_suite(void)
{
	Suite *s = suite_create("fields");
	TCase *t = tcase_create("fields");

	tcase_add_checked_fixture(t, begin, NULL);
	tcase_add_test(t, names_of_other_lengths_are_not_read);
	tcase_add_test(t, of_names_that_begin_alike_the_last_value_is_there);
	tcase_add_test(t, several_names_may_have_the_same_length);
	tcase_add_test(t, fields_are_read_to_the_last_that_is_looked_at);
	tcase_add_test(t, where_nothing_is_looked_for_the_fields_alone_are_read);
	suite_add_tcase(s, t);
	return s;
}
