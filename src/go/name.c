/* Names of functions, taken apart. Nothing in the tables marks the parts, so this goes by how the
 * compiler makes names (cmd/compile/internal/ir, typecheck/subr.go, noder/reader.go):
 *
 *   net/http.(*Server).Serve.func1.2     package, receiver, function, closure
 *   main.Map[go.shape.int].Get           package, receiver with type arguments, function
 *   main.F[...].func2                    the same of a function; 1.18 to 1.20 leave arguments out
 *   main.(*T).M-fm, main.f-range1        method value, body of a range-over-func loop
 *   main.f.gowrap1, main.f·dwrap·1       what go and defer statements call
 *   main.init.0, main.glob..func1        init functions, closures of package variables
 *   main.f.(*T).g.func1                  a closure of g, which was inlined into f: it is f's here
 *   type:.eq.main.T, go:buildid, memcpy  made by the linker, or C: no package */
#include "go/program.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Offset behind the brackets or parentheses that open at `at`; they nest. */
static size_t skip_group(struct str s, size_t at)
{
	size_t depth = 0;

	for (; at < s.n; at++) {
		char c = s.p[at];

		depth += c == '[' || c == '(' || c == '{';
		depth -= depth && (c == ']' || c == ')' || c == '}');
		if (!depth)
			return at + 1;
	}
	return s.n;
}

/* Up to the first dot behind the last slash; slashes in brackets belong to type arguments. */
static size_t package_end(struct str s)
{
	size_t from = 0, i;

	for (i = 0; i < s.n && s.p[i] != '[' && s.p[i] != '('; i++)
		if (s.p[i] == '/')
			from = i + 1;
	for (i = from; i < s.n && s.p[i] != '.'; i++)
		;
	return i < s.n ? i : 0;
}

/* The next component, up to a dot outside of brackets; `at` comes to stand on that dot. */
static struct str component(struct str s, size_t *at)
{
	size_t from = *at;

	while (*at < s.n && s.p[*at] != '.')
		*at = s.p[*at] == '[' || s.p[*at] == '(' ? skip_group(s, *at) : *at + 1;
	return str_cut(s, from, *at);
}

/* func1, gowrap2, deferwrap1, 3: what the compiler calls a closure. */
static bool is_closure(struct str s)
{
	static const struct str words[] = {
		{ "func", 4 }, { "gowrap", 6 }, { "deferwrap", 9 }, { "dwrap", 5 }, { "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t k = words[i].n;

		if (!str_starts(s, words[i]) || k == s.n)
			continue;
		while (k < s.n && is_digit(s.p[k]))
			k++;
		if (k == s.n || s.p[k] == '-')
			return true;
	}
	return false;
}

/* Splits at -fm, -range1, ·dwrap·1: those hang on the function without a dot. */
static size_t suffix_at(struct str s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != '-' && !str_starts(str_cut(s, i, s.n), STR("·")))
		i = s.p[i] == '[' ? skip_group(s, i) : i + 1;
	return MIN(i, s.n);
}

static void cut_type_args(struct str *part, struct str *args)
{
	ptrdiff_t at = str_find(*part, STR("["));

	if (at < 0)
		return;
	*args = str_cut(*part, (size_t)at + 1, skip_group(*part, (size_t)at) - 1);
	*part = str_cut(*part, 0, (size_t)at);
}

static struct str without_separator(struct str s)
{
	return str_starts(s, STR("·")) ? str_cut(s, 2, s.n) : str_cut(s, 1, s.n);
}

static bool made_by_linker(struct str s)
{
	return str_starts(s, STR("type:")) || str_starts(s, STR("type..")) || str_starts(s, STR("go:"))
	    || str_starts(s, STR("go.struct {")) || str_starts(s, STR("go.buildid"));
}

/* The rest behind a method or function: what hangs on it with a dash, and what follows a dot. */
static void split_tail(struct go_name *n, struct str s, struct str part, size_t at)
{
	size_t suffix = suffix_at(part);

	n->function = str_cut(part, 0, suffix);
	if (suffix < part.n)
		n->closure = without_separator(str_cut(s, at - (part.n - suffix), s.n));
	else
		n->closure = str_cut(s, at + 1, s.n);
	cut_type_args(&n->function, &n->type_args);
}

struct go_name go_name_split(struct str s)
{
	struct go_name n = { STR(""), STR(""), s, STR(""), STR(""), false };
	size_t end = made_by_linker(s) ? 0 : package_end(s), at = end + 1, then;
	struct str first, second;

	if (!end)
		return n;
	n.package = str_cut(s, 0, end);
	if (str_starts(str_cut(s, at, s.n), STR("init.")) || str_starts(str_cut(s, at, s.n), STR("map.init."))
	    || str_starts(str_cut(s, at, s.n), STR("glob.."))) {
		/* init.0 is a function; init.func1 and glob..func1 are closures of variables */
		while (at < s.n && !is_closure(str_cut(s, at, s.n)))
			at = (size_t)(str_find(str_cut(s, at, s.n), STR(".")) + 1 ? at + (size_t)str_find(str_cut(s, at, s.n), STR(".")) + 1 : s.n);
		n.function = str_cut(s, end + 1, s.n);
		return n;
	}
	first = component(s, &at);
	then = at + 1;
	if (at >= s.n || suffix_at(first) < first.n) {
		split_tail(&n, s, first, MIN(at, s.n));
		return n;
	}
	second = component(s, &then);
	if (str_starts(first, STR("(*")) || !(is_closure(second) || str_starts(second, STR("(")) || !second.n)) {
		n.receiver = first;
		if (str_starts(first, STR("(")) && str_ends(first, STR(")")))
			n.receiver = str_cut(first, 1, first.n - 1);
		n.pointer = str_starts(n.receiver, STR("*"));
		split_tail(&n, s, second, MIN(then, s.n));
		cut_type_args(&n.receiver, &n.type_args);
	} else {
		split_tail(&n, s, first, at);
	}
	return n;
}
