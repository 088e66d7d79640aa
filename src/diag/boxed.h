/* boxed - an interface's two words: does what its data word points to fit the type that it says?
 *
 * Told is only what no correct program has: a value that goes past its object's end; one with
 * pointers where the collector sees none; an object that is free; a small integer of the runtime's
 * own table as something larger; a channel of other elements; a func value without code. That two
 * types which look alike to the collector were mixed can't be seen. What lies outside the heap
 * (variables, stacks, memory that the program mapped) is not judged, but for the runtime's table.
 *
 * Owns     nothing.
 * Units    rt addresses, bytes.
 * Fails    never: what can't be read is not wrong.
 * Threads  one.
 * Sources  runtime/iface.go (convT*, staticuint64s), runtime/runtime2.go (iface, eface, itab). */
#ifndef DIAG_BOXED_H
#define DIAG_BOXED_H

#include "go/globals.h"
#include "go/heap.h"

struct boxes {
	const struct go_program *prog;
	const struct image *img;
	const struct go_heap *heap;
	u64 small_lo, small_hi;	/* runtime.staticuint64s; 0, 0: not known */
};

enum boxed_fault {
	BOXED_RIGHT,
	BOXED_NO_TYPE,	/* the first word is no type of the program, or no table of methods */
	BOXED_NOTHING,	/* a value that must be somewhere is at an address where nothing can be */
	BOXED_OVER,	/* it would go on past its object's end */
	BOXED_FREE,	/* the object is free */
	BOXED_NO_POINTER,	/* it has a pointer where its object has none */
	BOXED_SMALL,	/* it is a number of the runtime's table of small ones */
	BOXED_CHAN,	/* a channel of other elements */
	BOXED_FUNC,	/* what should lead to code does not */
};

struct boxed {
	enum boxed_fault fault;
	struct go_type *says;	/* the dynamic type; NULL: BOXED_NO_TYPE */
	u64 word, data;		/* as they stand there */
	u64 bytes, at;		/* how many it has; which of them (BOXED_NO_POINTER) */
	struct go_object object;
	bool marked;
};

void boxes_make(struct boxes *b, const struct go_program *prog, const struct image *img,
		const struct go_heap *heap, const struct go_globals *globals);
/* A data word by its dynamic type. */
bool boxed_wrong(const struct boxes *b, struct go_type *says, u64 data, struct boxed *to);
/* Both words; `methods`: the interface has some, so that the first one leads to a table. Gives the
 * dynamic type, too, if it is right. */
bool interface_wrong(const struct boxes *b, bool methods, const u64 *words, struct boxed *to);
/* "says *main.names, but 0xc000… is in an object of 16 bytes without pointers". */
struct str boxed_text(const struct boxed *x, struct arena *a);

#endif
