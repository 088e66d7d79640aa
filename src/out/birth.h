/* birth - goroutines that are made and end, as lines or objects.
 *
 * Owns     nothing.  Units  as event/births.h.  Fails  by the out (sticky).  Threads  one. */
#ifndef OUT_BIRTH_H
#define OUT_BIRTH_H

#include "event/births.h"
#include "out/line.h"

void birth_text(struct line *l, const struct birth *b);
void birth_end_text(struct line *l, u64 goid, i64 time_ns);
void birth_json(struct json *j, struct stacks *s, const struct birth *b);
void birth_end_json(struct json *j, u64 goid, i64 time_ns);

#endif
