/* What goes wrong in a thread is said once of each kind. */
#include <check.h>
#include <string.h>

#include "out/troubles.h"

Suite *troubles_suite(void);

START_TEST(the_first_of_each_kind_is_said_once)
{
	struct troubles t = { 0 };
	struct handover with;

	handover_init(&with);
	trouble(&t, &with, 2, "%s: %d", "full", 1);
	trouble(&t, &with, 2, "%s: %d", "full", 2);
	trouble(&t, &with, 5, "late");
	ck_assert_uint_eq(troubles_take(&t), 1 << 2 | 1 << 5);
	ck_assert_str_eq(t.why[2], "full: 1");
	ck_assert_str_eq(t.why[5], "late");
	ck_assert_uint_eq(troubles_take(&t), 0);
	trouble(&t, &with, 5, "later");
	trouble(&t, &with, TROUBLES_MOST - 1, "%2000d", 1);	/* too long */
	ck_assert_uint_eq(troubles_take(&t), 1u << (TROUBLES_MOST - 1));
	ck_assert_str_eq(t.why[5], "late");
	ck_assert_uint_eq(strlen(t.why[TROUBLES_MOST - 1]), sizeof(t.why[0]) - 1);
	handover_release(&with);
}
END_TEST

Suite *troubles_suite(void)
{
	Suite *s = suite_create("troubles");
	TCase *t = tcase_create("troubles");

	tcase_add_test(t, the_first_of_each_kind_is_said_once);
	suite_add_tcase(s, t);
	return s;
}
