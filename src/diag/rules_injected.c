/* Functions in the runtime's packages whose source is not the release's: a tool put them there at
 * build time, or another module defines them by go:linkname. */
#include "diag/rules.h"

/* By which names (of functions, or of files) a tool is known. */
static const struct tool {
	struct str part;
	const char *name;
} tools[] = {
#define T(lit, name) { { lit, sizeof(lit) - 1 }, name }
	/* go.opentelemetry.io's otelc and alibaba's loongsuite-go put the same accessors there */
	T("TraceContextFromGLS", "OpenTelemetry's compile-time instrumentation"),
	T("TraceContextToGLS", "OpenTelemetry's compile-time instrumentation"),
	T("BaggageContainerFromGLS", "OpenTelemetry's compile-time instrumentation"),
	T("BaggageContainerToGLS", "OpenTelemetry's compile-time instrumentation"),
	T("runtime_gls.go", "OpenTelemetry's compile-time instrumentation"),
	T("_otel_gls_", "OpenTelemetry's compile-time instrumentation"),
	T("loongsuite", "OpenTelemetry's compile-time instrumentation"),
	T("__dd_orchestrion", "Datadog's Orchestrion"),
	T("__dd_gls", "Datadog's Orchestrion"),
	T("skywalking", "Apache SkyWalking's agent"),
#undef T
};

static const char *tool_of(struct str name, struct str file)
{
	for (size_t i = 0; i < ARRAY_LEN(tools); i++)
		if (str_find(name, tools[i].part) >= 0 || str_find(file, tools[i].part) >= 0)
			return tools[i].name;
	return NULL;
}

/* Where the release's own source lies: "/usr/local/go/src/", or empty with -trimpath. */
static bool source_root(const struct go_program *prog, struct str *root)
{
	const struct go_func *f = go_func_named(prog, STR("runtime.mallocgc"));
	const struct str tail = STR("runtime/malloc.go");
	struct str file = f ? go_line_at(prog, f, f->pc).file : STR("");

	*root = str_cut(file, 0, file.n - MIN(file.n, tail.n));
	return str_ends(file, tail);
}

/* With -trimpath files are PACKAGE/FILE, those of modules MODULE@VERSION/…/FILE. */
static bool from_elsewhere(const struct go_program *prog, struct str root, struct str file)
{
	struct str module = prog->main_module.path;
	size_t n = 0;

	if (!file.n || file.p[0] == '<' || str_starts(file, STR("_cgo_")))
		return false;	/* the compiler's own, or unknown */
	if (root.n)
		return file.p[0] == '/' && !str_starts(file, root);
	while (n < file.n && file.p[n] != '/')
		n++;
	return str_find(str_cut(file, 0, n), STR(".")) >= 0 || str_find(file, STR("@")) >= 0 ||
	       (module.n && str_starts(file, module) && file.n > module.n &&
		file.p[module.n] == '/');
}

/* runtime/cgo is made anew for each program, in a folder of its own. */
static bool is_inside(struct str package)
{
	return str_eq(package, STR("runtime")) || str_starts(package, STR("internal/runtime/")) ||
	       str_starts(package, STR("runtime/internal/"));
}

struct injected {
	const struct go_func *first;
	const char *tool;	/* NULL: unknown */
	size_t n;
	struct str list;
};

static void add(struct check *c, struct injected *to, const struct go_func *f, const char *tool)
{
	enum { LISTED = 6 };

	if (!to->n++)
		*to = (struct injected){ f, tool, 1, f->name };
	else if (to->n <= LISTED)
		to->list = str_fmt(&c->arena, "%.*s, %.*s", STR_F(to->list), STR_F(f->name));
	else if (to->n == LISTED + 1)
		to->list = str_fmt(&c->arena, "%.*s, and others", STR_F(to->list));
}

static void say(struct check *c, const struct rule *self, const struct injected *in)
{
	struct finding *f = check_found(c, self, go_func_va(c->prog, in->first));

	f->message = str_fmt(&c->arena, "%zu function%s inside the runtime %s not the release's "
			     "own: %.*s; put there by %s", in->n, in->n == 1 ? "" : "s",
			     in->n == 1 ? "is" : "are", STR_F(in->list),
			     in->tool ? in->tool : "an unknown tool, or by go:linkname");
	f->advice = STR("know that it is there when this program misbehaves; what runs on system "
			"stacks must keep to their rules (G0RACE, G0DETECT, G0PARK)");
}

static void look_injected(struct check *c, const struct rule *self)
{
	const struct go_program *prog = c->prog;
	struct injected by[ARRAY_LEN(tools) + 1] = { 0 };
	struct str root;

	if (!source_root(prog, &root))
		return;
	for (size_t i = 0; i < prog->nfuncs; i++) {
		const struct go_func *f = &prog->funcs[i];
		struct str file;
		const char *tool;
		size_t k = 0;

		if (!is_inside(go_name_split(f->name).package))
			continue;
		file = go_line_at(prog, f, f->pc).file;
		tool = tool_of(f->name, file);
		if (!tool && !from_elsewhere(prog, root, file))
			continue;
		while (by[k].n && by[k].tool != tool)
			k++;
		add(c, &by[k], f, tool);
	}
	for (size_t k = 0; k < ARRAY_LEN(by) && by[k].n; k++)
		say(c, self, &by[k]);
}

const struct rule rule_injected = {
	.id = "INJECTED",
	.level = LEVEL_NOTE,
	.what = "functions inside the runtime are not the release's own",
	.page =
	"Instrumentation tools that work at build time (OpenTelemetry's otelc and loongsuite-go, "
	"Orchestrion) add functions and fields to package runtime, so that each goroutine can "
	"carry a trace context. Other modules may define functions there by go:linkname. They "
	"are recognised by their source file, which is not in the release's src, and tools by "
	"the names that they use.\n\n"
	"This is not a fault by itself. But the runtime's code runs on system stacks, with locks "
	"held, and while the world is stopped; code that does not know it crashes there, rarely "
	"or only in -race builds. And a crash in such a program may not be the runtime's.\n\n"
	"What a tool changed within one of the release's own files keeps that file's name and is "
	"not seen by this rule.",
	.look = look_injected,
};
