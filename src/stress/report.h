/* report - what a hunt has found: for people, for machines, and to be pasted into a bug tracker.
 *
 * Owns     nothing.  Units  ns.  Fails  never: what is written to keeps its own errors.
 * Threads  one. */
#ifndef STRESS_REPORT_H
#define STRESS_REPORT_H

#include "base/out.h"
#include "plan/torn.h"
#include "stress/hunt.h"

struct report {
	const struct hunt *hunt;
	const struct torn_store *const *sites;	/* by the indexes of the hunt */
	struct str command;	/* that makes it die again; one line for a shell */
};

/* The first line of the text, or the `crash` object: as soon as a run has died. */
void report_died(struct out *o, const struct trial *t);
void report_died_json(struct json *j, const struct trial *t, const struct torn_store *const *sites);
/* The rest of the text, or the `report` object. */
void report_text(struct out *o, const struct report *r);
void report_json(struct json *j, const struct report *r);
/* All of it, as Markdown. */
void report_markdown(struct out *o, const struct report *r);

#endif
