#include "diag/rules.h"

/* The runtime gives other packages functions by go:linkname (time.now, sync.runtime_Semacquire):
 * they have their names and its files. */
static bool is_runtime_file(struct str file)
{
	ptrdiff_t slash = str_find_last(file, '/');
	struct str folder = str_cut(file, 0, slash < 0 ? 0 : (size_t)slash);

	return str_ends(folder, STR("/src/runtime")) || str_eq(folder, STR("runtime"));
}

/* A module's path begins with a name that has a dot, if it does not come with Go; one that was
 * never published may have any. */
static bool is_std(const struct go_program *prog, struct str package)
{
	size_t n = 0;

	while (n < package.n && package.p[n] != '/')
		n++;
	if (str_eq(package, STR("main")) || str_find(str_cut(package, 0, n), STR(".")) >= 0)
		return false;
	n = prog->main_module.path.n;
	return !n || !str_starts(package, prog->main_module.path) ||
	       (package.n > n && package.p[n] != '/');
}

enum owner rule_owner(const struct go_program *prog, const struct go_func *f)
{
	struct str package = go_name_split(f->name).package;

	if (go_is_runtime(package) || is_runtime_file(go_line_at(prog, f, f->pc).file))
		return OWNER_RUNTIME;
	return is_std(prog, package) ? OWNER_STD : OWNER_USER;
}

struct finding_step rule_step(const struct go_program *prog, u32 func, u32 at)
{
	const struct go_func *f = &prog->funcs[func];
	struct go_frame frames[GO_FRAMES];
	size_t n = go_frames_at(prog, f, f->pc + at, frames);
	struct finding_step s = { .func = f->name };

	if (n) {	/* where the function itself calls, also if what it calls was inlined */
		s.file = frames[n - 1].at.file;
		s.line = frames[n - 1].at.line;
	}
	return s;
}

void rule_path(struct check *c, struct finding *to, u32 func, u32 last, u32 at)
{
	struct path_step steps[REACH_PATH + 1];
	size_t n = reach_path(&c->reach, func, steps);

	if (n && last != UINT32_MAX) {
		steps[n - 1].at = at;
		steps[n++] = (struct path_step){ .func = last, .system = true,
						 .certainty = CERTAIN };
	}
	to->path = ARENA_ARRAY(&c->arena, struct finding_step, n + 1);
	to->npath = n;
	for (size_t i = 0; i < n; i++) {
		to->path[i] = rule_step(c->prog, steps[i].func, steps[i].at);
		to->path[i].kind = steps[i].kind;
		to->path[i].certainty = steps[i].certainty;
		to->path[i].system = steps[i].system;
		to->certainty = MIN(to->certainty, steps[i].certainty);
	}
}
