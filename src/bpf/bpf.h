/* bpf - the uprobe engine: a plan as kernel probes of one process. Nothing is written to it.
 *
 * Owns     everything behind the source, until source_release(): maps, program, links.
 * Units    rt addresses of the target.
 * Fails    ERR_DENIED (capabilities), ERR_UNSUPPORTED (kernel), ERR_REFUSED (nothing is left to
 *          probe), ERR_GONE.
 * Threads  one. */
#ifndef BPF_BPF_H
#define BPF_BPF_H

#include "base/out.h"
#include "event/source.h"

struct bpf_options {
	pid_t pid;
	u64 bias;	/* rt = va + bias */
	u64 ring;	/* bytes of the ring, a power of two */
	bool started;	/* it is our child */
	bool each;	/* as kernels do it that lack uprobe_multi */
	u64 max_overhead;	/* percent of one processor; 0: no limit */
	u64 cost_ns;	/* of a call, as bpf_cost measured it */
};

/* The plan must be one for probes (plan_request.probes). Also after a failure the source is to be
 * released. */
bool bpf_attach(struct source *src, const struct plan *plan, const struct bpf_options *o,
		struct err *err) MUST_CHECK;
/* The i-th place that is not probed although the plan wants it; false behind the last. */
bool bpf_refused(const struct source *src, u32 i, const struct plan_func **f, const char **why);
/* What a probed call costs the program on this machine, entry and exit: measured on probes of our
 * own. */
bool bpf_cost(u64 *ns, struct err *err) MUST_CHECK;
/* Sites, refusals and the program, as text or JSON (--plan). */
bool bpf_print(const struct plan *plan, struct out *o, bool json, u64 *sites,
	       struct err *err) MUST_CHECK;

#endif
