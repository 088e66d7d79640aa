/* type - a Go type as source, with the offset and size of each field and the padding between them.
 *
 * Owns     nothing; texts lie in the caller's arena.
 * Units    bytes.
 * Fails    never: what is not known is `?`.
 * Threads  one. */
#ifndef OUT_TYPE_H
#define OUT_TYPE_H

#include "base/out.h"
#include "go/types.h"

/* The name that a person and a pattern use: with the package's path, "*net/http.Server". */
struct str type_full_name(struct arena *a, const struct go_program *prog, struct go_type *t);
void type_print(struct out *o, const struct go_program *prog, struct go_type *t);
/* A line of JSON: a `go_type` object. */
void type_json(struct json *j, const struct go_program *prog, struct go_type *t);

#endif
