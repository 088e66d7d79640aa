/* What was done to a program's file after Go made it: sums, segments, jumps, breakpoints. */
#include <inttypes.h>

#include "base/sha256.h"
#include "diag/rules.h"
#include "go/fips.h"
#include "go/fork.h"
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

/* Both linkers put all code into one segment. */
static size_t code_segments(const struct image *img)
{
	size_t n = 0;

	for (size_t i = 0; i < img->nsegs; i++)
		n += img->segs[i].exec;
	return n;
}

/* Is there an instruction at this place of the function? */
static bool is_insn(const struct go_program *prog, const struct go_func *f, u32 at)
{
	OWN(arena) a = {0};
	struct flow flow;
	struct err err;

	return !at || (go_flow(prog, f, &a, &flow, &err) && flow_find(&flow, at) >= 0);
}

/* A jump or a call in the function to code of another segment: where it leads, and *at; or 0. */
static u64 leaves_text(const struct go_program *prog, const struct go_func *f, u32 *at)
{
	enum { CALL = 0xe8, SIZE = 5 };		/* a jump is e9 */
	struct str code = str_cut(go_func_bytes(prog, f), 0, f->size);
	u64 va = go_func_va(prog, f);

	for (u32 i = 0; i + SIZE <= code.n; i++) {
		const struct segment *to;
		i32 rel;

		if (((u8)code.p[i] & 0xfe) != CALL)
			continue;
		memcpy(&rel, code.p + i + 1, sizeof(rel));
		to = code_at(prog->img, va + i + SIZE + (u64)(i64)rel);
		if (!to || to == code_at(prog->img, va) || !is_insn(prog, f, i))
			continue;
		*at = i;
		return va + i + SIZE + (u64)(i64)rel;
	}
	return 0;
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
	bool others = code_segments(c->prog->img) > 1;

	if (is_our_copy(c, self))
		return;
	for (size_t i = 0; i < c->prog->nfuncs; i++) {
		const struct go_func *g = &c->prog->funcs[i];
		u32 at = 0;
		u64 to = others ? leaves_text(c->prog, g, &at) : 0;
		struct finding *f;

		if (!to && !is_breakpoint(c->prog, g))
			continue;
		f = check_found(c, self, go_func_va(c->prog, g) + at);
		f->message = to ? str_fmt(&c->arena, "%.*s+0x%x leads to 0x%" PRIx64
					  ", outside of the code that was linked",
					  STR_F(g->name), at, to)
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
	"Functions with a jump or call out of the linked code (a hot patch, an inserted probe), "
	"or that begin with int3 (a breakpoint that a debugger left in a dumped file), were "
	"changed by a tool. Whether that is safe depends on the tool: code that Go's tables do "
	"not know must not be on a stack that the runtime walks, and a fault in it cannot be "
	"recovered.\n\n"
	"A copy that goshawk stress -o made is recognised by its manifest; such copies are for "
	"tests.",
	.look = look_patched,
};
