/* What requests say of whose child they are, as the collector keeps it until they are served. */
#include <check.h>

#include "span/incoming.h"

Suite *incoming_suite(void);

#define CAME STR("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

static struct incoming in;

static void begin(void)
{
	in = (struct incoming){ .how = PROPAGATOR_W3C | PROPAGATOR_BAGGAGE };
}

static void end(void)
{
	incoming_release(&in);
}

START_TEST(lines_are_of_the_request_that_is_read)
{
	incoming_line(&in, 1, CAME, true);
	ck_assert_ptr_null(incoming_take(&in, 1, 0));
	incoming_reads(&in, 1);
	incoming_line(&in, 1, CAME, true);
	incoming_line(&in, 2, CAME, true);
	ck_assert_ptr_nonnull(incoming_take(&in, 1, 0));
	ck_assert_ptr_null(incoming_take(&in, 2, 0));
	incoming_reads(&in, 1);		/* that one was never served */
	ck_assert_ptr_null(incoming_take(&in, 1, 0));
	incoming_line(&in, 1, CAME, true);
	ck_assert_ptr_nonnull(incoming_take(&in, 1, 0));
	incoming_served(&in, 1);
	incoming_drop(&in, 1);
	incoming_line(&in, 1, CAME, true);	/* of a trailer */
	ck_assert_ptr_null(incoming_take(&in, 1, 0));
}
END_TEST

/* Who has looked at them tells only what matters: that a request is read where lines wait. */
START_TEST(lines_that_were_sorted_out_all_count)
{
	in.sorted = true;
	for (u32 i = 0; i < 2; i++) {
		incoming_line(&in, 1, CAME, true);
		ck_assert_ptr_nonnull(incoming_take(&in, 1, 0));
		if (i)
			incoming_reads(&in, 1);
		else
			incoming_drop(&in, 1);
	}
	ck_assert_ptr_null(incoming_take(&in, 1, 0));
	ck_assert_uint_eq(in.reading.n, 0);
}
END_TEST

START_TEST(one_that_is_there_twice_says_nothing)
{
	incoming_reads(&in, 1);
	incoming_line(&in, 1, CAME, true);
	incoming_line(&in, 1, CAME, true);
	ck_assert_ptr_null(incoming_take(&in, 1, 0));
}
END_TEST

START_TEST(requests_are_told_by_two_numbers)
{
	u64 a = incoming_key(1, 2), b = incoming_key(2, 1);

	ck_assert(a != b && a != incoming_key(1, 3) && a == incoming_key(1, 2));
	incoming_field(&in, a, STR("traceparent"),
		       STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), true);
	ck_assert_ptr_null(incoming_take(&in, b, 0));
	ck_assert_ptr_nonnull(incoming_take(&in, a, 0));
	incoming_field(&in, a, STR("tracestate"), STR("a=1"), true);
	ck_assert_uint_eq(incoming_take(&in, a, 0)->nstate, 3);
	incoming_field(&in, a, STR("tracestate"), STR("b=2"), false);
	ck_assert_uint_eq(incoming_take(&in, a, 0)->nstate, 0);
	ck_assert(incoming_take(&in, a, 0)->state_dropped);
	incoming_drop(&in, a);
	ck_assert_ptr_null(incoming_take(&in, a, 0));
}
END_TEST

/* What tells it from others comes again, with another connection. */
START_TEST(one_that_nobody_has_served_for_long_is_nobodys)
{
	u64 key = incoming_key(1, 2);

	incoming_read(&in, key, 1);	/* of which nothing is known */
	incoming_field(&in, key, STR("traceparent"),
		       STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), true);
	incoming_read(&in, key, 1000000000);
	ck_assert_ptr_nonnull(incoming_take(&in, key, 3000000000));
	ck_assert_ptr_null(incoming_take(&in, key, 3000000001));
}
END_TEST

Suite *incoming_suite(void)
{
	Suite *s = suite_create("incoming");
	TCase *t = tcase_create("incoming");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, lines_are_of_the_request_that_is_read);
	tcase_add_test(t, lines_that_were_sorted_out_all_count);
	tcase_add_test(t, one_that_is_there_twice_says_nothing);
	tcase_add_test(t, requests_are_told_by_two_numbers);
	tcase_add_test(t, one_that_nobody_has_served_for_long_is_nobodys);
	suite_add_tcase(s, t);
	return s;
}
