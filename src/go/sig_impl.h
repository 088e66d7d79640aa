/* sig_impl - what sig.c, told.c and shape.c share. Not for others.
 *
 * Owns     nothing.  Units  as in sig.h.  Fails  false: this source knows nothing.  Threads  one.
 */
#ifndef GO_SIG_IMPL_H
#define GO_SIG_IMPL_H

#include "go/sig.h"

/* What a function's name says about its parameters. */
struct sig_form {
	bool method;		/* has a receiver */
	bool pointer;		/* ... which is a pointer */
	bool shape;		/* generic code for a shape: has a dictionary */
	bool bracket;		/* its symbol has a `[`: ArgInfo leaves its first parameter out */
	bool equal;		/* compares or hashes: its first parameter is a pointer */
	bool dict_first;	/* the dictionary comes before the receiver */
};

/* sig.c: "arg0", "ret1" */
struct str sig_numbered(const struct go_program *prog, const char *what, size_t i);

/* sig.c: a signature that was told becomes the function's, if it can be. */
bool sig_take(const struct go_program *prog, const struct go_func *f, struct go_sig *sig);

/* shape.c: from FUNCDATA ArgInfo. */
bool sig_from_shape(const struct go_program *prog, const struct go_func *f,
		    const struct sig_form *form, struct go_sig *sig);

/* Does a signature have as many parameters as ArgInfo lists? */
bool sig_counts_agree(const struct go_program *prog, const struct go_func *f,
		      const struct sig_form *form, struct go_sig *sig);

#endif
