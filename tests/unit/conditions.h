/* conditions - conditions on the call in asked.h, for those who decide them: what becomes of each
 * is known; and random ones.
 *
 * Owns     nothing.  Units  as asked.h.  Fails  a test.  Threads  one. */
#ifndef TESTS_CONDITIONS_H
#define TESTS_CONDITIONS_H

#include <stdio.h>

#include "asked.h"

/* What becomes of the entry:
 *   n  nothing: it was decided before anything was recorded
 *   v  a void record: decided after the captures
 *   u  the same, and it counts as unreadable; by kernel probes a record
 *   r  a record: it holds, or the reader is to say */
static const struct { const char *text; char is; } conditions[] = {
	{ "n < 0", 'r' }, { "n > 0", 'n' }, { "n == -7", 'r' }, { "n != -7", 'n' },
	{ "n <= -8", 'n' }, { "n >= -7", 'r' }, { "u == 200", 'r' }, { "u < 200", 'n' },
	{ "u > 127", 'r' }, { "w == -3", 'r' }, { "w > -3", 'n' }, { "n < u", 'r' },
	{ "u < n", 'n' },
	{ "ok", 'r' }, { "!ok", 'n' }, { "ok == false", 'n' }, { "n < 0 && u > 250", 'n' },
	{ "n > 0 || u > 250", 'n' }, { "n > 0 || u > 150", 'r' }, { "!(n < 0 && u == 200)", 'n' },
	{ "!(n > 0 || u == 3)", 'r' }, { "(n > 0 || ok) && (w < 0 || ok)", 'r' },
	{ "n + u == 193", 'r' }, { "n + u * 2 == 394", 'n' }, { "u + 100 == 44", 'r' },
	{ "u << 1 == 144", 'r' }, { "n >> 1 == -4", 'r' }, { "^u == 55", 'r' }, { "-n == 7", 'r' },
	{ "u &^ 8 == 192", 'r' }, { "n - (w - (u - n)) == 203", 'r' },
	{ "n == 0x123456789abcdef", 'n' }, { "goid == 77", 'r' }, { "goid != 77", 'n' },
	{ "len(s) == 12", 'r' }, { "len(s) > 12", 'n' }, { "len(sl) == cap(sl)", 'r' },
	{ "p == nil", 'n' }, { "p != nil", 'r' }, { "nilp == nil", 'r' }, { "err == nil", 'n' },
	{ "e != nil && sl != nil", 'r' }, { "d > 1s", 'r' }, { "d < 1s", 'n' },
	{ "panicking", 'n' },
	{ "!panicking", 'r' }, { "false", 'n' }, { "true", 'r' }, { "arr[1] == -20", 'r' },
	{ "arr[2] == -20", 'n' },
	/* texts: by their length, else by their bytes */
	{ "s == \"hello\"", 'n' }, { "s == \"hello, worle\"", 'v' },
	{ "s == \"hello, world\"", 'r' },
	{ "s != \"hello, world\"", 'v' }, { "has_prefix(s, \"hello\")", 'r' },
	{ "has_prefix(s, \"helpo\")", 'v' }, { "has_prefix(s, \"hello, world!\")", 'n' },
	{ "s == \"\"", 'n' }, { "has_prefix(s, \"\")", 'r' },
	{ "s == \"hello, world\" || n > 0", 'r' }, { "!(s == \"hello, world\")", 'v' },
	{ "s == \"x\" || s == \"y\"", 'v' }, { "lost == \"abcde\"", 'r' },
	/* behind pointers */
	{ "p.ID == 71", 'r' }, { "p.ID == 72", 'v' }, { "p.Next.Name == \"second\"", 'r' },
	{ "p.Next.Name == \"thirdd\"", 'v' }, { "p.Flags > 0x8000", 'r' },
	{ "p.Flags < 0x8000", 'v' },
	{ "p.In.X == -5 && p.In.X < p.In.Y", 'r' }, { "p.Kind == 98", 'v' }, { "len(m) == 3", 'r' },
	{ "len(m) > 3", 'v' }, { "cap(ch) - len(ch) == 6", 'r' }, { "sl[3] == -8", 'r' },
	{ "sl[3] > 0", 'v' }, { "nilp != nil && nilp.ID == 3", 'n' },
	{ "m[\"six\"] == 8", 'r' }, { "m[\"six\"] != 8", 'v' }, { "m[\"two\"] == 8", 'v' },
	{ "m[\"more than eight letters\"] == 25", 'r' },
	{ "nilp == nil || nilp.ID == 3", 'r' }, { "p.ID == 72 && n < 0", 'v' },
	{ "p.ID == 71 && n > 0", 'n' },
	/* types that interfaces hold */
	{ "e.(type) == \"int\"", 'r' }, { "e.(type) != \"int\"", 'n' }, { "e.(type) == nil", 'n' },
	{ "err.(type) == \"*main.Oops\"", 'r' }, { "err.(type) != \"*main.Oops\"", 'v' },
	{ "err.(type) == nil", 'n' }, { "err.(type) != nil", 'r' },
	{ "e.(type) == \"*main.Oops\" || n > 0", 'n' },
	{ "err.(type) == \"int\" || err.(type) == \"*main.Oops\"", 'r' },
	{ "!(err.(type) == \"*main.Oops\") && n < 0", 'v' },
	/* the reader is to say */
	{ "m[\"none\"] == 3", 'u' },
	{ "nilp.ID == 3", 'u' }, { "bad.ID == 3", 'u' }, { "sl[4] == 3", 'u' },
	{ "n / 2 > 9", 'r' },
	{ "f > 9", 'r' }, { "contains(s, \"x\")", 'r' }, { "func == \"x\"", 'r' },
	{ "duration > 1h", 'r' }, { "s < \"a\"", 'r' }, { "err.(type) == \"x\"", 'r' },
	{ "sl[u - 199] == 9", 'r' },
	/* in part */
	{ "f > 9 && n > 0", 'n' }, { "duration > 1h && n > 0", 'n' },
	{ "ret0 == 42 && p.ID == 1", 'v' },
	{ "n < 0 && (n > 0 || f > 9)", 'r' },
	/* in doubt, whatever comes after it says; but not what comes before it */
	{ "nilp.ID == 3 && p.ID == 72", 'u' }, { "p.ID == 72 && nilp.ID == 3", 'v' },
	{ "nilp.ID == 3 && n > 0", 'n' }, { "(nilp.ID == 3 || ok) && p.ID == 72", 'u' },
	{ "(ok || nilp.ID == 3) && p.ID == 72", 'v' }, { "lost == \"abcde\" && p.ID == 72", 'r' },
};

/* The program of asked.h is linked where it runs, the machine's is not. */
static inline void condition_types(u64 bias)
{
	struct expr_code *c = &world.fn.codes[0];

	for (u32 i = 0; i < c->n; i++) {
		if (str_eq(c->steps[i].text, STR("*main.Oops")))
			c->steps[i].imm = world.oops->va - bias;
		if (str_eq(c->steps[i].text, STR("int")))
			c->steps[i].imm = world.integer->va - bias;
	}
}

static inline u32 condition_below(u32 n)
{
	static u64 x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (u32)(x >> 16) % n;
}

static inline void condition_add(char *text, size_t room, const char *s)
{
	size_t n = strlen(text);

	snprintf(text + n, room - n, "%s", s);
}

static inline void condition_number(char *text, size_t room, u32 depth)
{
	static const char *const names[] = {
		"n", "u", "w", "len(s)", "p.ID", "p.Flags", "p.In.X", "p.Next.In.Y", "goid",
		"arr[1]", "sl[2]", "len(m)", "d", "p.Kind",
	};
	static const char *const operators[] = { "+", "-", "*", "&", "|", "^", "&^", "<<3", ">>2" };
	const char *op = operators[condition_below(ARRAY_LEN(operators))];
	char number[32];

	if (depth && condition_below(2)) {
		condition_add(text, room, condition_below(4) ? "(" : "-(");
		condition_number(text, room, depth - 1);
		condition_add(text, room, op);
		if (op[1] == 0 || op[1] == '^')
			condition_number(text, room, depth - 1);
		condition_add(text, room, ")");
	} else if (depth < 2 && !condition_below(4)) {
		snprintf(number, sizeof(number), "%u", condition_below(100));
		condition_add(text, room, number);
	} else {
		condition_add(text, room, names[condition_below(ARRAY_LEN(names))]);
	}
}

static inline void condition_random(char *text, size_t room, u32 depth)
{
	static const char *const compare[] = { "==", "!=", "<", "<=", ">", ">=" };
	static const char *const whole[] = {
		"ok", "!ok", "p == nil", "nilp == nil", "s == \"hello, world\"",
		"has_prefix(s, \"hell\")", "s != \"no\"", "p.Name == \"first\"", "panicking",
	};

	if (depth && condition_below(2)) {
		condition_add(text, room, condition_below(3) ? "(" : "!(");
		condition_random(text, room, depth - 1);
		condition_add(text, room, condition_below(2) ? " && " : " || ");
		condition_random(text, room, depth - 1);
		condition_add(text, room, ")");
	} else if (!condition_below(3)) {
		condition_add(text, room, whole[condition_below(ARRAY_LEN(whole))]);
	} else {
		condition_number(text, room, 2);
		condition_add(text, room, compare[condition_below(ARRAY_LEN(compare))]);
		condition_number(text, room, 1);
	}
}

/* The parser refuses a constant that does not fit; such a text is not run. */
static inline bool condition_binds(const char *text)
{
	struct err err = { 0 };
	bool ok;

	asked_begin(NULL);
	ok = asked_bind(EXPR_IF, text, &err);
	asked_end();
	return ok;
}

#endif
