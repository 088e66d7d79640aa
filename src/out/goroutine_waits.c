/* What a goroutine waits for, and who may have it. */
#include "out/goroutine.h"
#include "out/line.h"

static void channel_print(struct out *o, struct goroutine_view *v, const struct wait_channel *c)
{
	struct go_type *t = c->elem_va ? go_type_at(v->prog, c->elem_va) : NULL;

	out_z(o, "channel ");
	out_hex(o, c->address);
	if (!c->readable) {
		out_z(o, " <unreadable>");
		return;
	}
	out_z(o, " (");
	if (t && go_type_load(v->prog, t)->kind) {
		out_z(o, "chan ");
		out_clean(o, t->name);
		out_z(o, ", ");
	}
	if (c->cap) {
		out_u64(o, c->len);
		out_z(o, " of ");
		out_u64(o, c->cap);
		out_z(o, " in it");
	} else {
		out_z(o, "unbuffered");
	}
	out_z(o, c->closed ? ", closed)" : ")");
}

void wait_print(struct out *o, struct goroutine_view *v, const struct wait *w)
{
	if (w->kind == WAIT_CHANNEL || w->kind == WAIT_SELECT) {
		for (u32 i = 0; i < w->n; i++) {
			if (i)
				out_z(o, ", ");
			channel_print(o, v, &w->at[i]);
		}
		out_z(o, w->more ? ", …" : "");
		return;
	}
	out_z(o, wait_kind_name(w->kind));
	out_c(o, ' ');
	out_hex(o, w->address);
	if (!w->known)
		return;
	if (w->kind == WAIT_WAITGROUP)
		out_fmt(o, " (counter %llu)", (unsigned long long)w->count);
	else if (w->kind == WAIT_MUTEX)
		out_fmt(o, " (%s, %llu waiting)", w->locked ? "locked" : "unlocked",
			(unsigned long long)w->waiters);
	else
		out_fmt(o, " (%s, %llu readers)", w->locked ? "a writer" : "no writer",
			(unsigned long long)w->count);
}

static bool is_lock(enum wait_kind k)
{
	return k == WAIT_MUTEX || k == WAIT_RWMUTEX || k == WAIT_WAITGROUP || k == WAIT_SEMAPHORE;
}

void goroutine_find_holders(struct goroutine_view *v)
{
	struct go_heap heap;
	bool read, any = false;

	for (size_t i = 0; i < v->all->all.n; i++) {
		const struct goroutine *g = &v->all->all.at[i];
		struct str reason = str_of(goroutine_reason(v->prog, g));
		struct wait w;

		if (g->system || (!str_starts(reason, STR("sync.")) &&
				  !str_starts(reason, STR("semacquire"))))
			continue;
		goroutine_look(v, g);
		wait_of(&w, &v->unwinder, g, v->levels, v->nlevels);
		if (!is_lock(w.kind))
			continue;
		holders_wait(&v->holders, g, &w);
		any = true;
	}
	if (!any)
		return;
	read = go_heap_read(&heap, v->prog->img, v->prog, &v->arena);
	holders_find(&v->holders, v->all, &v->unwinder, read ? &heap : NULL,
		     go_globals_of(v->prog));
}

const struct held *goroutine_held(const struct goroutine_view *v, const struct wait *w)
{
	return is_lock(w->kind) ? holders_of(&v->holders, w->address) : NULL;
}

void holders_print(struct out *o, struct goroutine_view *v, const struct wait *w)
{
	const struct held *held = goroutine_held(v, w);
	struct str who = held ? holders_text(&held, 1, &v->arena) : STR("");

	if (!who.n)
		return;
	line_spaces(o, GOROUTINE_INDENT);
	out_str(o, who);
	out_fmt(o, ", and %s", holders_may(w->kind, false));
	out_line(o);
}
