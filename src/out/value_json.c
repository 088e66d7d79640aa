/* A value is plain JSON where that says it all. What was cut, could not be read, or is not UTF-8
 * needs a second field: it stands beside "value" in the object that holds the value (a parameter, a
 * pointer's or an interface's object), or in an object made for it ({"value":"abc","len":4096}). */
#include "out/look.h"
#include "out/value.h"

static void value(struct json *j, struct value_view *v, struct val x, bool held);

/* `held`: we are inside an object that waits for its "value". */
static void begin(struct json *j, bool held, bool more)
{
	if (!held && more)
		json_object(j);
	if (held || more)
		json_key(j, "value");
}

static void end(struct json *j, bool held, bool more)
{
	if (!held && more)
		json_object_end(j);
}

static void length(struct json *j, u64 len)
{
	json_key(j, "len");
	json_i64(j, (i64)len);
}

static void failed(struct json *j, bool held, const char *why)
{
	if (!held)
		json_object(j);
	json_key(j, "error");
	json_z(j, why);
	end(j, held, true);
}

static void failed_run(struct json *j, struct val x, bool held, const struct run *r)
{
	if (!held)
		json_object(j);
	json_key(j, "error");
	json_z(j, r->error ? r->error : "not captured");
	if (!x.addressed) {
		json_key(j, "address");
		json_hex(j, r->address);
	}
	length(j, r->len);
	end(j, held, true);
}

static const char *why_not(enum behind_state s)
{
	return s == BEHIND_UNREADABLE ? "unreadable" : "not captured";
}

static void string(struct json *j, struct value_view *v, struct val x, bool held)
{
	struct run r = look_run(v, x.at, 1, v->strings);
	struct str text;
	bool utf8, more;

	if (!r.taken) {
		failed_run(j, x, held, &r);
		return;
	}
	text = look_text(v, &r);
	utf8 = str_is_utf8(text);
	more = !utf8 || r.n < r.len;
	begin(j, held, more);
	json_str(j, text);
	if (r.n < r.len)
		length(j, r.len);
	if (!utf8) {
		json_key(j, "base64");
		json_base64(j, text);
	}
	end(j, held, more);
}

static void bytes(struct json *j, struct value_view *v, const struct run *r, bool held)
{
	begin(j, held, false);
	json_object(j);
	json_key(j, "base64");
	json_base64(j, look_bytes(v, r->at, r->n));
	if (r->n < r->len)
		length(j, r->len);
	json_object_end(j);
}

static void list(struct json *j, struct value_view *v, struct val first, u64 n, u64 len, bool held)
{
	u64 i;

	begin(j, held, n < len);
	json_array(j);
	for (i = 0; i < n && v->budget; i++) {
		value(j, v, first, false);
		first.at += first.room;
	}
	json_array_end(j);
	if (n < len)
		length(j, len);
	end(j, held, n < len);
}

static void slice(struct json *j, struct value_view *v, struct val x, bool held)
{
	struct go_type *elem = look_load(v, x.t->elem);
	bool is_bytes = elem->kind == GO_UINT8 && elem->size == 1;
	struct run r = look_run(v, x.at, elem->size, is_bytes ? v->strings : v->elements);

	if (!r.address && !r.len) {
		begin(j, held, false);
		json_null(j);
	} else if (!r.taken) {
		failed_run(j, x, held, &r);
	} else if (is_bytes) {
		bytes(j, v, &r, held);
	} else {
		list(j, v, val_in(x, elem, r.at, (u32)elem->size), r.n, r.len, held);
	}
}

static void array(struct json *j, struct value_view *v, struct val x, bool held)
{
	struct go_type *elem = look_load(v, x.t->elem);

	list(j, v, val_in(x, elem, x.at, (u32)elem->size), look_array(v, x, elem), x.t->len, held);
}

static void fields(struct json *j, struct value_view *v, struct val x, bool held)
{
	begin(j, held, false);
	json_object(j);
	for (size_t i = 0; i < x.t->nfields && v->budget; i++) {
		const struct go_field *f = &x.t->fields[i];
		struct val in;

		if (str_eq(f->name, STR("_")))
			continue;
		json_key_str(j, f->name);
		if (look_redacted(v, f))
			json_z(j, "‹redacted›");
		else if (look_field(v, x, f, &in))
			value(j, v, in, false);
		else
			failed(j, false, "not captured");
	}
	json_object_end(j);
}

static void map(struct json *j, struct value_view *v, struct val x, bool held)
{
	struct map_walk m = look_map(v, x.t, x.at);
	struct val key, elem;
	u64 shown = 0, most = MIN(v->elements, m.count);
	struct map_walk ahead = m;
	bool more;

	if (!m.address) {
		begin(j, held, false);
		json_null(j);
		return;
	}
	if (!m.taken) {
		failed(j, held, m.error ? m.error : "not captured");
		return;
	}
	while (shown < most && look_entry(v, x, &ahead, &key, &elem))
		shown++;
	more = shown < m.count;
	begin(j, held, more);
	json_array(j);
	for (; shown && v->budget && look_entry(v, x, &m, &key, &elem); shown--) {
		json_array(j);
		value(j, v, key, false);
		value(j, v, elem, false);
		json_array_end(j);
	}
	json_array_end(j);
	if (more)
		length(j, m.count);
	end(j, held, more);
}

/* {"address":"0x…","value":…} */
static void pointer(struct json *j, struct value_view *v, struct val x, bool held)
{
	struct behind b = look_behind(v, x.at, 0);
	struct val to = val_in(x, look_load(v, x.t->elem), b.at, b.n);

	begin(j, held, false);
	if (b.state == BEHIND_NIL) {
		json_null(j);
		return;
	}
	to.addressed = true;
	json_object(j);
	json_key(j, "address");
	json_hex(j, look_word(v, x.at, 8));
	if (b.state == BEHIND_THERE)
		value(j, v, to, true);
	else if (b.state == BEHIND_UNREADABLE)
		failed(j, true, why_not(b.state));
	json_object_end(j);
}

/* {"type":"*fs.PathError","value":…} */
static void interface(struct json *j, struct value_view *v, struct val x, bool held)
{
	u64 address;
	struct go_type *t = look_dynamic(v, x, &address);
	struct behind b;

	begin(j, held, false);
	if (!address) {
		json_null(j);
		return;
	}
	json_object(j);
	if (!t) {
		json_key(j, "address");
		json_hex(j, address);
		failed(j, true, "unknown type");
	} else {
		b = look_data(v, t, x.at);
		json_key(j, "type");
		json_str(j, t->name);
		if (b.state == BEHIND_THERE)
			value(j, v, val_in(x, t, b.at, b.n), true);
		else
			failed(j, true, why_not(b.state));
	}
	json_object_end(j);
}

/* {"address":"0x…","len":2,"cap":10} */
static void channel(struct json *j, struct value_view *v, struct val x, bool held)
{
	struct behind b = look_behind(v, x.at, 0);

	begin(j, held, false);
	if (b.state == BEHIND_NIL) {
		json_null(j);
		return;
	}
	json_object(j);
	json_key(j, "address");
	json_hex(j, look_word(v, x.at, 8));
	if (b.state == BEHIND_THERE) {
		length(j, look_word(v, b.at, 8));
		json_key(j, "cap");
		json_i64(j, (i64)look_word(v, b.at + 8, 8));
	} else {
		failed(j, true, why_not(b.state));
	}
	json_object_end(j);
}

static void func(struct json *j, struct value_view *v, struct val x, bool held)
{
	u64 address = look_word(v, x.at, 8);
	struct str name = look_func(v, x.at);

	begin(j, held, false);
	if (!address) {
		json_null(j);
	} else if (name.n) {
		json_str(j, name);
	} else {
		json_object(j);
		json_key(j, "address");
		json_hex(j, address);
		json_object_end(j);
	}
}

/* What Go prints but JSON has no number for. */
static void complex(struct json *j, struct value_view *v, struct val x, bool held)
{
	OWN(out) text;

	out_memory(&text);
	value_complex(&text, v, x.at, (unsigned)x.t->size / 2);
	begin(j, held, false);
	json_str(j, (struct str){ text.buf, text.n });
}

static void moment(struct json *j, struct value_view *v, struct val x, bool held)
{
	OWN(out) text;
	i64 s;
	u32 ns;

	look_time(v, x.at, &s, &ns);
	out_memory(&text);
	out_date(&text, s, ns);
	begin(j, held, false);
	json_str(j, (struct str){ text.buf, text.n });
}

static void number(struct json *j, struct value_view *v, struct val x, bool held)
{
	unsigned size = (unsigned)x.t->size;

	begin(j, held, false);
	switch (x.t->kind) {
	case GO_BOOL:
		json_bool(j, look_word(v, x.at, 1));
		break;
	case GO_INT: case GO_INT8: case GO_INT16: case GO_INT32: case GO_INT64:
		json_i64(j, look_signed(v, x.at, size));
		break;
	case GO_FLOAT32:
	case GO_FLOAT64:
		json_float(j, look_float(v, x.at, size), (int)size * 8);
		break;
	case GO_UINTPTR:
	case GO_UNSAFE_POINTER:
		json_hex(j, look_word(v, x.at, 8));
		break;
	default:
		json_u64(j, look_word(v, x.at, size));
		break;
	}
}

static void value(struct json *j, struct value_view *v, struct val x, bool held)
{
	if (!look_spend(v, x)) {
		failed(j, held, "too deep");
		return;
	}
	if (!look_has_room(x)) {
		failed(j, held, "not captured");
		return;
	}
	switch ((enum go_kind)x.t->kind) {
	case GO_BAD:
		failed(j, held, "unknown type");
		break;
	case GO_BOOL: case GO_UINTPTR: case GO_UNSAFE_POINTER: case GO_FLOAT32: case GO_FLOAT64:
	case GO_INT: case GO_INT8: case GO_INT16: case GO_INT32: case GO_INT64:
	case GO_UINT: case GO_UINT8: case GO_UINT16: case GO_UINT32: case GO_UINT64:
		number(j, v, x, held);
		break;
	case GO_COMPLEX64:
	case GO_COMPLEX128:
		complex(j, v, x, held);
		break;
	case GO_STRING:
		string(j, v, x, held);
		break;
	case GO_SLICE:
		slice(j, v, x, held);
		break;
	case GO_PTR:
		pointer(j, v, x, held);
		break;
	case GO_INTERFACE:
		interface(j, v, x, held);
		break;
	case GO_MAP:
		map(j, v, x, held);
		break;
	case GO_CHAN:
		channel(j, v, x, held);
		break;
	case GO_FUNC:
		func(j, v, x, held);
		break;
	case GO_STRUCT:
		if (look_is_time(x.t))
			moment(j, v, x, held);
		else
			fields(j, v, x, held);
		break;
	case GO_ARRAY:
		array(j, v, x, held);
		break;
	}
}

/* One word, or the words of what belongs together. */
static void shape(struct json *j, const struct value_view *v, const struct slot *s)
{
	u32 n = s->param->size / 8;
	bool several = n != 1 || s->param->aggregate;

	json_key(j, "value");
	if (several)
		json_array(j);
	for (u32 i = 0; i < n; i++)
		json_hex(j, look_word(v, s->at + 8 * i, 8));
	if (several)
		json_array_end(j);
}

void value_json(struct json *j, struct value_view *v, const struct slot *s)
{
	const struct go_param *p = s->param;

	json_object(j);
	json_key(j, "name");
	json_str(j, p->name);
	if (p->type) {
		json_key(j, "type");
		json_str(j, look_load(v, p->type)->name);
	} else {
		json_key(j, "from");
		json_z(j, "shape");
	}
	if (s->redacted) {
		json_key(j, "value");
		json_z(j, "‹redacted›");
	} else if (!s->taken) {
		failed(j, true, "not captured");
	} else if (p->type) {
		value(j, v, (struct val){ look_load(v, p->type), s->at, p->size, 0, false, false },
		      true);
	} else {
		shape(j, v, s);
	}
	json_object_end(j);
}
