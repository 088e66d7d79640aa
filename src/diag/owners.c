#include "diag/owners.h"

#include <inttypes.h>

#include "base/vec.h"
#include "go/globals.h"

enum { VALUES_MOST = 300000, ELEMS_MOST = 2048, NESTED_MOST = 24, NAME_MOST = 200 };

struct value {
	u64 at;
	struct go_type *t;
	struct str name;
	struct go_type *in;	/* of a field: its struct */
	struct str field;
};

struct walk {
	struct owners *to;
	const struct go_program *prog;
	const struct image *img;
	const struct go_heap *heap;
	struct arena *a;
	struct boxes boxes;
	struct map seen;	/* address of what was pointed to */
	VEC(struct value) todo;
};

static bool words(const struct walk *w, u64 rt, u64 *to, size_t n)
{
	return image_read_rt(w->img, rt, to, n * 8);
}

static bool leads_on(struct go_type *t)
{
	return t->kind == GO_PTR || t->kind == GO_STRING || t->kind == GO_SLICE ||
	       t->kind == GO_INTERFACE || t->kind == GO_STRUCT || t->kind == GO_ARRAY;
}

/* What has a longer name than this is not looked at. */
static bool has_name(struct walk *w, struct str before, struct str more)
{
	bool fits = before.n + more.n < NAME_MOST;

	w->to->cut |= !fits;
	return fits;
}

static void later(struct walk *w, u64 at, struct go_type *t, struct str name)
{
	u64 *seen;

	if (!at || !leads_on(t) || !has_name(w, name, STR("")))
		return;
	seen = map_put(&w->seen, at);
	if (*seen == (u64)(uintptr_t)t)
		return;
	*seen = (u64)(uintptr_t)t;
	*vec_push(&w->todo) = (struct value){ .at = at, .t = t, .name = name };
}

static void found(struct walk *w, const struct misfit *m)
{
	if (w->to->n < MISFITS)
		w->to->found[w->to->n++] = *m;
	w->to->all++;
}

static void judge(struct walk *w, const struct value *v, u64 ptr, u64 bytes)
{
	struct misfit m = { .name = v->name, .type = v->t->name, .at = v->at, .ptr = ptr,
			    .bytes = bytes, .in = v->in, .field = v->field };

	if (!ptr || !bytes || !go_heap_object(w->heap, ptr, &m.object))
		return;
	m.over = bytes > m.object.base + m.object.span->elem - ptr;
	m.free = go_object_free(w->heap, &m.object, &m.marked);
	if (!m.over && !m.free)
		return;
	found(w, &m);
}

static void look(struct walk *w, struct value v, unsigned nested);

static void elements(struct walk *w, u64 at, struct go_type *elem, u64 n, struct str name,
		     unsigned nested)
{
	go_type_load(w->prog, elem);
	if (!leads_on(elem) || !elem->size)
		return;
	w->to->cut |= n > ELEMS_MOST;
	for (u64 i = 0; i < MIN(n, (u64)ELEMS_MOST) && w->to->values < VALUES_MOST; i++)
		look(w, (struct value){ .at = at + i * elem->size, .t = elem,
					.name = str_fmt(w->a, "%.*s[%" PRIu64 "]", STR_F(name),
							i) },
		     nested);
}

/* What is wrong is not followed: it would be read as what it is not. */
static void held(struct walk *w, const struct value *v, const u64 *word)
{
	struct misfit m = { .name = v->name, .type = v->t->name, .at = v->at, .in = v->in,
			    .field = v->field };
	struct go_type *t;

	if (interface_wrong(&w->boxes, v->t->nmethods, word, &m.box)) {
		m.free = m.box.fault == BOXED_FREE;
		found(w, &m);
		return;
	}
	t = m.box.says;
	if (!t || !word[1] || !has_name(w, v->name, t->name))
		return;
	if (!t->direct_iface)
		later(w, word[1], t, str_fmt(w->a, "%.*s.(%.*s)", STR_F(v->name), STR_F(t->name)));
	else if (t->kind == GO_PTR && t->elem)
		later(w, word[1], go_type_load(w->prog, t->elem),
		      str_fmt(w->a, "%.*s.(%.*s)", STR_F(v->name), STR_F(t->name)));
}

static void look(struct walk *w, struct value v, unsigned nested)
{
	struct go_type *t = go_type_load(w->prog, v.t);
	u64 word[3];

	if (nested > NESTED_MOST || w->to->values++ > VALUES_MOST) {
		w->to->cut = true;
		return;
	}
	switch (t->kind) {
	case GO_PTR:
		if (t->elem && words(w, v.at, word, 1))
			later(w, word[0], go_type_load(w->prog, t->elem), v.name);
		return;
	case GO_STRING:
		if (words(w, v.at, word, 2))
			judge(w, &v, word[0], word[1]);
		return;
	case GO_SLICE:
		if (!t->elem || !words(w, v.at, word, 3) || word[1] > (u64)1 << 40)
			return;
		judge(w, &v, word[0], word[1] * go_type_load(w->prog, t->elem)->size);
		if (word[0] && !map_get(&w->seen, word[0])) {
			*map_put(&w->seen, word[0]) = 0;
			elements(w, word[0], t->elem, word[1], v.name, nested + 1);
		}
		return;
	case GO_INTERFACE:
		if (words(w, v.at, word, 2))
			held(w, &v, word);
		return;
	case GO_ARRAY:
		if (t->elem)
			elements(w, v.at, t->elem, t->len, v.name, nested + 1);
		return;
	case GO_STRUCT:
		for (size_t i = 0; i < t->nfields; i++) {
			struct go_field *f = &t->fields[i];

			if (f->type && leads_on(go_type_load(w->prog, f->type)) &&
			    has_name(w, v.name, f->name))
				look(w, (struct value){ v.at + f->offset, f->type,
							str_fmt(w->a, "%.*s.%.*s", STR_F(v.name),
								STR_F(f->name)), t, f->name },
				     nested + 1);
		}
		return;
	}
}

/* The runtime's own hold what it manages by hand. */
static bool of_the_program(struct str name)
{
	return !str_starts(name, STR("runtime.")) && !str_starts(name, STR("runtime/")) &&
	       !str_starts(name, STR("internal/"));
}

void owners_find(struct owners *to, const struct go_program *prog, const struct image *img,
		 const struct go_heap *heap, const struct go_globals *globals, struct arena *a)
{
	struct walk w = { .to = to, .prog = prog, .img = img, .heap = heap, .a = a };

	*to = (struct owners){ 0 };
	boxes_make(&w.boxes, prog, img, heap, globals);
	for (size_t i = 0; i < globals->n; i++) {
		const struct go_global *g = &globals->at[i];
		struct go_type *t = of_the_program(g->name) ? go_global_type(prog, g) : NULL;

		if (!t || go_type_load(prog, t)->kind == GO_BAD)
			continue;
		to->globals++;
		later(&w, g->va + img->bias, t, g->name);
	}
	/* what is nearer to a variable comes first: its name is the shorter one */
	for (size_t i = 0; i < w.todo.n && to->values < VALUES_MOST; i++)
		look(&w, w.todo.at[i], 0);
	to->cut |= to->values >= VALUES_MOST;
	vec_release(&w.todo);
	map_release(&w.seen);
}
