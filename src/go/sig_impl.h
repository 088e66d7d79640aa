/* sig_impl - what sig.c, shape.c and spills.c share. Not for others.
 *
 * Owns     nothing.  Units  as in sig.h.  Fails  false: this source knows nothing.  Threads  one.
 */
#ifndef GO_SIG_IMPL_H
#define GO_SIG_IMPL_H

#include "go/sig.h"

/* What a function's name says about its parameters. */
struct sig_form {
	bool method;		/* has a receiver */
	bool shape;		/* generic code for a shape: has a dictionary */
	bool bracket;		/* its symbol has a `[`: ArgInfo leaves its first parameter out */
	bool dict_first;	/* the dictionary comes before the receiver */
};

/* sig.c: "arg0", "ret1" */
struct str sig_numbered(const struct go_program *prog, const char *what, size_t i);

/* shape.c: from FUNCDATA ArgInfo. */
bool sig_from_shape(const struct go_program *prog, const struct go_func *f,
		    const struct sig_form *form, struct go_sig *sig);

/* Does a signature whose results are not known have as many parameters as ArgInfo lists? */
bool sig_counts_agree(const struct go_program *prog, const struct go_func *f,
		      const struct sig_form *form, const struct go_sig *sig);

/* spills.c: which register the stack check's slow path saves in which slot of the argument area:
 * proof of what is passed where, in a function that has a stack check. */
struct spill {
	u32 off;	/* in the argument area (SP at entry + 8 + off) */
	u8 kind, reg;	/* PLACE_INT, PLACE_FLOAT; index of the ABI */
	u8 size;
};
enum { MAX_SPILLS = 24 };
struct spills {
	struct spill at[MAX_SPILLS];
	unsigned n;
};
void spills_of(const struct go_program *prog, const struct go_func *f, struct spills *s);

#endif
