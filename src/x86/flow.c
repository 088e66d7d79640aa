#include "x86/flow.h"

#include <inttypes.h>
#include <string.h>

#include "x86/decode.h"

enum {
	FIRST = 16,			/* bytes that have a place in flow.first */
	TABLE_MAX = 1 << 16,		/* more words than this are no jump table */
	TABLE_LEA_BACK = 64,		/* how far back the `lea` of a table is looked for */
};

/* While a function is decoded. */
struct walk {
	const struct flow_input *in;
	struct flow *f;
};

/* Room for some more. Few functions have shorter instructions than four bytes on average. */
static u32 more_room(struct flow *f, u32 room, struct arena *a)
{
	u32 more = room ? f->size : f->size / 4 + 8;
	struct insn *to = ARENA_ARRAY(a, struct insn, more);

	if (room)
		memcpy(to, f->insns, room * sizeof(*to));
	f->insns = to;
	return more;
}

static bool decode(struct walk *w, struct arena *a, struct err *err)
{
	const u8 *p = (const u8 *)w->in->bytes.p;
	struct flow *f = w->f;
	struct decoder decoder;
	u32 room = 0;

	decoder_init(&decoder, w->in->forms);
	for (u32 at = 0, size; at < f->size; at += size) {
		if (f->n == room)
			room = more_room(f, room, a);
		size = decode_insn(&decoder, p + at, f->size - at, at, &f->insns[f->n]);
		if (!size && w->in->listing) {
			size = 1;
			f->insns[f->n] = (struct insn){ .at = at, .size = 1, .kind = INSN_BYTE };
		}
		if (!size)
			return err_set(err, ERR_UNSUPPORTED,
				       "0x%" PRIx64 ": bytes that are no instruction",
				       w->in->va + at);
		f->n++;
	}
	return true;
}

i64 flow_find(const struct flow *f, i64 at)
{
	u32 k;

	if (at < 0 || at >= f->size)
		return -1;
	for (k = f->first[at / FIRST]; k < f->n && f->insns[k].at < at; k++)
		;
	return k < f->n && f->insns[k].at == at ? (i64)k : -1;
}

/* Of every FIRST bytes the first instruction that begins there or behind. */
static u32 *index_of(const struct flow *f, struct arena *a)
{
	u32 *first = ARENA_ARRAY(a, u32, f->size / FIRST + 1), k = 0;

	for (u32 i = 0; i <= f->size / FIRST; i++) {
		while (k < f->n && f->insns[k].at < i * FIRST)
			k++;
		first[i] = k;
	}
	return first;
}

static bool inside(const struct flow *f, i64 at)
{
	return at >= 0 && at < f->size;
}

/* Control can arrive at `at`. False: an instruction does not start there. */
static bool mark(struct flow *f, i64 at, bool indirect)
{
	i64 k = flow_find(f, at);

	if (k < 0)
		return false;
	f->insns[k].is_target = true;
	f->insns[k].indirect_target |= indirect;
	return true;
}

i64 flow_rip_target(const struct flow *f, const struct insn *i)
{
	i32 disp;

	memcpy(&disp, f->bytes + i->at + i->disp_at, sizeof(disp));
	return (i64)i->at + i->size + disp;
}

/* `lea r, [rip+x]` of any register (only forms that the Go compiler and assembler emit). */
static bool is_lea_rip(const struct flow *f, const struct insn *i)
{
	const u8 *p = f->bytes + i->at;

	return i->size == 7 && i->disp_at == 3 && (p[0] & 0xf8) == 0x48 && p[1] == 0x8d;
}

/* cmd/compile (1.19+): `lea r, [rip+T]; … jmp [r+i*8]`; T lies in rodata and holds code addresses.
 * How long it is stands nowhere: it ends at the first word that is no instruction of this function.
 * Words of the function's next table may be taken along, which only makes more targets. */
static bool mark_table(const struct walk *w, u32 jump)
{
	struct flow *f = w->f;
	const u8 *p = f->bytes + f->insns[jump].at;
	u8 size = f->insns[jump].size, rex = size > 3 && (p[0] & 0xf0) == 0x40 ? p[0] : 0;
	u8 base;
	u32 n = 0;

	if (rex)
		p++;
	/* ff /4, SIB with scale 8; no displacement, or 0 in one byte (base RBP or R13) */
	if (p[0] != 0xff || (p[1] & 0x3f) != 0x24 || p[1] >> 6 > 1 || p[2] >> 6 != 3 ||
	    !(p[1] >> 6 == 0 ? (p[2] & 7) != 5 : p[1] >> 6 == 1 && p[3] == 0))
		return false;
	base = (u8)((p[2] & 7) | (rex & 1) << 3);
	for (u32 back = 1; back <= TABLE_LEA_BACK && back <= jump; back++) {
		const struct insn *lea = &f->insns[jump - back];
		const u8 *q = f->bytes + lea->at;
		u64 table, to;

		if (!is_lea_rip(f, lea) || (((q[2] >> 3) & 7) | (q[0] & 4) << 1) != base)
			continue;
		table = f->va + (u64)flow_rip_target(f, lea);
		while (n < TABLE_MAX && w->in->word(w->in->ctx, table + n * 8ull, &to) &&
		       inside(f, (i64)(to - f->va)) && mark(f, (i64)(to - f->va), true))
			n++;
		break;
	}
	return n && n < TABLE_MAX;
}

/* Where it goes stands in R12, R13 or R15, or perhaps behind one: these are ours at an exit. */
static bool goes_by_ours(const struct flow *f, const struct insn *jump)
{
	const u8 *p = f->bytes + jump->at;
	u8 reg = 8 | (p[2] & 7);

	if ((p[0] & 0xf0) != 0x40 || !(p[0] & 3))	/* no REX.X or REX.B */
		return false;
	return p[2] >> 6 != 3 || reg == 12 || reg == 13 || reg == 15;
}

/* `jmp reg` and `jmp [mem]` leave the function when SP is as at its entry (wrappers of methods
 * promoted from an embedded interface, 1.27; stubs in assembly) and it takes no address of its own
 * code. */
static bool leaves(const struct walk *w, const struct insn *jump)
{
	const struct flow *f = w->f;

	if (goes_by_ours(f, jump))
		return false;
	for (u32 k = 0; k < f->n; k++) {
		const struct insn *i = &f->insns[k];
		u64 to;

		if (i->moves_rsp)
			return false;
		if (i->disp_at &&
		    (inside(f, flow_rip_target(f, i)) ||
		     (w->in->word(w->in->ctx, f->va + (u64)flow_rip_target(f, i), &to) &&
		      inside(f, (i64)(to - f->va)))))
			return false;
	}
	return true;
}

static void mark_targets(const struct walk *w)
{
	struct flow *f = w->f;

	for (u32 k = 0; k < f->n; k++) {
		struct insn *i = &f->insns[k];
		bool here = i->rel_size && inside(f, i->target);

		if (i->kind == INSN_TAIL && here)
			i->kind = INSN_JMP;
		if (here && i->kind == INSN_CALL) {
			/* recursion, or a call that only wants its own address */
			if (i->target && !mark(f, i->target, true))
				f->unresolved = true;
		} else if (here) {
			if (!mark(f, i->target, false))
				f->unresolved = true;	/* into the middle of an instruction */
			if (i->target == 0)
				f->insns[0].entry_target = true;
		} else if (i->kind == INSN_TAIL && !i->rel_size) {
			if (mark_table(w, k))
				i->kind = INSN_TABLE;
			else if (!leaves(w, i))
				f->unresolved = true;
		}
		if (i->kind == INSN_CALL && k + 1 < f->n)
			i[1].is_target = i[1].indirect_target = true;
		if (is_lea_rip(f, i) && inside(f, flow_rip_target(f, i)) && flow_rip_target(f, i))
			mark(f, flow_rip_target(f, i), true);
	}
}

/* Everything from instruction k to where the way from it ends. */
static void mark_after(struct flow *f, i64 k)
{
	for (; k < f->n; k++) {
		u8 kind = f->insns[k].kind;

		f->insns[k].after_deferreturn = true;
		if (kind == INSN_RET || kind == INSN_TAIL || kind == INSN_JMP || kind == INSN_TRAP)
			return;
	}
}

/* A recovered panic goes on at `call runtime.deferreturn`, without a branch to it, and from there
 * to a RET of its own (runtime/panic.go). The function table names the first such call. Without
 * open-coded defers each return has one, and up to 1.24 deferproc returns once more instead and
 * branches to the last: any of them can be the one. */
static void mark_deferreturn(const struct walk *w)
{
	struct flow *f = w->f;
	i64 k = w->in->deferreturn ? flow_find(f, w->in->deferreturn) : -1;

	if (!w->in->deferreturn)
		return;
	if (k < 0) {
		f->unresolved = true;
		return;
	}
	mark(f, w->in->deferreturn, true);
	for (i64 i = k; i < f->n; i++)
		if (f->insns[i].kind == INSN_CALL && f->insns[i].rel_size &&
		    f->insns[i].target == f->insns[k].target)
			mark_after(f, i + 1);
}

/* Where the stack check's jcc leads: [arguments to their spill slots]; call morestack; [and back];
 * jmp entry. asm_relocated moves that call with R12, which holds nothing there, and so that it
 * returns to where the original returns; the runtime can't tell. */
static void mark_morestack(struct flow *f)
{
	u32 check = stack_check_of(f);
	i64 k = check ? flow_find(f, f->insns[check - 1].target) : -1;

	while (k >= 0 && k < f->n &&
	       (f->insns[k].kind == INSN_PLAIN || f->insns[k].kind == INSN_NOP))
		k++;
	if (k >= 0 && k < f->n && f->insns[k].kind == INSN_CALL && f->insns[k].rel_size == 4 &&
	    f->bytes[f->insns[k].at] == 0xe8 && !inside(f, f->insns[k].target))
		f->insns[k].relocatable = true;
}

bool flow_make(struct flow *f, struct arena *a, const struct flow_input *in, struct err *err)
{
	struct walk w = { .in = in, .f = f };

	*f = (struct flow){ .bytes = (const u8 *)in->bytes.p, .size = in->size, .va = in->va };
	if (in->size > in->bytes.n)
		return err_set(err, ERR_FORMAT,
			       "0x%" PRIx64 ": the function is longer than its bytes", in->va);
	while (f->size + f->padding < in->bytes.n && f->bytes[f->size + f->padding] == 0xcc)
		f->padding++;
	if (!decode(&w, a, err))
		return false;
	f->first = index_of(f, a);
	mark_targets(&w);
	mark_deferreturn(&w);
	mark_morestack(f);
	return true;
}
