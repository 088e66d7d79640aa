/* Type descriptors, and what is found by way of them. */
#include "edited.h"
#include "go/types.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	static struct edited base;
	OWN(image) img = {0};
	OWN(go_program) prog = {0};
	struct go_type **types;
	struct err err;

	if (!base.size)
		edited_open(&base);
	edited_apply(&base, data, n, false);
	if (image_open(&img, base.path, &err) && go_open(&prog, &img, &err)) {
		size_t count = go_types_all(&prog, &types);

		for (size_t i = 0; i < count; i++)
			go_type_is_pointer_shaped(&prog, go_type_load(&prog, types[i]));
		go_type_named(&prog, STR("*errors.errorString"));
	}
	edited_apply(&base, data, n, true);
	return 0;
}
