#include "out/type.h"

static const char *const kinds[] = {
	[GO_BAD] = "bad", [GO_BOOL] = "bool", [GO_INT] = "int", [GO_INT8] = "int8",
	[GO_INT16] = "int16", [GO_INT32] = "int32", [GO_INT64] = "int64", [GO_UINT] = "uint",
	[GO_UINT8] = "uint8", [GO_UINT16] = "uint16", [GO_UINT32] = "uint32",
	[GO_UINT64] = "uint64", [GO_UINTPTR] = "uintptr", [GO_FLOAT32] = "float32",
	[GO_FLOAT64] = "float64", [GO_COMPLEX64] = "complex64", [GO_COMPLEX128] = "complex128",
	[GO_ARRAY] = "array", [GO_CHAN] = "chan", [GO_FUNC] = "func", [GO_INTERFACE] = "interface",
	[GO_MAP] = "map", [GO_PTR] = "ptr", [GO_SLICE] = "slice", [GO_STRING] = "string",
	[GO_STRUCT] = "struct", [GO_UNSAFE_POINTER] = "unsafe.Pointer",
};

struct str type_full_name(struct arena *a, const struct go_program *prog, struct go_type *t)
{
	const struct go_type *named = go_type_load(prog, t);
	int stars = 0;
	ptrdiff_t dot;
	struct str name;

	while (named->kind == GO_PTR && !named->named && stars < 8) {
		named = go_type_load(prog, named->elem);
		stars++;
	}
	/* the path ends in what the name begins with, but for packages with another name */
	dot = str_find(named->name, STR("."));
	if (!named->named || str_find_last(named->pkg_path, '/') < 0 || dot < 0)
		return t->name;
	name = str_cut(named->name, (size_t)dot + 1, named->name.n);
	return str_fmt(a, "%.*s%.*s.%.*s", stars, "********", STR_F(named->pkg_path), STR_F(name));
}

static void name_of(struct out *o, const struct go_program *prog, struct go_type *t)
{
	out_clean(o, t ? go_type_load(prog, t)->name : STR("?"));
}

static void list_of(struct out *o, const struct go_program *prog, struct go_type **at, size_t n,
		    bool variadic)
{
	for (size_t i = 0; i < n; i++) {
		struct go_type *t = go_type_load(prog, at[i]);

		if (i)
			out_z(o, ", ");
		if (variadic && i + 1 == n && t->kind == GO_SLICE) {
			out_z(o, "...");
			t = t->elem;
		}
		name_of(o, prog, t);
	}
}

/* (a, b) (c, error): what follows the word func or a method's name. */
static void func_tail(struct out *o, const struct go_program *prog, const struct go_type *t)
{
	out_c(o, '(');
	list_of(o, prog, t->in, t->nin, t->variadic);
	out_c(o, ')');
	if (!t->nout)
		return;
	out_z(o, t->nout > 1 ? " (" : " ");
	list_of(o, prog, t->out, t->nout, false);
	if (t->nout > 1)
		out_c(o, ')');
}

/* " // +16   8", in a column. */
static void place(struct out *o, size_t width, size_t used, u64 offset, u64 size)
{
	while (used++ < width)
		out_c(o, ' ');
	out_fmt(o, " // +%-5llu %llu", (unsigned long long)offset, (unsigned long long)size);
}

static void padding(struct out *o, size_t width, u64 from, u64 to)
{
	if (from >= to)
		return;
	out_z(o, "\t_");
	place(o, width, 1, from, to - from);
	out_z(o, " padding");
	out_line(o);
}

static size_t field_width(const struct go_program *prog, const struct go_field *f, size_t names)
{
	return (f->embedded ? 0 : names + 1) + go_type_load(prog, f->type)->name.n;
}

static void fields(struct out *o, const struct go_program *prog, const struct go_type *t)
{
	enum { WIDEST = 60 };
	size_t names = 0, width = 0;
	u64 end = 0;

	for (size_t i = 0; i < t->nfields; i++)
		if (!t->fields[i].embedded)
			names = MAX(names, t->fields[i].name.n);
	for (size_t i = 0; i < t->nfields; i++)
		width = MAX(width, field_width(prog, &t->fields[i], names));
	width = MIN(width, (size_t)WIDEST);
	for (size_t i = 0; i < t->nfields; i++) {
		const struct go_field *f = &t->fields[i];

		padding(o, width, end, f->offset);
		out_c(o, '\t');
		if (!f->embedded) {
			out_clean(o, f->name);
			for (size_t k = f->name.n; k < names + 1; k++)
				out_c(o, ' ');
		}
		name_of(o, prog, f->type);
		place(o, width, field_width(prog, f, names), f->offset, f->type->size);
		if (f->tag.n) {
			out_z(o, "  `");
			out_clean(o, f->tag);
			out_c(o, '`');
		}
		out_line(o);
		end = f->offset + f->type->size;
	}
	padding(o, width, end, t->size);
}

static void methods_of_interface(struct out *o, const struct go_program *prog,
				 const struct go_type *t)
{
	for (size_t i = 0; i < t->nmethods; i++) {
		const struct go_method *m = &t->methods[i];

		out_c(o, '\t');
		if (!m->name.n) {
			out_z(o, "// methods that are not known");
		} else {
			out_clean(o, m->name);
			func_tail(o, prog, go_type_load(prog, m->type));
		}
		out_line(o);
	}
}

static bool has_method(const struct go_type *t, struct str name)
{
	for (size_t i = 0; i < t->nmethods; i++)
		if (str_eq(t->methods[i].name, name))
			return true;
	return false;
}

/* A pointer to a named type has the type's methods and more. NULL if there is none. */
static struct go_type *pointer_to(const struct go_program *prog, struct go_type *t)
{
	OWN(arena) a = {0};
	struct str name = type_full_name(&a, prog, t);
	struct go_type *p;

	if (!t->named || t->kind == GO_INTERFACE)
		return NULL;
	p = go_type_named(prog, str_fmt(&a, "*%.*s", STR_F(name)));
	return p && p->elem == t ? p : NULL;
}

static void methods(struct out *o, const struct go_program *prog, const struct go_type *t,
		    const struct go_type *but)
{
	for (size_t i = 0; i < t->nmethods; i++) {
		const struct go_method *m = &t->methods[i];

		if (but && has_method(but, m->name))
			continue;
		out_z(o, "func (");
		out_clean(o, t->name);
		out_z(o, ") ");
		out_clean(o, m->name);
		if (m->type)
			func_tail(o, prog, go_type_load(prog, m->type));
		else
			out_z(o, "(…) ?");
		out_line(o);
	}
}

static void layout(struct out *o, const struct go_type *t)
{
	out_fmt(o, " // %llu bytes, align %u", (unsigned long long)t->size, t->align);
	if (!t->va)
		out_z(o, ", from DWARF");
}

/* What a name stands for, in Go's words. */
static void literal(struct out *o, const struct go_program *prog, const struct go_type *t)
{
	static const char *const chans[] = { "", "<-chan ", "chan<- ", "chan " };

	switch (t->kind) {
	case GO_ARRAY:
		out_fmt(o, "[%llu]", (unsigned long long)t->len);
		name_of(o, prog, t->elem);
		break;
	case GO_SLICE: case GO_PTR:
		out_z(o, t->kind == GO_PTR ? "*" : "[]");
		name_of(o, prog, t->elem);
		break;
	case GO_MAP:
		out_z(o, "map[");
		name_of(o, prog, t->key);
		out_c(o, ']');
		name_of(o, prog, t->elem);
		break;
	case GO_CHAN:
		out_z(o, chans[t->dir & 3]);
		name_of(o, prog, t->elem);
		break;
	case GO_FUNC:
		out_z(o, "func");
		func_tail(o, prog, t);
		break;
	default:
		out_z(o, kinds[t->kind]);
	}
}

static bool has_body(const struct go_type *t)
{
	return (t->kind == GO_STRUCT && (t->nfields || t->size)) ||
	       (t->kind == GO_INTERFACE && t->nmethods);
}

void type_print(struct out *o, const struct go_program *prog, struct go_type *t)
{
	const struct go_type *pointer;

	go_type_load(prog, t);
	if (t->named) {
		out_z(o, "type ");
		out_clean(o, t->name);
		out_c(o, ' ');
	}
	if (has_body(t) && (t->named || t->kind == GO_STRUCT)) {
		out_z(o, t->kind == GO_STRUCT ? "struct {" : "interface {");
		layout(o, t);
		if (str_find_last(t->pkg_path, '/') >= 0) {
			out_z(o, ", ");
			out_clean(o, t->pkg_path);
		}
		out_line(o);
		if (t->kind == GO_STRUCT)
			fields(o, prog, t);
		else
			methods_of_interface(o, prog, t);
		out_c(o, '}');
	} else {
		if (t->kind == GO_STRUCT || t->kind == GO_INTERFACE)
			out_z(o, t->kind == GO_STRUCT ? "struct {}"
				 : t->named	      ? "interface {}"
						      : "");
		if (!t->named && t->kind == GO_INTERFACE)
			out_clean(o, t->name);
		else if (t->kind != GO_STRUCT && t->kind != GO_INTERFACE)
			literal(o, prog, t);
		layout(o, t);
	}
	out_line(o);
	if (t->kind == GO_INTERFACE)
		return;
	methods(o, prog, t, NULL);
	pointer = pointer_to(prog, t);
	if (pointer)
		methods(o, prog, pointer, t);
}

static void json_fields(struct json *j, const struct go_program *prog, const struct go_type *t)
{
	json_key(j, "fields");
	json_array(j);
	for (size_t i = 0; i < t->nfields; i++) {
		const struct go_field *f = &t->fields[i];

		json_object(j);
		json_key(j, "name"), json_str(j, f->name);
		json_key(j, "type"), json_str(j, go_type_load(prog, f->type)->name);
		json_key(j, "offset"), json_u64(j, f->offset);
		json_key(j, "size"), json_u64(j, f->type->size);
		json_key(j, "embedded"), json_bool(j, f->embedded);
		if (f->tag.n)
			json_key(j, "tag"), json_str(j, f->tag);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_methods(struct json *j, const struct go_program *prog, const struct go_type *t,
			 const struct go_type *but)
{
	for (size_t i = 0; i < t->nmethods; i++) {
		const struct go_method *m = &t->methods[i];

		if (!m->name.n || (but && has_method(but, m->name)))
			continue;
		json_object(j);
		json_key(j, "name"), json_str(j, m->name);
		json_key(j, "pointer"), json_bool(j, but);
		json_key(j, "type");
		if (m->type)
			json_str(j, go_type_load(prog, m->type)->name);
		else
			json_null(j);
		if (m->tfn_va)
			json_key(j, "address"), json_hex(j, m->tfn_va);
		json_object_end(j);
	}
}

void type_json(struct json *j, const struct go_program *prog, struct go_type *t)
{
	const struct go_type *pointer;

	go_type_load(prog, t);
	json_object(j);
	json_key(j, "type"), json_z(j, "go_type");
	json_key(j, "name"), json_str(j, t->name);
	json_key(j, "package"), json_str(j, t->pkg_path);
	json_key(j, "kind"), json_z(j, kinds[t->kind]);
	json_key(j, "size"), json_u64(j, t->size);
	json_key(j, "align"), json_u64(j, t->align);
	json_key(j, "from"), json_z(j, t->va ? "types" : "dwarf");
	if (t->va)
		json_key(j, "address"), json_hex(j, t->va);
	if (t->kind == GO_ARRAY)
		json_key(j, "length"), json_u64(j, t->len);
	if (t->key)
		json_key(j, "key"), json_str(j, go_type_load(prog, t->key)->name);
	if (t->elem)
		json_key(j, "elem"), json_str(j, go_type_load(prog, t->elem)->name);
	json_fields(j, prog, t);
	json_key(j, "methods");
	json_array(j);
	json_methods(j, prog, t, NULL);
	pointer = pointer_to(prog, t);
	if (pointer)
		json_methods(j, prog, pointer, t);
	json_array_end(j);
	json_object_end(j);
	json_line(j);
}
