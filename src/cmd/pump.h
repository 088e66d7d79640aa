/* pump - records to events to a sink, until the program ends or somebody says stop.
 *
 * Owns     nothing.  Units  Unix ns.
 * Fails    as the engine and the output do; what was gathered has then reached the sink.
 * Threads  one; between stop_catch and stop_uncatch (cmd/stop.h). */
#ifndef CMD_PUMP_H
#define CMD_PUMP_H

#include "base/out.h"
#include "event/calls.h"
#include "event/source.h"

struct pump_limits {
	i64 for_ns;		/* 0: until the program ends */
	u64 max;		/* shown events; 0: no limit */
	bool (*enough)(void *ctx);	/* or NULL: what else is there to say so */
	void *ctx;
	i64 every_ns;		/* between the sink's ticks; 0: one at the end */
	i64 inside_ns;		/* so long a thread may be in code of ours */
	int round_ms;		/* how long to sleep at most when there was next to nothing to do;
				 * 0: 1, and when there was nothing */
};

struct pump_result {
	bool exited;
	bool gone;		/* a process that we did not start has ended */
	int program_exit;	/* as the shell says it */
	bool detached;		/* we left a program running */
	i64 elapsed_ns;
	u64 unreadable;		/* values whose memory was not there */
	u64 shown;		/* calls, or entries where only these were asked for */
	u64 lost;
};

/* `out` is flushed after each round; when it fails (a closed pipe), the program is let go. */
bool pump(struct source *src, const struct plan *plan, const struct sink *sink,
	  struct out *out, const struct pump_limits *limits, struct pump_result *result,
	  struct err *err) MUST_CHECK;

#endif
