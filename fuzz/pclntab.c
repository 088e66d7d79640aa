/* The function table and what hangs on it (lines, inlined calls, frames, names), of a small fake
 * binary in the layout of any release.
 *
 *   OFFSET SIZE MEANING
 *   0      1    which release
 *   1      1    bits: PIE, sections, no build information, other magic, C start, second version
 *   2      4    an edit: where (2 bytes), how (1: add, 2: xor, 3: 8 bytes, else set), the value
 *   6      ...  more of them */
#include "../tests/fake/fake.h"
#include "go/program.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

static void look(const struct go_program *prog)
{
	struct go_frame frames[GO_FRAMES];

	for (size_t i = 0; i < prog->nfuncs && i < 64; i++) {
		const struct go_func *f = &prog->funcs[i];

		go_name_split(f->name);
		go_line_at(prog, f, f->pc);
		for (u64 pc = f->pc; pc < (u64)f->pc + MIN(f->size, 128u); pc += 8)
			go_frames_at(prog, f, pc, frames);
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
	OWN(fake) fake = {0};
	OWN(image) img = {0};
	OWN(go_program) prog = {0};
	struct err err;

	if (n < 2)
		return 0;
	fake_make(&fake, &(struct fake_wish){ .minor = 17 + data[0] % 11,
					      .pie = data[1] & 1,
					      .sections = data[1] & 2,
					      .no_buildinfo = data[1] & 4,
					      .other_magic = data[1] & 8,
					      .c_start = data[1] & 16,
					      .second_version = data[1] & 32 });
	for (size_t at = 2; at + 4 <= n && at < 256; at += 4) {
		const u8 *edit = data + at;
		size_t where = (edit[0] | (size_t)edit[1] << 8) % (fake.bytes.n - 8);

		for (size_t k = 0; k < (edit[2] == 3 ? 8 : 1); k++) {
			u8 *to = &fake.bytes.at[where + k];

			*to = edit[2] == 1 ? (u8)(*to + edit[3]) :
			      edit[2] == 2 ? *to ^ edit[3] : edit[3];
		}
	}
	if (fake_open(&fake, &img, &err) && go_open(&prog, &img, &err))
		look(&prog);
	return 0;
}
