#include "inline/predicate.h"

#include "go/release.h"
#include "inline/emit.h"
#include "inline/predicate_impl.h"

enum { JUMPS = 110 };	/* half of what the assembler has */

/* Registers in which values are computed: before the record there are three. */
static const u8 before_regs[] = { R12, R13, R15 }, after_regs[] = { R13, R15, RAX, RCX };

static const struct condition_means means = {
	.before = ARRAY_LEN(before_regs), .after = ARRAY_LEN(after_regs),
	.places = PREDICATE_PLACES, .jumps = JUMPS,
};

bool predicate_before_any(const struct predicate *s)
{
	return condition_any(condition_of(s->fn, &means, false));
}

bool predicate_after_any(const struct predicate *s)
{
	return reading_has_captures(&s->fn->entry) &&
	       condition_any(condition_of(s->fn, &means, true));
}

struct condition_parts predicate_parts(const struct plan_func *fn)
{
	return condition_parts(fn, &means, reading_has_captures(&fn->entry));
}

/* One part after the other. */
static void decide(struct predicate_gen *g)
{
	struct condition walk = g->c;
	struct condition_rows rows = { 0 };

	while (condition_next(&walk, &rows))
		predicate_rows(g, &rows);
	vec_release(&rows);
}

void predicate_before(struct predicate *s, unsigned no)
{
	decide(&(struct predicate_gen){
		.s = s, .c = condition_of(s->fn, &means, false), .regs = before_regs,
		.no = no,
	});
}

void predicate_after(struct predicate *s, unsigned yes, unsigned no)
{
	decide(&(struct predicate_gen){
		.s = s, .c = condition_of(s->fn, &means, true), .regs = after_regs,
		.no = no, .unsure = yes,
	});
}

/* r13 = the place of this call's mark, of `g` in a register. */
static void mark_into_r13(struct predicate *s, unsigned g)
{
	struct assembler *a = s->a;

	load(a, R13, g, G_STACK_HI);
	PUT(a, 0x49, 0x29, 0xe5);			/* sub r13, rsp */
	PUT(a, (u8)(0x4e | g >> 3), 0x8d, 0x2c,
	    (u8)(0xe8 | (g & 7)));			/* lea r13, [g+r13*8] */
	hash_reg(a, R13, R13, NEAR_MARKS_LOG2);
}

void predicate_mark(struct predicate *s)
{
	if (s->abi0)
		load_fs(s->a, R15, s->l->tls);
	mark_into_r13(s, s->abi0 ? R15 : R14);
	lea_rip(s->a, R15, s->l->near_rt + NEAR_MARKS);
	PUT(s->a, 0x43, 0xc6, 0x04, 0x2f, 0x01);	/* mov byte [r15+r13], 1 */
}

void predicate_find(struct predicate *s, unsigned no)
{
	if (s->abi0)
		load_fs(s->a, R15, s->l->tls);
	mark_into_r13(s, s->abi0 ? R15 : R14);
	lea_rip(s->a, R15, s->l->near_rt + NEAR_MARKS);
	PUT(s->a, 0x43, 0x80, 0x3c, 0x2f, 0x00);	/* cmp byte [r15+r13], 0 */
	jcc(s->a, CC_E, no);
}
