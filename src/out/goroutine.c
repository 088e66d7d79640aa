#include "out/goroutine.h"

#include "go/release.h"
#include "out/line.h"

enum { LISTED = 8, INDENT = GOROUTINE_INDENT };

static bool read_rt(void *ctx, u64 rt, void *to, size_t n)
{
	return image_read_rt(ctx, rt, to, n);
}

bool goroutine_view_init(struct goroutine_view *v, const struct goroutines *all,
			 const struct plan_request *request, struct err *err)
{
	const struct go_program *prog = all->prog;

	*v = (struct goroutine_view){ .prog = prog, .all = all };
	unwinder_init(&v->unwinder, prog);
	v->stacks = stacks_of(prog, prog->img->bias);
	if (!args_init(&v->args, prog, request, err))
		return false;
	v->values = (struct value_view){
		.prog = prog, .plan = &v->args.plan, .bias = prog->img->bias, .read_rt = read_rt,
		.read_ctx = (void *)(uintptr_t)prog->img, .strings = request->strings,
		.elements = request->elements,
	};
	return true;
}

void goroutine_view_release(struct goroutine_view *v)
{
	args_release(&v->args);
	stacks_release(&v->stacks);
	unwinder_release(&v->unwinder);
	holders_release(&v->holders);
	arena_release(&v->arena);
}

void goroutine_look(struct goroutine_view *v, const struct goroutine *g)
{
	v->nlevels = 0;
	v->end = UNWIND_ASTRAY;
	if (!g->torn)
		v->nlevels = goroutine_unwind(&v->unwinder, g, v->levels, GOROUTINE_LEVELS,
					      &v->end);
}

const struct stack_frame *goroutine_creator(struct goroutine_view *v, const struct goroutine *g)
{
	size_t n;

	return g->gopc && g->goid != 1 ? stack_at(&v->stacks, g->gopc, false, &n) : NULL;
}

i64 goroutine_waits_ns(const struct goroutine_view *v, const struct goroutine *g)
{
	return v->now && g->since > 0 && g->since <= v->now ? v->now - g->since : -1;
}

bool goroutine_has(struct goroutine_view *v, const struct goroutine *g, const struct patterns *p)
{
	bool named;
	size_t n;

	goroutine_look(v, g);
	for (size_t i = 0; i < v->nlevels; i++) {
		const struct go_level *l = &v->levels[i];
		const struct stack_frame *f = stack_at(&v->stacks, l->pc_rt, l->exact, &n);

		if (l->func && patterns_match_func(p, v->prog, l->func, &named))
			return true;
		for (size_t k = 0; k + 1 < n; k++)
			if (f[k].func.n && patterns_match_text(p, f[k].func))
				return true;
	}
	return false;
}

u64 goroutine_hash(struct goroutine_view *v, const struct goroutine *g)
{
	u64 h = g->status | (u64)g->reason << 8 | (u64)g->system << 16;

	goroutine_look(v, g);
	for (size_t i = 0; i < v->nlevels; i++)
		h = (h ^ v->levels[i].pc_rt) * 0x9e3779b97f4a7c15u;
	return (h ^ g->gopc) * 0x9e3779b97f4a7c15u;
}

/* Go's rule: the runtime's own functions say little to others, but for its exported ones and a
 * panic in the midst of a stack (runtime/traceback.go, showfuncinfo). */
static bool is_internal(struct str name, bool innermost)
{
	struct go_name n = go_name_split(name);
	struct str last = n.receiver.n ? n.receiver : n.function;

	if (str_eq(name, STR("runtime.gopanic")) && !innermost)
		return false;
	if (!str_eq(n.package, STR("runtime")))
		return false;
	if (str_starts(last, STR("*")))
		last = str_cut(last, 1, last.n);
	return !last.n || last.p[0] < 'A' || last.p[0] > 'Z' ||
	       !n.function.n || n.function.p[0] < 'A' || n.function.p[0] > 'Z';
}

static void place_line(struct out *o, struct str file, i32 line, int indent)
{
	if (!file.n)
		return;
	line_spaces(o, indent);
	out_color(o, "2");
	out_clean(o, file);
	out_c(o, ':');
	out_i64(o, line);
	out_plain(o);
	out_line(o);
}

/* Gives whether there is none. */
static bool values(struct out *o, struct goroutine_view *v, const struct reading *r)
{
	bool first = true;

	v->values.reading = r;
	v->values.record = (const u8 *)v->args.record;
	value_begin(&v->values);
	for (u32 i = 0; i < r->nslots; i++) {
		if (r->slots[i].param->dictionary)
			continue;
		if (!first)
			out_z(o, ", ");
		first = false;
		out_clean(o, r->slots[i].param->name);
		out_c(o, '=');
		value_text(o, &v->values, &r->slots[i]);
	}
	return first;
}

static void arguments(struct out *o, struct goroutine_view *v, const struct go_level *l,
		      size_t at, size_t frames)
{
	const struct reading *r = args_read(&v->args, &v->unwinder, l, at, frames);
	bool none;

	if (!r) {
		out_z(o, at + 1 < frames ? "(…)" : "(?)");
		return;
	}
	out_c(o, '(');
	none = values(o, v, r);
	if (at + 1 == frames && go_sig_of(v->prog, l->func)->cut)
		out_z(o, none ? "…" : ", …");
	out_c(o, ')');
}

void goroutine_locals_print(struct out *o, struct goroutine_view *v, const struct go_level *l,
			    const struct stack_frame *f, size_t at, size_t frames)
{
	const struct reading *r = args_read_locals(&v->args, &v->unwinder, l, at, frames, f->line);

	if (r)
		values(o, v, r);
}

void goroutine_call_print(struct out *o, struct goroutine_view *v, const struct go_level *l,
			  const struct stack_frame *f, size_t at, size_t frames)
{
	if (f->func.n)
		out_clean(o, f->func);
	else
		out_hex(o, l->pc_rt);
	if (l->func)
		arguments(o, v, l, at, frames);
	else
		out_z(o, " (not Go code)");
}

void goroutine_frame_print(struct out *o, struct goroutine_view *v, const struct go_level *l,
			   const struct stack_frame *f, size_t at, size_t frames)
{
	line_spaces(o, INDENT);
	goroutine_call_print(o, v, l, f, at, frames);
	if (f->inlined)
		out_z(o, " (inlined)");
	out_line(o);
	place_line(o, f->file, f->line, 2 * INDENT);
}

static void frames_print(struct out *o, struct goroutine_view *v)
{
	struct str callee = STR("");
	bool any = false;

	for (int all = v->runtime; all < 2 && !any; all++)	/* nothing else: then these */
		for (size_t i = 0; i < v->nlevels; i++) {
			const struct go_level *l = &v->levels[i];
			size_t n;
			const struct stack_frame *f = stack_at(&v->stacks, l->pc_rt, l->exact, &n);

			for (size_t k = 0; k < n; k++) {
				if ((v->runtime || !stack_hides(&f[k], callee)) &&
				    (all || !is_internal(f[k].func, !any))) {
					goroutine_frame_print(o, v, l, &f[k], k, n);
					any = true;
				}
				callee = f[k].func;
			}
		}
	if (v->end == UNWIND_WHOLE)
		return;
	line_spaces(o, INDENT);
	out_fmt(o, "… (the stack goes on: %s)",
		v->end == UNWIND_CUT ? "too many frames" :
		v->end == UNWIND_UNREADABLE ? "its memory is not there" :
		v->end == UNWIND_FOREIGN ? "code that is not Go's" : "it leads nowhere");
	out_line(o);
}

static void creator(struct out *o, struct goroutine_view *v, const struct goroutine *g)
{
	const struct stack_frame *f = goroutine_creator(v, g);

	if (!f || !f->func.n)
		return;
	line_spaces(o, INDENT);
	out_z(o, "created by ");
	out_clean(o, f->func);
	if (g->parent)
		out_fmt(o, " in goroutine %lld", (long long)g->parent);
	out_line(o);
	place_line(o, f->file, f->line, 2 * INDENT);
}

/* The first few goids, and how many more. */
static void goids(struct out *o, const struct goroutine *const *list, size_t n)
{
	for (size_t i = 0; i < MIN(n, (size_t)LISTED); i++)
		out_fmt(o, "%s%lld", i ? ", " : "", (long long)list[i]->goid);
	if (n > LISTED)
		out_fmt(o, " and %zu more", n - LISTED);
}

static void heading(struct out *o, struct goroutine_view *v, const struct goroutine *const *list,
		    size_t n)
{
	i64 least = INT64_MAX, most = -1;

	for (size_t i = 0; i < n; i++) {
		i64 ns = goroutine_waits_ns(v, list[i]);

		least = MIN(least, ns);
		most = MAX(most, ns);
	}
	out_color(o, "1");
	out_fmt(o, n == 1 ? "goroutine " : "%zu goroutines ", n);
	if (n == 1)
		out_fmt(o, "%lld ", (long long)list[0]->goid);
	out_fmt(o, "[%s", goroutine_state(v->prog, list[0]));
	if (most >= 0) {
		out_z(o, ", for ");
		if (least >= 0 && least != most) {
			line_duration_short(o, least);
			out_z(o, " to ");
		}
		line_duration_short(o, most);
	}
	out_z(o, "]");
	out_plain(o);
	if (list[0]->system)
		out_z(o, " (the runtime's own)");
	if (n > 1) {
		out_z(o, ": ");
		goids(o, list, n);
	}
	out_line(o);
}

void goroutine_group_print(struct out *o, struct goroutine_view *v,
			   const struct goroutine *const *list, size_t n)
{
	const struct goroutine *g = list[0];
	struct wait w;

	heading(o, v, list, n);
	goroutine_look(v, g);
	if (g->torn) {
		line_spaces(o, INDENT);
		out_z(o, "(it runs, and where it stands in its code could not be seen)");
		out_line(o);
	}
	frames_print(o, v);
	creator(o, v, g);
	wait_of(&w, &v->unwinder, g, v->levels, v->nlevels);
	if (!w.kind)
		return;
	line_spaces(o, INDENT);
	out_fmt(o, n == 1 ? "waits for " : "goroutine %lld waits for ", (long long)g->goid);
	wait_print(o, v, &w);
	out_line(o);
	holders_print(o, v, &w);
}

void goroutine_folded(struct out *o, struct goroutine_view *v, const struct goroutine *g)
{
	bool any = false;

	goroutine_look(v, g);
	for (size_t i = v->nlevels; i--; ) {
		const struct go_level *l = &v->levels[i];
		size_t n;
		const struct stack_frame *f = stack_at(&v->stacks, l->pc_rt, l->exact, &n);

		for (size_t k = n; k--; ) {
			if (!v->runtime && f[k].wrapper)
				continue;
			out_z(o, any ? ";" : "");
			any = true;
			if (f[k].func.n)
				out_clean(o, f[k].func);
			else
				out_hex(o, l->pc_rt);
		}
	}
}
