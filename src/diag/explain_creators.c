/* Who made the goroutine that died. From Go 1.21 on each knows the number of who made it. */
#include "diag/explain.h"

enum { CREATORS_MOST = 8 };

/* Gives the goroutine that made it, where it is still there. */
static const struct goroutine *from_memory(struct diagnosis *to, struct death *d,
					   const struct goroutine *g)
{
	struct go_frame f[GO_FRAMES];
	u64 pc = g->gopc - d->u->text_rt - 1;
	const struct go_func *by = go_func_at(d->prog, pc);
	const struct goroutine *up = g->parent ? goroutine_of(d->gs, g->parent) : NULL;

	if (!by || !go_frames_at(d->prog, by, pc, f))
		return NULL;
	evidence(to, d, "goroutine %lld was created by %.*s %.*s:%d%s", (long long)g->goid,
		 STR_F(f[0].name), STR_F(f[0].at.file), f[0].at.line,
		 !g->parent ? "" : str_fmt(d->a, " in goroutine %lld%s", (long long)g->parent,
					   up ? "" : ", which has ended").p);
	return up;
}

/* "goroutine 7 [running]:" up to the empty line behind it; empty: it was not printed. */
static struct str section(struct str text, struct str head)
{
	ptrdiff_t at = str_find(text, head), end;

	if (at < 0)
		return STR("");
	text = str_cut(text, (size_t)at + 2, text.n);
	end = str_find(text, STR("\n\n"));
	return end < 0 ? text : str_cut(text, 0, (size_t)end);
}

static struct str created_by(struct str section)
{
	ptrdiff_t at = str_find(section, STR("\ncreated by ")), end;
	struct str line;

	if (at < 0)
		return STR("");
	line = str_cut(section, (size_t)at + 1, section.n);
	end = str_find(line, STR("\n"));
	return end < 0 ? line : str_cut(line, 0, (size_t)end);
}

static void from_text(struct diagnosis *to, struct death *d)
{
	struct str id = str_fmt(d->a, "%lld", (long long)d->goid);
	struct str text = section(d->text, STR("\n\ngoroutine "));	/* the first died */

	for (u32 n = 0; n < CREATORS_MOST; n++) {
		struct str line = created_by(text);
		ptrdiff_t at = str_find(line, STR(" in goroutine "));

		if (!line.n)
			return;
		evidence(to, d, "goroutine %.*s was %.*s", STR_F(id), STR_F(line));
		if (at < 0)
			return;
		id = str_cut(line, (size_t)at + 14, line.n);
		text = section(d->text, str_fmt(d->a, "\n\ngoroutine %.*s ", STR_F(id)));
	}
}

void explain_creators(struct diagnosis *to, struct death *d)
{
	const struct goroutine *g = d->g;

	if (!d->prog || !g || !g->gopc) {
		from_text(to, d);
		return;
	}
	for (u32 n = 0; g && g->gopc && g->goid != 1 && n < CREATORS_MOST; n++)
		g = from_memory(to, d, g);
}
