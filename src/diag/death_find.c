/* The deaths that a log tells of, one behind the other: the last one is what is asked for.
 *
 * One death may have several lines that look like its beginning: `unexpected fault address` and
 * `fatal error: fault`, a fatal error while a panic was printed, another one while stacks were.
 *
 * A panic's line alone says little, as programs print it as well, with the panic that they have
 * recovered. Of one that ends the program the runtime prints the goroutine behind it, and that one
 * stands where it panicked:
 *
 *	panic: boom				panic: boom
 *						goroutine 1 [running]:
 *	goroutine 1 [running]:			runtime/debug.Stack()
 *	main.work()					…/debug/stack.go:26 +0x5e
 *		/src/main.go:9 +0x1b5		main.handle.func1()
 *							/src/main.go:5 +0x3d
 *						panic({0x4b7620?, 0xc000016090?})
 *							…/runtime/panic.go:792 +0x132
 *						main.work()
 *
 * With GOTRACEBACK=none there is the line only, and then it is the last that is printed. */
#include "diag/death.h"

enum { LEAD = 4000, NESTED = 3 };

struct told {
	size_t from, to, end;	/* end: behind the last line that is surely of it */
	size_t lead;		/* not before this, where another one ends */
	bool panic, fatal;	/* how its lines begin */
	bool alone;	/* nothing but the runtime's own lines since */
	bool dump, recovered;
};

struct scan {
	struct arena *a;
	struct str all;
	struct told cur, found;
	u32 n;		/* deaths */
	bool open;
	bool blank, dashes;	/* the line before, and the last one that is not blank */
};

static bool is_runtimes(struct str line)
{
	return !line.n || line.p[0] == '\t' || str_starts(line, STR("[signal ")) ||
	       str_starts(line, STR("runtime: ")) || str_starts(line, STR("exit status "));
}

static bool begins(struct str line, struct str rest)
{
	if (crash_line(line) != CRASH_NONE)
		return true;
	for (size_t i = 0; death_signals[i] && str_starts(rest, STR("PC=0x")); i++)
		if (str_starts(line, str_of(death_signals[i])))
			return true;
	return false;
}

/* Is it of a thread that failed once more while it was dying? */
static bool is_nested(struct str rest)
{
	for (u32 i = 0; i < NESTED && rest.n; i++)
		if (str_find(str_next_line(&rest), STR("panic during panic")) >= 0)
			return true;
	return false;
}

/* A line that looks like a beginning: is it of the same death? */
static bool goes_on(const struct scan *s, struct str line, struct str rest)
{
	bool panic = str_starts(line, STR("panic: "));
	bool fatal = str_starts(line, STR("fatal error: "));

	if (!s->open)
		return false;
	if (s->cur.dump)	/* behind dashes each thread says why it prints its stack */
		return s->dashes || is_nested(rest);
	if (panic)
		return false;
	return s->cur.alone || (!s->cur.panic && !(fatal && s->cur.fatal));
}

/* Was it logged by who recovered it? Then there is a panic on the stack below the code that prints,
 * which did not panic itself; and there is no blank line, which the runtime prints. */
static bool was_recovered(const struct scan *s, size_t at, const struct crash_goroutine *g)
{
	struct str said = str_cut(s->all, s->cur.from, at);

	if (g->nframes && str_eq(g->frames[0].func, STR("runtime/debug.Stack")))
		return true;
	if (s->blank || str_find(said, STR(" [recovered")) >= 0 ||
	    str_find(said, STR("\n\tpanic: ")) >= 0)
		return false;
	for (u32 i = 0; i < g->nframes; i++) {
		if (str_eq(g->frames[i].func, STR("panic")))
			return i > 0;
		if (str_starts(g->frames[i].func, STR("runtime.")))
			return false;
	}
	return false;
}

static void dump(struct scan *s, size_t at, const struct crash_goroutine *g)
{
	struct told *t = &s->cur;

	/* another one's: of a request that net/http has given up, for instance */
	if (t->panic && (!str_starts(g->state, STR("running")) || (!t->alone && !s->blank))) {
		t->alone = false;
		return;
	}
	t->recovered = t->panic && was_recovered(s, at, g);
	t->dump = true;
}

static void finish(struct scan *s, size_t at)
{
	struct told *t = &s->cur;
	bool last = at == s->all.n;

	if (!s->open)
		return;
	t->to = at;
	if (t->panic && (t->dump ? t->recovered : !last || !t->alone))
		return;
	s->found = *t;
	s->n++;
}

static void take(struct scan *s, size_t at, struct str line, struct str *rest)
{
	struct crash_goroutine g;
	bool fatal = str_starts(line, STR("fatal error: "));

	if (s->open && crash_goroutine_at(line, rest, &g, s->a)) {
		if (!s->cur.dump)
			dump(s, at, &g);
		s->cur.end = s->all.n - rest->n;
	} else if (begins(line, *rest) && !goes_on(s, line, *rest)) {
		finish(s, at);
		s->cur = (struct told){
			.from = at, .lead = s->cur.end, .end = s->all.n - rest->n,
			.panic = str_starts(line, STR("panic: ")), .fatal = fatal, .alone = true,
		};
		s->open = true;
	} else {
		s->cur.fatal |= fatal;
		s->cur.alone &= is_runtimes(line) || begins(line, *rest);
	}
	s->blank = !line.n;
	s->dashes = line.n ? str_eq(line, STR("-----")) : s->dashes;
}

bool death_find(struct death_told *to, struct str cleaned, struct arena *a)
{
	struct scan s = { .a = a, .all = cleaned };
	struct str rest = cleaned;
	size_t lead;

	while (rest.n) {
		size_t at = cleaned.n - rest.n;
		struct str line = str_next_line(&rest);

		take(&s, at, line, &rest);
	}
	finish(&s, cleaned.n);
	if (!s.n)
		return false;
	lead = s.found.from > LEAD ? s.found.from - LEAD : 0;
	*to = (struct death_told){
		.text = str_cut(cleaned, s.found.from, s.found.to),
		.lead = str_cut(cleaned, MAX(lead, s.found.lead), s.found.to),
		.bare = s.found.panic && !s.found.dump,
		.earlier = s.n - 1,
	};
	return true;
}
