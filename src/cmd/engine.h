/* engine - starts an engine on a program or a process, and says what the user should know of it.
 *
 * Owns     nothing.  Units  bytes.
 * Fails    as the engines (inline/inline.h).
 * Threads  one. */
#ifndef CMD_ENGINE_H
#define CMD_ENGINE_H

#include "event/source.h"

enum engine { ENGINE_AUTO, ENGINE_INLINE, ENGINE_UPROBE };
bool engine_named(const char *name, enum engine *e, struct err *err) MUST_CHECK;

struct engine_request {
	enum engine engine;
	const char *path;	/* what is executed, or the executable of `pid` */
	char **argv;
	int pid;		/* 0: start `path` */
	u64 buffer;
	bool lossless;
	u64 max_overhead;	/* percent of a processor, by the uprobe engine; 0: no limit */
};

/* Also after a failure the source is to be released. `auto` is inline where that is permitted; else
 * uprobe, for which the plan is made anew. */
bool engine_start(struct source *src, struct plan *plan, const struct engine_request *r,
		  struct err *err) MUST_CHECK;
/* What was asked for and is not done: by name where these are few, in any case how to see all. */
void engine_refusals(const struct plan *p);

/* The same of a process that others have been in, or that has handlers of its own. */
struct attached;
void engine_attached(const struct attached *to, const struct plan *p);
/* The same of functions that were never free to be watched. */
void engine_held(const struct source *src, const struct plan *p);

#endif
