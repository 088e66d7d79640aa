/* goroutine - goroutines as groups that stand at the same place, as folded stacks, as JSON.
 *
 * Owns     what it looked up, until goroutine_view_release(); refers to the program and its image.
 * Units    ns.
 * Fails    by the out (sticky); what is not known says so.
 * Threads  one. */
#ifndef OUT_GOROUTINE_H
#define OUT_GOROUTINE_H

#include "event/stack.h"
#include "go/holders.h"
#include "out/value.h"
#include "plan/args.h"

enum { GOROUTINE_LEVELS = 128, GOROUTINE_INDENT = 4 };

struct goroutine_view {
	const struct go_program *prog;
	const struct goroutines *all;
	i64 now;		/* of the monotonic clock, or 0 where nobody knows (a core) */
	bool runtime;		/* the runtime's frames, too */
	struct unwinder unwinder;
	struct stacks stacks;
	struct args args;
	struct value_view values;
	struct holders holders;
	struct arena arena;
	/* of the goroutine asked for last */
	struct go_level levels[GOROUTINE_LEVELS];
	size_t nlevels;
	enum unwind_end end;
};

/* Of `request` limits and redactions count. */
bool goroutine_view_init(struct goroutine_view *v, const struct goroutines *all,
			 const struct plan_request *request, struct err *err) MUST_CHECK;
void goroutine_view_release(struct goroutine_view *v);
/* Its stack: levels, nlevels, end. */
void goroutine_look(struct goroutine_view *v, const struct goroutine *g);
/* The frame that made it; NULL: nobody knows, or the runtime did as it began. */
const struct stack_frame *goroutine_creator(struct goroutine_view *v, const struct goroutine *g);
/* How long it has waited at least; -1: not known. */
i64 goroutine_waits_ns(const struct goroutine_view *v, const struct goroutine *g);
/* Is one of its frames a function that matches? */
bool goroutine_has(struct goroutine_view *v, const struct goroutine *g, const struct patterns *p);

/* Under one heading: `list` are those of a group, by goid. */
void goroutine_group_print(struct out *o, struct goroutine_view *v,
			   const struct goroutine *const *list, size_t n);
/* main.work(n=7) */
void goroutine_call_print(struct out *o, struct goroutine_view *v, const struct go_level *l,
			  const struct stack_frame *f, size_t at, size_t frames);
/* n=7, s="x": its variables, as far as DWARF says where they are; or nothing. */
void goroutine_locals_print(struct out *o, struct goroutine_view *v, const struct go_level *l,
			    const struct stack_frame *f, size_t at, size_t frames);
/* One of the `frames` of a level with its parameters, and its line below: of the stack that was
 * looked at last. */
void goroutine_frame_print(struct out *o, struct goroutine_view *v, const struct go_level *l,
			   const struct stack_frame *f, size_t at, size_t frames);
/* channel 0xc000… (chan int, 0 of 10) */
void wait_print(struct out *o, struct goroutine_view *v, const struct wait *w);
/* Who may have the locks that are waited for: to be called once, before they are printed. */
void goroutine_find_holders(struct goroutine_view *v);
/* NULL: not known, or not asked for. */
const struct held *goroutine_held(const struct goroutine_view *v, const struct wait *w);
/* A line of its own, or nothing. */
void holders_print(struct out *o, struct goroutine_view *v, const struct wait *w);
void goroutine_json(struct json *j, struct goroutine_view *v, const struct goroutine *g);
/* main.main;main.work;main.leaf */
void goroutine_folded(struct out *o, struct goroutine_view *v, const struct goroutine *g);
/* Where they stand, and for what: the same number for those of one group. */
u64 goroutine_hash(struct goroutine_view *v, const struct goroutine *g);

#endif
