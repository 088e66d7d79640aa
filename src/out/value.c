#include "out/value.h"

#include "out/look.h"

static void print(struct out *o, struct value_view *v, struct val x);

/* As people write them: Go itself says "interface {}" and "[]uint8". */
static void type_name(struct out *o, const struct go_type *t)
{
	if (str_eq(t->name, STR("interface {}")))
		out_str(o, STR("any"));
	else if (str_eq(t->name, STR("[]uint8")))
		out_str(o, STR("[]byte"));
	else
		out_clean(o, t->name);
}

static void parenthesised_type(struct out *o, const struct go_type *t)
{
	out_c(o, '(');
	type_name(o, t);
	out_c(o, ')');
}

static void parenthesised_address(struct out *o, u64 address)
{
	out_c(o, '(');
	if (address)
		out_hex(o, address);
	else
		out_str(o, STR("nil"));
	out_c(o, ')');
}

static void wrong(struct out *o, const char *why)
{
	out_c(o, '<');
	out_z(o, why);
	out_c(o, '>');
}

/* (chan int)(0xc000010000)<unreadable> */
static void only_address(struct out *o, const struct go_type *t, u64 address, const char *why)
{
	parenthesised_type(o, t);
	parenthesised_address(o, address);
	if (why)
		wrong(o, why);
}

/* What was cut says its length. */
static void cut(struct out *o, u64 shown, u64 len)
{
	if (shown >= len)
		return;
	out_str(o, STR("…("));
	out_u64(o, len);
	out_c(o, ')');
}

/* string(0xdead, 5)<unreadable> */
static void no_run(struct out *o, const struct go_type *t, const struct run *r)
{
	type_name(o, t);
	out_c(o, '(');
	out_hex(o, r->address);
	out_str(o, STR(", "));
	out_i64(o, (i64)r->len);
	out_c(o, ')');
	if (r->error)
		wrong(o, r->error);
}

static void string(struct out *o, struct value_view *v, struct val x)
{
	struct run r = look_run(v, x.at, 1, v->strings);

	if (!r.taken) {
		no_run(o, x.t, &r);
		return;
	}
	out_quoted(o, look_text(v, &r));
	cut(o, r.n, r.len);
}

/* {1, 2}, without the type before it. */
static void elements(struct out *o, struct value_view *v, struct val first, u64 n)
{
	out_c(o, '{');
	for (u64 i = 0; i < n && v->budget; i++) {
		if (i)
			out_str(o, STR(", "));
		print(o, v, first);
		first.at += first.room;
	}
	out_c(o, '}');
}

static void slice(struct out *o, struct value_view *v, struct val x)
{
	struct go_type *elem = look_load(v, x.t->elem);
	bool bytes = elem->kind == GO_UINT8 && elem->size == 1;
	struct run r = look_run(v, x.at, elem->size, bytes ? v->strings : v->elements);

	if (!r.address && !r.len) {
		out_str(o, STR("nil"));
		return;
	}
	if (!r.taken) {
		no_run(o, x.t, &r);
		return;
	}
	type_name(o, x.t);
	if (bytes) {
		out_c(o, '(');
		out_quoted(o, look_text(v, &r));
		out_c(o, ')');
	} else {
		elements(o, v, val_in(x, elem, r.at, (u32)elem->size), r.n);
	}
	cut(o, r.n, r.len);
}

/* Without the type before it; what did not get into the record is cut. */
static void array(struct out *o, struct value_view *v, struct val x)
{
	struct go_type *elem = look_load(v, x.t->elem);
	u64 n = look_array(v, x, elem);

	elements(o, v, val_in(x, elem, x.at, (u32)elem->size), n);
	cut(o, n, x.t->len);
}

/* {ID:7, Name:"x"}, without the type before it. */
static void fields(struct out *o, struct value_view *v, struct val x)
{
	bool first = true;

	out_c(o, '{');
	for (size_t i = 0; i < x.t->nfields; i++) {
		const struct go_field *f = &x.t->fields[i];
		struct val in;

		if (str_eq(f->name, STR("_")))
			continue;
		if (!first)
			out_str(o, STR(", "));
		first = false;
		if (!v->budget || !look_field(v, x, f, &in)) {
			out_str(o, STR("…"));
			break;
		}
		out_clean(o, f->name);
		out_c(o, ':');
		if (look_redacted(v, f))
			out_str(o, STR("‹redacted›"));
		else
			print(o, v, in);
	}
	out_c(o, '}');
}

static void map(struct out *o, struct value_view *v, struct val x)
{
	struct map_walk m = look_map(v, x.t, x.at);
	struct val key, elem;
	u64 shown = 0, most;

	if (!m.address) {
		out_str(o, STR("nil"));
		return;
	}
	if (!m.taken) {
		only_address(o, x.t, m.address, m.error);
		return;
	}
	most = MIN(v->elements, m.count);
	type_name(o, x.t);
	out_c(o, '{');
	for (; shown < most && v->budget && look_entry(v, x, &m, &key, &elem); shown++) {
		if (shown)
			out_str(o, STR(", "));
		print(o, v, key);
		out_c(o, ':');
		print(o, v, elem);
	}
	out_c(o, '}');
	cut(o, shown, m.count);
}

/* A struct, an array or what a pointer leads to, in braces and without the type before it. */
static void body(struct out *o, struct value_view *v, struct val x)
{
	if (x.level >= LEVELS) {
		out_str(o, STR("{…}"));
	} else if (x.t->kind == GO_STRUCT && !look_is_time(x.t)) {
		fields(o, v, x);
	} else if (x.t->kind == GO_ARRAY) {
		array(o, v, x);
	} else {
		out_c(o, '{');
		print(o, v, x);
		out_c(o, '}');
	}
}

static void pointer(struct out *o, struct value_view *v, struct val x)
{
	struct behind b = look_behind(v, x.at, 0);

	if (b.state == BEHIND_NIL) {
		out_str(o, STR("nil"));
		return;
	}
	only_address(o, x.t, look_word(v, x.at, 8),
		     b.state == BEHIND_UNREADABLE ? "unreadable" : NULL);
	if (b.state == BEHIND_THERE)
		body(o, v, val_in(x, look_load(v, x.t->elem), b.at, b.n));
}

/* error(*fs.PathError){…}: the address is left out where what it leads to is shown. */
static void dynamic_pointer(struct out *o, struct value_view *v, struct val x)
{
	struct behind b = look_behind(v, x.at, 0);

	if (b.state == BEHIND_THERE)
		body(o, v, val_in(x, look_load(v, x.t->elem), b.at, b.n));
	else
		parenthesised_address(o, look_word(v, x.at, 8));
	if (b.state == BEHIND_UNREADABLE)
		wrong(o, "unreadable");
}

/* error(*fs.PathError){…}, any(main.User){…}; what needs no braces is syscall.Errno(2). */
static void interface(struct out *o, struct value_view *v, struct val x)
{
	u64 address;
	struct go_type *t = look_dynamic(v, x, &address);
	struct behind b;
	struct val in;
	bool braces;

	if (!t) {
		if (address)
			type_name(o, x.t);
		if (address)
			parenthesised_address(o, address);
		else
			out_str(o, STR("nil"));
		return;
	}
	b = look_data(v, t, x.at);
	in = val_in(x, t, b.at, b.n);
	braces = t->kind == GO_PTR || t->kind == GO_ARRAY ||
		 (t->kind == GO_STRUCT && !look_is_time(t));
	if (braces) {
		type_name(o, x.t);
		parenthesised_type(o, t);
	} else {
		type_name(o, t);
	}
	if (b.state == BEHIND_UNREADABLE) {
		wrong(o, "unreadable");
	} else if (b.state != BEHIND_THERE) {
		out_str(o, STR("(?)"));
	} else if (t->kind == GO_PTR) {
		dynamic_pointer(o, v, in);
	} else if (braces) {
		body(o, v, in);
	} else {
		out_c(o, '(');
		print(o, v, in);
		out_c(o, ')');
	}
}

static void channel(struct out *o, struct value_view *v, struct val x)
{
	struct behind b = look_behind(v, x.at, 0);

	if (b.state == BEHIND_NIL) {
		out_str(o, STR("nil"));
	} else if (b.state != BEHIND_THERE) {
		only_address(o, x.t, look_word(v, x.at, 8),
			     b.state == BEHIND_UNREADABLE ? "unreadable" : NULL);
	} else {
		type_name(o, x.t);
		out_str(o, STR("(len "));
		out_u64(o, look_word(v, b.at, 8));
		out_str(o, STR(", cap "));
		out_u64(o, look_word(v, b.at + 8, 8));
		out_c(o, ')');
	}
}

static void func(struct out *o, struct value_view *v, struct val x)
{
	u64 address = look_word(v, x.at, 8);
	struct str name = look_func(v, x.at);

	if (!address) {
		out_str(o, STR("nil"));
	} else if (name.n) {
		out_str(o, STR("func "));
		out_clean(o, name);
	} else {
		only_address(o, x.t, address, NULL);
	}
}

void value_complex(struct out *o, const struct value_view *v, u32 at, unsigned half)
{
	double im = look_float(v, at + half, half);

	out_c(o, '(');
	out_float(o, look_float(v, at, half), (int)half * 8);
	if (im != im || (im - im == 0 && !__builtin_signbit(im)))
		out_c(o, '+');
	out_float(o, im, (int)half * 8);
	out_str(o, STR("i)"));
}

static void moment(struct out *o, struct value_view *v, struct val x)
{
	i64 s;
	u32 ns;

	look_time(v, x.at, &s, &ns);
	out_date(o, s, ns);
}

static void print(struct out *o, struct value_view *v, struct val x)
{
	unsigned size = (unsigned)x.t->size;

	if (!look_spend(v, x)) {
		out_str(o, STR("…"));
		return;
	}
	if (!look_has_room(x)) {
		out_c(o, '?');
		return;
	}
	switch ((enum go_kind)x.t->kind) {
	case GO_BAD:
		out_c(o, '?');
		break;
	case GO_BOOL:
		out_z(o, look_word(v, x.at, 1) ? "true" : "false");
		break;
	case GO_INT: case GO_INT8: case GO_INT16: case GO_INT32: case GO_INT64:
		if (look_is_duration(x.t))
			out_duration(o, look_signed(v, x.at, 8));
		else
			out_i64(o, look_signed(v, x.at, size));
		break;
	case GO_UINT: case GO_UINT8: case GO_UINT16: case GO_UINT32: case GO_UINT64:
		out_u64(o, look_word(v, x.at, size));
		break;
	case GO_UINTPTR:
	case GO_UNSAFE_POINTER:
		out_hex(o, look_word(v, x.at, 8));
		break;
	case GO_FLOAT32:
	case GO_FLOAT64:
		out_float(o, look_float(v, x.at, size), (int)size * 8);
		break;
	case GO_COMPLEX64:
	case GO_COMPLEX128:
		value_complex(o, v, x.at, size / 2);
		break;
	case GO_STRING:
		string(o, v, x);
		break;
	case GO_SLICE:
		slice(o, v, x);
		break;
	case GO_PTR:
		pointer(o, v, x);
		break;
	case GO_INTERFACE:
		interface(o, v, x);
		break;
	case GO_MAP:
		map(o, v, x);
		break;
	case GO_CHAN:
		channel(o, v, x);
		break;
	case GO_FUNC:
		func(o, v, x);
		break;
	case GO_STRUCT:
		if (look_is_time(x.t)) {
			moment(o, v, x);
			break;
		}
		type_name(o, x.t);
		fields(o, v, x);
		break;
	case GO_ARRAY:
		type_name(o, x.t);
		array(o, v, x);
		break;
	}
}

/* Words whose type is not known. */
static void shape(struct out *o, const struct value_view *v, const struct slot *s)
{
	u32 n = s->param->size / 8;
	bool braces = n != 1 || s->param->aggregate;

	if (braces)
		out_c(o, '{');
	for (u32 i = 0; i < n; i++) {
		if (i)
			out_str(o, STR(", "));
		out_hex(o, look_word(v, s->at + 8 * i, 8));
	}
	if (braces)
		out_c(o, '}');
}

void value_text(struct out *o, struct value_view *v, const struct slot *s)
{
	const struct go_param *p = s->param;

	if (s->redacted)
		out_str(o, STR("‹redacted›"));
	else if (!s->taken)
		out_c(o, '?');
	else if (!p->type)
		shape(o, v, s);
	else
		print(o, v, (struct val){ look_load(v, p->type), s->at, p->size, 0, false, false });
}
