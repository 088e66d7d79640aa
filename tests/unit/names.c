/* Function names in parts. */
#include <check.h>

#include "go/program.h"

Suite *names_suite(void);

static const struct {
	const char *name, *package, *receiver, *function, *closure, *type_args;
} names[] = {
	{ "main.main", "main", "", "main", "", "" },
	{ "net/http.(*Server).Serve", "net/http", "*Server", "Serve", "", "" },
	{ "net/http.(*Server).Serve.func1.2", "net/http", "*Server", "Serve", "func1.2", "" },
	{ "time.Duration.String", "time", "Duration", "String", "", "" },
	{ "my.org/t.v2/sub%2epkg.Do", "my.org/t.v2/sub%2epkg", "", "Do", "", "" },
	{ "main.f.func1", "main", "", "f", "func1", "" },
	{ "main.f.func1.2", "main", "", "f", "func1.2", "" },
	{ "main.f.gowrap1", "main", "", "f", "gowrap1", "" },
	{ "main.f.deferwrap2", "main", "", "f", "deferwrap2", "" },
	{ "main.f\302\267dwrap\302\2671", "main", "", "f", "dwrap\302\2671", "" },
	{ "sync.(*Once).doSlow\302\267dwrap\302\2671", "sync", "*Once", "doSlow", "dwrap\302\2671",
	  "" },
	{ "main.f-range1", "main", "", "f", "range1", "" },
	{ "main.f-range1.func2", "main", "", "f", "range1.func2", "" },
	{ "main.(*T).M-fm", "main", "*T", "M", "fm", "" },
	{ "main.T\302\2671.M", "main", "T\302\2671", "M", "", "" },
	{ "main.Map[go.shape.int]", "main", "", "Map", "", "go.shape.int" },
	{ "main.F[...].func2", "main", "", "F", "func2", "..." },
	{ "main.(*List[a/b.T,c.D]).Push", "main", "*List", "Push", "", "a/b.T,c.D" },
	{ "main.Pair[struct { X a.T }].Swap", "main", "Pair", "Swap", "", "struct { X a.T }" },
	{ "main.init", "main", "", "init", "", "" },
	{ "main.init.0", "main", "", "init.0", "", "" },
	{ "main.init.0.func1", "main", "", "init.0", "func1", "" },
	{ "main.init.func1", "main", "", "init", "func1", "" },
	{ "main.map.init.0", "main", "", "map.init.0", "", "" },
	{ "main.glob..func1", "main", "", "glob.", "func1", "" },
	{ "main.f.(*T).g.func1", "main", "", "f", "(*T).g.func1", "" },
	{ "_.goready.func1", "_", "", "goready", "func1", "" },
	{ "type:.eq.main.T", "", "", "type:.eq.main.T", "", "" },
	{ "type..eq.[4]main.T", "", "", "type..eq.[4]main.T", "", "" },
	{ "go:struct { main.T }.M", "", "", "go:struct { main.T }.M", "", "" },
	{ "go:buildid", "", "", "go:buildid", "", "" },
	{ "memcpy", "", "", "memcpy", "", "" },
	{ "", "", "", "", "", "" },
	/* nonsense stays in bounds */
	{ "a/b", "", "", "a/b", "", "" },
	{ "main.", "main", "", "", "", "" },
	{ "main.F[", "main", "", "F", "", "" },
	{ "a.(*", "a", "", "", "", "" },
};

static void part_is(const char *name, const char *what, struct str is, const char *want)
{
	ck_assert_msg(str_eq(is, str_of(want)), "%s: %s is '%.*s', not '%s'", name, what, STR_F(is),
		      want);
}

START_TEST(are_split)
{
	const char *name = names[_i].name;
	struct go_name n = go_name_split(str_of(name));

	part_is(name, "package", n.package, names[_i].package);
	if (strcmp(name, "a.(*"))
		part_is(name, "receiver", n.receiver, names[_i].receiver);
	part_is(name, "function", n.function, names[_i].function);
	part_is(name, "closure", n.closure, names[_i].closure);
	part_is(name, "type arguments", n.type_args, names[_i].type_args);
	ck_assert_int_eq(n.pointer, n.receiver.n && n.receiver.p[0] == '*');
}
END_TEST

START_TEST(of_the_runtime_are_known)
{
	static const char *const yes[] = { "",
					   "runtime",
					   "runtime/internal/atomic",
					   "internal/runtime/maps",
					   "internal/abi",
					   "internal/bytealg",
					   "runtime/cgo" };
	static const char *const no[] = { "main",	   "sync",	    "sync/atomic",
					  "runtime/pprof", "runtime/debug", "reflect",
					  "internal/poll", "runtimes",	    "internal/cpufreq" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		ck_assert_msg(go_is_runtime(str_of(yes[i])), "%s", yes[i]);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		ck_assert_msg(!go_is_runtime(str_of(no[i])), "%s", no[i]);
}
END_TEST

Suite *names_suite(void)
{
	Suite *s = suite_create("names");
	TCase *t = tcase_create("names");

	tcase_add_loop_test(t, are_split, 0, ARRAY_LEN(names));
	tcase_add_test(t, of_the_runtime_are_known);
	suite_add_tcase(s, t);
	return s;
}
