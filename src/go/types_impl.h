/* types_impl - what types.c, types_all.c, methods.c, dwarf.c and sig.c share. Not for others.
 *
 * Owns     struct go_types owns its maps; all else lies in the program's arena.
 * Units    offsets of descriptors and names count from moduledata.types.
 * Fails    readers give false or an empty text; a descriptor is believed only after its checks.
 * Threads  one. */
#ifndef GO_TYPES_IMPL_H
#define GO_TYPES_IMPL_H

#include "base/vec.h"
#include "go/release.h"
#include "go/types.h"

/* abi.Type (internal/abi/type.go), the same in 1.17 to 1.27:
 * OFFSET SIZE MEANING
 *  0 8 size    8 8 ptrdata    16 4 hash    20 1 tflag    21 1 align    22 1 field align
 * 23 1 kind    24 8 equal     32 8 gcdata  40 4 name offset   44 4 offset of *T */
enum {
	TYPE_HEAD = 48,
	UNCOMMON_SIZE = 16,
	METHOD_SIZE = 16,
	IMETHOD_SIZE = 8,
	FIELD_SIZE = 24,
	KIND_MASK = 31,
	KIND_DIRECT_IFACE = 32,
	TFLAG_UNCOMMON = 1,
	TFLAG_EXTRA_STAR = 2,
	TFLAG_NAMED = 4,
	NAME_TAGGED = 2,
	NAME_PKG = 4,
	NAME_EMBEDDED = 8,
};

struct descriptor {
	u64 size, ptrdata, equal;
	u32 hash;
	u8 tflag, align, field_align, kind;	/* kind with its flag bits */
	i32 str, ptr_to_this;
};

/* A live method's code, and where it stands. */
struct method_row {
	u32 pc;		/* offset from text */
	u32 type_off;	/* the type that has it, from types */
	i32 name, type;	/* its name and func type, from types; type is not positive when unknown */
	u16 index;	/* in the type's methods */
};

struct go_types {
	struct str area;		/* bytes of [types, etypes) */
	struct map by_va;		/* struct go_type * */
	u32 *links;			/* offsets of the typelinks, sorted by name */
	size_t nlinks;
	unsigned depth;			/* of types being loaded inside one another */
	u64 parts;			/* fields, methods and parameters of what was loaded */
	bool have_links, have_methods, have_all;
	VEC(struct method_row) rows;	/* by pc, once have_methods */
	struct go_type **all;		/* sorted by name */
	size_t nall;
	struct go_type *basic[GO_UNSAFE_POINTER + 1];
};

struct go_types *types_of(const struct go_program *prog);
static inline struct arena *types_arena(const struct go_program *prog)
{
	return &((struct go_program *)prog)->arena; /* loads on demand: the model looks constant */
}
static inline struct go_type *type_ptr(u64 v)
{
	return (struct go_type *)(uintptr_t)v;
}

/* The head of a descriptor at an offset, checked. */
bool descriptor_read(const struct go_types *ts, u64 off, struct descriptor *d);
/* What a kind has between the head and the uncommon part. */
u64 descriptor_fixed(const struct go_program *prog, u64 off, u8 kind);
/* Text of a descriptor's name string, the extra star dropped; false if it lies. */
bool descriptor_name(const struct go_types *ts, const struct descriptor *d, struct str *name);
struct str type_name_at(const struct go_types *ts, u64 off);
/* The uncommon part: package path offset, methods. False if there is none or it lies. */
struct uncommon {
	i32 pkg_path;
	u16 nmethods;
	u64 methods_off;	/* from types */
};
bool uncommon_read(const struct go_program *prog, u64 off, const struct descriptor *d,
		   struct uncommon *u);
struct raw_method {
	i32 name, type, ifn, tfn;	/* -1 (dead) and 0: none */
};
bool raw_method_read(const struct go_types *ts, const struct uncommon *u, unsigned i,
		     struct raw_method *m);

/* methods.c: the row of a function's code (of several, one with a type), or NULL. */
const struct method_row *method_row_of(const struct go_program *prog, const struct go_func *f);
/* Does it end in ".Method", as the linker names it? Generic code may lie behind several types'
 * methods. */
bool method_has_name(const struct go_func *f, struct str name);

/* Bytes of a value of this kind; 0 where the type says. */
u64 kind_size(u8 kind);
/* Loads what lies inside a value by itself; false if that is bad. */
bool type_load_part(const struct go_program *prog, struct go_type *part);

/* types_all.c: with its links. */
struct go_types *types_with_links(const struct go_program *prog);

/* go/dwarf.c: a type that has no descriptor. */
void dwarf_type_load(const struct go_program *prog, struct go_type *t);

/* abi.c: after this, nothing in the list has a known place. */
#define ABI_LOST UINT32_MAX
struct abi_state;
struct go_param;
void abi_lose(struct abi_state *st, struct arena *a, struct go_param *to);

#endif
