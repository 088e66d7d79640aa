/* value - a typed Go value in a record, as text or JSON (cli.md "Values").
 *
 * The bytes of a value lie at an offset of the record. What a pointer in it leads to is found by
 * looking among the reading's captures for the one whose `from` is that pointer's record offset
 * (and whose step ran). value_begin finds out which steps ran, once for each record. Nothing is
 * read from the target, but for what never changes there: itabs and type descriptors that the
 * runtime made, and function names by their code address.
 *
 * Owns     nothing.
 * Units    record offsets; addresses in values are run-time addresses.
 * Fails    never: what can't be shown says so. Bytes are not trusted: every offset is checked.
 * Threads  one. */
#ifndef OUT_VALUE_H
#define OUT_VALUE_H

#include "base/out.h"
#include "plan/plan.h"

struct value_view {
	const struct go_program *prog;
	const struct plan *plan;		/* for plan_redacts; or NULL */
	const struct reading *reading;
	const u8 *record;
	u64 bias;				/* rt = va + bias */
	/* reads memory of the process by run-time address, or NULL (gone, or a recording) */
	bool (*read_rt)(void *ctx, u64 rt, void *to, size_t n);
	void *read_ctx;
	u64 strings, elements;			/* limits, as in plan_request */
	u64 *unreadable;			/* of --show; or NULL */

	/* filled by value_begin */
	u16 first[RECORD_MAX / 8];		/* 1 + first step that ran with `from` = 8 * i */
	u32 budget;				/* values that may still be shown: types may lie */
};

/* After `reading` and `record` were set. */
void value_begin(struct value_view *v);

void value_text(struct out *o, struct value_view *v, const struct slot *s);
/* {"name","type","value"} */
void value_json(struct json *j, struct value_view *v, const struct slot *s);

#endif
