/* inline - the inline engine: jumps to trampolines that write records to shared rings.
 *
 * Life     inline_launch: starts the program under ptrace, stops it at its entry point, maps rings
 * and code, writes the jumps, lets go: no ptrace stop during the run. inline_poll: records that are
 * there. inline_restore: stops it, puts every byte back, lets go. inline_release. Owns descriptors,
 * mappings, the child until it is waited for. Units    rt addresses of the target; times in Unix
 * ns. Fails    ERR_DENIED (ptrace), ERR_REFUSED, ERR_GONE, ERR_UNSUPPORTED. The target is then as
 * it was, or had not started (it is killed). Threads  one. */
#ifndef INLINE_INLINE_H
#define INLINE_INLINE_H

#include <sys/types.h>

#include "event/calls.h"
#include "base/out.h"
#include "plan/plan.h"

struct launch {
	char **argv;		/* argv[0] is looked up in PATH already: argv0_path is executed */
	const char *path;
	u64 buffer;		/* ring bytes for each thread */
	bool lossless;
};

struct inline_session;

bool inline_launch(struct inline_session **s, const struct plan *plan, const struct launch *l,
		   struct err *err) MUST_CHECK;
/* Hands over every record that is older than the horizon, in order of time; `all`: the target is
 * gone or stopped, so whatever is there. Returns how many. */
typedef void inline_record_fn(void *ctx, const struct record *r);
typedef void inline_lost_fn(void *ctx, u64 count, i64 from_ns, i64 to_ns);
u64 inline_poll(struct inline_session *s, bool all, inline_record_fn *record, inline_lost_fn *lost,
		void *ctx);
/* Around writing to somebody who may not read: a lossless program then waits for 10 ms only. */
void inline_output_blocks(struct inline_session *s, bool blocks);
/* Puts every byte back. ERR_GONE when the process is no longer the one that was patched. */
bool inline_restore(struct inline_session *s, struct err *err) MUST_CHECK;
/* Has the process become another program (exec)? */
bool inline_was_replaced(const struct inline_session *s);
void inline_release(struct inline_session **s);
pid_t inline_pid(const struct inline_session *s);
u64 inline_bias(const struct inline_session *s);
bool inline_read_rt(void *session, u64 rt, void *to, size_t n);
u32 inline_sites(const struct inline_session *s);
i64 inline_stop_ns(const struct inline_session *s);
/* Writes the generated code of a plan as text (--plan), as it would be for an unbiased image. */
bool inline_print(const struct plan *plan, struct out *o, bool json, u64 *sites,
		  struct err *err) MUST_CHECK;

#endif
