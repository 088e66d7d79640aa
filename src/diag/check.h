/* check - what is wrong with a program, proved from its file alone, or with a process: rules, and
 * what they find.
 *
 * A rule is a row of check_rules: a name, a page that explains it, and a function that looks. A
 * rule is here only if programs as the Go project's own tools make them give it nothing to find.
 *
 * Owns     findings, texts, tables and the process's memory file, until check_release(); the
 *          program must stay open.
 * Units    link-time addresses.
 * Fails    never: what a rule cannot look at it does not find.
 * Threads  one. */
#ifndef DIAG_CHECK_H
#define DIAG_CHECK_H

#include "diag/live.h"
#include "diag/reach.h"

enum finding_level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_ERROR };

/* A function on the way, and the call in it. */
struct finding_step {
	struct str func, file;
	i32 line;		/* of the call; 0: unknown */
	u8 kind, certainty;	/* of the call: enum call_kind; in the last step nothing */
	bool system;		/* it runs on a system stack */
};

struct rule;
struct finding {
	const struct rule *rule;
	u8 certainty;		/* enum certainty */
	struct str message, advice;
	struct str func, file;	/* empty where it is about the file as a whole */
	i32 line;
	u64 va;			/* of the place, 0 if there is none */
	struct finding_step *path;
	size_t npath;
};

struct check {
	const struct go_program *prog;
	struct callgraph graph;
	struct reach reach;
	struct live live;	/* of a process */
	int mem_fd;		/* its memory, or -1 */
	VEC(struct finding) findings;
	struct arena arena;
};

struct rule {
	const char *id;		/* "G0RACE" */
	u8 level;		/* enum finding_level */
	bool live;		/* about a process, not a file */
	const char *what;	/* one sentence */
	const char *page;	/* paragraphs, between empty lines */
	void (*look)(struct check *c, const struct rule *self);
};
extern const struct rule *const check_rules[];
extern const size_t ncheck_rules;

void check_run(struct check *c, const struct go_program *prog);
void check_release(struct check *c);

/* For rules: a new finding, with the function at va (and its line) if it is not 0. */
struct finding *check_found(struct check *c, const struct rule *rule, u64 va);
/* Is there a finding that is more than a note? Notes say what is so, and blame nothing. */
bool check_accuses(const struct check *c);
const char *finding_level_name(enum finding_level l);	/* "error", as SARIF has it */

#endif
