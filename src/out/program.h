/* program - what a program is, and what can be done with it, as text or a `program` object.
 *
 * Owns     nothing.
 * Units    sizes in bytes.
 * Fails    never.
 * Threads  one. */
#ifndef OUT_PROGRAM_H
#define OUT_PROGRAM_H

#include "base/out.h"
#include "go/program.h"

void program_print(struct out *o, const struct go_program *prog);
void program_json(struct json *j, const struct go_program *prog);

#endif
