/* types - Go types: from the runtime's descriptors, or from DWARF where only that has them.
 *
 * Owns     nothing that the caller sees: types live in the program's arena.
 * Units    bytes; descriptors are named by link-time address (va), 0 for a type that DWARF alone
 * has. Fails    go_type_load leaves kind GO_BAD on a descriptor that lies. "Not there" is NULL.
 * Threads  one (loads on demand, even through a const program).
 * Sources  internal/abi/type.go, runtime/type.go, reflect/type.go (go-internals 7). */
#ifndef GO_TYPES_H
#define GO_TYPES_H

#include "go/program.h"

enum go_kind {
	GO_BAD,
	GO_BOOL,
	GO_INT,
	GO_INT8,
	GO_INT16,
	GO_INT32,
	GO_INT64,
	GO_UINT,
	GO_UINT8,
	GO_UINT16,
	GO_UINT32,
	GO_UINT64,
	GO_UINTPTR,
	GO_FLOAT32,
	GO_FLOAT64,
	GO_COMPLEX64,
	GO_COMPLEX128,
	GO_ARRAY,
	GO_CHAN,
	GO_FUNC,
	GO_INTERFACE,
	GO_MAP,
	GO_PTR,
	GO_SLICE,
	GO_STRING,
	GO_STRUCT,
	GO_UNSAFE_POINTER,
};

struct go_type;
struct go_field {
	struct str name;
	struct go_type *type;
	u64 offset;
	bool embedded;
	struct str tag;
};
struct go_method {
	struct str name;
	struct go_type *type;	/* func type without receiver, or NULL when dead */
	u64 ifn_va, tfn_va;	/* code, 0 when dead */
};

/* Where a map's parts lie (both implementations); zero where it does not apply. */
struct go_map_facts {
	u8 layout;		/* enum go_map_layout */
	u32 key_size, elem_size, bucket_size;	/* hmap */
	u64 group_size, keys_off, key_stride, elems_off,
		elem_stride; /* swiss; key i at keys_off + i*stride */
	bool indirect_key, indirect_elem;
};

struct go_type {
	u64 va;			/* descriptor, 0 if DWARF only */
	u64 die;		/* DWARF DIE offset, 0 if none */
	bool loaded;		/* all below is valid; call go_type_load on every type you reach */
	u8 kind;		/* enum go_kind */
	u8 align, field_align;
	bool named, comparable, direct_iface, variadic;
	u64 size;
	struct str name;	/* "main.User", "[]int", "map[string]int": package name, not path */
	struct str pkg_path;	/* of named types, unescaped; may be empty */
	struct go_type *elem;	/* ptr, slice, array, chan, map (value) */
	struct go_type *key;	/* map */
	u64 len;		/* array */
	u8 dir;			/* chan: 1 recv, 2 send, 3 both */
	struct go_field *fields;	/* struct */
	size_t nfields;
	struct go_type **in, **out;	/* func */
	size_t nin, nout;
	struct go_method *methods;	/* interface: names and types; others: uncommon methods */
	size_t nmethods;
	struct go_map_facts map;
};

/* The type of a descriptor; one struct per address. Never NULL for an address inside types. */
struct go_type *go_type_at(const struct go_program *prog, u64 va);
/* Fills it in; its children may be unloaded. Gives the same pointer back, for chaining. */
struct go_type *go_type_load(const struct go_program *prog, struct go_type *t);
/* By its printed name ("*errors.errorString", "main.User"); pkg_path may be empty. NULL if none. */
struct go_type *go_type_named(const struct go_program *prog, struct str name);
/* A predeclared type ("int", "string", "error" as an interface with Error) even if the program has
 * no descriptor for it. */
struct go_type *go_type_basic(const struct go_program *prog, enum go_kind kind);
/* Every type that can be found (typelinks, itabs, closure over children, lea targets in text). */
size_t go_types_all(const struct go_program *prog, struct go_type ***types);
/* The method that a function is, by its code address: receiver type and method, or NULL. */
const struct go_method *go_method_of(const struct go_program *prog, const struct go_func *f,
				     struct go_type **receiver);
bool go_type_is_pointer_shaped(const struct go_program *prog, struct go_type *t);
/* Does the collector see a pointer in the word at this offset of a value? As its descriptor says
 * it, so CANT_TELL for types without one, and for large ones that say it in another way. */
enum sees { CANT_TELL, NO_POINTER, POINTER };
enum sees go_type_sees(const struct go_program *prog, const struct go_type *t, u64 off);
/* How many bytes of it may hold pointers, from its start on; 0: none, or it has no descriptor. */
u64 go_type_ptrdata(const struct go_program *prog, const struct go_type *t);
/* For go_program_release, before its arena goes. */
void go_types_release(struct go_program *prog);

#endif
