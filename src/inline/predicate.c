#include "inline/predicate.h"

#include "go/release.h"
#include "inline/emit.h"
#include "inline/predicate_impl.h"

enum { JUMPS = 110 };	/* half of what the assembler has */
#define MARK_SHARED 0xffffffffu		/* extended by its sign: of several calls */

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

/* A part that the reader decides could say no, and then it would not count. */
bool predicate_counts(const struct predicate *s)
{
	return !predicate_parts(s->fn).at_entry;
}

void predicate_after(struct predicate *s, unsigned yes, unsigned no, unsigned unreadable)
{
	decide(&(struct predicate_gen){
		.s = s, .c = condition_of(s->fn, &means, true), .regs = after_regs,
		.no = no, .unsure = yes, .unreadable = unreadable,
	});
}

/* reg = what tells this call from all others that are open: g, and how deep its stack is, which is
 * the same when that has moved. No other register is used. */
static void call_into(struct predicate *s, unsigned reg)
{
	struct assembler *a = s->a;
	u8 r = (u8)(reg & 7);

	if (s->abi0) {
		load_fs(a, reg, s->l->tls);
		load(a, reg, reg, G_STACK_HI);
	} else {
		load(a, reg, R14, G_STACK_HI);
	}
	PUT(a, 0x49, 0x29, (u8)(0xe0 | r));		/* sub reg, rsp */
	PUT(a, 0x4d, 0x69, (u8)(0xc0 | r << 3 | r));	/* imul reg, reg, hash */
	asm_u32(a, HASH);
	if (s->abi0) {
		PUT(a, 0x64, 0x4c, 0x03, (u8)(0x04 | r << 3), 0x25);
		asm_u32(a, (u32)s->l->tls);		/* add reg, fs:tls */
	} else {
		PUT(a, 0x4d, 0x01, (u8)(0xf0 | r));	/* add reg, r14 */
	}
}

/* r13 = the call, r15 = the place of its mark; `temp` is used. */
static void mark_into_r15(struct predicate *s, unsigned temp)
{
	struct assembler *a = s->a;

	call_into(s, R13);
	hash_reg(a, R15, R13, NEAR_MARKS_LOG2);
	lea_rip(a, temp, s->l->near_rt + NEAR_MARKS);
	PUT(a, 0x4f, 0x8d, 0x7c, (u8)(0xf8 | (temp & 7)), 0);	/* lea r15, [temp+r15*8] */
	if (temp == R13)
		call_into(s, R13);
}

static void mark_shared(struct predicate *s)
{
	PUT(s->a, 0x49, 0xc7, 0x07);			/* mov qword [r15], -1 */
	asm_u32(s->a, MARK_SHARED);
}

void predicate_mark(struct predicate *s)
{
	struct assembler *a = s->a;
	size_t free, same;

	mark_into_r15(s, R13);
	PUT(a, 0x4d, 0x87, 0x2f);			/* xchg [r15], r13 */
	PUT(a, 0x4d, 0x85, 0xed, 0x0f, 0x84);		/* test r13, r13; jz free */
	free = hole(a);
	PUT(a, 0x4d, 0x3b, 0x2f, 0x0f, 0x84);		/* cmp r13, [r15]; je same */
	same = hole(a);
	mark_shared(s);
	fill(a, same);
	fill(a, free);
}

void predicate_find(struct predicate *s, unsigned no)
{
	struct assembler *a = s->a;
	size_t other, alone, done;

	mark_into_r15(s, R12);
	PUT(a, 0x4d, 0x39, 0x2f, 0x0f, 0x85);		/* cmp [r15], r13; jne other */
	other = hole(a);
	PUT(a, 0x45, 0x31, 0xe4);			/* xor r12d, r12d */
	PUT(a, 0x4d, 0x87, 0x27);			/* xchg [r15], r12 */
	PUT(a, 0x4d, 0x39, 0xec, 0x0f, 0x84);		/* cmp r12, r13; je alone */
	alone = hole(a);
	mark_shared(s);					/* somebody came in between */
	PUT(a, 0xe9);					/* jmp done */
	done = hole(a);
	fill(a, other);
	PUT(a, 0x49, 0x83, 0x3f, 0xff);			/* cmp qword [r15], -1 */
	jcc(a, CC_NE, no);
	fill(a, alone);
	fill(a, done);
}
