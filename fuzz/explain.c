/* Any text as a log in which a Go program may have died: undressed, read, explained. What is said
 * of a place must have been in the text. */
#include "diag/explain.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	OWN(arena) arena = { 0 };
	struct str log = { arena_copy(&arena, data, n), n };
	struct death d = { .a = &arena };
	struct diagnosis found;

	death_of_text(&d, log);
	if (d.text.n > 2 * n + 2)
		die("fuzz: a log grew");
	explain(&found, &d);
	if (!found.kind || !found.summary.n || found.nevidence > EVIDENCE_MOST)
		die("fuzz: a diagnosis without a kind or a summary");
	/* the race detector tells of races, and of its own end, which is no crash of Go's */
	if (!d.died && found.cause && strcmp(found.kind, "data_race") &&
	    strncmp(found.kind, "race_detector", 13))
		die("fuzz: a cause of no death");
	if (found.func.n && str_find(d.lead, found.func) < 0)
		die("fuzz: a function that nobody printed");
	return 0;
}
