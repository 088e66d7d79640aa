/* stress_file - `stress FILE -o NEW`, its --plan, and --undo.
 *
 * Owns     nothing.  Units  ns.
 * Fails    ERR_USAGE, and as inline/file.h.
 * Threads  one. */
#ifndef CMD_STRESS_FILE_H
#define CMD_STRESS_FILE_H

#include "base/out.h"
#include "cmd/stress_ask.h"
#include "cmd/stress_sites.h"
#include "cmd/target.h"

struct file_args {
	struct delay_args delay;
	const struct opt_list *sites;
	const char *output;	/* the copy */
	bool plan, json;
};

bool stress_file(const struct file_args *a, const struct target *t, struct out *o,
		 struct err *err) MUST_CHECK;
/* What a copy says of itself; nothing of any other program. j: as an object. */
bool stress_info(const struct image *img, struct json *j, struct out *o,
		 struct err *err) MUST_CHECK;

#endif
