/* doctor - what this machine and user permit. */
#include <pwd.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/version.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "inline/permits.h"

struct doctor_args {
	struct common_args common;
	const char *output;
};

static const struct opt opts[] = { TARGET_OUTPUT_OPTION(struct doctor_args) };

static void print_text(const struct permit *permits, const struct utsname *u, struct out *o)
{
	const struct passwd *user = getpwuid(geteuid());

	out_fmt(o, "goshawk " GOSHAWK_VERSION ", %s %s %s, user %s\n\n", u->sysname, u->release,
		u->machine, user ? user->pw_name : "without a name");
	permits_print(permits, o);
}

static void print_json(const struct permit *permits, const struct utsname *u, struct out *o)
{
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "begin");
	json_key(&j, "version");
	json_z(&j, GOSHAWK_VERSION);
	json_key(&j, "schema");
	json_u64(&j, JSON_SCHEMA);
	json_key(&j, "pid");
	json_null(&j);
	json_key(&j, "target");
	json_null(&j);
	json_key(&j, "kernel");
	json_z(&j, u->release);
	json_key(&j, "machine");
	json_z(&j, u->machine);
	json_object_end(&j);
	json_line(&j);
	permits_json(permits, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	json_object_end(&j);
	json_line(&j);
}

static bool doctor(const void *args, const char **rest, size_t nrest, char **program, int *status,
		   struct err *err)
{
	const struct doctor_args *a = args;
	struct permit permits[PERMITS];
	struct utsname u;
	OWN(out_file) file = { 0 };

	(void)program;
	(void)status;
	if (nrest)
		return err_set(err, ERR_USAGE, "doctor: takes no arguments, but got %s", rest[0]);
	if (!out_file_open(&file, a->output, false, err))
		return false;
	permits_probe(permits);
	uname(&u);
	file.out.color = use_color(&a->common, file.out.fd);
	if (a->common.json)
		print_json(permits, &u, &file.out);
	else
		print_text(permits, &u, &file.out);
	return out_file_commit(&file, err);
}

const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "[OPTIONS]",
	.what = "what this machine and user permit, and how to change it",
	.about = "Each line is one need of goshawk's engines: it was tried on a child process that "
		 "does nothing, and undone. Settings of the machine are only read.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct doctor_args),
	.examples = {
		{ "goshawk doctor", "all that is permitted here" },
		{ "goshawk doctor --json | jq -r 'select(.state == \"no\") | .change'",
		  "what stands in the way" },
		{ "docker run --cap-add SYS_PTRACE IMAGE goshawk doctor",
		  "what a container would permit" },
	},
	.run = doctor,
};
