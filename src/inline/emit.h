/* emit - the few forms of instructions that stubs and trampolines are written in.
 *
 * Owns     nothing.  Units  as x86/asm.h.  Fails  sticky, as there.  Threads  any. */
#ifndef INLINE_EMIT_H
#define INLINE_EMIT_H

#include <string.h>

#include "x86/asm.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* A hash of a word's low half: of the objects of one size that an allocator puts side by side, each
 * has its own. */
#define HASH 0x9e3779b1u

/* The integer registers of ABIInternal, in order of assignment. */
static const u8 abi_regs[] = { RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11 };

/* op reg, [base+disp] (or the reverse, as the opcode says); w: 64 bit. */
static inline void op_mem(struct assembler *a, bool w, u8 op, unsigned reg, unsigned base, i32 disp)
{
	bool near = disp == (i8)disp;

	PUT(a, (u8)(0x40 | (w << 3) | ((reg >> 3) << 2) | (base >> 3)), op,
	    (u8)((near ? 0x40 : 0x80) | ((reg & 7) << 3) | (base & 7)));
	if ((base & 7) == 4)
		PUT(a, 0x24);
	if (near)
		PUT(a, (u8)disp);
	else
		asm_u32(a, (u32)disp);
}

static inline void load(struct assembler *a, unsigned reg, unsigned base, i32 disp)
{
	op_mem(a, true, 0x8b, reg, base, disp);		/* mov reg, [base+disp] */
}

static inline void store(struct assembler *a, unsigned reg, unsigned base, i32 disp)
{
	op_mem(a, true, 0x89, reg, base, disp);		/* mov [base+disp], reg */
}

static inline void lea(struct assembler *a, unsigned reg, unsigned base, i32 disp)
{
	op_mem(a, true, 0x8d, reg, base, disp);		/* lea reg, [base+disp] */
}

static inline void store_sized(struct assembler *a, unsigned reg, unsigned base, i32 disp,
			       unsigned size)
{
	if (size == 2)
		PUT(a, 0x66);
	op_mem(a, size == 8, size == 1 ? 0x88 : 0x89, reg, base, disp);
}

static inline void load_sized(struct assembler *a, unsigned reg, unsigned base, i32 disp,
			      unsigned size)
{
	if (size == 2)
		PUT(a, 0x66);
	op_mem(a, size == 8, size == 1 ? 0x8a : 0x8b, reg, base, disp);
}

static inline void lea_rip(struct assembler *a, unsigned reg, u64 rt)
{
	PUT(a, (u8)(0x48 | ((reg >> 3) << 2)), 0x8d,
	    (u8)(0x05 | ((reg & 7) << 3))); /* lea reg, [rip+…] */
	asm_rel32_to(a, rt);
}

static inline void lea_label(struct assembler *a, unsigned reg, unsigned label)
{
	PUT(a, (u8)(0x48 | ((reg >> 3) << 2)), 0x8d, (u8)(0x05 | ((reg & 7) << 3)));
	asm_rel32(a, label);
}

static inline void jmp_to(struct assembler *a, u64 rt)
{
	PUT(a, 0xe9);
	asm_rel32_to(a, rt);
}

/* `cc`: the low nibble of the opcode. */
enum {
	CC_B = 2,
	CC_AE = 3,
	CC_E = 4,
	CC_NE = 5,
	CC_BE = 6,
	CC_A = 7,
	CC_L = 12,
	CC_GE = 13,
	CC_LE = 14,
	CC_G = 15
};

static inline void jcc(struct assembler *a, u8 cc, unsigned label)
{
	PUT(a, 0x0f, (u8)(0x80 | cc));
	asm_rel32(a, label);
}

static inline void jcc_to(struct assembler *a, u8 cc, u64 rt)
{
	PUT(a, 0x0f, (u8)(0x80 | cc));
	asm_rel32_to(a, rt);
}

/* A displacement that is not known yet, and: it leads here. */
static inline size_t hole(struct assembler *a)
{
	asm_u32(a, 0);
	return a->n - 4;
}

static inline void fill(struct assembler *a, size_t at)
{
	u32 rel = (u32)(a->n - at - 4);

	if (a->buf && !a->bad)
		memcpy(a->buf + at, &rel, sizeof(rel));
}

static inline void jmp(struct assembler *a, unsigned label)
{
	PUT(a, 0xe9);
	asm_rel32(a, label);
}

static inline void mov_imm64(struct assembler *a, unsigned reg, u64 v)
{
	PUT(a, (u8)(0x48 | (reg >> 3)), (u8)(0xb8 | (reg & 7)));	/* mov reg, imm64 */
	asm_u64(a, v);
}

/* to = the first `bits` bits of the hash of a register's low half. */
static inline void hash_reg(struct assembler *a, unsigned to, unsigned of, unsigned bits)
{
	PUT(a, (u8)(0x40 | ((to >> 3) << 2) | (of >> 3)), 0x69,
	    (u8)(0xc0 | ((to & 7) << 3) | (of & 7)));		/* imul to, of, hash */
	asm_u32(a, HASH);
	PUT(a, (u8)(0x40 | (to >> 3)), 0xc1, (u8)(0xe8 | (to & 7)),
	    (u8)(32 - bits));					/* shr to, … */
}

static inline void load_fs(struct assembler *a, unsigned reg, i32 off)
{
	PUT(a, 0x64, (u8)(0x48 | ((reg >> 3) << 2)), 0x8b, (u8)(0x04 | ((reg & 7) << 3)), 0x25);
	asm_u32(a, (u32)off);		/* mov reg, fs:off */
}

#endif
