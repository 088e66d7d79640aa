/* Signatures: DWARF where it is there, else method types, else argument shapes; and where
 * parameters, also of inlined calls, are said to be. */
#include "edited.h"
#include "go/homes.h"

static void look(const struct go_program *prog, const struct go_func *f)
{
	const struct go_sig *sig = go_sig_of(prog, f);
	u64 va = prog->md.text_va + f->pc;
	struct go_param *inlined;
	i32 off;

	for (size_t k = 0; k < sig->nparams; k++) {
		if (sig->params[k].type)
			go_type_load(prog, sig->params[k].type);
		for (u32 pc = 0; pc < f->room; pc += 1 + f->room / 4)
			(void)!go_home_elsewhere(prog, f, va + pc, sig->params[k].name, 0, 8, &off);
	}
	for (size_t depths = 1; depths < 3; depths++)
		for (u32 pc = 0; pc < f->room; pc += 1 + f->room / 8)
			(void)!go_inlined_params(prog, f, va + pc, va + pc, 0, depths, &inlined);
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
	if (image_open(&img, base.path, &err) && go_open(&prog, &img, &err)) {
		prog.homes = true;
		for (size_t i = 0; i < prog.nfuncs; i += 1 + i / 64)
			look(&prog, &prog.funcs[i]);
	}
	edited_apply(&base, data, n, true);
	return 0;
}
