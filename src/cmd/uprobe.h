/* uprobe - starts the uprobe engine on a program or a process.
 *
 * Owns     nothing.  Units  bytes.
 * Fails    as the engine (bpf/bpf.h); ERR_USAGE: what it can't do.
 * Threads  one. */
#ifndef CMD_UPROBE_H
#define CMD_UPROBE_H

#include "cmd/engine.h"

/* The plan is made anew when it was made for the other engine. Also after a failure the source is
 * to be released. */
bool uprobe_start(struct source *src, struct plan *plan, const struct engine_request *r,
		  struct err *err) MUST_CHECK;

#endif
