/* modver - versions of the modules that a program was built with.
 *
 * Owns     nothing: views into the program's build information.
 * Units    none.
 * Fails    empty where it is not known: no build information, or a folder in the module's place.
 * Threads  any.
 * Source   https://go.dev/ref/mod#versions; semver.org 2.0.0, 11. */
#ifndef GO_MODVER_H
#define GO_MODVER_H

#include "go/program.h"

/* Of the module that imports call so: "v1.66.0". The main module's is mostly "(devel)". */
struct str go_module_version(const struct go_program *prog, struct str path);
/* Less than, equal to or greater than 0, with or without a 'v' before them. What begins with no
 * number is a later one than any other: "(devel)" is what stands in the folder today. */
int version_compare(struct str a, struct str b);

#endif
