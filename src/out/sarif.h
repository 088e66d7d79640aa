/* sarif - findings as SARIF 2.1.0, for services that show them beside the code.
 *
 * Owns     nothing.
 * Units    lines from 1; addresses do not occur.
 * Fails    never.
 * Threads  one.
 * Sources  OASIS Standard SARIF 2.1.0, sections 3.13 to 3.52. */
#ifndef OUT_SARIF_H
#define OUT_SARIF_H

#include "base/out.h"
#include "diag/check.h"

void sarif_write(struct out *o, const struct check *c);

#endif
