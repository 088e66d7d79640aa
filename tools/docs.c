/* docs FOLDER MANUAL: writes the manual pages and the shell completions into FOLDER, from the
 * option tables of the commands. MANUAL is what goshawk(1) says beyond them, in mdoc. Runs at build
 * time. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/cmds.h"

static struct out create(const char *folder, const char *before, const char *name,
			 const char *after)
{
	char path[4096];
	struct out o;
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s%s", folder, before, name, after);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		die("docs: cannot create %s", path);
	out_open(&o, fd);
	return o;
}

static void finish(struct out *o)
{
	if (!out_flush(o) || close(o->fd) < 0)
		die("docs: cannot write");
	out_release(o);
}

static void append(struct out *o, const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die("docs: cannot open %s", path);
	while ((n = read(fd, text, sizeof(text))) > 0)
		out_str(o, (struct str){ text, (size_t)n });
	close(fd);
}

int main(int argc, char **argv)
{
	struct out o;

	if (argc != 3)
		die("usage: docs FOLDER MANUAL");
	for (size_t i = 0; i < ncommands; i++) {
		o = create(argv[1], "goshawk-", commands[i]->name, ".1");
		opt_man(commands, ncommands, commands[i], &o);
		finish(&o);
	}
	o = create(argv[1], "", "goshawk", ".1");
	opt_man(commands, ncommands, NULL, &o);
	append(&o, argv[2]);
	finish(&o);
	o = create(argv[1], "", "goshawk", ".bash");
	opt_completion(commands, ncommands, "bash", &o);
	finish(&o);
	o = create(argv[1], "", "_goshawk", "");
	opt_completion(commands, ncommands, "zsh", &o);
	finish(&o);
	return 0;
}
