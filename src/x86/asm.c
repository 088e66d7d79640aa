#include "x86/asm.h"

#include <string.h>

static void fail(struct assembler *a, const char *why)
{
	if (!a->bad)
		a->bad = why;
}

void asm_start(struct assembler *a, u8 *buf, size_t room, u64 rt)
{
	*a = (struct assembler){ .buf = buf, .room = room, .rt = rt };
}

bool asm_ok(const struct assembler *a, struct err *err)
{
	if (a->bad)
		return err_set(err, ERR_REFUSED, "generated code: %s", a->bad);
	if (a->uses)
		return err_set(err, ERR_REFUSED,
			       "generated code: label %u is used and never placed",
			       a->use[0].label);
	return true;
}

void asm_put(struct assembler *a, const u8 *p, size_t n)
{
	if (a->buf) {
		if (a->room - a->n < n)
			fail(a, "it does not fit into its mapping");
		if (a->bad)
			return;
		memcpy(a->buf + a->n, p, n);
	}
	a->n += n;
}

void asm_u32(struct assembler *a, u32 v)
{
	asm_put(a, (const u8 *)&v, sizeof(v));
}

void asm_u64(struct assembler *a, u64 v)
{
	asm_put(a, (const u8 *)&v, sizeof(v));
}

/* Labels are near: a displacement between two of them always fits, since code is below 2 GiB. */
static void bind(struct assembler *a, u32 at, u32 to)
{
	u32 rel = to - (at + 4);

	if (a->buf && !a->bad)
		memcpy(a->buf + at, &rel, sizeof(rel));
}

void asm_label(struct assembler *a, unsigned label)
{
	u32 kept = 0;

	if (label >= ASM_LABELS || a->label[label]) {
		fail(a, "a label is placed twice, or has no number");
		return;
	}
	a->label[label] = (u32)a->n + 1;
	for (u32 i = 0; i < a->uses; i++) {
		if (a->use[i].label == label)
			bind(a, a->use[i].at, (u32)a->n);
		else
			a->use[kept++] = a->use[i];
	}
	a->uses = kept;
}

void asm_new_scope(struct assembler *a)
{
	if (a->uses)
		fail(a, "a label is used and never placed");
	memset(a->label, 0, sizeof(a->label));
	a->uses = 0;
}

void asm_rel32(struct assembler *a, unsigned label)
{
	u32 at = (u32)a->n;

	asm_u32(a, 0);
	if (label >= ASM_LABELS)
		fail(a, "a label has no number");
	else if (a->label[label])
		bind(a, at, a->label[label] - 1);
	else if (a->uses == ARRAY_LEN(a->use))
		fail(a, "too many uses of labels");
	else {
		a->use[a->uses].at = at;
		a->use[a->uses++].label = (u8)label;
	}
}

void asm_rel32_to(struct assembler *a, u64 rt)
{
	asm_rel32_tail(a, rt, 0);
}

void asm_rel32_tail(struct assembler *a, u64 rt, unsigned tail)
{
	i64 rel = (i64)(rt - (asm_here(a) + 4 + tail));

	/* A run that only counts has no address yet. */
	if (a->buf && rel != (i32)rel)
		fail(a, "a displacement does not reach (more than 2 GiB)");
	asm_u32(a, (u32)rel);
}

void asm_relocated(struct assembler *a, const struct flow *f, const struct insn *i, u64 from_rt)
{
	const u8 *p = f->bytes + i->at;

	if (!i->relocatable) {
		fail(a, "an instruction can't be moved");
	} else if (i->kind == INSN_CALL) {
		/* The return address must be one that Go knows: the original one. */
		PUT(a, 0x4c, 0x8d, 0x25);			/* lea r12, [rip+…] */
		asm_rel32_to(a, from_rt + i->at + i->size);
		PUT(a, 0x41, 0x54);				/* push r12 */
		PUT(a, 0xe9);					/* jmp morestack */
		asm_rel32_to(a, from_rt + (u64)i->target);
	} else if (i->rel_size == 1) { /* 70+cc rel8 -> 0F 80+cc rel32; EB rel8 -> E9 rel32 */
		u8 op = p[i->size - 2];

		asm_put(a, p, i->size - 2u);	/* prefixes */
		if (op == 0xeb)
			PUT(a, 0xe9);
		else
			PUT(a, 0x0f, (u8)(op + 0x10));
		asm_rel32_to(a, from_rt + (u64)i->target);
	} else if (i->rel_size) {
		asm_put(a, p, i->size - 4u);
		asm_rel32_to(a, from_rt + (u64)i->target);
	} else if (i->disp_at) {
		unsigned tail = i->size - i->disp_at - 4u;	/* an immediate may follow */
		i32 disp;

		memcpy(&disp, p + i->disp_at, sizeof(disp));
		asm_put(a, p, i->disp_at);
		asm_rel32_tail(a, from_rt + i->at + i->size + (u64)(i64)disp, tail);
		asm_put(a, p + i->disp_at + 4, tail);
	} else {
		asm_put(a, p, i->size);
	}
}
