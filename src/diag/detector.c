#include "diag/detector.h"

/* "      /src/main.go:15 +0xb4" */
static bool place(struct str line, struct crash_frame *f)
{
	ptrdiff_t space = str_find_last(line, ' '), colon;
	struct str digits;
	u64 n;

	if (!str_starts(line, STR("      ")) || space < 6)
		return false;
	line = str_cut(line, 6, (size_t)space);
	colon = str_find_last(line, ':');
	digits = str_cut(line, (size_t)(colon + 1), line.n);
	if (colon < 1 || !str_take_number(&digits, &n))
		return false;
	f->file = str_cut(line, 0, (size_t)colon);
	f->line = (i32)MIN(n, 0x7fffffffu);
	return true;
}

/* What stands below a heading. */
static void stack(struct str *rest, struct crash_goroutine *g, struct arena *a)
{
	struct crash_frame frames[CRASH_FRAMES];
	struct str after = *rest;

	while (g->nframes < CRASH_FRAMES) {
		struct crash_frame f = { .func = str_next_line(&after) };

		if (!str_starts(f.func, STR("  ")) || !str_ends(f.func, STR("()")) ||
		    !place(str_next_line(&after), &f))
			break;
		f.func = str_cut(f.func, 2, f.func.n - 2);
		frames[g->nframes++] = f;
		*rest = after;
	}
	g->frames = arena_copy(a, frames, g->nframes * sizeof(frames[0]));
}

/* "Previous write at 0x00c000014058 by goroutine 7:" */
static bool heads_access(struct str line, struct data_access *to)
{
	ptrdiff_t at = str_find(line, STR(" at 0x")), by = str_find(line, STR(" by "));
	struct str how = str_cut(line, 0, (size_t)MAX(at, (ptrdiff_t)0)), who;

	if (at < 0 || by < at || !str_ends(line, STR(":")))
		return false;
	*to = (struct data_access){ .writes = str_ends(how, STR("rite")) };
	if (!to->writes && !str_ends(how, STR("ead")))
		return false;
	who = str_cut(line, (size_t)by + 4, line.n);
	to->main = str_eq(who, STR("main goroutine:"));
	who = str_cut(who, sizeof("goroutine"), who.n);
	return to->main || str_take_number(&who, &to->goid);
}

/* "Goroutine 7 (running) created at:": which of the two it is. */
static struct data_access *heads_maker(struct str line, struct data_race *r)
{
	struct str number = str_cut(line, sizeof("Goroutine"), line.n);
	u64 goid;

	if (!str_starts(line, STR("Goroutine ")) || !str_ends(line, STR(" created at:")) ||
	    !str_take_number(&number, &goid))
		return NULL;
	for (u32 i = 0; i < r->naccesses; i++)
		if (!r->access[i].main && r->access[i].goid == goid)
			return &r->access[i];
	return NULL;
}

bool detector_race(struct str *rest, struct data_race *to, struct arena *a)
{
	struct str line, after;

	*to = (struct data_race){ 0 };
	do {
		if (!rest->n)
			return false;
		line = str_next_line(rest);
	} while (!str_eq(line, STR("WARNING: DATA RACE")));
	for (after = *rest; after.n; *rest = after) {
		struct data_access heads, *maker;

		line = str_next_line(&after);
		if (str_starts(line, STR("=====")) || str_starts(line, STR("WARNING: DATA RACE")))
			break;
		maker = heads_maker(line, to);
		if (maker) {
			stack(&after, &maker->made_at, a);
		} else if (to->naccesses < ARRAY_LEN(to->access) && heads_access(line, &heads)) {
			stack(&after, &heads.at, a);
			to->access[to->naccesses++] = heads;
		}
	}
	return true;
}
