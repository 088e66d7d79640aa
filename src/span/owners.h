/* owners - which open span an address belongs to: of the context.Context that a request has alone,
 * of what writes or brings a response, of a message that is sent.
 *
 * One that lies where another one lay is another's: the later span has it then.
 *
 * Owns     nothing: the map is the caller's (address -> 1 + place of its span).
 * Units    addresses of the program; 0: none.
 * Fails    never.
 * Threads  one. */
#ifndef SPAN_OWNERS_H
#define SPAN_OWNERS_H

#include "span/context.h"

void owners_enter(struct map *m, const struct contexts *c, u64 address, const struct open_span *s);
/* If it is still this one's. */
void owners_drop(struct map *m, const struct contexts *c, u64 address, const struct open_span *s);
/* As the span's writer. */
void owners_write(struct map *m, const struct contexts *c, u64 address, struct open_span *s);
/* The span that this is the writer of, or NULL. */
struct open_span *owners_writer(struct map *m, const struct contexts *c, u64 address);

#endif
