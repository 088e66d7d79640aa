#include "out/code.h"

#include <inttypes.h>
#include <stdio.h>

#include "go/globals.h"
#include "out/torn.h"

enum {
	SHOWN_STRING = 48,	/* bytes of a string that are shown */
	LONGEST_STRING = 1 << 16,
	BYTES_COLUMN = 30,	/* ten bytes; longer instructions push the rest */
	TEXT_COLUMN = 44,
};

static u64 va_of(const struct code_view *v, i64 at)
{
	return v->flow.va + (u64)at;
}

static void note_func(struct out *o, const struct code_view *v, u64 va)
{
	const struct go_func *f = go_func_at(v->function.prog, va - v->function.prog->md.text_va);

	if (!f)
		return;
	out_clean(o, f->name);
	if (va != go_func_va(v->function.prog, f))
		out_fmt(o, "+0x%" PRIx64, va - go_func_va(v->function.prog, f));
}

/* `mov r32, imm32`: what passes a string's length. */
static u32 immediate(const struct flow *f, u32 k)
{
	const u8 *p = f->bytes + f->insns[k].at;
	u32 imm;

	if (f->insns[k].size != 5 || (p[0] & 0xf8) != 0xb8)
		return 0;
	memcpy(&imm, p + 1, sizeof(imm));
	return imm;
}

static bool is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((u8)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t')
			return false;
	return str_is_utf8(s);
}

static bool is_constant(const struct image *img, u64 va)
{
	for (size_t i = 0; i < img->nsegs; i++)
		if (va >= img->segs[i].va && va - img->segs[i].va < img->segs[i].filesz)
			return !img->segs[i].write && !img->segs[i].exec;
	return false;
}

/* A string's bytes have no length with them: it is the number that is loaded beside the address. */
static void note_string(struct out *o, const struct code_view *v, u32 k, u64 va)
{
	static const i8 around[] = { 1, -1, 2, -2 };
	const struct image *img = v->function.prog->img;

	if (!is_constant(img, va))
		return;
	for (size_t i = 0; i < ARRAY_LEN(around); i++) {
		i64 at = (i64)k + around[i];
		u32 n = at >= 0 && at < v->flow.n ? immediate(&v->flow, (u32)at) : 0;
		struct str s;

		if (!n || n > LONGEST_STRING)
			continue;
		s = image_bytes(img, va, n);
		if (!s.n || !is_text(s))
			continue;
		out_quoted(o, str_cut(s, 0, SHOWN_STRING));
		if (n > SHOWN_STRING)
			out_fmt(o, "…(%u)", n);
		return;
	}
}

static void note_variable(struct out *o, const struct code_view *v, u64 va)
{
	const struct go_globals *all = go_globals_of(v->function.prog);
	const struct go_global *g = go_global_at(all, va);

	if (!g)
		return;
	out_clean(o, g->name);
	if (va != g->va)
		out_fmt(o, "+0x%" PRIx64, va - g->va);
}

static void note_data(struct out *o, const struct code_view *v, u32 k, u64 va)
{
	const struct go_program *prog = v->function.prog;
	const struct moduledata *md = &prog->md;
	struct go_type *t;
	size_t n = o->n;

	if (va >= md->text_va && va < md->etext_va) {
		note_func(o, v, va);
	} else if (va >= md->types_va && va < md->etypes_va) {
		t = go_type_load(prog, go_type_at(prog, va));
		if (t->kind != GO_BAD) {
			out_z(o, "type ");
			out_clean(o, t->name);
			return;
		}
		note_string(o, v, k, va);
	} else {
		note_string(o, v, k, va);
		if (o->n == n)
			note_variable(o, v, va);
	}
}

static void note_place(struct out *o, const struct code_view *v, u32 k)
{
	const struct insn *i = &v->flow.insns[k];

	if (i->rel_size && (i->target < 0 || i->target >= v->flow.size || i->kind == INSN_CALL))
		note_func(o, v, va_of(v, i->target));
	else if (i->disp_at)
		note_data(o, v, k, va_of(v, flow_rip_target(&v->flow, i)));
}

static const struct exit_point *exit_at(const struct code_view *v, u32 k)
{
	for (u32 i = 0; i < v->patches.nexits; i++)
		if (v->patches.exits[i].insn == k)
			return &v->patches.exits[i];
	return NULL;
}

static const struct window *window_of(const struct code_view *v, u32 k)
{
	for (u32 i = 0; i < v->patches.nwindows; i++)
		if (k - v->patches.windows[i].first < v->patches.windows[i].count)
			return &v->patches.windows[i];
	return NULL;
}

/* A window is there for what it holds: the entry, an exit, or a branch to an exit elsewhere. */
static const char *window_kind(const struct code_view *v, const struct window *w)
{
	bool leaves = false;

	for (u32 k = w->first; k < w->first + w->count; k++)
		leaves |= exit_at(v, k) != NULL;
	return w->entry ? leaves ? "entry and exit" : "entry" : leaves ? "exit" : "branch";
}

static void note_window(struct out *o, const struct code_view *v, u32 k)
{
	const struct window *w = window_of(v, k);
	const struct exit_point *e = exit_at(v, k);

	if (w && w->first == k)
		out_fmt(o, "[%s window, %u bytes%s]", window_kind(v, w), w->size,
			w->may_fault ? ", may fault" : "");
	if (e && e->refusal)
		out_fmt(o, "%s[exit refused: %s]", w && w->first == k ? " " : "",
			refusal_text(e->refusal));
	else if (e && !w)
		out_z(o, "[exit: its branches have windows]");
}

/* A delay before it shows the two halves. */
static void note_torn(struct out *o, const struct code_view *v, u32 k)
{
	for (size_t i = 0; i < v->ntorn; i++) {
		if (v->torn[i].at != v->flow.insns[k].at)
			continue;
		if (o->n)
			out_c(o, ' ');
		out_z(o, "[torn store: ");
		torn_print_what(o, &v->torn[i]);
		out_c(o, ']');
	}
}

/* What there is to say about instruction k; the caller releases the buffer. */
static struct str note_of(struct out *memory, const struct code_view *v, u32 k)
{
	size_t n;

	memory->n = 0;
	note_place(memory, v, k);
	n = memory->n;
	if (n)
		out_c(memory, ' ');
	note_window(memory, v, k);
	if (memory->n == n + 1)
		memory->n = n;
	note_torn(memory, v, k);
	return (struct str){ memory->buf, memory->n };
}

static void print_places(struct out *o, const struct go_param *p)
{
	static const char *const ints[] = {
		"AX", "BX", "CX", "DI", "SI", "R8", "R9", "R10", "R11"
	};

	for (size_t i = 0; i < p->nplaces; i++) {
		const struct go_place *at = &p->places[i];

		out_c(o, ' ');
		if (at->kind == PLACE_INT && at->reg < ARRAY_LEN(ints))
			out_z(o, ints[at->reg]);
		else if (at->kind == PLACE_FLOAT)
			out_fmt(o, "X%u", at->reg);
		else if (at->kind == PLACE_STACK)
			out_fmt(o, "%d(SP)+%u", at->off, at->size);
		else
			out_c(o, '?');
	}
}

static void print_params(struct out *o, const struct go_program *prog, const char *when,
			 const struct go_param *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out_fmt(o, "    %s  ", when);
		out_clean(o, p[i].name);
		if (p[i].type) {
			out_c(o, ' ');
			out_clean(o, go_type_load(prog, p[i].type)->name);
		}
		out_c(o, ':');
		print_places(o, &p[i]);
		out_line(o);
	}
}

static bool same_frames(const struct go_frame *a, size_t na, const struct go_frame *b, size_t nb)
{
	for (size_t i = 0; i < MIN(na, nb); i++)
		if (!str_eq(a[i].name, b[i].name) || a[i].at.line != b[i].at.line ||
		    !str_eq(a[i].at.file, b[i].at.file))
			return false;
	return na == nb;
}

/* FILE:LINE, and for inlined code the function and where each call stands. */
static void print_frames(struct out *o, const struct go_frame *frames, size_t n)
{
	out_color(o, "2");
	for (size_t i = 0; i < n; i++) {
		out_z(o, i ? ", called at " : "  ");
		if (frames[i].at.file.n) {
			out_clean(o, frames[i].at.file);
			out_fmt(o, ":%d", frames[i].at.line);
		} else {
			out_c(o, '?');
		}
		if (frames[i].inlined) {
			out_z(o, " in ");
			out_clean(o, frames[i].name);
			out_z(o, ", inlined");
		}
	}
	out_plain(o);
	out_line(o);
}

static void pad(struct out *o, size_t from, size_t width)
{
	while (o->n - from < width)
		out_c(o, ' ');
}

static const char *text_of(const struct code_view *v, const struct insn *i, char *to, size_t room)
{
	if (i->kind == INSN_BYTE)
		snprintf(to, room, ".byte 0x%02x", v->flow.bytes[i->at]);
	else if (!flow_text(&v->flow, i, to, room))
		return "?";
	return to;
}

static void print_insn(struct out *o, const struct code_view *v, u32 k, struct str note)
{
	const struct insn *i = &v->flow.insns[k];
	char text[256];
	size_t from;

	out_fmt(o, "  %c ", window_of(v, k) ? '|' : ' ');
	out_hex(o, va_of(v, i->at));
	out_fmt(o, "  +%-5u ", i->at);
	from = o->n;
	for (u32 b = 0; b < i->size; b++)
		out_fmt(o, "%02x ", v->flow.bytes[i->at + b]);
	pad(o, from, BYTES_COLUMN);
	from = o->n;
	out_z(o, text_of(v, i, text, sizeof(text)));
	if (note.n) {
		pad(o, from, TEXT_COLUMN);
		out_z(o, "  ; ");
		out_str(o, note);
	}
	out_line(o);
}

void code_print(struct out *o, const struct code_view *v)
{
	const struct go_program *prog = v->function.prog;
	const struct go_sig *sig = go_sig_of(prog, v->function.func);
	struct go_frame frames[2][GO_FRAMES];
	size_t n[2] = { 0, 0 };
	OWN(out) memory;

	out_memory(&memory);
	function_print(o, &v->function);
	print_params(o, prog, "entry", sig->params, sig->nparams);
	if (sig->results_known)
		print_params(o, prog, "exit ", sig->results, sig->nresults);
	for (u32 k = 0; k < v->flow.n; k++) {
		u32 now = k & 1;

		n[now] = go_frames_at(prog, v->function.func,
				      v->function.func->pc + v->flow.insns[k].at, frames[now]);
		if (!k || !same_frames(frames[now], n[now], frames[!now], n[!now]))
			print_frames(o, frames[now], n[now]);
		print_insn(o, v, k, note_of(&memory, v, k));
	}
}

static void json_bytes(struct json *j, const struct code_view *v, const struct insn *i)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * 15];
	u32 n = 0;

	for (u32 b = 0; b < MIN(i->size, 15u); b++) {
		hex[n++] = digits[v->flow.bytes[i->at + b] >> 4];
		hex[n++] = digits[v->flow.bytes[i->at + b] & 15];
	}
	json_str(j, (struct str){ hex, n });
}

static void json_insn(struct json *j, const struct code_view *v, u32 k, struct str note)
{
	const struct insn *i = &v->flow.insns[k];
	struct go_frame frames[GO_FRAMES];
	size_t n = go_frames_at(v->function.prog, v->function.func, v->function.func->pc + i->at,
				frames);
	char text[256];

	json_object(j);
	json_key(j, "type");
	json_z(j, "instruction");
	json_key(j, "address");
	json_hex(j, va_of(v, i->at));
	json_key(j, "bytes");
	json_bytes(j, v, i);
	json_key(j, "text");
	json_z(j, text_of(v, i, text, sizeof(text)));
	json_key(j, "func");
	json_str(j, n ? frames[0].name : v->function.name);
	json_key(j, "file");
	if (n && frames[0].at.file.n)
		json_str(j, frames[0].at.file);
	else
		json_null(j);
	json_key(j, "line");
	if (n && frames[0].at.file.n)
		json_i64(j, frames[0].at.line);
	else
		json_null(j);
	json_key(j, "note");
	if (note.n)
		json_str(j, note);
	else
		json_null(j);
	json_object_end(j);
	json_line(j);
}

void code_json(struct json *j, const struct code_view *v)
{
	OWN(out) memory;

	out_memory(&memory);
	function_json(j, &v->function);
	for (u32 k = 0; k < v->flow.n; k++)
		json_insn(j, v, k, note_of(&memory, v, k));
}
