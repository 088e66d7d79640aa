#include "out/diagnosis.h"
#include "out/goroutine.h"

enum { TEXT_MOST = 240 };	/* bytes of a call */

static bool one_level(const struct death_frame *a, const struct death_frame *b)
{
	return a->pc_rt == b->pc_rt && a->sp_rt == b->sp_rt && a->stack == b->stack;
}

/* Is a value known? `main.f(a=?, b=7)` */
static bool tells(const struct out *text)
{
	for (size_t i = 0; i + 1 < text->n; i++)
		if (text->buf[i] == '=' && text->buf[i + 1] != '?')
			return true;
	return false;
}

/* A text of TEXT_MOST bytes at most. */
static void tell(struct diagnosis *to, struct death *d, struct str what, const struct out *text)
{
	size_t n = text->n;

	while (text->n > TEXT_MOST && (n >= TEXT_MOST || (text->buf[n] & 0xc0) == 0x80))
		n--;
	if (tells(text))
		evidence(to, d, "%.*s: %.*s%s", STR_F(what), (int)n, text->buf,
			 n < text->n ? "…" : "");
}

/* Calls that are inlined into each other are one level. */
static void call_of(struct diagnosis *to, struct death *d, struct goroutine_view *v, u32 i)
{
	const struct death_frame *f = &d->frames[i];
	struct go_level level = { f->in, f->pc_rt, f->sp_rt, f->return_at, f->exact };
	struct stack_frame as = { .func = f->func, .line = f->line };
	u32 first = i, end = i + 1;
	struct out text;

	if (!f->in)
		return;
	while (first && one_level(&d->frames[first - 1], f))
		first--;
	while (end < d->nframes && one_level(&d->frames[end], f))
		end++;
	out_memory(&text);
	goroutine_call_print(&text, v, &level, &as, i - first, end - first);
	tell(to, d, STR("a call"), &text);
	out_release(&text);
	if (!to->variables)
		return;
	out_memory(&text);
	goroutine_locals_print(&text, v, &level, &as, i - first, end - first);
	tell(to, d, str_fmt(d->a, "variables of %.*s, as DWARF has them", STR_F(f->func)), &text);
	out_release(&text);
}

void diagnosis_calls(struct diagnosis *to, struct death *d)
{
	struct plan_request limits = { .strings = 32, .elements = 2, .depth = 1 };
	struct goroutine_view *v;
	struct err ignored;

	if (!d->gs || !to->ncalls)
		return;
	v = mem_resize(NULL, sizeof(*v));
	if (goroutine_view_init(v, d->gs, &limits, &ignored))
		for (u32 i = 0; i < to->ncalls; i++)
			call_of(to, d, v, to->calls[i]);
	goroutine_view_release(v);
	mem_free(v);
}
