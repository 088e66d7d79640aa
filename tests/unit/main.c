/* Runs every suite: tests/unit/NAME.c has NAME_suite(); the Makefile passes the list as SUITES.
 * unit K/N runs every Nth suite from the Kth on, counted from 0: several parts run side by side.
 * CK_RUN_SUITE and CK_RUN_CASE choose; CK_FORK=no keeps it in one process for a debugger. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define SUITE(name) Suite *name##_suite(void);
SUITES
#undef SUITE

int main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	unsigned part = 0, parts = 1, n = 0;
	int failed;

	if (argc > 1 && (sscanf(argv[1], "%u/%u", &part, &parts) != 2 || part >= parts)) {
		fprintf(stderr, "usage: unit [PART/PARTS]\n");
		return EXIT_FAILURE;
	}
#define SUITE(name) \
	if (n++ % parts == part) \
		srunner_add_suite(runner, name##_suite());
	SUITES
#undef SUITE
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
