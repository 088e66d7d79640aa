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

void rule_path(struct check *c, const struct reach *r, struct finding *to, u32 func, u32 last,
	       u32 at)
{
	struct path_step steps[REACH_PATH + 1];
	size_t n = reach_path(r, func, steps);

	if (n && last != UINT32_MAX) {
		steps[n - 1].at = at;
		steps[n] = (struct path_step){ .func = last, .system = steps[n - 1].system,
					       .certainty = CERTAIN };
		n++;
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

const struct call *rule_call_of(struct check *c, u32 func, enum go_role role)
{
	const struct calls *all = callgraph_calls(&c->graph, func);

	for (u32 k = 0; k < all->n; k++)
		if (c->graph.roles[all->at[k].to] == role && all->at[k].kind <= CALL_TAIL)
			return &all->at[k];
	return NULL;
}

bool rule_too_late(struct check *c, const struct path_step *path, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (path[i].system && rule_call_of(c, path[i].func, ROLE_RACE_CODE) &&
		    rule_owner(c->prog, &c->prog->funcs[path[i].func]) != OWNER_RUNTIME)
			return true;
	return false;
}

/* -1: all is the runtime's. The first step may run on the stack of whoever hands it over. */
static i64 blamed(const struct check *c, const struct path_step *path, size_t n, enum owner least)
{
	i64 lib = -1;

	for (size_t i = n; i-- > 0;) {
		const struct go_func *f = &c->prog->funcs[path[i].func];
		enum owner o = i || path[i].system ? rule_owner(c->prog, f) : OWNER_RUNTIME;

		if (o == OWNER_USER)
			return (i64)i;
		if (o == OWNER_STD && least <= OWNER_STD && lib < 0)
			lib = (i64)i;
	}
	return lib;
}

static bool said(const struct check *c, const struct rule *rule, u64 va)
{
	for (size_t i = 0; i < c->findings.n; i++)
		if (c->findings.at[i].rule == rule && c->findings.at[i].va == va)
			return true;
	return false;
}

struct finding *rule_blame(struct check *c, const struct reach *r, const struct rule *self,
			   enum owner least, u32 func, const struct call *e, struct str *who,
			   struct str *gets_to)
{
	struct path_step path[REACH_PATH];
	size_t n = reach_path(r, func, path);
	i64 k = blamed(c, path, n, least);
	const struct go_func *f = k < 0 ? NULL : &c->prog->funcs[path[k].func];
	struct finding *to;

	if (!f || rule_too_late(c, path, n) || said(c, self, go_func_va(c->prog, f)))
		return NULL;
	to = check_found(c, self, go_func_va(c->prog, f));
	rule_path(c, r, to, func, e->to, e->at);
	*who = f->name;
	*gets_to = c->prog->funcs[(size_t)k + 1 < n ? path[k + 1].func : e->to].name;
	return to;
}
