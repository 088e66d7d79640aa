/* explain - why a program died: from a core, from what it printed, from a process, or by running
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/version.h"
#include "base/vec.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "inline/glance.h"
#include "inline/watch.h"
#include "out/diagnosis.h"

struct explain_args {
	struct common_args common;
	const char *pid, *output;
};

/* All that a diagnosis is made of. */
struct scene {
	struct target t;
	struct goroutines gs;
	struct unwinder u;
	struct death d;
	struct diagnosis found;
	struct arena arena;
	bool has_program;
	VEC(char) text;
	struct watched run;
	const char *path;	/* of the program that was run, or of the log */
};

enum { LOG_MOST = 64 << 20 };
#define ELF "\177ELF"

/* What is read of a pipe is gone: there a log is all that it can be. */
static bool is_elf(const char *path)
{
	char magic[4] = "";
	struct stat st;
	int fd = !stat(path, &st) && S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	bool elf = fd >= 0 && read(fd, magic, 4) == 4 && !memcmp(magic, ELF, 4);

	if (fd >= 0)
		close(fd);
	return elf;
}

static struct str log_of(const struct scene *s)
{
	return (struct str){ s->text.at, s->text.n };
}

/* Of a longer one the end, where a crash stands. */
static bool read_log(struct scene *s, const char *path, struct err *err)
{
	bool named = strcmp(path, "-"), elf = false;
	int failed;
	FILE *f = named ? fopen(path, "re") : stdin;
	size_t n;

	if (!f)
		return err_set(err, errno == EACCES ? ERR_DENIED : ERR_IO, "%s: %s", path,
			       strerror(errno));
	do {
		vec_reserve(&s->text, s->text.n + 65536);
		n = fread(s->text.at + s->text.n, 1, 65536, f);
		s->text.n += n;
		elf |= s->text.n == n && str_starts(log_of(s), STR(ELF));
		if (s->text.n > 2 * LOG_MOST) {
			memmove(s->text.at, s->text.at + s->text.n - LOG_MOST, LOG_MOST);
			s->text.n = LOG_MOST;
		}
	} while (n && !elf);
	failed = ferror(f) ? errno : 0;
	if (named)
		fclose(f);
	if (elf)
		return err_set(err, ERR_USAGE, "explain: %s: not a log, but a core file or a "
			       "program; a core is given by its path, because it is not read from "
			       "its beginning to its end", named ? path : "stdin");
	if (failed == EISDIR)
		return err_set(err, ERR_FORMAT, "%s: a directory, not a log", path);
	return !failed || err_set(err, ERR_IO, "%s: can't be read: %s", named ? path : "stdin",
				  strerror(failed));
}

static void use_program(struct scene *s, bool memory)
{
	unwinder_init(&s->u, &s->t.prog);
	s->d.prog = &s->t.prog;
	s->d.u = &s->u;
	if (memory) {
		goroutines_settle(&s->gs);
		s->d.img = &s->t.img;
		s->d.gs = &s->gs;
	}
	s->has_program = true;
}

static bool from_log(struct scene *s, const struct explain_args *a, const char **rest,
		     size_t nrest, struct err *err)
{
	s->path = strcmp(rest[0], "-") ? rest[0] : NULL;
	if (s->path && !target_spares(s->path, "log", a->output, err))
		return false;
	if (nrest > 2)
		return err_set(err, ERR_USAGE,
			       "explain: takes a log and a program, but got also %s", rest[2]);
	if (nrest == 2 && (!image_open(&s->t.img, rest[1], err) ||
			   !go_open(&s->t.prog, &s->t.img, err)))
		return false;
	if (nrest == 2)
		use_program(s, false);
	if (!read_log(s, rest[0], err))
		return false;
	death_of_text(&s->d, log_of(s));
	return true;
}

/* A process that runs, or a core. */
static bool from_memory(struct scene *s, const struct explain_args *a, const char **rest,
			size_t nrest, struct err *err)
{
	i64 stop_ns;

	if (!a->pid && (!nrest || !rest[0][0]))
		return err_set(err, ERR_USAGE, "explain: what died? Give a core file, a log (- is "
			       "stdin) or -p PID, or run it: -- PROGRAM");
	if (!target_open_memory(&s->t, "explain", a->pid, rest, nrest, err)) {
		if (!a->pid && nrest == 1 && s->t.img.kind == IMAGE_FILE && err->kind == ERR_USAGE)
			err_set(err, ERR_USAGE, "explain: %s is a program's file, which has not "
				"died; give a core file, a log or a process, or run it: goshawk "
				"explain -- %s", rest[0], rest[0]);
		return false;
	}
	if (s->t.img.kind == IMAGE_PROCESS) {
		if (!glance(&s->gs, &s->t.img, &s->t.prog, &stop_ns, err))
			return false;
		use_program(s, true);
		return true;
	}
	if (!goroutines_gather(&s->gs, &s->t.img, &s->t.prog, NULL, 0, err))
		return err_in(err, "%s", rest[0]);
	use_program(s, true);
	death_of_image(&s->d, NULL, 0);
	return true;
}

/* While it stands at its end: its memory is looked at as that of a core. */
static bool at_its_end(void *ctx, int pid, const struct os_thread *threads, size_t n)
{
	struct scene *s = ctx;
	struct err err;

	if (!image_open_pid(&s->t.img, pid, &err) || !go_open(&s->t.prog, &s->t.img, &err))
		return false;
	s->t.prog.homes = true;
	if (!goroutines_gather(&s->gs, &s->t.img, &s->t.prog, threads, n, &err))
		return false;
	use_program(s, true);
	death_of_image(&s->d, threads, n);
	death_faulted(&s->d, &s->run.fault);
	explain(&s->found, &s->d);
	diagnosis_calls(&s->found, &s->d);
	return true;
}

static struct str end_of(struct scene *s, const struct watched *w)
{
	const char *name = sigabbrev_np(w->signal);
	struct str how = !w->signal ? str_fmt(&s->arena, "ended with status %d", w->status) :
			 name ? str_fmt(&s->arena, "was ended by SIG%s", name) :
				str_fmt(&s->arena, "was ended by signal %d", w->signal);

	return str_fmt(&s->arena, "it %.*s, and did not die of anything that the runtime tells",
		       STR_F(how));
}

/* Did it end as Go programs do that die of what they print? A shell's status above 128 is a signal
 * of its last command. What stands in what others print was recovered, or is another process's. */
static bool died_of_itself(const struct watched *w)
{
	static const int all[] = { SIGABRT, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
				   SIGSYS, SIGSTKFLT };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (w->signal == all[i])
			return true;
	return !w->signal && (w->status == 2 || w->status > 128);
}

/* What it said names the message better, and may be all that there is; and Go's own C code says why
 * it calls abort(). */
static bool is_better(const struct diagnosis *told, const struct diagnosis *seen)
{
	return !seen->cause || !strcmp(seen->kind, "test_timeout") ||
	       (!strcmp(seen->kind, "fault_in_c") && told->cause &&
		told->certainty < seen->certainty);
}

/* The output is opened before: what a run showed may not show again. */
static bool from_run(struct scene *s, const struct explain_args *a, char **program,
		     struct out_file *file, struct err *err)
{
	struct watched *w = &s->run;
	struct death text = { .a = &s->arena };
	struct diagnosis told;
	struct str other = STR("");

	w->at_end = at_its_end;
	w->ctx = s;
	if (!find_program(&s->arena, program[0], &s->path, err) ||
	    !target_spares(s->path, "program", a->output, err) ||
	    !out_file_open(file, a->output ? a->output : "/dev/stderr", false, err) ||
	    !watch_run(w, program, err))
		return false;
	text.prog = s->d.prog;
	text.u = s->d.u;
	death_of_text(&text, (struct str){ w->said.at, w->said.n });
	if (text.died && !died_of_itself(w)) {
		other = text.message;
		text = (struct death){ .a = &s->arena, .prog = s->d.prog, .u = s->d.u, .goid = -1,
				       .printed = text.printed };
	}
	explain(&told, &text);
	if (!s->found.kind || (text.died && is_better(&told, &s->found))) {
		s->d = text;
		s->found = told;
	} else {
		s->d.printed = text.printed;
		explain_races_before(&s->found, &s->d);
	}
	if (s->d.img && text.died && s->d.died) {
		s->d.text = text.text;
		s->d.lead = text.lead;
		explain_overflow_text(&s->found, &s->d);
		explain_limits_text(&s->found, &s->d);
		s->d.crash = text.crash;
		s->d.message = text.message.n ? text.message : s->d.message;
		if (text.crash.kind == CRASH_FREE_OBJECT || text.crash.kind == CRASH_BAD_POINTER)
			explain_heap_text(&s->found, &s->d);
	}
	/* of one that died of a signal when it was looked at, that is said */
	if (!s->found.cause && !text.died && (!w->signal || !s->has_program)) {
		s->found = (struct diagnosis){
			.kind = "ended", .certainty = CERTAIN, .summary = end_of(s, w),
		};
		if (other.n)
			evidence(&s->found, &s->d, "it printed \"%.*s\", which it survived, or "
				 "another process died of", STR_F(other));
	}
	return true;
}

static void print_json(const struct scene *s, struct out *o)
{
	struct target t = s->t;
	struct json j;

	if (s->path)
		t.img.path = str_of(s->path);
	if (s->run.pid) {
		t.img.kind = IMAGE_PROCESS;
		t.img.pid = s->run.pid;
	}
	target_json_begin(&t, o);
	json_begin(&j, o);
	diagnosis_json(&j, &s->found);
	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	if (s->run.pid) {
		json_key(&j, "program_exit");
		json_i64(&j, s->run.status);
	}
	json_object_end(&j);
	json_line(&j);
}

static void print(const struct scene *s, const struct explain_args *a, struct out *o)
{
	if (a->common.json)
		print_json(s, o);
	else
		diagnosis_print(o, &s->found);
}

static void scene_release(struct scene *s)
{
	goroutines_release(&s->gs);
	if (s->has_program)
		unwinder_release(&s->u);
	target_release(&s->t);
	vec_release(&s->text);
	watched_release(&s->run);
	arena_release(&s->arena);
}

static bool explain_cmd(const void *args, const char **rest, size_t nrest, char **program,
			int *status, struct err *err)
{
	const struct explain_args *a = args;
	OWN(scene) s = {0};
	OWN(out_file) file = {0};
	bool ok;

	if (program && (a->pid || nrest))
		return err_set(err, ERR_USAGE, "explain: %s and a program behind --: one of them",
			       a->pid ? "-p PID" : rest[0]);
	s.d.a = &s.arena;
	s.d.goid = -1;
	if (program)
		ok = from_run(&s, a, program, &file, err);	/* stdout is the program's */
	else if (!a->pid && nrest && rest[0][0] && !is_elf(rest[0]) &&
		 (rest[0][0] < '0' || rest[0][0] > '9' || !access(rest[0], F_OK)))
		ok = from_log(&s, a, rest, nrest, err);
	else
		ok = from_memory(&s, a, rest, nrest, err);
	if (!ok || (!program && !target_output(&file, a->output, false, &s.t.img, err)))
		return false;
	if (!s.found.kind) {
		explain(&s.found, &s.d);
		diagnosis_calls(&s.found, &s.d);
	}
	file.out.color = !a->common.json && use_color(&a->common, file.out.fd);
	print(&s, a, &file.out);
	*status = s.found.cause;
	return out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct explain_args),
	TARGET_OUTPUT_OPTION(struct explain_args),
};

const struct command cmd_explain = {
	.name = "explain",
	.usage = "[OPTIONS] CORE [FILE] | LOG [FILE] | -p PID | -- PROGRAM [ARG…]",
	.what = "what killed a program, or what it hangs on: evidence, cause, what to do",
	.about = "CORE is a core file, which its executable may follow. LOG is what the program "
		 "printed when it died (- is stdin), also inside JSON and behind the prefixes of "
		 "loggers; with FILE, addresses in it are looked up. -p looks at a process that "
		 "does not go on. Behind -- stands a program that is run until it dies, with "
		 "GOTRACEBACK=crash; it gets the signals that would end goshawk.\n\n"
		 "Status 1: a cause is named. What is only likely says so, and what is not known "
		 "is called unknown, with all that was seen.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct explain_args),
	.examples = {
		{ "goshawk explain core ./service", "what a core file tells" },
		{ "kubectl logs --previous pod | goshawk explain -", "what a log tells" },
		{ "goshawk explain -- ./service -test.run X", "runs it, and tells why it died" },
	},
	.run = explain_cmd,
};
