#include "go/brief.h"

#include "go/types_impl.h"

/* The name of a func type is a signature: "func(string, ...int) error". */
static bool from_types(const struct go_program *prog, const struct go_func *f, struct go_brief *b)
{
	const struct method_row *row = method_row_of(prog, f);
	const struct go_types *ts = prog->types;
	struct descriptor d;

	if (!row || row->type <= 0 || row->name <= 0
	    || !method_has_name(f, type_name_at(ts, (u64)row->name))
	    || !descriptor_read(ts, (u64)row->type, &d) || (d.kind & KIND_MASK) != GO_FUNC
	    || !descriptor_name(ts, &d, &b->type) || !str_starts(b->type, STR("func(")))
		return false;
	b->type = str_cut(b->type, 4, b->type.n);
	b->from = SIG_TYPES;
	return true;
}

struct writer {
	struct go_brief *b;
	size_t n;
};

static void add(struct writer *w, const char *z)
{
	for (; *z && w->n < sizeof(w->b->text); z++)
		w->b->text[w->n++] = *z;
}

/* ArgInfo as shape.c describes it; the first `skip` parameters are not written. False on bytes that
 * no compiler writes. */
static bool write_shape(struct writer *w, struct rd r, unsigned skip)
{
	enum { END = 0xff, OPEN = 0xfe, CLOSE = 0xfd, MORE = 0xfc, FAR = 0xfb };
	unsigned depth = 0, n = 0, words = 0;
	const char *between = "";
	bool cut = false;

	add(w, "(");
	for (u8 c = rd_u8(&r); c != END; c = rd_u8(&r)) {
		u8 size = c < FAR ? rd_u8(&r) : 8;

		if (r.bad || w->n + 8 > sizeof(w->b->text))
			return false;
		if (c == MORE) {
			cut = true;
			continue;
		}
		if (!depth && c != CLOSE && n++ >= skip) {
			add(w, between);
			between = ", ";
			words = 0;
		}
		if (c == CLOSE && !depth--)
			return false;
		if (n > skip && c == OPEN && !depth)
			add(w, "{");
		depth += c == OPEN;
		if (n > skip && c == CLOSE && !depth)
			add(w, "}");
		if (n > skip && c != OPEN && c != CLOSE) {
			const char digit[2] = { (char)('0' + size % 10), 0 };

			add(w, words++ ? " " : "");
			add(w, digit);
		}
	}
	if (cut)
		add(w, *between ? ", …" : "…");
	add(w, ") ?");
	return !depth;
}

static bool from_shape(const struct go_program *prog, const struct go_func *f, bool method,
		       struct go_brief *b)
{
	enum { LONGEST = 128 };
	u64 va = go_funcdata_va(prog, f, FUNCDATA_ARG_INFO);
	u64 room = MIN(image_room(prog->img, va), (u64)LONGEST);
	struct writer w = { .b = b };
	bool ok;

	if (!va) {	/* compiled code without it has no parameters: only then it is left out */
		add(&w, "() ?");
		ok = !f->assembly && !f->args;
	} else {
		ok = write_shape(&w, image_rd(prog->img, va, room, "argument info"), method);
	}
	b->type = (struct str){ b->text, w.n };
	b->from = ok ? SIG_SHAPE : SIG_NONE;
	return ok;
}

void go_brief_of(const struct go_program *prog, const struct go_func *f, struct go_brief *b)
{
	struct go_name n = go_name_split(f->name);
	bool method = n.receiver.n && !n.closure.n;

	b->from = SIG_NONE;
	b->type = STR("(?) ?");
	/* names with brackets: ArgInfo leaves a parameter out, and it takes more to say which */
	b->ask = prog->has_dwarf;
	if (b->ask || (method && from_types(prog, f, b)))
		return;
	b->ask = memchr(f->name.p, '[', f->name.n);
	if (!b->ask && !from_shape(prog, f, method, b))
		b->type = STR("(?) ?");
}
