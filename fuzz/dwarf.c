/* Signatures: DWARF where it is there, else method types, else argument shapes. */
#include "edited.h"
#include "go/sig.h"

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
		for (size_t i = 0; i < prog.nfuncs; i += 1 + i / 64) {
			const struct go_sig *sig = go_sig_of(&prog, &prog.funcs[i]);

			for (size_t k = 0; k < sig->nparams; k++)
				if (sig->params[k].type)
					go_type_load(&prog, sig->params[k].type);
		}
	}
	edited_apply(&base, data, n, true);
	return 0;
}
