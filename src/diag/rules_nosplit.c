/* Chains of functions without a stack check that need more stack than is sure to be there. */
#include "diag/height.h"
#include "diag/rules.h"

enum { NAMED = 8 };	/* functions of a chain in the message; the path has all */

/* The functions of the chain that needs most, from func down; at most REACH_PATH. */
static size_t chain_of(struct heights *h, u32 func, u32 *to)
{
	size_t n = 0;

	while (n < REACH_PATH && func != UINT32_MAX) {
		to[n++] = func;
		func = height_of(h, func)->to;
	}
	return n;
}

static struct str chain_text(struct check *c, struct heights *h, const u32 *chain, size_t n)
{
	struct str text = STR("");

	for (size_t i = 0; i < n && i < NAMED; i++) {
		const struct height *is = height_of(h, chain[i]);
		i32 below = i + 1 < n ? height_of(h, chain[i + 1])->bytes : 0;

		text = str_fmt(&c->arena, "%.*s%s%.*s %d", STR_F(text), i ? ", " : "",
			       STR_F(c->prog->funcs[chain[i]].name), is->bytes - below);
	}
	return text;
}

static void way(struct check *c, struct heights *h, struct finding *f, const u32 *chain, size_t n)
{
	f->path = ARENA_ARRAY(&c->arena, struct finding_step, n + 1);
	f->npath = n;
	for (size_t i = 0; i < n; i++) {
		const struct height *is = height_of(h, chain[i]);

		f->path[i] = rule_step(c->prog, chain[i], is->to == UINT32_MAX ? 0 : is->at);
		f->path[i].kind = CALL_DIRECT;
		f->path[i].certainty = CERTAIN;
	}
}

static void say(struct check *c, const struct rule *self, struct heights *h, u32 func)
{
	const struct go_func *fn = &c->prog->funcs[func];
	struct finding *f = check_found(c, self, go_func_va(c->prog, fn));
	i32 bytes = height_of(h, func)->bytes, limit = height_limit(c->prog);
	u32 chain[REACH_PATH];
	size_t n;

	f->advice = STR("let one of them check its stack (no //go:nosplit, no NOSPLIT in "
			"assembly), make frames smaller, or call it on a system stack");
	if (bytes == HEIGHT_ENDLESS) {
		f->message = str_fmt(&c->arena, "%.*s comes back to itself without a stack check "
				     "on the way: it may leave the stack", STR_F(fn->name));
		return;
	}
	n = chain_of(h, func, chain);
	way(c, h, f, chain, n);
	f->message = str_fmt(&c->arena, "%.*s and what it calls use %d bytes of stack without a "
			     "check (%.*s), and only %d are sure to be there: below them other "
			     "memory is overwritten", STR_F(fn->name), bytes,
			     STR_F(chain_text(c, h, chain, n)), limit);
}

/* Those at the top of a chain: nobody in a chain that is too long calls them. */
static void look_nosplit(struct check *c, const struct rule *self)
{
	OWN(arena) a = {0};
	size_t n = c->prog->nfuncs;
	u8 *called = ARENA_ARRAY(&a, u8, n + 1);
	i32 limit = height_limit(c->prog);
	struct heights h;

	heights_make(&h, &c->graph);
	for (u32 i = 0; i < n; i++) {
		const struct height *is = height_of(&h, i);

		if (is->bytes > limit && is->to != UINT32_MAX)
			called[is->to] = 1;
	}
	for (u32 i = 0; i < n; i++) {
		const struct height *is = height_of(&h, i);
		bool endless = is->bytes == HEIGHT_ENDLESS;

		if (is->bytes > limit && (endless ? is->again : !called[i]))
			say(c, self, &h, i);
	}
	heights_release(&h);
}

const struct rule rule_nosplit = {
	.id = "NOSPLIT",
	.level = LEVEL_ERROR,
	.what = "functions without a stack check use more stack than is sure to be there",
	.page =
	"Most functions begin with a stack check: is there room for the frame, else the stack "
	"grows. The check leaves 800 bytes (1600 in -race builds from 1.20 on) below the frame. "
	"Functions that are marked //go:nosplit, or NOSPLIT in assembly, check nothing: chains "
	"of them live on these bytes. A chain that needs more writes below the stack, into "
	"memory of somebody else, whenever the stack happens to be nearly full. It shows later, "
	"as corruption without a cause.\n\n"
	"Go's linker refuses such chains (\"nosplit stack over 792 byte limit\"). It takes a call "
	"through a register for one of a function with a check, and it does not see what is "
	"done after it: code that is patched in, calls that are redirected. Frames are counted "
	"here from the program's own tables, calls from its code.\n\n"
	"Cure: let one function of the chain check its stack, make frames smaller (no large "
	"local arrays), or call it on a system stack.",
	.look = look_nosplit,
};
