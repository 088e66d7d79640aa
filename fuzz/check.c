/* Calls, values and stacks of a program whose code and tables lie. */
#include "diag/check.h"
#include "edited.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	static struct edited base;
	OWN(image) img = {0};
	OWN(go_program) prog = {0};
	struct err err;

	if (!base.size)
		edited_open(&base);
	edited_apply(&base, data, n, false);
	if (image_open(&img, base.path, &err) && go_open(&prog, &img, &err)) {
		OWN(check) c = {0};

		prog.race = true;	/* rules for -race builds, too */
		check_run(&c, &prog);
	}
	edited_apply(&base, data, n, true);
	return 0;
}
