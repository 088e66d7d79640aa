/* brief - a signature for listings: its text, without types being loaded or places worked out.
 *
 * A listing of fifty thousand functions has no use for where each word lies, and making all of that
 * costs ten times what reading the tables does. What this can't tell at a glance is left to
 * go_sig_of.
 *
 * Owns     nothing: texts are views into the image or lie in the struct.
 * Units    shapes: sizes of words in bytes, as out/signature.h prints them.
 * Fails    never.
 * Threads  one (an index is made on demand). */
#ifndef GO_BRIEF_H
#define GO_BRIEF_H

#include "go/sig.h"

struct go_brief {
	enum sig_source from;
	bool ask;		/* nothing else is valid: only go_sig_of knows */
	struct str type;	/* SIG_TYPES: "(string, int) error"; SIG_SHAPE: "({8 8}, 8)" */
	char text[128];
};

void go_brief_of(const struct go_program *prog, const struct go_func *f, struct go_brief *b);

#endif
