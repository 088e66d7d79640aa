/* diagnosis - what `explain` found, as text and JSON.
 *
 * Owns     nothing: what it adds lies in the death's arena.
 * Units    none.  Fails  by the out (sticky).  Threads  one. */
#ifndef OUT_DIAGNOSIS_H
#define OUT_DIAGNOSIS_H

#include "base/out.h"
#include "diag/explain.h"

/* Parameters of the calls that it is about, as evidence, while the memory is there. */
void diagnosis_calls(struct diagnosis *to, struct death *d);
void diagnosis_print(struct out *o, const struct diagnosis *d);
void diagnosis_json(struct json *j, const struct diagnosis *d);

#endif
