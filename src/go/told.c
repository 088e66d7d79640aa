/* Signatures that a table of ours tells, of functions that a stripped program says only the shape
 * of. What the table has must agree with that shape. */
#include "go/sig_impl.h"
#include "go/types_impl.h"

enum { TOLD_MOST = 16 };

static struct go_type slice = {
	.loaded = true, .kind = GO_SLICE, .align = 8, .field_align = 8, .size = 24,
	.name = { "[]?", 3 },
};

/* "example.org/go-thing/v9.Client", where the package has another name than the last part of its
 * path. */
static struct go_type *by_path(const struct go_program *prog, struct str name)
{
	ptrdiff_t slash = str_find_last(name, '/');
	struct str last = str_cut(name, (size_t)(slash + 1), name.n), path, dotted;
	ptrdiff_t dot = str_find(last, STR("."));
	struct go_type **all;
	size_t n;

	if (slash < 0 || dot < 0)
		return NULL;
	path = str_cut(name, 0, (size_t)(slash + 1 + dot));
	dotted = str_cut(name, path.n, name.n);
	n = go_types_all(prog, &all);
	for (size_t i = 0; i < n; i++)
		if (all[i]->va && all[i]->named && str_eq(all[i]->pkg_path, path) &&
		    str_ends(all[i]->name, dotted))
			return all[i];
	return NULL;
}

static struct go_type *by_any_name(const struct go_program *prog, struct str name)
{
	struct go_type *t = go_type_named(prog, name);

	return t ? t : by_path(prog, name);
}

/* To what has a descriptor, where the pointer itself has none. */
static struct go_type *pointer_to(const struct go_program *prog, struct str name)
{
	struct go_type *elem = by_any_name(prog, str_cut(name, 1, name.n)), *t;

	if (!elem)
		return NULL;
	t = ARENA_NEW(types_arena(prog), struct go_type);
	*t = (struct go_type){
		.loaded = true, .kind = GO_PTR, .size = 8, .align = 8, .field_align = 8,
		.comparable = true, .direct_iface = true, .name = name, .elem = elem,
	};
	return t;
}

static struct go_type *type_told(const struct go_program *prog, struct str name);

/* "[]T", as above. */
static struct go_type *slice_of(const struct go_program *prog, struct str name)
{
	struct go_type *elem = type_told(prog, str_cut(name, 2, name.n)), *t;

	if (!elem)
		return NULL;
	t = ARENA_NEW(types_arena(prog), struct go_type);
	*t = slice;
	t->name = name;
	t->elem = elem;
	return t;
}

static struct go_type *type_told(const struct go_program *prog, struct str name)
{
	static const enum go_kind basic[] = {
		GO_STRING, GO_BOOL, GO_INT, GO_INT64, GO_UINT64, GO_INTERFACE,	/* error */
	};
	struct go_type *t;

	if (str_eq(name, STR("slice")))
		return &slice;
	if (str_eq(name, STR("pointer")))
		return go_type_basic(prog, GO_UNSAFE_POINTER);
	if (str_eq(name, STR("interface")))
		return go_type_basic(prog, GO_INTERFACE);
	for (size_t i = 0; i < ARRAY_LEN(basic); i++) {
		t = go_type_basic(prog, basic[i]);
		if (str_eq(name, t->name))
			return t;
	}
	t = by_any_name(prog, name);
	if (!t && str_starts(name, STR("*")))
		return pointer_to(prog, name);
	if (!t && str_starts(name, STR("[]")))
		return slice_of(prog, name);
	return t ? go_type_load(prog, t) : NULL;
}

static struct go_type *receiver_of(const struct go_program *prog, struct go_name n)
{
	struct str type = str_cut(n.receiver, n.pointer, n.receiver.n);	/* "*DB" */

	return type_told(prog, str_fmt(types_arena(prog), "%s%.*s.%.*s", n.pointer ? "*" : "",
				       STR_F(n.package), STR_F(type)));
}

/* "(*T) string": cuts that off, or gives an empty one. */
static struct str told_receiver(struct str *types)
{
	ptrdiff_t close = str_starts(*types, STR("(")) ? str_find(*types, STR(") ")) : -1;
	struct str told = close < 0 ? STR("") : str_cut(*types, 1, (size_t)close);

	if (told.n)
		*types = str_cut(*types, (size_t)close + 2, types->n);
	return told;
}

/* "string, pointer": names `what`0 and so on. False: one is not in this program. */
static bool list(const struct go_program *prog, struct str text, const char *what,
		 struct go_param *to, size_t *n)
{
	for (size_t i = 0; text.n; i++) {
		ptrdiff_t comma = str_find(text, STR(", "));
		struct str name = str_cut(text, 0, comma < 0 ? text.n : (size_t)comma);

		text = str_cut(text, name.n + 2, text.n);
		if (*n == TOLD_MOST)
			return false;
		to[*n] = (struct go_param){ .name = sig_numbered(prog, what, i),
					    .type = type_told(prog, name) };
		if (!to[(*n)++].type)
			return false;
	}
	return true;
}

static size_t count(struct str list)
{
	size_t n = list.n > 0;

	for (size_t i = 0; i < list.n; i++)
		n += list.p[i] == ',';
	return n;
}

bool go_sig_tell(const struct go_program *prog, const struct go_func *f, const char *types)
{
	struct go_name name = go_name_split(f->name);
	struct arena *a = types_arena(prog);
	const struct go_sig *typed = go_sig_typed(prog, f);
	struct str text = str_of(types), receiver = told_receiver(&text);
	ptrdiff_t arrow = str_find(text, STR(" -> "));
	size_t nparams = arrow < 0 ? text.n : (size_t)arrow;
	struct go_sig sig = {
		.from = SIG_TYPES, .results_known = true,
		.params = ARENA_ARRAY(a, struct go_param, TOLD_MOST),
		.results = ARENA_ARRAY(a, struct go_param, TOLD_MOST),
	};

	if (typed && typed->results_known)
		return typed->nparams == !!name.receiver.n + count(str_cut(text, 0, nparams));
	if (name.receiver.n)
		sig.params[sig.nparams++] = (struct go_param){
			.name = STR("recv"), .receiver = true,
			.type = receiver.n ? type_told(prog, receiver) : receiver_of(prog, name) };
	if ((sig.nparams && !sig.params[0].type) ||
	    !list(prog, str_cut(text, 0, nparams), "arg", sig.params, &sig.nparams) ||
	    !list(prog, arrow < 0 ? STR("") : str_cut(text, nparams + 4, text.n), "ret",
		  sig.results, &sig.nresults))
		return false;
	return sig_take(prog, f, &sig);
}
