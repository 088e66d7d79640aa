#include "cmd/target.h"

#include <errno.h>
#include <unistd.h>

#include "base/version.h"

static bool number(const char *text, int *to)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	*to = (int)n;
	return *text >= '0' && *text <= '9' && !*end && !errno && n <= INT32_MAX;
}

static bool is_like_number(const char *text)
{
	text += *text == '-' || *text == '+';
	return text[strspn(text, "0123456789")] == 0;
}

/* A name may begin with digits (7z). What can only be meant as a number is never looked for among
 * names. */
bool target_process(struct image *img, const char *who, struct err *err)
{
	int pid;

	if (!*who)
		return err_set(err, ERR_USAGE, "-p: which process? Its number or name is empty");
	if (is_like_number(who) && (!number(who, &pid) || !pid))
		return err_set(err, ERR_USAGE, "%s: not the number of a process, which is 1 or "
			       "more", who);
	if (!number(who, &pid) && !process_named(who, &pid, err))
		return *who >= '0' && *who <= '9' && err->kind == ERR_GONE ?
		       err_set(err, ERR_GONE, "%s: neither a number nor a name that a process has",
			       who) : false;
	return image_open_pid(img, pid, err);
}

bool target_to_run(struct image *img, const char *who, char **argv, struct arena *a,
		   const char **path, struct err *err)
{
	if (!who)
		return find_program(a, argv[0], path, err) && image_open(img, *path, err);
	if (!target_process(img, who, err))
		return false;
	*path = str_z(a, img->path);
	return true;
}

/* A bare name that is no file here is often a command, or a process: say so. */
static bool open_path(struct image *img, const char *path, struct err *err)
{
	OWN(arena) a = {0};
	struct err ignored;
	const char *found;
	bool runs;
	int pid;

	if (image_open(img, path, err))
		return true;
	if (err->kind != ERR_IO || !*path || strchr(path, '/') || !access(path, F_OK))
		return false;
	runs = process_named(path, &pid, &ignored) || ignored.kind == ERR_USAGE;
	if (find_program(&a, path, &found, &ignored))
		err_set(err, ERR_IO, "%s: no such file here; the command is %s%s%s", path, found,
			runs ? ", the process -p " : "", runs ? path : "");
	else if (runs)
		err_set(err, ERR_IO, "%s: no such file here; the process is -p %s", path, path);
	return false;
}

bool target_open(struct target *t, const char *command, const char *pid, const char **rest,
		 size_t nrest, struct err *err)
{
	int n;
	bool ok;

	*t = (struct target){ .rest = rest, .nrest = nrest };
	if (!pid && (!nrest || !rest[0][0]))
		return err_set(err, ERR_USAGE, "%s: which program? Give a path, or -p PID",
			       command);
	if (pid) {
		ok = target_process(&t->img, pid, err);
	} else {
		ok = number(rest[0], &n) ? target_process(&t->img, rest[0], err)
					 : open_path(&t->img, rest[0], err);
		t->rest++;
		t->nrest--;
	}
	return ok && go_open(&t->prog, &t->img, err);
}

bool target_open_memory(struct target *t, const char *command, const char *pid, const char **rest,
			size_t nrest, struct err *err)
{
	int n;

	if (!pid && nrest == 2 && !number(rest[0], &n)) {
		*t = (struct target){ .rest = rest + 2 };
		if (!image_open_core(&t->img, rest[0], rest[1], err) ||
		    !go_open(&t->prog, &t->img, err))
			return false;
		t->prog.homes = true;
		return true;
	}
	if (!pid && (!nrest || !rest[0][0])) {
		*t = (struct target){ .rest = rest };
		return err_set(err, ERR_USAGE, "%s: which program? Give a core file, or -p PID",
			       command);
	}
	if (!target_open(t, command, pid, rest, nrest, err))
		return false;
	t->prog.homes = true;
	if (t->nrest)
		return err_set(err, ERR_USAGE, "%s: takes one target, but got also %s", command,
			       t->rest[0]);
	return t->img.memory ||
	       err_set(err, ERR_USAGE, "%s: %.*s is a program's file, which has no goroutines; "
		       "give a process or a core file", command, STR_F(t->img.path));
}

static bool itself(const char *output, const char *what, struct err *err)
{
	return err_set(err, ERR_USAGE, "-o %s: is the %s itself", output, what);
}

bool target_spares(const char *input, const char *what, const char *output, struct err *err)
{
	return !output || !strcmp(output, "-") || !file_is_same(output, input) ||
	       itself(output, what, err);
}

bool target_output(struct out_file *f, const char *path, bool stream, const struct image *img,
		   struct err *err)
{
	if (img->core_path.n && !target_spares(img->core_path.p, "core", path, err))
		return false;
	if (path && strcmp(path, "-") && image_is_made_of(img, path))
		return itself(path, "program", err);
	return out_file_open(f, path, stream, err);
}

void target_release(struct target *t)
{
	go_program_release(&t->prog);
	image_release(&t->img);
}

void target_json_begin(const struct target *t, struct out *o)
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
	if (t->img.kind == IMAGE_PROCESS)
		json_u64(&j, (u64)t->img.pid);
	else
		json_null(&j);
	json_text(&j, "target", t->img.path);
	json_object_end(&j);
	json_line(&j);
}

void target_json_end(struct out *o)
{
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, "end");
	json_object_end(&j);
	json_line(&j);
}
