/* A function that has to grow its stack first saves its register arguments, each in its slot of the
 * argument area, then calls morestack, loads them again and starts anew. The stores stand where the
 * stack check's jbe goes:
 *
 *	mov %rax, 0x8(%rsp); movsd %xmm0, 0x10(%rsp); call runtime.morestack_noctxt
 *
 * So they tell which register belongs to which slot, and what is a float, where types are gone
 * (cmd/internal/obj/x86/obj6.go, stacksplit; cmd/compile/internal/amd64/ssa.go, RegArgs). */
#include "go/sig_impl.h"

enum {
	CHECK_ROOM = 64,	/* the stack check ends within the first bytes */
	RETURN_ADDRESS = 8,
	RSP_INDEX = 4,		/* as a base that needs a SIB byte */
};

/* Offset of the slow path from the entry, 0 if there is no stack check. */
static u32 slow_path(struct str code)
{
	struct str head = str_cut(code, 0, CHECK_ROOM);
	ptrdiff_t at = str_find(head, STR("\x3b\x66\x10"));	/* cmp rsp or r12, [r14+16] */
	struct rd r;
	u64 to = 0;
	u8 op;

	if (at < 0)
		return 0;
	r = rd_of(code.p, code.n, "code");
	rd_seek(&r, (u64)at + 3);
	do
		op = rd_u8(&r);		/* NOPs keep the jump off a 32-byte line */
	while (op == 0x90 || op == 0x66);
	if (op == 0x76)
		to = (u64)(i8)rd_u8(&r);
	else if (op == 0x0f && rd_u8(&r) == 0x86)
		to = (u64)(i32)rd_u32(&r);
	to += r.at;
	return !r.bad && to > r.at && to < code.n ? (u32)to : 0;
}

/* The ABI's index of a general register, by its number in the encoding. */
static int int_index(u8 reg)
{
	static const i8 of[16] = { 0, 2, -1, 1, -1, -1, 4, 3, 5, 6, 7, 8, -1, -1, -1, -1 };

	return of[reg & 15];	/* rax rcx rdx rbx rsp rbp rsi rdi r8... */
}

/* One `mov %reg, disp(%rsp)` of any width; false on any other instruction. */
static bool read_store(struct rd *r, struct spill *s)
{
	u8 op = rd_u8(r), size16 = 0, scalar = 0, rex = 0, modrm;
	i64 disp;

	if (op == 0x66) {
		size16 = 2;
		op = rd_u8(r);
	} else if (op == 0xf2 || op == 0xf3) {
		scalar = op == 0xf2 ? 8 : 4;
		op = rd_u8(r);
	}
	if ((op & 0xf0) == 0x40) {
		rex = op;
		op = rd_u8(r);
	}
	if (scalar && (op != 0x0f || rd_u8(r) != 0x11))
		return false;
	if (!scalar && op != 0x89 && op != 0x88)
		return false;
	modrm = rd_u8(r);
	if ((modrm & 7) != RSP_INDEX || rd_u8(r) != 0x24)
		return false;
	if (modrm >> 6 == 1)
		disp = (i8)rd_u8(r);
	else if (modrm >> 6 == 2)
		disp = (i32)rd_u32(r);
	else
		return false;
	s->reg = (u8)((modrm >> 3 & 7) | (rex & 4) << 1);
	s->kind = PLACE_FLOAT;
	s->size = scalar;
	if (!scalar) {
		int index = int_index(s->reg);

		if (index < 0)
			return false;
		s->reg = (u8)index;
		s->kind = PLACE_INT;
		s->size = op == 0x88 ? 1 : size16 ? 2 : rex & 8 ? 8 : 4;
	}
	s->off = (u32)(disp - RETURN_ADDRESS);
	return !r->bad && disp >= RETURN_ADDRESS;
}

void spills_of(const struct go_program *prog, const struct go_func *f, struct spills *s)
{
	struct str code = str_cut(go_func_bytes(prog, f), 0, f->size);
	u32 at = slow_path(code);
	struct rd r;

	s->n = 0;
	if (!at)
		return;
	r = rd_of(code.p, code.n, "code");
	rd_seek(&r, at);
	while (s->n < MAX_SPILLS && read_store(&r, &s->at[s->n]))
		s->n++;
}
