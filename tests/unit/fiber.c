/* What is said of requests that fiber serves, and when. */
#include <check.h>

#include "span/fiber.h"
#include "span/served.h"
#include "told.h"

Suite *fiber_suite(void);

static const char *said_of(struct open_span *s, i64 status)
{
	struct said said = { .answer.status = status, .asked = { s->asked, s->nasked },
			     .inner = { s->inner, s->ninner } };

	fiber_say(&saying, fields, &said);
	return told();
}

static void tries(struct open_span *s, const char *pattern, bool fits)
{
	fresh();
	text(FIELD_ROUTE, pattern);
	number(FIELD_MATCHED, fits);
	fiber_told(fields, s);
}

static void asks(struct open_span *s, const char *path)
{
	fresh();
	text(FIELD_PATH, path);
	fiber_told(fields, s);
	fresh();
}

START_TEST(the_route_is_the_last_pattern_that_fits)
{
	static struct open_span s;

	asks(&s, "/users/7");
	tries(&s, "/", true);
	tries(&s, "/users/:id", true);
	tries(&s, "/users/:other", false);
	fresh();
	ck_assert_str_eq(said_of(&s, 200), "HTTP /users/:id url.path=/users/7 "
			 "http.route=/users/:id http.response.status_code=200");
	tries(&s, "/*", true);
	fresh();
	text(FIELD_METHOD, "");
	ck_assert_str_eq(said_of(&s, 0), "GET /* http.request.method=GET url.path=/users/7 "
			 "http.route=/*");
}
END_TEST

START_TEST(what_does_not_fit_the_path_is_no_route)
{
	static struct open_span s;

	asks(&s, "/denied");
	tries(&s, "/", true);	/* passed on by nobody */
	fresh();
	ck_assert_str_eq(said_of(&s, 403), "HTTP url.path=/denied http.response.status_code=403");
}
END_TEST

START_TEST(who_asked)
{
	static struct open_span s;

	fresh();
	fields[FIBER_PEER_IP] = (struct field_value){ .there = true, .text = STR("\x0a\0\0\x07") };
	number(FIBER_PEER_PORT, 4711);
	ck_assert_str_eq(said_of(&s, 200), "HTTP http.response.status_code=200 "
			 "client.address=10.0.0.7 network.peer.address=10.0.0.7 "
			 "network.peer.port=4711");
	fresh();
	number(FIBER_PEER_PORT, 4711);	/* of what is no address of IP */
	ck_assert_str_eq(said_of(&s, 200), "HTTP http.response.status_code=200");
}
END_TEST

START_TEST(a_body_is_one_of_two)
{
	struct answer a = { 0 };

	fresh();
	ck_assert(!fiber_answer(fields, &a));
	number(FIELD_STATUS, 0);
	ck_assert(fiber_answer(fields, &a));
	ck_assert(a.status == 200 && !a.size);
	number(FIELD_SIZE, 12);
	ck_assert(fiber_answer(fields, &a));
	ck_assert_int_eq(a.size, 12);
	number(FIBER_RAW_SIZE, 7);
	ck_assert(fiber_answer(fields, &a));
	ck_assert_int_eq(a.size, 7);
}
END_TEST

static i64 starts[4];
static u32 nover;

static void over(void *ctx, const struct stream *s)
{
	(void)ctx;
	starts[nover++] = s->span.start_ns;
}

START_TEST(a_request_is_over_once)
{
	struct served s = { .over = over };
	struct plan_func fn = { .entry = { .size = 8 } };
	u8 record[8] = { 0 };
	struct call call = { .fn = &fn, .entry = record, .goid = 7 };
	struct open_span a = { .start_ns = 1 }, b = { .start_ns = 2 };

	served_over(&s, 7);
	ck_assert_uint_eq(served_put(&s, &call, NULL, &a), 0);
	served_over(&s, 8);
	ck_assert_uint_eq(nover, 0);
	served_over(&s, 7);
	served_over(&s, 7);
	ck_assert_uint_eq(served_put(&s, &call, NULL, &b), 0);
	served_over(&s, 7);
	ck_assert_uint_eq(nover, 2);
	ck_assert(starts[0] == 1 && starts[1] == 2);
	ck_assert_uint_eq(served_put(&s, &call, NULL, &a), 0);
	call.goid = 8;
	ck_assert_uint_eq(served_put(&s, &call, NULL, &b), 0);
	served_all_over(&s);
	served_all_over(&s);
	ck_assert_uint_eq(nover, 4);
	streams_release(&s.by_goid);
}
END_TEST

Suite *fiber_suite(void)
{
	Suite *s = suite_create("fiber");
	TCase *t = tcase_create("fiber");

	tcase_add_test(t, the_route_is_the_last_pattern_that_fits);
	tcase_add_test(t, what_does_not_fit_the_path_is_no_route);
	tcase_add_test(t, who_asked);
	tcase_add_test(t, a_body_is_one_of_two);
	tcase_add_test(t, a_request_is_over_once);
	suite_add_tcase(s, t);
	return s;
}
