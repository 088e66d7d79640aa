/* attribute - the value of a span's attribute, for people.
 *
 * Owns     nothing.  Units  as span/span.h.  Fails  never.  Threads  any. */
#ifndef OUT_ATTRIBUTE_H
#define OUT_ATTRIBUTE_H

#include "base/out.h"
#include "span/span.h"

void attribute_text(struct out *o, const struct span_attr *a);

#endif
