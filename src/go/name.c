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

/* Of the first c in [from, to), or `to`. */
static size_t index_of(struct str s, size_t from, size_t to, char c)
{
	const char *at = from < to ? memchr(s.p + from, c, to - from) : NULL;

	return at ? (size_t)(at - s.p) : to;
}

/* Up to the first dot behind the last slash; slashes in brackets belong to type arguments. */
static size_t package_end(struct str s)
{
	size_t n = index_of(s, 0, index_of(s, 0, s.n, '['), '(');
	const char *slash = n ? memrchr(s.p, '/', n) : NULL;
	size_t dot = index_of(s, slash ? (size_t)(slash - s.p) + 1 : 0, s.n, '.');

	return dot < s.n ? dot : 0;
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

/* Where -fm, -range1, ·dwrap·1 begin: those hang on the function without a dot. (T·1 is a type that
 * was declared in a function.) */
static size_t suffix_at(struct str s)
{
	const char dot = STR("·").p[0];
	size_t i = 0;

	while (i < s.n && s.p[i] != '-' &&
	       (s.p[i] != dot || !str_starts(str_cut(s, i, s.n), STR("·dwrap"))))
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

static bool made_by_linker(struct str s)
{
	if (!s.n || (s.p[0] != 't' && s.p[0] != 'g'))
		return false;
	return str_starts(s, STR("type:")) || str_starts(s, STR("type.."))
	       || str_starts(s, STR("go:")) || str_starts(s, STR("go.struct {"))
	       || str_starts(s, STR("go.buildid"));
}

/* How much of what follows the package is a function whose own name has dots: init.0, map.init.0,
 * and `glob.`, which stands for the initialisers of package variables. */
static size_t dotted_name(struct str s)
{
	size_t n = str_starts(s, STR("map.init.")) ? 9 : str_starts(s, STR("init.")) ? 5 : 0;

	if (str_starts(s, STR("glob..")))
		return 5;
	if (!n || n == s.n || !is_digit(s.p[n]))
		return 0;
	while (n < s.n && is_digit(s.p[n]))
		n++;
	return n;
}

/* The function that ends at `at` in s, and its closure: what hangs on it, or follows its dot. */
static void set_function(struct go_name *n, struct str s, struct str function, size_t at)
{
	size_t suffix = suffix_at(function),
	       skip = str_starts(str_cut(function, suffix, function.n), STR("·")) ? 2 : 1;

	n->function = str_cut(function, 0, suffix);
	n->closure = str_cut(s, at - (function.n - suffix) + skip, s.n);
	cut_type_args(&n->function, &n->type_args);
}

/* Of `a.b`: a type and its method, or a function and its closure? */
static bool is_receiver(struct str a, struct str b)
{
	if (str_starts(a, STR("(")))
		return true;
	return b.n && suffix_at(a) == a.n && !is_closure(b) && b.p[0] != '(';
}

struct go_name go_name_split(struct str s)
{
	struct go_name n = { STR(""), STR(""), s, STR(""), STR(""), false };
	size_t end = made_by_linker(s) ? 0 : package_end(s), at = end + 1, dotted;
	struct str first, second;

	if (!end)
		return n;
	n.package = str_cut(s, 0, end);
	dotted = dotted_name(str_cut(s, at, s.n));
	if (dotted) {
		set_function(&n, s, str_cut(s, at, at + dotted), at + dotted);
		return n;
	}
	first = component(s, &at);
	end = MIN(at + 1, s.n);
	second = component(s, &end);
	if (!is_receiver(first, second)) {
		set_function(&n, s, first, at);
		return n;
	}
	n.receiver = str_starts(first, STR("(")) ? str_cut(first, 1, first.n - 1) : first;
	n.pointer = str_starts(n.receiver, STR("*"));
	set_function(&n, s, second, end);
	cut_type_args(&n.receiver, &n.type_args);
	return n;
}

/* What `go list -deps runtime` names in some release, but for packages that others call just as
 * well (sync, math/bits, internal/strconv…). Such code runs on system stacks, in signal handlers,
 * and with locks held that a probe must not wait for. What the linker
 * made, and C, has no package. */
bool go_is_runtime(struct str package)
{
	static const struct str exact[] = {
#define P(lit) { lit, sizeof(lit) - 1 }
		P(""), P("runtime"), P("runtime/cgo"), P("internal/abi"), P("internal/asan"),
		P("internal/bytealg"), P("internal/byteorder"), P("internal/chacha8rand"),
		P("internal/coverage/rtcov"), P("internal/cpu"), P("internal/goarch"),
		P("internal/godebugs"), P("internal/goexperiment"), P("internal/goos"),
		P("internal/msan"), P("internal/profilerecord"), P("internal/race"),
		P("internal/stringslite"), P("internal/trace/tracev2"),
	};
	static const struct str trees[] = { P("runtime/internal/"), P("internal/runtime/"),
					    P("runtime/race") };
#undef P

	for (size_t i = 0; i < ARRAY_LEN(exact); i++)
		if (str_eq(package, exact[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		if (str_starts(package, trees[i]))
			return true;
	return false;
}
