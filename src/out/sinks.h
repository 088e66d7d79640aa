/* sinks - what is done with finished calls: text lines, JSON lines.
 *
 * Owns     its state, until sink_release(); writes to the caller's out.
 * Units    as event/calls.h.
 * Fails    by the out (sticky).
 * Threads  one. */
#ifndef OUT_SINKS_H
#define OUT_SINKS_H

#include "event/calls.h"
#include "event/stack.h"
#include "out/value.h"

struct target_facts {	/* what sinks say in `begin`, and need for values */
	const struct go_program *prog;
	const struct plan *plan;
	struct stacks *stacks;
	const char *path;
	int pid;
	u64 bias;
	bool (*read_rt)(void *ctx, u64 rt, void *to, size_t n);
	void *read_ctx;
	u64 *unreadable;	/* expressions that could not be evaluated are added here */
};

struct end_facts {
	u64 calls, lost, unreadable, sites, refused;
	const char *engine;
	i64 stop_ns, elapsed_ns;
	bool exited;
	int program_exit;	/* as the shell says it: 128+n for a signal */
};

/* What a printer of values needs to know of the target. */
struct value_view target_view(const struct target_facts *t);

/* Text: one line per finished call: goroutine, start, duration, call(args) = results. */
struct sink sink_text_new(struct arena *a, struct out *o, const struct target_facts *t);
struct sink sink_json_new(struct arena *a, struct out *o, const struct target_facts *t);
/* Nested calls of each goroutine, as they go. */
struct sink sink_graph_new(struct arena *a, struct out *o, const struct target_facts *t);
/* Tables, printed at each tick: a row for each function; counts and distributions by function, or
 * by the value of the plan's --by. */
struct sink sink_summary_new(struct arena *a, struct out *o, const struct target_facts *t,
			     bool json);
struct sink sink_count_new(struct arena *a, struct out *o, const struct target_facts *t, bool json);
/* The bounds of --hist-linear; step 0: powers of two. */
struct hist_scale {
	i64 min, max, step;
};
/* "EXPR,MIN,MAX,STEP" in its parts; numbers may be durations. ERR_USAGE. */
bool hist_scale_parse(struct arena *a, const char *text, const char **expr,
		      struct hist_scale *scale, struct err *err) MUST_CHECK;
struct sink sink_hist_new(struct arena *a, struct out *o, const struct target_facts *t, bool json,
			  const struct hist_scale *scale);
void sink_json_lost(struct json *j, u64 count, i64 from_ns, i64 to_ns);
void sink_json_begin(struct out *o, const struct target_facts *t);
void sink_json_end(struct out *o, const struct end_facts *e);
void sink_text_end(struct out *talk, const struct end_facts *e);

#endif
