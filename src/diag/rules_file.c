/* What was done to a program's file after Go made it: sums, segments, jumps, breakpoints. */
#include <inttypes.h>

#include "base/sha256.h"
#include "diag/rules.h"
#include "go/fips.h"
#include "inline/manifest.h"

/* The sum of the FIPS 140 module as Go's self-check makes it; false where the file lies. */
static bool fips_sum(const struct image *img, const struct go_fips *fips, u8 *sum)
{
	static const char begin[] = "go fips object v1\n";
	struct sha256 s;

	hmac0_begin(&s);
	sha256_add(&s, begin, sizeof(begin) - 1);
	for (size_t i = 0; i < ARRAY_LEN(fips->range); i++) {
		u64 size = fips->range[i].hi - fips->range[i].lo;
		struct str bytes = image_bytes(img, fips->range[i].lo, size);
		u8 length[8];

		if (bytes.n != size)
			return false;
		for (unsigned k = 0; k < 8; k++)
			length[k] = (u8)(size >> (56 - 8 * k));
		sha256_add(&s, length, sizeof(length));
		sha256_add(&s, bytes.p, bytes.n);
	}
	hmac0_end(&s, sum);
	return true;
}

static void look_fipssum(struct check *c, const struct rule *self)
{
	const struct image *img = c->prog->img;
	const char *debug = go_setting(c->prog, "DefaultGODEBUG");
	bool on = debug && strstr(debug, "fips140=") && !strstr(debug, "fips140=off");
	u8 is[GO_FIPS_SUM_SIZE];
	struct go_fips fips;
	struct finding *f;
	struct str said;

	if (!go_fips_find(img, &fips) || !fips_sum(img, &fips, is))
		return;
	said = image_bytes(img, fips.va + GO_FIPS_SUM, GO_FIPS_SUM_SIZE);
	if (said.n != sizeof(is) || !memcmp(said.p, is, sizeof(is)))
		return;
	f = check_found(c, self, 0);
	f->va = fips.va;
	f->message = on ? STR("the sum of Go's FIPS 140 module does not match its bytes, and the "
			      "self-check is on: it panics at start with \"fips140: verification "
			      "mismatch\"")
			: STR("the sum of Go's FIPS 140 module does not match its bytes: with "
			      "GODEBUG=fips140=on it panics at start with \"fips140: verification "
			      "mismatch\"");
	f->advice = STR("find out who changed the file after it was linked, or build it again");
}

static void look_wxseg(struct check *c, const struct rule *self)
{
	const struct image *img = c->prog->img;

	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];
		struct finding *f;

		if (!s->write || !s->exec)
			continue;
		f = check_found(c, self, 0);
		f->va = s->va;
		f->message = str_fmt(&c->arena, "the segment at 0x%" PRIx64 " is writable and "
				     "executable, which no Go linker makes", s->va);
		f->advice = STR("find out which tool made it (packers, patchers, linker scripts)");
	}
}

/* The segment that has va and may be executed, or NULL. */
static const struct segment *code_at(const struct image *img, u64 va)
{
	for (size_t i = 0; i < img->nsegs; i++)
		if (img->segs[i].exec && va - img->segs[i].va < img->segs[i].size)
			return &img->segs[i];
	return NULL;
}

/* Does the function begin with a jump to code of another segment? Both linkers put all code in one.
 * Then where it leads, else 0. */
static u64 leaves_text(const struct go_program *prog, const struct go_func *f)
{
	enum { JUMP = 0xe9, SIZE = 5 };
	struct str code = go_func_bytes(prog, f);
	const struct segment *to;
	u64 va = go_func_va(prog, f);
	i32 rel;

	if (f->size < SIZE || code.n < SIZE || (u8)code.p[0] != JUMP)
		return 0;
	memcpy(&rel, code.p + 1, sizeof(rel));
	to = code_at(prog->img, va + SIZE + (u64)(i64)rel);
	return to && to != code_at(prog->img, va) ? va + SIZE + (u64)(i64)rel : 0;
}

/* Does it begin with int3? runtime.breakpoint does, and runtime.abort. */
static bool is_breakpoint(const struct go_program *prog, const struct go_func *f)
{
	struct str code = go_func_bytes(prog, f);

	return f->size && code.n && (u8)code.p[0] == 0xcc &&
	       rule_owner(prog, f) != OWNER_RUNTIME;
}

/* A copy by `stress -o` says so itself; nothing else of it is a finding of this rule. */
static bool is_our_copy(struct check *c, const struct rule *self)
{
	struct manifest m;
	struct err err;
	struct finding *f;

	if (!manifest_find(c->prog->img, &m, &err))
		return false;
	f = check_found(c, self, 0);
	f->va = m.data_va;
	f->message = str_fmt(&c->arena, "this is a copy made by goshawk %.*s, with delays at %u "
			     "stores: for tests only", STR_F(m.version), m.sites);
	f->advice = STR("goshawk stress FILE --undo -o OLD gives the original back");
	return true;
}

static void look_patched(struct check *c, const struct rule *self)
{
	if (is_our_copy(c, self))
		return;
	for (size_t i = 0; i < c->prog->nfuncs; i++) {
		const struct go_func *g = &c->prog->funcs[i];
		u64 to = leaves_text(c->prog, g);
		struct finding *f;

		if (!to && !is_breakpoint(c->prog, g))
			continue;
		f = check_found(c, self, go_func_va(c->prog, g));
		f->message = to ? str_fmt(&c->arena, "%.*s begins with a jump to 0x%" PRIx64
					  ", outside of the code that was linked",
					  STR_F(g->name), to)
				: str_fmt(&c->arena, "%.*s begins with int3, a breakpoint",
					  STR_F(g->name));
		f->advice = STR("find out which tool left it; build the program again");
	}
}

const struct rule rule_fipssum = {
	.id = "FIPSSUM",
	.level = LEVEL_ERROR,
	.what = "the FIPS 140 module is not what its sum says",
	.page =
	"A program of Go 1.24 and later carries the HMAC-SHA-256 of the code and data of "
	"crypto/internal/fips140. With GODEBUG=fips140=on (or only, from the environment, go.mod "
	"or GOFIPS140) the program sums these bytes again when it starts and panics with "
	"\"fips140: verification mismatch\" if one differs. Patching, instrumenting or packing "
	"the file after it was linked does that.\n\n"
	"Without fips140 in GODEBUG nothing happens, but the module is no longer the validated "
	"one.",
	.look = look_fipssum,
};

const struct rule rule_wxseg = {
	.id = "WXSEG",
	.level = LEVEL_WARNING,
	.what = "a segment is writable and executable",
	.page =
	"Go's own linker and the usual system linkers separate what is executed from what is "
	"written. A segment that is both was made by something else: a packer, a patcher, a "
	"linker script. Kernels and policies that forbid it (SELinux execmem, PaX) will not run "
	"the program, and an overflow there becomes code.",
	.look = look_wxseg,
};

const struct rule rule_patched = {
	.id = "PATCHED",
	.level = LEVEL_WARNING,
	.what = "the code was changed after it was linked",
	.page =
	"Functions that begin with a jump out of the linked code (a hot patch, an inserted "
	"probe), or with int3 (a breakpoint that a debugger left in a dumped file), were changed "
	"by a tool. Whether that is safe depends on the tool: code that Go's tables do not know "
	"must not be on a stack that the runtime walks, and a fault in it cannot be "
	"recovered.\n\n"
	"A copy that goshawk stress -o made is recognised by its manifest; such copies are for "
	"tests.",
	.look = look_patched,
};
