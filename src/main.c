/* main - finds the command in a table, runs it, and says what failed: a sentence and a status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/version.h"
#include "cmd/cmds.h"

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ncommands; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* NULL when there is none. */
static const struct command *find_or_fail(const char *name, struct err *err)
{
	const struct command *found = find(name);
	const char *names[32], *nearest;
	size_t n = MIN(ncommands, ARRAY_LEN(names));

	if (found)
		return found;
	for (size_t i = 0; i < n; i++)
		names[i] = commands[i]->name;
	nearest = opt_nearest(name, names, n);
	if (name[0] == '-')
		err_set(err, ERR_USAGE, "no option %s; `goshawk --help` lists what there is", name);
	else if (nearest)
		err_set(err, ERR_USAGE, "no command %s; the nearest is %s", name, nearest);
	else
		err_set(err, ERR_USAGE, "no command %s; `goshawk --help` lists them", name);
	return NULL;
}

static void overview(struct out *o)
{
	out_z(o, "goshawk looks into, stresses and instruments compiled Go programs, from "
		 "the outside.\n\nUsage: goshawk COMMAND [OPTIONS] …\n\nCommands:\n");
	for (size_t i = 0; i < ncommands; i++)
		out_fmt(o, "  %-10s  %s\n", commands[i]->name, commands[i]->what);
	out_z(o, "\n`goshawk help COMMAND` (or goshawk COMMAND --help) tells more; --version says "
		 "which goshawk this is.\n");
}

/* Help and the version go to stdout; an unread rest (`| head -1`) is no failure. */
static bool finish(struct out *o, struct err *err)
{
	bool ok = out_flush(o) || out_ok(o, err);

	out_release(o);
	return ok;
}

/* NULL: of all. */
static bool help(const struct command *cmd, struct err *err)
{
	struct out o;

	out_open(&o, STDOUT_FILENO);
	if (cmd)
		opt_help(cmd, &o);
	else
		overview(&o);
	return finish(&o, err);
}

static bool run(const struct command *cmd, int argc, char **argv, struct arena *arena, int *status,
		struct err *err)
{
	struct common_args *args = arena_alloc(arena, cmd->args_size);
	struct parsed parsed;

	if (!opt_parse(cmd, argc, argv, arena, args, &parsed, err))
		return false;
	if (args->help)
		return help(cmd, err);
	return cmd->run(args, parsed.rest, parsed.nrest, parsed.program, status, err);
}

static bool dispatch(int argc, char **argv, struct arena *arena, int *status, struct err *err)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct command *cmd;
	struct out o;

	if (!*name)
		return err_set(err, ERR_USAGE, "which command? `goshawk --help` lists them");
	if (!strcmp(name, "--version")) {
		out_open(&o, STDOUT_FILENO);
		out_z(&o, "goshawk " GOSHAWK_VERSION "\n");
		return finish(&o, err);
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(NULL, err);
	if (!strcmp(name, "help") && argc < 3)
		return help(NULL, err);
	if (!strcmp(name, "help"))
		return (cmd = find_or_fail(argv[2], err)) && help(cmd, err);
	return (cmd = find_or_fail(name, err)) && run(cmd, argc - 1, argv + 1, arena, status, err);
}

static void nothing(int signal)
{
	(void)signal;
}

/* A closed pipe and a file that may not grow are seen by write(2). A handler rather than SIG_IGN:
 * exec puts a handler back to the default, so that a program that we start has the signals that we
 * were started with. */
static void let_writes_fail(void)
{
	static const int signals[] = { SIGPIPE, SIGXFSZ };
	struct sigaction now;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (!sigaction(signals[i], NULL, &now) && now.sa_handler == SIG_DFL)
			sigaction(signals[i],
				  &(struct sigaction){ .sa_handler = nothing,
						       .sa_flags = SA_RESTART },
				  NULL);
}

/* One of 0, 1, 2 that is closed would be the next file that is opened, the memory of a process for
 * example, and what we print would go there. What stands in its place fails when it is used, and a
 * program that we start still finds it closed. */
static bool fill_closed(struct err *err)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		int unusable = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", unusable | O_CLOEXEC) < 0)
			return err_set(err, ERR_IO, "/dev/null: cannot open: %s", strerror(errno));
	}
	return true;
}

/* A file that is mapped and made shorter has no bytes any more where they were looked for. */
static void bytes_are_gone(int signal, siginfo_t *info, void *ctx)
{
	static const char said[] = "goshawk: a file that is being read was made shorter, or its "
				   "disk does not give it: try again when it is whole\n";

	(void)ctx;
	if (info->si_code == BUS_ADRERR)
		_exit(write(STDERR_FILENO, said, sizeof(said) - 1) < 0 ? 1 : 8);
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

static void say_that_bytes_are_gone(void)
{
	sigaction(SIGBUS, &(struct sigaction){ .sa_sigaction = bytes_are_gone,
					       .sa_flags = SA_SIGINFO }, NULL);
}

int main(int argc, char **argv)
{
	OWN(arena) arena = {0};
	struct err err = {0};
	int status = 0;

	let_writes_fail();
	say_that_bytes_are_gone();
	if (fill_closed(&err) && dispatch(argc, argv, &arena, &status, &err))
		return status;
	if (err.kind != ERR_CLOSED)
		fprintf(stderr, "goshawk: %s\n", err.msg);
	return err_exit_status(&err);
}
