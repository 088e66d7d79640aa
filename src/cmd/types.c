/* types - the types of a program. */
#include "base/file.h"
#include "cmd/cmds.h"
#include "cmd/target.h"
#include "out/type.h"
#include "plan/pattern.h"

struct types_args {
	struct common_args common;
	const char *pid, *output;
};

struct listing {
	struct go_type **all;
	struct str *names;	/* full names, as patterns mean them */
	size_t n;
	struct arena arena;
};

static void read_types(struct listing *l, const struct go_program *prog)
{
	l->n = go_types_all(prog, &l->all);
	l->names = ARENA_ARRAY(&l->arena, struct str, l->n);
	for (size_t i = 0; i < l->n; i++)
		l->names[i] = type_full_name(&l->arena, prog, l->all[i]);
}

static bool nothing_like(const struct listing *l, const char *pattern, struct err *err)
{
	struct str want = str_of(pattern), nearest = STR("");
	unsigned best = strchr(pattern, '*') ? 1 : (unsigned)MIN(want.n / 3, 5) + 1;

	for (size_t i = 0; i < l->n; i++) {
		struct str full = l->names[i], name = l->all[i]->name;
		unsigned d = MIN(str_distance(full, want, best), str_distance(name, want, best));

		if (d < best) {
			best = d;
			nearest = full;
		}
	}
	return nearest.n ? err_set(err, ERR_USAGE, "types: no type matches %s; did you mean %.*s?",
				   pattern, STR_F(nearest))
			 : err_set(err, ERR_USAGE, "types: no type matches %s", pattern);
}

/* Every pattern must match something. */
static bool check_patterns(const struct listing *l, const char *const *texts, size_t n,
			   struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = texts[i] + (texts[i][0] == '!');
		struct patterns one = {0};
		bool any = false;

		if (!patterns_compile(&one, &text, 1, err))
			return false;
		for (size_t k = 0; k < l->n && !any; k++)
			any = patterns_match_text(&one, l->names[k]);
		patterns_release(&one);
		if (!any)
			return nothing_like(l, text, err);
	}
	return true;
}

/* Without patterns: what people named, outside the runtime. */
static bool is_shown(const struct listing *l, const struct patterns *p, size_t i)
{
	const struct go_type *t = l->all[i];

	if (p->n)
		return patterns_match_text(p, l->names[i]);
	return t->named && t->pkg_path.n && !go_is_runtime(t->pkg_path);
}

static bool show(const struct types_args *a, const struct target *t, struct out *o, struct err *err)
{
	struct listing l = {0};
	struct patterns patterns = {0};
	struct json j;
	bool ok;

	json_begin(&j, o);
	read_types(&l, &t->prog);
	ok = check_patterns(&l, t->rest, t->nrest, err) &&
	     patterns_compile(&patterns, t->rest, t->nrest, err);
	if (ok && a->common.json)
		target_json_begin(t, o);
	for (size_t i = 0, shown = 0; ok && i < l.n; i++) {
		if (!is_shown(&l, &patterns, i))
			continue;
		if (a->common.json) {
			type_json(&j, &t->prog, l.all[i]);
			continue;
		}
		if (shown++)
			out_line(o);
		type_print(o, &t->prog, l.all[i]);
	}
	if (ok && a->common.json)
		target_json_end(o);
	patterns_release(&patterns);
	arena_release(&l.arena);
	return ok;
}

static bool types(const void *args, const char **rest, size_t nrest, char **program, int *status,
		  struct err *err)
{
	const struct types_args *a = args;
	OWN(target) t = {0};
	OWN(out_file) file = {0};

	(void)program;
	(void)status;
	return target_open(&t, "types", a->pid, rest, nrest, err) &&
	       target_output(&file, a->output, false, &t.img, err) &&
	       show(a, &t, &file.out, err) && out_file_commit(&file, err);
}

static const struct opt opts[] = {
	TARGET_PID_OPTION(struct types_args),
	TARGET_OUTPUT_OPTION(struct types_args),
};

const struct command cmd_types = {
	.name = "types",
	.usage = "[OPTIONS] TARGET [PATTERN…]",
	.what = "types as Go source, with offset and size of each field; works stripped, too",
	.about = "Behind each field stand its offset and its size in bytes; what the compiler put "
		 "between fields is shown as padding. Methods that the linker removed are not "
		 "there.\n\n"
		 "Patterns mean names with the package's path: net/http.Server. Without patterns "
		 "the named types are listed, but for those of the runtime; a pattern finds also "
		 "unnamed ones: 'map[string]*'.",
	.opts = opts,
	.nopts = ARRAY_LEN(opts),
	.args_size = sizeof(struct types_args),
	.examples = {
		{ "goshawk types /usr/bin/hugo net/http.Server", "the layout of one struct" },
		{ "goshawk types ./service 'main.*'", "all types of a package" },
		{ "goshawk types --json ./service | jq -r 'select(.size > 4096) | .name'",
		  "types of large values" },
	},
	.run = types,
};
