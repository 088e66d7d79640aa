/* torn_place - what Go calls the memory that a pointer leads to: `t.logEntry.Level`, a string.
 *
 * Owns     nothing: names lie in the arena that the finder was given.
 * Units    offsets in bytes.
 * Fails    never: a place that is not known has no type.
 * Threads  one. */
#ifndef PLAN_TORN_PLACE_H
#define PLAN_TORN_PLACE_H

#include "go/globals.h"
#include "go/sig.h"
#include "x86/origin.h"

struct place_finder {
	const struct go_program *prog;
	struct arena *a;		/* of the function at hand */
	const struct go_globals *globals;
	struct map itabs;		/* by address */
	const struct go_func *func;
	const struct go_sig *sig;
	struct origins origins;
};

struct go_memory {
	struct go_type *t;	/* what lies there; NULL: not known */
	i64 off;		/* how far behind its beginning */
	bool array;		/* many of them side by side */
	bool index;		/* ... and which one is not known */
	bool variable;		/* `name` is what lies there, not a pointer to it */
	struct str name;	/* empty where it has none */
};

/* A string, a slice, an interface or a single word in it. */
struct go_part {
	struct go_type *t;
	i64 at;			/* where it begins, as `off` counts */
};

void place_finder_make(struct place_finder *p, const struct go_program *prog);
/* One more, of the same program or of a twin of it; not to be released. */
void place_finder_share(struct place_finder *p, const struct place_finder *of,
			const struct go_program *prog);
void place_finder_release(struct place_finder *p);
void place_finder_enter(struct place_finder *p, const struct go_func *f, const struct flow *flow,
			struct arena *a);
void place_finder_leave(struct place_finder *p);

/* The memory that a pointer leads to. */
struct go_memory memory_at(struct place_finder *p, const struct origin *x);
/* The part of it that the byte at m.off belongs to. */
bool memory_part(const struct place_finder *p, const struct go_memory *m, struct go_part *to);
/* What a call for the collector says of a structure that is about to be copied or cleared. NULL: it
 * is another call. */
struct go_type *copied_type(struct place_finder *p, u32 insn);
/* Of which part a value is a word: a string's length, say. */
bool value_part(struct place_finder *p, const struct origin *x, struct go_part *to, unsigned *word);
/* Where types are gone: the parameter that a value is a word of. NULL: none. */
const struct go_param *value_param(struct place_finder *p, const struct origin *x, unsigned *word);
/* "t.logEntry.Level"; "(main.entry).Level" where it has no name. */
struct str memory_name(const struct place_finder *p, const struct go_memory *m, struct arena *a);
/* Is there a type descriptor, or a table of methods, at that address? */
bool is_type_word(const struct place_finder *p, u64 va);

#endif
