/* detach - puts back what a goshawk that died has left in a process. */
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmds.h"
#include "cmd/target.h"
#include "inline/inline.h"

struct detach_args {
	struct common_args common;
	const char *pid;
};

static const struct opt opts[] = { TARGET_PID_OPTION(struct detach_args) };

static void said(const struct target *t, size_t jumps, i64 stop_ns)
{
	if (!jumps)
		fprintf(stderr, "goshawk: process %d: nothing was left in it\n", t->img.pid);
	else
		fprintf(stderr, "goshawk: process %d: %zu places are as they were before; it stood "
			"still for %.1f ms\n", t->img.pid, jumps, (double)stop_ns / 1e6);
}

static void said_json(const struct target *t, size_t jumps, i64 stop_ns, struct out *o)
{
	struct json j;

	target_json_begin(t, o);
	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "detached");
	json_key(&j, "restored");
	json_u64(&j, jumps);
	json_key(&j, "stop_ns");
	json_i64(&j, stop_ns);
	json_object_end(&j);
	json_line(&j);
	target_json_end(o);
}

static bool detach(const void *args, const char **rest, size_t nrest, char **program, int *status,
		   struct err *err)
{
	const struct detach_args *a = args;
	struct target t;
	size_t jumps = 0;
	i64 stop_ns = 0;
	OWN(out) out;
	bool ok;

	(void)program;
	(void)status;
	out_open(&out, STDOUT_FILENO);
	ok = target_open(&t, "detach", a->pid, rest, nrest, err);
	if (ok && t.img.kind != IMAGE_PROCESS)
		ok = err_set(err, ERR_USAGE, "detach: which process? Give its number");
	ok = ok && inline_clean(&t.prog, t.img.pid, &jumps, &stop_ns, err);
	if (ok && a->common.json)
		said_json(&t, jumps, stop_ns, &out);
	else if (ok)
		said(&t, jumps, stop_ns);
	target_release(&t);
	return ok && out_flush(&out);
}

const struct command cmd_detach = {
	.name = "detach",
	.usage = "-p PID",
	.what = "put back everything that a goshawk that died left in a process",
	.about = "A goshawk that is killed leaves the process that it traced running: what it put "
		 "in there does no harm. The next goshawk that attaches takes it away first; this "
		 "command does nothing else.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.examples = {
		{ "goshawk detach -p 4711", "by its number" },
		{ "goshawk detach -p caddy", "by a name that only one process has" },
		{ "goshawk detach --json -p 4711", "for machines" },
	},
	.args_size = sizeof(struct detach_args),
	.run = detach,
};
