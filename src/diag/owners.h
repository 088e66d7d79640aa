/* owners - the values of a program's memory by type, from its global variables on: which string,
 * slice or interface does not fit the object that it points to, and by which name it is reached.
 *
 * Global variables have types from DWARF, and what an interface holds has that of its descriptor;
 * what they point to has the type that they say. Values that only stacks lead to are not met, nor
 * what maps, channels and closures hold: a slot of a frame may be dead, and an object that nothing
 * leads to garbage, so that what they point to is another's by now.
 *
 * Owns     nothing: names lie in the arena that it was given.
 * Units    rt addresses, bytes.
 * Fails    never: what can't be read is passed over. `cut`: it was more than is looked at.
 * Threads  one. */
#ifndef DIAG_OWNERS_H
#define DIAG_OWNERS_H

#include "diag/boxed.h"

struct misfit {
	struct str name;	/* "main.shared.text" */
	struct str type;	/* "string", "[]int" */
	u64 at, ptr, bytes;	/* where it lies, and what it says that it has */
	struct go_object object;	/* what ptr points into */
	bool over;		/* it goes on past the object's end */
	bool free, marked;	/* the object is free; and the collector met a pointer to it */
	struct boxed box;	/* of an interface, in the place of all from ptr on */
	struct go_type *in;	/* the struct that it is a field of, or NULL */
	struct str field;	/* "text" */
};

enum { MISFITS = 8 };

struct owners {
	struct misfit found[MISFITS];
	u32 n;
	u64 all;		/* that were found, also beyond MISFITS */
	u64 globals, values;	/* that were looked at */
	bool cut;
};

void owners_find(struct owners *to, const struct go_program *prog, const struct image *img,
		 const struct go_heap *heap, const struct go_globals *globals, struct arena *a);

#endif
