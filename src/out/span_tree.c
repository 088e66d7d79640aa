#include "out/span_tree.h"

#include <stdlib.h>

#include "out/attribute.h"
#include "base/map.h"
#include "base/vec.h"
#include "span/traceparent.h"

enum {
	WAITING_MOST = 1 << 16, WAITING_BYTES = 64 << 20,
	PRINTED_KEPT = 1 << 14,	/* spans that are known to have been printed */
	INDENTS_MOST = 48,	/* levels; what is deeper stands below each other */
	GRACE_TICKS = 2,	/* what is below a root may end a moment later */
};

struct node {
	u8 self[SPAN_ID], parent[SPAN_ID];
	i64 start_ns;
	size_t text, n;		/* its lines, in the trace's texts: itself, then events */
	bool printed;
	const char *root;	/* what its trace's line says, where it is one */
};

VEC_TYPE(nodes, struct node);
VEC_TYPE(texts, char);

struct waiting {
	u8 trace[TRACE_ID];
	struct nodes nodes;
	struct texts texts;
	bool has_root;		/* one has ended: it will be printed */
	struct waiting *next;	/* another trace of the same hash */
	struct waiting *newer, *older;	/* by when something was added last */
};

struct due {
	u8 trace[TRACE_ID];
	u64 tick;
};

struct tree {
	struct out *out;
	struct out line;
	struct map waiting;	/* hash of a trace's id -> struct waiting * */
	struct map printed;	/* id of a span -> 1 */
	u64 recent[PRINTED_KEPT];
	size_t nrecent;
	struct waiting *newest, *oldest;
	u64 nwaiting, bytes;	/* spans, and of their texts */
	bool whole;
	VEC(struct due) due;	/* traces that have roots, by when the first of them ended */
	u64 ticks;
};

static u64 hash(const u8 trace[TRACE_ID])
{
	u64 h[2];

	memcpy(h, trace, sizeof(h));
	return h[0] ^ h[1];
}

static struct waiting *trace_of(const struct tree *t, const u8 trace[TRACE_ID])
{
	u64 *p = map_get(&t->waiting, hash(trace));
	struct waiting *w = p ? (struct waiting *)(uintptr_t)*p : NULL;

	while (w && memcmp(w->trace, trace, TRACE_ID))
		w = w->next;
	return w;
}

static void unlink_one(struct tree *t, struct waiting *w)
{
	*(w->newer ? &w->newer->older : &t->newest) = w->older;
	*(w->older ? &w->older->newer : &t->oldest) = w->newer;
}

/* The trace, to which something is added. */
static struct waiting *newest_of(struct tree *t, const u8 trace[TRACE_ID])
{
	struct waiting *w = trace_of(t, trace);
	u64 *first;

	if (w) {
		unlink_one(t, w);
	} else {
		w = mem_resize(NULL, sizeof(*w));
		first = map_put(&t->waiting, hash(trace));
		*w = (struct waiting){ .next = (struct waiting *)(uintptr_t)*first };
		memcpy(w->trace, trace, TRACE_ID);
		*first = (uintptr_t)w;
	}
	w->newer = NULL;
	w->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = w;
	t->newest = w;
	return w;
}

static void keep(struct waiting *w, struct node n, const char *text)
{
	n.text = w->texts.n;
	*vec_push(&w->nodes) = n;
	vec_reserve(&w->texts, w->texts.n + n.n);
	memcpy(w->texts.at + w->texts.n, text, n.n);
	w->texts.n += n.n;
}

static void drop(struct tree *t, struct waiting *w)
{
	u64 *p = map_get(&t->waiting, hash(w->trace));
	struct waiting *first = (struct waiting *)(uintptr_t)*p, **at = &first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (first)
		*p = (uintptr_t)first;
	else
		map_remove(&t->waiting, hash(w->trace));
	unlink_one(t, w);
	t->nwaiting -= w->nodes.n;
	t->bytes -= w->texts.n;
	vec_release(&w->nodes);
	vec_release(&w->texts);
	mem_free(w);
}

/* What has been printed waits no more. */
static void let_go(struct tree *t, struct waiting *w)
{
	struct waiting kept = *w;

	kept.nodes = (struct nodes){ 0 };
	kept.texts = (struct texts){ 0 };
	for (size_t i = 0; i < w->nodes.n; i++)
		if (!w->nodes.at[i].printed)
			keep(&kept, w->nodes.at[i], w->texts.at + w->nodes.at[i].text);
	t->nwaiting -= w->nodes.n - kept.nodes.n;
	t->bytes -= w->texts.n - kept.texts.n;
	vec_release(&w->nodes);
	vec_release(&w->texts);
	*w = kept;
	if (!w->nodes.n)
		drop(t, w);
}

static u64 number_of(const u8 id[SPAN_ID])
{
	u64 n;

	memcpy(&n, id, sizeof(n));
	return n;
}

static void remember(struct tree *t, const u8 id[SPAN_ID])
{
	u64 *oldest = &t->recent[t->nrecent++ % PRINTED_KEPT];

	if (t->nrecent > PRINTED_KEPT)
		map_remove(&t->printed, *oldest);
	*oldest = number_of(id);
	*map_put(&t->printed, *oldest) = 1;
}

static int by_parent(const void *x, const void *y)
{
	const struct node *a = x, *b = y;
	int order = memcmp(a->parent, b->parent, SPAN_ID);

	return order ? order : (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* The first whose parent is this one, or where it would stand. */
static size_t first_child(const struct waiting *w, const u8 parent[SPAN_ID])
{
	size_t lo = 0, hi = w->nodes.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(w->nodes.at[mid].parent, parent, SPAN_ID) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_child(const struct waiting *w, size_t i, const u8 parent[SPAN_ID])
{
	return i < w->nodes.n && !memcmp(w->nodes.at[i].parent, parent, SPAN_ID);
}

/* Where we are on the way down: a child, and on each level whether others follow it. */
struct level {
	size_t at;
	u8 parent[SPAN_ID];
};

static void indent(struct out *o, const struct waiting *w, const struct level *levels, size_t n,
		   bool branch)
{
	for (size_t i = 0; i < MIN(n, (size_t)INDENTS_MOST); i++) {
		bool more = is_child(w, levels[i].at + 1, levels[i].parent);

		if (i + 1 < n || !branch)
			out_z(o, more ? "│  " : "   ");
		else
			out_z(o, more ? "├─ " : "└─ ");
	}
}

/* A span's lines: its own is where we are, the others stand below it. */
static void print_lines(struct tree *t, struct str text, const struct waiting *w,
			const struct level *levels, size_t n, bool has_children)
{
	for (bool first = true; text.n || first; first = false) {
		ptrdiff_t end = str_find(text, STR("\n"));
		struct str line = str_cut(text, 0, end < 0 ? text.n : (size_t)end);

		text = str_cut(text, line.n + 1, text.n);
		if (!first) {
			indent(t->out, w, levels, n, false);
			out_z(t->out, has_children ? "│  " : "   ");
		}
		out_str(t->out, line);
		out_line(t->out);
	}
}

static struct str text_of(const struct waiting *w, const struct node *n)
{
	return (struct str){ w->texts.at + n->text, n->n };
}

/* What hangs below a span that has been printed; `levels` instead of a recursion, because a trace
 * may be deep. */
static void print_below(struct tree *t, struct waiting *w, const u8 root[SPAN_ID])
{
	VEC(struct level) levels = { 0 };
	struct level *l = vec_push(&levels);
	size_t lines = 0;

	l->at = first_child(w, root);
	memcpy(l->parent, root, SPAN_ID);
	while (levels.n && lines <= w->nodes.n) {
		struct node *n;

		l = &levels.at[levels.n - 1];
		if (!is_child(w, l->at, l->parent)) {
			if (--levels.n)
				levels.at[levels.n - 1].at++;
			continue;
		}
		n = &w->nodes.at[l->at];
		indent(t->out, w, levels.at, levels.n, true);
		print_lines(t, text_of(w, n), w, levels.at, levels.n,
			    is_child(w, first_child(w, n->self), n->self));
		n->printed = true;
		remember(t, n->self);
		lines++;
		l = vec_push(&levels);
		l->at = first_child(w, n->self);
		memcpy(l->parent, n->self, SPAN_ID);
	}
	vec_release(&levels);
}

static void head(struct tree *t, const u8 trace[TRACE_ID], const char *what)
{
	char id[2 * TRACE_ID + 1];

	trace_id_hex(id, trace);
	out_color(t->out, "2");
	out_fmt(t->out, "trace %s%s", id, what);
	out_plain(t->out);
	out_line(t->out);
}

/* Attributes that the line says without their names, or that would only lengthen it. */
static bool is_plain(struct str key)
{
	static const char *const keys[] = {
		"http.request.method", "http.response.status_code", "http.route", "url.scheme",
		"server.address", "server.port", "client.address", "network.peer.address",
		"network.peer.port", "network.protocol.version", "code.function.name",
		"code.file.path", "code.line.number",
		"rpc.system.name", "rpc.method", "user_agent.original",
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(key, str_of(keys[i])))
			return true;
	return false;
}

/* On a line of its own. */
static void event(struct out *o, const struct span *s, const struct span_event *e)
{
	out_z(o, "\n• ");
	out_color(o, "2");
	out_duration(o, MAX(e->time_ns - s->start_ns, 0));
	out_plain(o);
	for (u32 i = 0; i < e->nattrs; i++) {
		out_c(o, ' ');
		attribute_text(o, &e->attrs[i]);
	}
}

static void make_line(struct tree *t, const struct span *s)
{
	struct out *o = &t->line;

	o->n = 0;
	o->color = t->out->color;
	out_color(o, s->status == STATUS_ERROR ? "1;31" : s->kind == SPAN_INTERNAL ? "0" : "1");
	out_clean(o, s->name);
	out_plain(o);
	out_c(o, ' ');
	out_duration(o, s->end_ns - s->start_ns);
	for (u32 i = 0; i < s->nattrs; i++)
		if (str_eq(s->attrs[i].key, STR("http.response.status_code"))) {
			out_c(o, ' ');
			attribute_text(o, &s->attrs[i]);
		}
	for (u32 i = 0; i < s->nattrs; i++) {
		if (is_plain(s->attrs[i].key))
			continue;
		out_c(o, ' ');
		out_clean(o, s->attrs[i].key);
		out_c(o, '=');
		attribute_text(o, &s->attrs[i]);
	}
	for (u32 i = 0; i < s->nevents; i++)
		event(o, s, &s->events[i]);
	if (s->dropped_events) {
		out_z(o, "\n• ");
		out_u64(o, s->dropped_events);
		out_z(o, " more");
	}
}

/* The span, and what waits for it. A caller may have sent two requests in one trace: what hangs
 * below the other one waits on. */
static void print(struct tree *t, const struct span *s, const char *what)
{
	struct waiting *w = trace_of(t, s->self.trace);

	head(t, s->self.trace, what);
	if (w)
		qsort(w->nodes.at, w->nodes.n, sizeof(*w->nodes.at), by_parent);
	print_lines(t, (struct str){ t->line.buf, t->line.n }, w, NULL, 0,
		    w && is_child(w, first_child(w, s->self.span), s->self.span));
	remember(t, s->self.span);
	if (!w)
		return;
	print_below(t, w, s->self.span);
	let_go(t, w);
}

/* All roots of the trace that have ended, with what hangs below them. */
static void print_roots(struct tree *t, struct waiting *w)
{
	qsort(w->nodes.at, w->nodes.n, sizeof(*w->nodes.at), by_parent);
	for (size_t i = 0; i < w->nodes.n; i++) {
		struct node *n = &w->nodes.at[i];

		if (!n->root || n->printed)
			continue;
		head(t, w->trace, n->root);
		print_lines(t, text_of(w, n), w, NULL, 0,
			    is_child(w, first_child(w, n->self), n->self));
		n->printed = true;
		remember(t, n->self);
		print_below(t, w, n->self);
	}
	w->has_root = false;
	let_go(t, w);
}

/* One that had to make room is no more. */
static void print_due(struct tree *t, u64 tick)
{
	size_t n = 0;

	for (; n < t->due.n && t->due.at[n].tick <= tick; n++) {
		struct waiting *w = trace_of(t, t->due.at[n].trace);

		if (w && w->has_root)
			print_roots(t, w);
	}
	if (!n)
		return;
	t->due.n -= n;
	memmove(t->due.at, t->due.at + n, t->due.n * sizeof(*t->due.at));
}

static int by_number(const void *x, const void *y)
{
	const u64 *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

VEC_TYPE(numbers, u64);

static void print_tops(struct tree *t, struct waiting *w, const struct numbers *all)
{
	for (size_t i = 0; i < w->nodes.n; i++) {
		const struct node *n = &w->nodes.at[i];
		u64 parent = number_of(n->parent);

		if (bsearch(&parent, all->at, all->n, sizeof(parent), by_number))
			continue;
		print_lines(t, text_of(w, n), w, NULL, 0,
			    is_child(w, first_child(w, n->self), n->self));
		remember(t, n->self);
		print_below(t, w, n->self);
	}
}

/* Their root has not ended, and now is not waited for any more. */
static void print_rest(struct tree *t, struct waiting *w)
{
	struct numbers all = { 0 };

	if (t->whole)
		return;
	head(t, w->trace, " (its root has not ended)");
	for (size_t i = 0; i < w->nodes.n; i++)
		*vec_push(&all) = number_of(w->nodes.at[i].self);
	qsort(all.at, all.n, sizeof(*all.at), by_number);
	qsort(w->nodes.at, w->nodes.n, sizeof(*w->nodes.at), by_parent);
	print_tops(t, w, &all);
	vec_release(&all);
}

/* One trace makes room: this one, if most of what waits is of it, as of a root that never ends; or
 * that which was quiet for longest. */
static void make_room(struct tree *t, const u8 trace[TRACE_ID])
{
	struct waiting *w = trace_of(t, trace);

	if (!w || (w->nodes.n < WAITING_MOST / 2 && w->texts.n < WAITING_BYTES / 2))
		w = t->oldest;
	print_rest(t, w);
	drop(t, w);
}

static bool is_full(const struct tree *t, size_t more)
{
	return t->nwaiting >= WAITING_MOST || t->bytes + more > WAITING_BYTES;
}

static struct waiting *wait(struct tree *t, const struct span *s, const char *root)
{
	struct node n = { .start_ns = s->start_ns, .n = t->line.n, .root = root };
	struct waiting *w;

	if (is_full(t, n.n))
		print_due(t, UINT64_MAX);
	while (t->oldest && is_full(t, n.n))
		make_room(t, s->self.trace);
	memcpy(n.self, s->self.span, SPAN_ID);
	memcpy(n.parent, s->parent, SPAN_ID);
	w = newest_of(t, s->self.trace);
	keep(w, n, t->line.buf);
	t->nwaiting++;
	t->bytes += n.n;
	return w;
}

static void root_ends(struct tree *t, const struct span *s)
{
	struct waiting *w = wait(t, s, s->parent_remote ? " (goes on from another process)" : "");
	struct due d = { .tick = t->ticks + GRACE_TICKS };

	if (w->has_root)
		return;
	w->has_root = true;
	memcpy(d.trace, w->trace, TRACE_ID);
	*vec_push(&t->due) = d;
}

static void on_span(void *ctx, const struct span *s)
{
	struct tree *t = ctx;

	make_line(t, s);
	if ((s->parent_remote && !s->parent_here) || id_is_zero(s->parent, SPAN_ID))
		root_ends(t, s);
	else if (map_get(&t->printed, number_of(s->parent)))
		print(t, s, ", later");
	else
		(void)wait(t, s, NULL);
}

static void on_tick(void *ctx, i64 now_ns)
{
	struct tree *t = ctx;

	(void)now_ns;
	print_due(t, ++t->ticks);
}

static u64 on_end(void *ctx)
{
	struct tree *t = ctx;

	print_due(t, UINT64_MAX);
	while (t->oldest) {
		print_rest(t, t->oldest);
		drop(t, t->oldest);
	}
	vec_release(&t->due);
	out_flush(t->out);
	map_release(&t->waiting);
	map_release(&t->printed);
	out_release(&t->line);
	mem_free(t);
	return 0;
}

struct span_exporter span_tree_new(struct out *o, bool whole)
{
	struct tree *t = mem_resize(NULL, sizeof(*t));

	memset(t, 0, sizeof(*t));
	t->out = o;
	t->whole = whole;
	out_memory(&t->line);
	return (struct span_exporter){
		.ctx = t, .span = on_span, .tick = on_tick, .end = on_end,
	};
}
