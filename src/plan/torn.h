/* torn - stores of values of several words that can be seen half done: a string's length before its
 * pointer, an interface's type before its data (go-runtime.md 6).
 *
 * A site is the instruction before which a delay makes the two halves visible: the write-barrier
 * check between the words, or the second store where both lie behind a shared check (Go 1.22+).
 *
 * Owns     nothing: lists and texts lie in the caller's arena.
 * Units    `at` counts bytes from the function's entry; word masks: bit k is the word at 8 * k.
 * Fails    never: what can't be delayed carries a refusal; what does not decode has none.
 * Threads  one calls; torn_list searches large programs with several of its own, and what it gives
 *          is the same with any number of them. */
#ifndef PLAN_TORN_H
#define PLAN_TORN_H

#include "plan/pattern.h"
#include "x86/barrier.h"
#include "x86/patch.h"

/* "string", "slice", "interface", "append" */
const char *torn_kind_name(enum torn_kind k);

enum torn_certainty {
	TORN_POSSIBLE,	/* the words fit, and so they would for {scalar, pointer} neighbours */
	TORN_LIKELY,	/* the source of a word says so */
	TORN_CERTAIN,	/* a type says so */
};
const char *torn_certainty_name(enum torn_certainty c);

struct torn_store {
	const struct go_func *func;
	u32 at;			/* of the instruction; the site's id is FUNCTION+0xAT */
	bool pair;		/* at is the second store; false: the write-barrier check */
	enum torn_kind kind;
	enum torn_certainty certainty;
	u8 first, then;		/* words that are stored before the gap, and behind it */
	struct str object;	/* "t.logEntry.Level", "main.shared", or "[rax+0x10]" */
	struct go_line line;	/* innermost */
	struct str inlined_from;	/* the function whose body it is, if inlined; else empty */
	struct window window;	/* what the jump displaces, if it can be delayed */
	bool copy_only;		/* a check at the end of a page: in a process no jump goes there */
	enum refusal refusal;
};

struct torn_stores {
	struct torn_store *at;	/* ascending by function and offset */
	size_t n;
};

/* All in the functions that `want` matches; an empty pattern list means all but the runtime's. */
void torn_list(struct torn_stores *to, const struct go_program *prog, const struct patterns *want,
	       struct arena *a);
/* "main.(*Log).set+0x4c" */
struct str torn_id(const struct torn_store *t, struct arena *a);
/* "ptr", "len", "cap"; "type", "data" */
const char *torn_word_name(enum torn_kind k, unsigned word);

#endif
