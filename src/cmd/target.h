/* target - what a command looks at: TARGET, `PID` or `-p PID`, opened as an image and a Go program.
 *
 * Owns     both, until target_release().
 * Units    none.
 * Fails    ERR_USAGE (no target, or too many), and as image_open and go_open.
 * Threads  one. */
#ifndef CMD_TARGET_H
#define CMD_TARGET_H

#include "base/file.h"
#include "base/opt.h"
#include "go/program.h"

struct target {
	struct image img;
	struct go_program prog;
	const char **rest;	/* what follows the target: patterns */
	size_t nrest;
};

/* `pid` is the value of -p, or NULL; then rest[0] is the target: a path, or a process's number. */
bool target_open(struct target *t, const char *command, const char *pid, const char **rest,
		 size_t nrest, struct err *err) MUST_CHECK;
/* The same, but it must have memory: a process, or a core file, which its executable may follow. */
bool target_open_memory(struct target *t, const char *command, const char *pid, const char **rest,
			size_t nrest, struct err *err) MUST_CHECK;
/* A process, by its number or by a name that only one has. */
bool target_process(struct image *img, const char *who, struct err *err) MUST_CHECK;
/* What is to be run or looked into: the process `who`, or (NULL) argv[0] as PATH finds it; `path`
 * is what is executed. */
bool target_to_run(struct image *img, const char *who, char **argv, struct arena *a,
		   const char **path, struct err *err) MUST_CHECK;
/* The file of -o as out_file_open() opens it, unless it is one that is being read. */
bool target_output(struct out_file *f, const char *path, bool stream, const struct image *img,
		   struct err *err) MUST_CHECK;
/* Refuses an output (NULL: stdout) that is the input; `what` the input is: "program", "log". */
bool target_spares(const char *input, const char *what, const char *output,
		   struct err *err) MUST_CHECK;
void target_release(struct target *t);
/* The first and the last object of --json. */
void target_json_begin(const struct target *t, struct out *o);
void target_json_end(struct out *o);

#define TARGET_PID_OPTION(T) \
	OPT(T, 'p', "pid", OPT_TEXT, "PID", pid, \
	    "the program of this process (a number, or a name that one process has)")
#define TARGET_OUTPUT_OPTION(T) \
	OPT(T, 'o', "output", OPT_TEXT, "FILE", output, "write to FILE instead of stdout")

#endif
