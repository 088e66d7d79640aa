/* The function table and what hangs on it: lines, inlined calls, frames, names. */
#include "edited.h"
#include "go/program.h"

static void look(const struct go_program *prog)
{
	struct go_frame frames[GO_FRAMES];

	for (size_t i = 0; i < prog->nfuncs; i += 1 + i / 64) {
		const struct go_func *f = &prog->funcs[i];

		go_name_split(f->name);
		go_line_at(prog, f, f->pc);
		go_frames_at(prog, f, f->pc + f->size / 2, frames);
		go_func_bytes(prog, f);
		go_func_at(prog, (u64)f->pc + f->room);
		for (unsigned k = 0; k < 8; k++) {
			go_pcvalue(prog, f, go_pcdata(prog, f, k), f->pc);
			go_funcdata_va(prog, f, k);
		}
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	static struct edited base;
	OWN(image) img = {0};
	OWN(go_program) prog = {0};
	struct err err;

	if (!base.size)
		edited_open(&base);
	edited_apply(&base, data, n, false);
	if (image_open(&img, base.path, &err) && go_open(&prog, &img, &err))
		look(&prog);
	edited_apply(&base, data, n, true);
	return 0;
}
