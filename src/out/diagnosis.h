/* diagnosis - what `explain` found, as text and JSON.
 *
 * Owns     nothing.  Units  none.  Fails  by the out (sticky).  Threads  one. */
#ifndef OUT_DIAGNOSIS_H
#define OUT_DIAGNOSIS_H

#include "base/out.h"
#include "diag/explain.h"

void diagnosis_print(struct out *o, const struct diagnosis *d);
void diagnosis_json(struct json *j, const struct diagnosis *d);

#endif
