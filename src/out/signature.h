/* signature - a function's parameters and results as text and JSON.
 *
 * Owns     nothing.
 * Units    shapes show the sizes of their words in bytes: ({8 8}, 1).
 * Fails    never: what is not known is `?`, what was cut is `…`.
 * Threads  one. */
#ifndef OUT_SIGNATURE_H
#define OUT_SIGNATURE_H

#include "base/out.h"
#include "go/sig.h"

/* (url string, n int) (int, error); without names where only types are known. */
void signature_print(struct out *o, const struct go_program *prog, const struct go_sig *s);
/* The same of a function, without making all of its signature; gives its source. */
enum sig_source signature_brief(struct out *o, const struct go_program *prog,
				const struct go_func *f);
/* The keys params, results and signature_from, inside an object. */
void signature_json(struct json *j, const struct go_program *prog, const struct go_sig *s);

#endif
