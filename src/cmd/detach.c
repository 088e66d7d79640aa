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

/* Rings reserve much more than they ever fill. */
static double mib(u64 bytes)
{
	return (double)bytes / (1 << 20);
}

static void said(const struct target *t, const struct cleaned *c)
{
	const char *and = "";

	fprintf(stderr, TALK "process %d: ", t->img.pid);
	if (c->jumps) {
		fprintf(stderr, "%zu %s as %s before", c->jumps,
			c->jumps == 1 ? "place is" : "places are",
			c->jumps == 1 ? "it was" : "they were");
		and = ", ";
	}
	if (c->unmapped) {
		fprintf(stderr, "%s%.1f MiB of addresses that were mapped are free again", and,
			mib(c->unmapped));
		and = ", ";
	}
	if (c->kept) {
		fprintf(stderr, "%s%.1f MiB of addresses, which nothing leads to, stay mapped", and,
			mib(c->kept));
		and = ", ";
	}
	if (!*and)
		fprintf(stderr, "nothing was left in it");
	if (c->stop_ns)
		fprintf(stderr, "; it stood still for %.1f ms", (double)c->stop_ns / 1e6);
	fputc('\n', stderr);
}

static void said_json(const struct target *t, const struct cleaned *c, struct out *o)
{
	struct json j;

	target_json_begin(t, o);
	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "detached");
	json_key(&j, "restored");
	json_u64(&j, c->jumps);
	json_key(&j, "unmapped");
	json_u64(&j, c->unmapped);
	json_key(&j, "kept");
	json_u64(&j, c->kept);
	json_key(&j, "stop_ns");
	json_i64(&j, c->stop_ns);
	json_object_end(&j);
	json_line(&j);
	target_json_end(o);
}

static bool detach(const void *args, const char **rest, size_t nrest, char **program, int *status,
		   struct err *err)
{
	const struct detach_args *a = args;
	struct target t;
	struct cleaned cleaned = { 0 };
	OWN(out) out;
	bool ok;

	(void)program;
	(void)status;
	out_open(&out, STDOUT_FILENO);
	if (!a->pid && !nrest)
		return err_set(err, ERR_USAGE, "detach: which process? Give -p PID");
	if (nrest > !a->pid)
		return err_set(err, ERR_USAGE, "detach: takes one process, but got also %s",
			       rest[!a->pid]);
	ok = target_open(&t, "detach", a->pid, rest, nrest, err);
	if (ok && t.img.kind != IMAGE_PROCESS)
		ok = err_set(err, ERR_USAGE, "detach: which process? Give its number");
	ok = ok && inline_clean(&t.prog, t.img.pid, &cleaned, err);
	if (ok && a->common.json)
		said_json(&t, &cleaned, &out);
	else if (ok)
		said(&t, &cleaned);
	target_release(&t);
	out_flush(&out);
	return ok && out_ok(&out, err);
}

const struct command cmd_detach = {
	.name = "detach",
	.usage = "[OPTIONS] -p PID",
	.what = "put back everything that a goshawk that died left in a process",
	.about = "A goshawk that is killed leaves the process that it traced running: what it put "
		 "in there does no harm. The next goshawk that attaches takes it away first; this "
		 "command does nothing else. One that has ended by itself has put all places back; "
		 "the memory that its code lay in, where a thread may still be, is given back by "
		 "the next one as well, or by this.",
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
