#include "asked.h"

#include <stdio.h>

#include "plan/expr_flat.h"

Suite *expr_suite(void);

/* Expressions of the call in asked.h, and what they are. A value that can't be computed is "-", and
 * "- unreadable" where that counts. */
static const struct { const char *text, *is; } values[] = {
	{ "n", "-7" }, { "u", "200" }, { "w", "-3" }, { "ok", "true" }, { "f", "2.5" },
	{ "s", "\"hello, world\"" }, { "d", "1500000000" }, { "arg0", "-7" },
	{ "arg3 == s", "true" },
	{ "ret0", "42" }, { "goid", "18" }, { "depth", "3" }, { "duration", "2500000" },
	{ "func", "\"main.f\"" }, { "panicking", "true" },
	/* constants */
	{ "1 + 2 * 3", "7" }, { "(1 + 2) * 3", "9" }, { "0x1f", "31" }, { "0b101", "5" },
	{ "0o17", "15" }, { "017", "15" }, { "0_17", "15" }, { "1_000", "1000" },
	{ "1.5e3", "1500" }, { "'a'", "97" },
	{ "'\\n'", "10" }, { "'ä'", "228" }, { "'\\u00e4'", "228" },
	{ "\"a\\x41\\101\\u00e4\"", "\"aAA\xc3\xa4\"" },
	{ "`a\\n`", "\"a\\n\"" }, { "50ms", "50000000" }, { "1m30s", "90000000000" },
	{ "1.5s", "1500000000" }, { "2us + 3µs", "5000" }, { "7 / 2", "3" }, { "-7 / 2", "-3" },
	{ "-7 % 3", "-1" }, { "7.0 / 2", "3.5" }, { "1 << 10", "1024" }, { "6 &^ 2", "4" },
	{ "6 ^ 3", "5" }, { "^0", "-1" }, { "len(\"four\")", "4" }, { "true && !false", "true" },
	{ "\"a\" < \"b\"", "true" },
	/* arithmetic of the operand's size */
	{ "n + 1", "-6" }, { "-n", "7" }, { "+n", "-7" }, { "^n", "6" }, { "n * n", "49" },
	{ "n / 2", "-3" }, { "n % 4", "-3" }, { "n & 0xf", "9" }, { "n << 1", "-14" },
	{ "n >> 1", "-4" },
	{ "u + 100", "44" }, { "u << 1", "144" }, { "u >> 3", "25" }, { "^u", "55" },
	{ "-u", "56" },
	{ "u << 8", "0" }, { "n << 64", "0" }, { "n >> 64", "-1" }, { "u + n", "193" },
	{ "w * 1000000000", "1294967296" }, { "f * 2 + 1", "6" }, { "f / 0", "+Inf" },
	{ "n / (u - 200)", "- unreadable" }, { "n % (u - 200)", "- unreadable" },
	{ "u << n", "- unreadable" }, { "1 << u", "0" }, { "n - 2 - 1", "-10" },
	/* comparisons: whole numbers of different types as numbers */
	{ "n < 0", "true" }, { "n < u", "true" }, { "u > w", "true" }, { "w == -3", "true" },
	{ "n == -7 && u != 3", "true" }, { "n > 0 || ok", "true" }, { "!ok", "false" },
	{ "ok == true", "true" }, { "f > 2", "true" }, { "f >= 2.5", "true" },
	{ "f == 2.5", "true" },
	{ "d > 1s && d <= 1500ms", "true" }, { "duration >= 2.5ms", "true" }, { "-7 == n", "true" },
	{ "3 < u", "true" }, { "n <= -8", "false" },
	/* 0.1 becomes a float32 */
	{ "h == 0.1", "true" }, { "h > 0.1", "false" }, { "0.1 < h", "false" },
	{ "h * 0.1", "0.01000000071" }, { "h + 0.2 == 0.3", "true" }, { "h == f", "false" },
	/* texts */
	{ "len(s)", "12" }, { "s == \"hello, world\"", "true" }, { "s == \"hello\"", "false" },
	{ "s != \"hello\"", "true" }, { "s < \"help\"", "true" }, { "s >= \"hello\"", "true" },
	{ "\"hello, world\" == s", "true" }, { "has_prefix(s, \"hell\")", "true" },
	{ "has_prefix(s, \"help\")", "false" }, { "contains(s, \", w\")", "true" },
	{ "contains(s, \"x\")", "false" }, { "contains(s, \"\")", "true" }, { "s[0]", "104" },
	{ "s[1] == 'e'", "true" }, { "s[u - 199]", "101" }, { "s[12]", "- unreadable" },
	{ "s[n]", "- unreadable" }, { "s == s", "true" }, { "lost == \"abcde\"", "- unreadable" },
	{ "len(lost)", "5" }, { "lost == \"ab\"", "- unreadable" },
	/* behind pointers */
	{ "p.ID", "71" }, { "p.Name", "\"first\"" }, { "p.Next.Name", "\"second\"" },
	{ "p.Next.Next == nil", "true" }, { "p.Next.Next.ID", "- unreadable" }, { "(*p).ID", "71" },
	{ "p.Flags", "32769" }, { "p.In.X", "-5" }, { "p.In.X + p.In.Y", "1" }, { "p.Kind", "99" },
	{ "p.Base.Kind", "99" }, { "p.Next.Kind == 99", "true" }, { "p != nil", "true" },
	{ "nilp == nil", "true" }, { "nilp.ID", "- unreadable" }, { "bad.ID", "- unreadable" },
	{ "nilp != nil && nilp.ID == 3", "false" }, { "nilp == nil || nilp.ID == 3", "true" },
	{ "!(nilp.ID == 3)", "- unreadable" }, { "p == p", "true" },
	/* elements and lengths */
	{ "len(sl)", "4" }, { "cap(sl)", "4" }, { "sl[0]", "5" }, { "sl[3]", "-8" },
	{ "sl[4]", "- unreadable" }, { "sl[len(sl) - 1]", "-8" }, { "sl[n]", "- unreadable" },
	{ "sl[u]", "- unreadable" }, { "arr[1]", "-20" }, { "arr[n + 9]", "30" },
	{ "arr[u]", "- unreadable" }, { "len(arr)", "3" }, { "names[1]", "\"cde\"" },
	{ "len(names[0])", "2" }, { "len(m)", "3" }, { "len(ch)", "4" }, { "cap(ch)", "10" },
	{ "m == nil", "false" }, { "sl != nil", "true" }, { "m[\"two\"]", "2" },
	{ "m[\"six\"] + m[\"two\"]", "10" }, { "m[\"twö\"]", "- unreadable" },
	{ "m[\"more than eight letters\"]", "25" },
	{ "len(m) == 3 && m[\"si\"] == 8", "- unreadable" },
	{ "m[\"more than eight letterz\"]", "- unreadable" },
	{ "n > 0 && m[\"none\"] == 1", "false" },
	/* interfaces */
	{ "e.(type)", "\"int\"" }, { "err.(type)", "\"*main.Oops\"" },
	{ "err.(type) == \"*main.Oops\"", "true" }, { "why.(type) == \"*main.Oops\"", "true" },
	{ "err != nil", "true" }, { "e.(type) == nil", "false" },
	{ "e.(type) != \"string\"", "true" },
};

static const char *result(const struct expr_result *v)
{
	static char text[256];

	switch (v->kind) {
	case EXPR_BOOL: return v->b ? "true" : "false";
	case EXPR_INT: snprintf(text, sizeof(text), "%ld", (long)v->i); break;
	case EXPR_UINT: snprintf(text, sizeof(text), "%lu", (unsigned long)v->u); break;
	case EXPR_FLOAT:
		if (v->f - v->f != 0)
			return v->f > 0 ? "+Inf" : "-Inf";
		snprintf(text, sizeof(text), "%.10g", v->f);
		break;
	case EXPR_STRING:
		snprintf(text, sizeof(text), "\"%.*s\"", STR_F(v->text));
		break;
	case EXPR_VALUE: return "value";
	}
	return text;
}

/* Most have two ways to a value. */
static void by_both(const struct expr_input *in)
{
	struct expr_result a, b;
	const struct expr *e = &world.plan.exprs[0];
	bool one = expr_value(in, e, &a), other = expr_by_steps(in, &in->fn->codes[e->index], &b);

	ck_assert_int_eq(one, other);
	ck_assert_int_eq(a.unreadable, b.unreadable);
	if (!one)
		return;
	ck_assert_int_eq(a.kind, b.kind);
	ck_assert_uint_eq(a.u, b.u);
	ck_assert_uint_eq(a.len, b.len);
	ck_assert(str_eq(a.text, b.text));
	ck_assert_ptr_eq(a.type, b.type);
	ck_assert_ptr_eq(a.slot, b.slot);
	ck_assert_int_eq(a.exit, b.exit);
}

START_TEST(expressions_have_values)
{
	struct err err = { 0 };
	struct expr_result v;
	struct expr_input in;
	const char *is;

	asked_begin(NULL);
	ck_assert_msg(asked_bind(EXPR_BY, values[_i].text, &err), "%s", err.msg);
	in = asked_input();
	by_both(&in);
	if (!expr_value(&in, &world.plan.exprs[0], &v))
		is = v.unreadable ? "- unreadable" : "-";
	else
		is = result(&v);
	ck_assert_msg(!strcmp(is, values[_i].is), "%s is %s, not %s", values[_i].text, is,
		      values[_i].is);
	asked_end();
}
END_TEST

/* What is wrong, and below what. */
static const struct { enum expr_role role; const char *text, *sentence; u32 caret; } errors[] = {
	{ EXPR_IF, "", "no expression", 0 },
	{ EXPR_IF, "n >", "the expression breaks off here", 3 },
	{ EXPR_IF, "n > )", "a value was expected here", 4 },
	{ EXPR_IF, "(n > 1", "a ) was expected here", 6 },
	{ EXPR_IF, "n = 1", "= would change the program; == compares", 2 },
	{ EXPR_IF, "n == 1 n", "an operator was expected here", 7 },
	{ EXPR_IF, "n == 1, u", "one expression is enough", 6 },
	{ EXPR_IF, "n == @", "no part of an expression", 5 },
	{ EXPR_IF, "n == 1x", "a number ends here, and no unit begins (ns, us, ms, s, m, h)", 6 },
	{ EXPR_IF, "n == 08", "no digit of an octal number (0 at its front)", 6 },
	{ EXPR_IF, "n == 99999999999999999999", "more than 64 bits", 5 },
	{ EXPR_IF, "d > 1m30", "a unit is missing: ns, us, ms, s, m, h", 8 },
	{ EXPR_IF, "d > 3000000h", "a duration of more than 292 years", 4 },
	{ EXPR_IF, "s == \"a", "a quote that is not closed", 5 },
	{ EXPR_IF, "s == \"\\q\"", "no escape of Go's", 7 },
	{ EXPR_IF, "s[0] == 'ab'", "one character stands between these quotes", 8 },
	{ EXPR_IF, "&n == nil", "addresses can't be taken", 0 },
	{ EXPR_IF, "foo(n)", "only len, cap, has_prefix and contains can be called", 0 },
	{ EXPR_IF, "has_prefix(s)", "a comma was expected here: it takes two values", 12 },
	{ EXPR_IF, "sl[1", "a ] was expected here", 4 },
	{ EXPR_IF, "p. == 1", "the name of a field was expected here", 3 },
	{ EXPR_IF, "e.() == 1", "a type was expected here", 3 },
	{ EXPR_IF, "e.(int == 1", "a ) was expected here", 11 },
	/* names */
	{ EXPR_IF, "nams == nil", "main.f has no nams; the nearest name is names", 0 },
	{ EXPR_IF, "ok && xyzzy == 3", "main.f has no xyzzy; it has n, u, w, s, p", 6 },
	{ EXPR_IF, "p.Nane == \"\"", "main.T has no field Nane; the nearest is Name", 2 },
	{ EXPR_IF, "p.zzzzzz == 1", "main.T has no field zzzzzz (`goshawk types` lists them)", 2 },
	{ EXPR_IF, "n.x == 1", "int has no fields", 2 },
	{ EXPR_IF, "err.msg == \"\"",
	  "an interface has no fields; .(type) is the type of what it holds, .(T) what it holds",
	  4 },
	{ EXPR_IF, "e.(*main.None).X == 1", "no interface of this program holds a *main.None, or "
	  "there are several of this name: then the path of its package tells them apart", 3 },
	/* types */
	{ EXPR_IF, "n", "a condition was expected; this is a number", 0 },
	{ EXPR_IF, "s", "a condition was expected; this is a text", 0 },
	{ EXPR_IF, "p", "a condition was expected; this is *main.T", 0 },
	{ EXPR_HIST, "s", "a number was expected; this is a text", 0 },
	{ EXPR_HIST, "n > 1", "a number was expected; this is a bool", 0 },
	{ EXPR_BY, "p.In", "struct { X, Y int32 } is no single value", 0 },
	{ EXPR_BY, "sl", "[]int is no single value", 0 },
	{ EXPR_BY, "nil", "nil has no type here", 0 },
	{ EXPR_IF, "u == 300", "this does not fit into uint8", 5 },
	{ EXPR_IF, "u == -1", "this does not fit into uint8", 5 },
	{ EXPR_IF, "h < 1e39", "this does not fit into float32", 4 },
	{ EXPR_IF, "n == 1.5",
	  "a whole number was expected here, not a number with a fraction", 5 },
	{ EXPR_IF, "n == \"7\"", "a whole number was expected here, not a text", 5 },
	{ EXPR_IF, "s == 7", "a text was expected here, not a whole number", 5 },
	{ EXPR_IF, "s == n", "string and int do not go together", 2 },
	{ EXPR_IF, "f == n", "float64 and int do not go together", 2 },
	{ EXPR_IF, "ok < true", "bools have no order", 3 },
	{ EXPR_IF, "n && ok", "a condition was expected here; this is int", 0 },
	{ EXPR_IF, "s + s == s", "string can't be computed with", 2 },
	{ EXPR_IF, "f % 2 == 0", "only whole numbers have this operation", 2 },
	{ EXPR_IF, "n / 0 == 1", "a division by zero", 2 },
	{ EXPR_IF, "n == nil", "int can't be nil", 0 },
	{ EXPR_IF, "p < nil", "nil can only be equal to something, or not", 2 },
	{ EXPR_IF, "!nil", "nil can only be equal to something, or not", 1 },
	{ EXPR_IF, "nil && ok", "nil can only be equal to something, or not", 0 },
	{ EXPR_IF, "ok && nil", "nil can only be equal to something, or not", 6 },
	{ EXPR_HIST, "n + nil", "nil can only be equal to something, or not", 4 },
	{ EXPR_HIST, "nil + 1", "nil can only be equal to something, or not", 0 },
	{ EXPR_HIST, "nil << 1", "nil can only be equal to something, or not", 0 },
	{ EXPR_HIST, "n << nil", "nil can only be equal to something, or not", 5 },
	{ EXPR_IF, "n[0] == 1", "int has no elements to be asked for", 2 },
	{ EXPR_IF, "arr[3] == 1", "the index is 3, and there are 3 elements", 4 },
	{ EXPR_IF, "sl[-1] == 1", "an index is not negative, nor that large", 3 },
	{ EXPR_IF, "sl[s] == 1", "an index is a whole number", 3 },
	{ EXPR_IF, "m[0] == 1", "only texts can be looked up in a map, by a constant", 2 },
	{ EXPR_IF, "m[s] == 1", "only texts can be looked up in a map, by a constant", 2 },
	{ EXPR_IF, "m[\"\"] == 1", "a key of 1 to 32 bytes is needed here", 2 },
	{ EXPR_IF, "m[\"thirty-three bytes are too many 3\"] == 1",
	  "a key of 1 to 32 bytes is needed here", 2 },
	{ EXPR_IF, "m[\"\\000\"] == 1", "a key that begins with a NUL can't be looked up", 2 },
	{ EXPR_IF, "names[n] == \"\"",
	  "behind an index that is no constant, texts are not followed", 0 },
	{ EXPR_IF, "len(n) == 1", "int has no len", 4 },
	{ EXPR_IF, "cap(s) == 1", "string has no cap", 4 },
	{ EXPR_IF, "*n == 1", "int is no pointer", 0 },
	{ EXPR_IF, "n.(type) == \"int\"", "int is no interface: its type is always the same", 2 },
	{ EXPR_IF, "has_prefix(n, \"a\")", "a text was expected here; this is int", 11 },
	{ EXPR_IF, "g.goid == 1", "the type runtime.g is not in this program", 0 },
};

START_TEST(what_is_wrong_is_said_and_shown)
{
	const char *at;
	struct err err = { 0 };
	char want[512];

	asked_begin(NULL);
	ck_assert_msg(!asked_bind(errors[_i].role, errors[_i].text, &err), "%s: no error",
		      errors[_i].text);
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_msg(strstr(err.msg, errors[_i].sentence), "%s: %s", errors[_i].text, err.msg);
	snprintf(want, sizeof(want), "\n  %s\n  %*s^", errors[_i].text, (int)errors[_i].caret, "");
	at = strchr(err.msg, '\n');
	ck_assert_str_eq(at, want);
	ck_assert(!world.fatal);
	asked_end();
}
END_TEST

static const char *const forbidden[] = { "hidden == \"\"", "len(hidden) > 3", "p.hidden == nil" };

START_TEST(what_is_redacted_is_not_computed_with)
{
	struct err err = { 0 };

	asked_begin("hidden");
	ck_assert(!asked_bind(EXPR_IF, forbidden[_i], &err));
	ck_assert(world.fatal);
	ck_assert_ptr_nonnull(strstr(err.msg, "hidden is redacted"));
	asked_end();
}
END_TEST

static bool holds_bytes(const u8 *record, u32 size, const void *p, size_t n)
{
	for (u32 i = 0; i + n <= size; i++)
		if (!memcmp(record + i, p, n))
			return true;
	return false;
}

/* The word that leads to a text in the heap, and the text. */
static bool leaks(const char *text)
{
	size_t n = strlen(text);
	u64 address = 0;

	for (u32 i = 0; i + n <= HEAP_SIZE; i++)
		if (!memcmp(world.heap + i, text, n))
			address = (u64)(uintptr_t)world.heap + i;
	ck_assert_uint_ne(address, 0);
	return holds_bytes(world.entry, world.fn.entry.size, text, n) ||
	       holds_bytes(world.entry, world.fn.entry.size, &address, 8);
}

static const struct { const char *show, *redact, *secret; bool bound; } shown[] = {
	{ "*p.Base", "Nothing", "key", true },	/* it would be there */
	{ "*p.Base", "Secret", "key", true },
	{ "*p.Next.Base", "Secret", "key", true },
	{ "p", "Secret", "key", true },
	{ "p.Base.Kind", "Secret", "key", true },
	{ "p.Base.Secret", "Secret", "key", false },
	{ "p.Secret", "Secret", "key", false },
	{ "n, s, p", "hidden", "hunter2", true },
	{ "m[\"two\"]", "two", "two", false },
};

START_TEST(what_is_redacted_is_not_copied)
{
	struct err err = { 0 };
	bool bound;

	asked_begin(shown[_i].redact);
	world.plan.request.depth = 4;
	bound = asked_bind(EXPR_SHOW, shown[_i].show, &err);
	ck_assert_msg(bound == shown[_i].bound, "%s: %s", shown[_i].show, err.msg);
	if (bound)
		ck_assert_int_eq(leaks(shown[_i].secret), _i == 0);
	else
		ck_assert(world.fatal);
	asked_end();
}
END_TEST

static const struct { const char *text, *sentence; } late[] = {
	{ "ret0 > 1", "ret0 is a result, and --entry does not wait for it" },
	{ "duration > 1s", "duration is not known with --entry" },
	{ "depth > 1", "depth is not known with --entry" },
};

START_TEST(entries_alone_have_no_results)
{
	struct err err = { 0 };

	asked_begin(NULL);
	world.plan.request.entry_only = true;
	ck_assert(!asked_bind(EXPR_IF, late[_i].text, &err));
	ck_assert(world.fatal);
	ck_assert_msg(strstr(err.msg, late[_i].sentence), "%s", err.msg);
	asked_end();
}
END_TEST

/* A condition: how many of its parts the entry decides; whether it holds there, and in the end. */
static const struct { const char *text; u32 parts, at_entry; bool entry, end; } conditions[] = {
	{ "n < 0", 1, 1, true, true },
	{ "n > 0", 1, 1, false, true },
	{ "n < 0 && u == 200", 2, 2, true, true },
	{ "duration > 1ms && n < 0", 2, 1, true, true },
	{ "duration > 1h && n < 0", 2, 1, true, false },
	{ "why != nil && (n > 0 && ok)", 3, 2, false, true },
	{ "n < 0 || ret0 == 1", 1, 0, true, true },
	{ "n < 0 && depth < 9", 2, 0, true, true },
	{ "p.Next.Next.ID == 1", 1, 1, false, true },
};

START_TEST(what_the_entry_decides_is_decided_there)
{
	struct err err = { 0 };
	struct expr_input in;
	u64 unreadable = 0;

	asked_begin(NULL);
	ck_assert_msg(asked_bind(EXPR_IF, conditions[_i].text, &err), "%s", err.msg);
	in = asked_input();
	ck_assert_uint_eq(world.fn.codes[0].nconjuncts, conditions[_i].parts);
	ck_assert_uint_eq(world.fn.codes[0].nentry, conditions[_i].at_entry);
	in.record[1] = (struct expr_record){ 0 };
	ck_assert_int_eq(expr_entry_passes(&in, &unreadable), conditions[_i].entry);
	in.record[1] = expr_record_of(&world.fn.exit, world.exit);
	ck_assert_int_eq(expr_exit_passes(&in, &unreadable), conditions[_i].end);
	ck_assert_uint_eq(unreadable, strstr(conditions[_i].text, "Next") != NULL);
	ck_assert_int_eq(expr_waits(&world.fn, &world.plan.exprs[0]),
			 conditions[_i].at_entry < conditions[_i].parts);
	asked_end();
}
END_TEST

START_TEST(a_call_without_its_end_has_no_results)
{
	struct err err = { 0 };
	struct expr_input in;
	struct expr_result v;

	asked_begin(NULL);
	ck_assert(asked_bind(EXPR_BY, "ret0", &err));
	in = asked_input();
	in.record[1] = (struct expr_record){ 0 };
	ck_assert(!expr_value(&in, &world.plan.exprs[0], &v));
	ck_assert(!v.unreadable);
	asked_end();
}
END_TEST

START_TEST(a_text_is_not_cut_within_a_character)
{
	struct err err = { 0 };
	struct expr_result v;
	struct expr_input in;

	asked_begin(NULL);
	world.most = world.plan.request.strings = 8;
	memcpy(memmem(world.heap, sizeof(world.heap), "world", 5), "ä", 2);
	ck_assert_msg(asked_bind(EXPR_BY, "s", &err), "%s", err.msg);
	in = asked_input();
	ck_assert(expr_value(&in, &world.plan.exprs[0], &v));
	ck_assert(str_eq(v.text, STR("hello, ")));
	asked_end();
}
END_TEST

START_TEST(a_list_has_several_with_their_sources)
{
	static const char *const sources[] = { "n", "p.Next.ID + 1", "s[len(s) - 1]", "\"a,b\"" };
	struct err err = { 0 };

	asked_begin(NULL);
	ck_assert_msg(asked_bind(EXPR_SHOW, " n ,p.Next.ID + 1 , s[len(s) - 1],\"a,b\"", &err),
		      "%s", err.msg);
	ck_assert_uint_eq(world.plan.nexprs, 4);
	for (u32 i = 0; i < 4; i++) {
		ck_assert_msg(str_eq(world.plan.exprs[i].source, str_of(sources[i])), "%.*s",
			      STR_F(world.plan.exprs[i].source));
		ck_assert_uint_eq(world.plan.exprs[i].index, i);
	}
	ck_assert_int_eq(expr_kind_of(&world.fn, &world.plan.exprs[0]), EXPR_VALUE);
	ck_assert_int_eq(expr_kind_of(&world.fn, &world.plan.exprs[1]), EXPR_INT);
	asked_end();
}
END_TEST

/* Parentheses, signs and dots as deep and as long as one likes to type them. */
START_TEST(depth_and_length_are_bounded)
{
	static const char *const units[] = { "(", "-", "!", "*", "n+", "p.Next.", "n[" };
	size_t n = strlen(units[_i]);
	char text[4000] = "";
	struct err err = { 0 };

	for (size_t at = 0; at + n < sizeof(text); at += n)
		memcpy(text + at, units[_i], n);
	asked_begin(NULL);
	ck_assert(!asked_bind(EXPR_IF, text, &err));
	ck_assert_msg(strstr(err.msg, "too many levels") || strstr(err.msg, "400 parts"), "%s",
		      err.msg);
	asked_end();
}
END_TEST

/* Types come from the target, too: structs of structs of structs, each a thousand times. */
START_TEST(embedded_structs_are_not_searched_without_end)
{
	enum { LEVELS = 4, EACH = 1000 };
	struct go_type *t, *in = NULL;
	struct err err = { 0 };

	asked_begin(NULL);
	for (u32 i = 0; i < LEVELS; i++) {
		t = a_type(GO_STRUCT, 0, 1, "main.many");
		t->fields = ARENA_ARRAY(&world.plan.arena, struct go_field, EACH);
		while (in && t->nfields < EACH)
			a_field(t, "x", in, true);
		in = t;
	}
	a_field(world.base, "in", in, true);
	ck_assert(!asked_bind(EXPR_IF, "p.nowhere == 1", &err));
	ck_assert_msg(strstr(err.msg, "has no field nowhere"), "%s", err.msg);
	asked_end();
}
END_TEST

/* Texts fill the record, but for little: what is looked up then has room for all of it, or none. */
START_TEST(what_is_looked_up_stays_in_the_record)
{
	static const char form[] =
		"contains(s, \"x\") && contains(lost, \"x\") && contains(hidden, \"x\") && "
		"m[\"%.*s\"] == 1";
	const struct reading *r = &world.fn.entry;
	struct err err = { 0 };
	char text[200];

	snprintf(text, sizeof(text), form, _i, "abcdefghijklmnopqrstuvwxyz012345");
	for (u64 room = 1000; room < 1200; room += 8) {
		asked_begin(NULL);
		world.plan.request.strings = room;
		(void)asked_bind(EXPR_IF, text, &err);
		for (u32 i = 0; i < r->nreads; i++) {
			const struct read *d = &r->reads[i];

			ck_assert_uint_ge(d->kind == READ_WHEN ? d->when_at : d->at, RECORD_HEAD);
			ck_assert(d->kind < READ_MEM || d->status < r->size);
		}
		asked_end();
	}
}
END_TEST

/* A reading may be cut, and a word that is missing would be 0. */
START_TEST(words_are_read_before_what_is_behind_them)
{
	const struct reading *r = &world.fn.entry;
	struct err err = { 0 };
	bool behind = false;

	asked_begin(NULL);
	world.plan.request.frames = 3;
	ck_assert_msg(asked_bind(EXPR_IF, "m[\"two\"] == 2 && n == -7", &err), "%s", err.msg);
	ck_assert_int_eq(r->reads[0].kind, READ_FRAMES);
	for (u32 i = 1; i < r->nreads; i++) {
		behind |= r->reads[i].kind > READ_G;
		ck_assert(!behind || r->reads[i].kind > READ_G);
	}
	ck_assert(behind);
	asked_end();
}
END_TEST

/* Records come from the target: any bytes may stand in them. */
START_TEST(garbage_in_a_record_is_no_fault)
{
	struct err err = { 0 };
	struct expr_input in;

	asked_begin(NULL);
	ck_assert_msg(asked_bind(EXPR_BY, values[_i].text, &err), "%s", err.msg);
	in = asked_input();
	for (u32 round = 0; round < 300; round++) {
		for (u32 i = 0; i < RECORD_MAX; i++) {
			world.entry[i] = (u8)(rand() >> 7);
			world.exit[i] = (u8)(rand() >> 7);
			if (round % 3 == 0 && rand() % 4)	/* small numbers */
				world.entry[i] = world.exit[i] = 0;
		}
		in.goid = (u64)rand();
		by_both(&in);
	}
	asked_end();
}
END_TEST

Suite *expr_suite(void)
{
	Suite *s = suite_create("expr");
	TCase *t = tcase_create("expr");

	tcase_add_loop_test(t, expressions_have_values, 0, ARRAY_LEN(values));
	tcase_add_loop_test(t, what_is_wrong_is_said_and_shown, 0, ARRAY_LEN(errors));
	tcase_add_loop_test(t, what_is_redacted_is_not_computed_with, 0, ARRAY_LEN(forbidden));
	tcase_add_loop_test(t, what_is_redacted_is_not_copied, 0, ARRAY_LEN(shown));
	tcase_add_loop_test(t, entries_alone_have_no_results, 0, ARRAY_LEN(late));
	tcase_add_loop_test(t, what_the_entry_decides_is_decided_there, 0, ARRAY_LEN(conditions));
	tcase_add_test(t, a_call_without_its_end_has_no_results);
	tcase_add_test(t, a_text_is_not_cut_within_a_character);
	tcase_add_test(t, a_list_has_several_with_their_sources);
	tcase_add_test(t, embedded_structs_are_not_searched_without_end);
	tcase_add_loop_test(t, depth_and_length_are_bounded, 0, 7);
	tcase_add_test(t, words_are_read_before_what_is_behind_them);
	tcase_add_loop_test(t, what_is_looked_up_stays_in_the_record, 1, 33);
	tcase_add_loop_test(t, garbage_in_a_record_is_no_fault, 0, ARRAY_LEN(values));
	suite_add_tcase(s, t);
	return s;
}
