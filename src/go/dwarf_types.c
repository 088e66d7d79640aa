/* Types from DWARF entries. A named struct, func or interface is a typedef of the thing itself; the
 * Go attributes stand on either. Names differ from the descriptors': they carry the package's path
 * ("net/http.Server" for http.Server), and inside shape functions a type parameter's underlying
 * type stands for it ("go.shape.int" behind a typedef .param0). */
#include "go/dwarf_impl.h"
#include "go/types_impl.h"

enum { HOPS = 16 };

bool dwarf_is_type(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_typedef: case DW_TAG_structure_type: case DW_TAG_base_type:
	case DW_TAG_pointer_type: case DW_TAG_array_type: case DW_TAG_subroutine_type:
		return true;
	default:
		return false;
	}
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (u8)c >= 0x80;
}

/* Path elements have more in them than words: "github.com/go-chi/chi/v5.Mux". */
static bool is_path(char c)
{
	return is_word(c) || (c && strchr("./%-~+@", c));
}

/* %2e and the like stand for bytes that a symbol can't have. */
static struct str unescape(struct arena *a, struct str s)
{
	char *to;
	size_t n = 0;

	if (str_find(s, STR("%")) < 0)
		return s;
	to = arena_alloc(a, s.n);
	for (size_t i = 0; i < s.n; i++) {
		bool escaped = s.p[i] == '%' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 &&
			       hex_digit(s.p[i + 2]) >= 0;

		to[n++] = s.p[i];
		if (escaped) {
			to[n - 1] = (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]));
			i += 2;
		}
	}
	return (struct str){ to, n };
}

/* Where the package path of "my.org/t.v2/sub%2epkg.T[...]" ends; 0 if there is none. */
static size_t path_end(struct str s)
{
	size_t slash = 0, i;

	for (i = 0; i < s.n && is_path(s.p[i]); i++)
		if (s.p[i] == '/')
			slash = i;
	for (i = slash; i < s.n && is_path(s.p[i]); i++)
		if (s.p[i] == '.')
			return i;
	return 0;
}

struct text {
	char *at;
	size_t n, room;
};

static void add(struct text *t, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		*vec_push(t) = s.p[i];
}

/* "go.shape.int", in 1.18 and 1.19 "go.shape.int_0": the underlying type's name. */
static struct str shape_name(struct str s)
{
	size_t end = s.n;

	while (end && s.p[end - 1] >= '0' && s.p[end - 1] <= '9')
		end--;
	end = end < s.n && end && s.p[end - 1] == '_' ? end - 1 : s.n;
	return str_cut(s, 9, end);
}

/* Of a long one the linker has the SHA-256 only: no name that says anything without the prefix. */
static bool is_hash(struct str shape)
{
	if (shape.n != 64)
		return false;
	for (size_t i = 0; i < shape.n; i++)
		if (hex_digit(shape.p[i]) < 0)
			return false;
	return true;
}

/* How far a quoted text, or the type arguments behind a name, reach. */
static size_t quoted_end(struct str s, size_t i)
{
	for (i++; i < s.n && s.p[i] != '"'; i++)
		if (s.p[i] == '\\')
			i++;
	return MIN(i + 1, s.n);
}

static size_t bracket_end(struct str s, size_t i)
{
	size_t depth = 0;

	for (; i < s.n; i++) {
		depth += s.p[i] == '[';
		depth -= s.p[i] == ']';
		if (!depth)
			return i + 1;
	}
	return s.n;
}

static bool opens_type_args(struct str s, size_t i)
{
	bool map = i >= 3 && !memcmp(s.p + i - 3, "map", 3) && (i == 3 || !is_path(s.p[i - 4]));

	return s.p[i] == '[' && i && is_word(s.p[i - 1]) && !map;
}

/* "main.T·1" is the first T that is declared inside a function: descriptors leave the number out.
 */
static struct str without_number(struct str s)
{
	ptrdiff_t at = str_find(s, STR("·"));

	return at < 0 ? s : str_cut(s, 0, (size_t)at);
}

/* One name with its package: what a descriptor would call it. */
static void add_name(const struct go_program *prog, struct text *to, struct str s)
{
	size_t dots = str_starts(s, STR("...")) ? 3 : 0, end;
	bool hash;
	struct str path, package;

	add(to, str_cut(s, 0, dots));
	s = without_number(str_cut(s, dots, s.n));
	if (str_starts(s, STR("noalg.")))	/* the compiler's own: no equality is made for it */
		s = str_cut(s, 6, s.n);
	hash = str_starts(s, STR("go.shape.")) && is_hash(shape_name(s));
	if (str_starts(s, STR("go.shape.")) && !hash)
		s = shape_name(s);
	end = path_end(s);
	if (!end || hash) {
		add(to, s);
		return;
	}
	path = unescape(types_arena(prog), str_cut(s, 0, end));
	package = dwarf_package_of(prog, path);
	add(to,
	    package.n ? package : str_cut(path, (size_t)(str_find_last(path, '/') + 1), path.n));
	add(to, str_cut(s, end, s.n));
}

static struct str short_name(const struct go_program *prog, struct str s)
{
	struct text to = { 0 };
	struct str got;

	for (size_t i = 0, end; i < s.n; i = end) {
		end = i + 1;
		if (s.p[i] == '"') {
			end = quoted_end(s, i);
		} else if (opens_type_args(s, i)) {
			end = bracket_end(s, i);
		} else if (is_path(s.p[i])) {
			while (end < s.n && is_path(s.p[end]))
				end++;
			add_name(prog, &to, str_cut(s, i, end));
			continue;
		}
		add(&to, str_cut(s, i, end));
	}
	got = (struct str){ arena_copy(types_arena(prog), to.at, to.n), to.n };
	vec_release(&to);
	return got;
}

static bool is_named(struct str s)
{
	static const char *const literals[] = {
		"map[", "func(", "struct {", "interface {", "chan ", "chan<-",
	};

	for (size_t i = 0; i < ARRAY_LEN(literals); i++)
		if (str_starts(s, str_of(literals[i])))
			return false;
	return s.n && is_word(s.p[0]);
}

/* The entry that has the Go attributes: itself, or what the typedef stands for. */
static u8 go_kind_of(Dwarf_Die die, Dwarf_Die *holder)
{
	u64 kind = 0;

	for (unsigned hops = 0; hops < HOPS; hops++) {
		*holder = die;
		if (debug_number(&die, AT_GO_KIND, &kind) && kind & KIND_MASK)
			return kind & KIND_MASK;
		if (dwarf_tag(&die) != DW_TAG_typedef || !debug_ref(&die, DW_AT_type, &die))
			break;
	}
	/* pointers to basic types have kind 0 up to 1.21 */
	return dwarf_tag(holder) == DW_TAG_pointer_type ? GO_PTR : GO_BAD;
}

/* DW_AT_go_runtime_type is an offset from moduledata.types; for uintptr up to 1.22, an address. */
static struct go_type *by_descriptor(const struct go_program *prog, Dwarf_Die *holder, u8 kind)
{
	struct descriptor d;
	u64 off;

	if (!debug_number(holder, AT_GO_RUNTIME_TYPE, &off) || !off)
		return NULL;
	off -= off >= prog->md.types_va ? prog->md.types_va : 0;
	if (!descriptor_read(types_of(prog), off, &d) || (d.kind & KIND_MASK) != kind)
		return NULL;
	return go_type_at(prog, prog->md.types_va + off);
}

/* A type parameter's shape: predeclared types stand for themselves, and *uint8 for any pointer. */
static struct go_type *by_shape(const struct go_program *prog, struct str shape, u8 kind)
{
	struct go_type *basic =
		kind < GO_ARRAY || kind == GO_STRING ? go_type_basic(prog, kind) : NULL;

	if (kind == GO_PTR)
		return go_type_basic(prog, GO_UNSAFE_POINTER);
	return basic && str_eq(basic->name, shape) ? basic : NULL;
}

struct go_type *dwarf_type(const struct go_program *prog, Dwarf_Die *from)
{
	const struct debug *debug = dwarf_debug(prog);
	Dwarf_Die die = *from, holder;
	struct str name = STR("");
	struct go_type *t, **slot;
	u8 kind;

	for (unsigned hops = 0; hops < HOPS; hops++) {
		name = debug_text(debug, &die, DW_AT_name);
		if (!str_starts(name, STR(".param")) || !debug_ref(&die, DW_AT_type, &die))
			break;
	}
	if (!dwarf_is_type(&die))
		return NULL;
	kind = go_kind_of(die, &holder);
	if (kind == GO_BAD)
		return NULL;
	if (str_starts(name, STR("go.shape.")))
		t = by_shape(prog, shape_name(name), kind);
	else if (kind == GO_PTR && !dwarf_hasattr(&holder, DW_AT_type))
		t = go_type_basic(prog, GO_UNSAFE_POINTER);
	else
		t = by_descriptor(prog, &holder, kind);
	if (t) {
		t->die = t->die ? t->die : debug_offset(&holder);
		return t;
	}
	slot = dwarf_type_slot(prog, debug_offset(&holder));
	if (!*slot) {
		*slot = ARENA_NEW(types_arena(prog), struct go_type);
		(*slot)->die = debug_offset(&holder);
	}
	return *slot;
}

static struct go_type *part(const struct go_program *prog, Dwarf_Die *die, unsigned attribute)
{
	Dwarf_Die to;

	return debug_ref(die, attribute, &to) ? dwarf_type(prog, &to) : NULL;
}

static bool load_array(const struct go_program *prog, struct go_type *t, Dwarf_Die *die)
{
	Dwarf_Die range;
	u64 all;

	t->elem = part(prog, die, DW_AT_type);
	if (!type_load_part(prog, t->elem) || !debug_child(die, &range) ||
	    !debug_number(&range, DW_AT_count, &t->len))
		return false;
	t->align = t->elem->align;
	return !__builtin_mul_overflow(t->elem->size, t->len, &all) && all == t->size;
}

static bool load_struct(const struct go_program *prog, struct go_type *t, Dwarf_Die *die)
{
	struct { struct go_field *at; size_t n, room; } fields = { 0 };
	Dwarf_Die member;
	u64 end = 0;
	bool good = true, more;

	t->align = 1;
	for (more = debug_child(die, &member); more && good; more = debug_next(&member, &member)) {
		struct go_field f = { .tag = STR("") };

		if (dwarf_tag(&member) != DW_TAG_member)
			continue;
		f.name = debug_text(dwarf_debug(prog), &member, DW_AT_name);
		f.type = part(prog, &member, DW_AT_type);
		f.embedded = debug_flag(&member, AT_GO_EMBEDDED);
		good = debug_number(&member, DW_AT_data_member_location, &f.offset) &&
		       type_load_part(prog, f.type) && f.offset >= end && f.offset <= t->size &&
		       f.type->size <= t->size - f.offset;
		if (!good)
			break;
		end = f.offset + f.type->size;
		t->align = MAX(t->align, f.type->align);
		*vec_push(&fields) = f;
	}
	t->fields = arena_copy(types_arena(prog), fields.at, fields.n * sizeof(fields.at[0]));
	t->nfields = fields.n;
	vec_release(&fields);
	return good;
}

/* Which methods it has is not said, but whether it has any: its words are an iface's then. */
static bool load_interface(const struct go_program *prog, struct go_type *t, Dwarf_Die *die)
{
	Dwarf_Die words;

	if (!debug_ref(die, DW_AT_type, &words))
		return false;
	if (str_eq(debug_text(dwarf_debug(prog), &words, DW_AT_name), STR("runtime.eface")))
		return true;
	t->methods = ARENA_NEW(types_arena(prog), struct go_method);
	t->methods->name = STR("");
	t->nmethods = 1;
	return true;
}

static bool load_parts(const struct go_program *prog, struct go_type *t, u8 kind, Dwarf_Die *die)
{
	switch (kind) {
	case GO_PTR:
		t->elem = part(prog, die, DW_AT_type);
		return t->elem;
	case GO_SLICE:
		t->elem = part(prog, die, AT_GO_ELEM);
		return t->elem;
	case GO_CHAN:
		t->elem = part(prog, die, AT_GO_ELEM);
		t->dir = str_starts(t->name, STR("<-"))	      ? 1
			 : str_starts(t->name, STR("chan<-")) ? 2
							      : 3;
		return t->elem;
	case GO_MAP:
		t->key = part(prog, die, AT_GO_KEY);
		t->elem = part(prog, die, AT_GO_ELEM);
		return t->key && t->elem;
	case GO_ARRAY:
		return load_array(prog, t, die);
	case GO_STRUCT:
		return load_struct(prog, t, die);
	case GO_INTERFACE:
		return load_interface(prog, t, die);
	default:
		return true;
	}
}

/* Is its word in an interface the value itself (types.isdirectiface)? */
static bool is_direct(const struct go_type *t, u8 kind)
{
	switch (kind) {
	case GO_PTR: case GO_MAP: case GO_CHAN: case GO_FUNC: case GO_UNSAFE_POINTER:
		return true;
	case GO_ARRAY:
		return t->len == 1 && t->elem->direct_iface;
	case GO_STRUCT:
		return t->nfields == 1 && t->fields[0].type->direct_iface;
	default:
		return false;
	}
}

static bool load_entry(const struct go_program *prog, struct go_type *t)
{
	const struct debug *debug = dwarf_debug(prog);
	Dwarf_Die die, holder;
	struct str name;
	u8 kind;

	if (!debug || !debug_entry(debug, t->die, &die))
		return false;
	kind = go_kind_of(die, &holder);
	name = debug_text(debug, &die, DW_AT_name);
	if (kind == GO_BAD || kind > GO_UNSAFE_POINTER || !name.n)
		return false;
	t->name = short_name(prog, name);
	/* shapes, and what stands behind "noalg." and the like, is named by the compiler only */
	t->named = is_named(name) && is_named(t->name) && !str_starts(name, STR("go.shape."));
	if (t->named)
		t->pkg_path = unescape(types_arena(prog), str_cut(name, 0, path_end(name)));
	t->size = kind_size(kind);
	if ((kind == GO_STRUCT || kind == GO_ARRAY) &&
	    !debug_number(&holder, DW_AT_byte_size, &t->size))
		return false;
	t->align = (u8)MIN(MAX(t->size, 1), kind == GO_COMPLEX64 ? 4 : 8);
	if (!load_parts(prog, t, kind, &holder))
		return false;
	t->field_align = t->align;
	t->direct_iface = is_direct(t, kind);
	t->kind = kind;
	return true;
}

void dwarf_type_load(const struct go_program *prog, struct go_type *t)
{
	if (!load_entry(prog, t))
		*t = (struct go_type){ .die = t->die, .loaded = true, .name = STR("?") };
}
