/* callgraph_impl - what callgraph.c and callgraph_values.c share. Not for others.
 *
 * Owns     struct body owns its arena and maps, struct values its list.
 * Units    as callgraph.h; `insn` is an index in the body's flow.
 * Fails    body_open: false when it does not decode. Values: what is not known is `unknown`.
 * Threads  one. */
#ifndef DIAG_CALLGRAPH_IMPL_H
#define DIAG_CALLGRAPH_IMPL_H

#include "diag/callgraph.h"
#include "x86/origin.h"

/* A decoded function. */
struct body {
	struct callgraph *g;
	const struct go_func *func;
	struct flow flow;
	struct origins origins;
	bool asked;		/* origins are begun */
	struct arena a;
};
bool body_open(struct body *b, struct callgraph *g, u32 func);
void body_release(struct body *b);
struct origins *body_origins(struct body *b);
/* Index of the function that an instruction calls or jumps to directly, or UINT32_MAX. */
u32 body_callee(const struct body *b, const struct insn *i);

/* What a pointer can be: an address in the image, or an itab for an interface type. */
struct value {
	u64 va;			/* of the type with `itab` */
	i64 off;		/* added to the pointer */
	bool itab;
};
struct values {
	VEC(struct value) all;
	bool unknown;		/* there may be more */
	bool candidates;	/* some are not certain */
};
void values_release(struct values *v);
void values_of(struct body *b, const struct origin *x, struct values *to);

#endif
