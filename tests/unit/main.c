/* Runs every suite: tests/unit/NAME.c has NAME_suite(); the Makefile passes the list as SUITES.
 * CK_RUN_SUITE and CK_RUN_CASE choose; CK_FORK=no keeps it in one process for a debugger. */
#include <check.h>
#include <stdlib.h>

#define SUITE(name) Suite *name##_suite(void);
SUITES
#undef SUITE

int main(void)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

#define SUITE(name) srunner_add_suite(runner, name##_suite());
	SUITES
#undef SUITE
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
