/* Variables of the runtime, found without symbols: by the code that is known to use them. */
#include "go/vars.h"

#include "go/fork.h"

enum { OPERANDS = 64, ENOUGH = 1000 };

/* Addresses in RIP-relative operands, in order. */
static size_t operands(const struct go_program *prog, const char *name, u64 *to)
{
	const struct go_func *f = go_func_named(prog, str_of(name));
	struct arena a = { 0 };
	struct flow flow;
	struct err err;
	size_t n = 0;

	if (!f || !go_flow(prog, f, &a, &flow, &err)) {
		arena_release(&a);
		return 0;
	}
	for (u32 i = 0; i < flow.n && n < OPERANDS; i++)
		if (flow.insns[i].disp_at)
			to[n++] = go_func_va(prog, f) +
				  (u64)flow_rip_target(&flow, &flow.insns[i]);
	arena_release(&a);
	return n;
}

static bool among(const u64 *list, size_t n, u64 what)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == what)
			return true;
	return false;
}

/* allgs = append(allgs, gp): the first slice of which all three words are touched (runtime/proc.go,
 * allgadd). */
bool go_allgs_va(const struct go_program *prog, u64 *va)
{
	u64 at[OPERANDS];
	size_t n = operands(prog, "runtime.allgadd", at);

	for (size_t i = 0; i < n; i++)
		for (u64 word = 0; word <= 16; word += 8) {
			u64 base = at[i] - word;

			if (among(at, n, base) && among(at, n, base + 8) &&
			    among(at, n, base + 16)) {
				*va = base;
				return true;
			}
		}
	return false;
}

size_t go_mheap_candidates(const struct go_program *prog, u64 *to, size_t most)
{
	u64 at[OPERANDS];
	size_t n = MIN(operands(prog, "runtime.mallocinit", at), most);

	for (size_t i = 0; i < n; i++)
		to[i] = at[i];
	return n;
}

/* Is there a je or jne at p, perhaps behind NOPs? */
static bool branches(const u8 *p, size_t n)
{
	static const struct str nops[] = {	/* cmd/internal/obj/x86/asm6.go, nop */
#define P(lit) { lit, sizeof(lit) - 1 }
		P("\x90"), P("\x66\x90"), P("\x0f\x1f\x00"), P("\x0f\x1f\x40\x00"),
		P("\x0f\x1f\x44\x00\x00"), P("\x66\x0f\x1f\x44\x00\x00"),
#undef P
	};
	struct str rest = { (const char *)p, n };
	bool nop = true;

	while (nop) {
		nop = false;
		for (size_t i = 0; i < ARRAY_LEN(nops); i++)
			if (str_starts(rest, nops[i])) {
				rest = str_cut(rest, nops[i].n, rest.n);
				nop = true;
			}
	}
	return rest.n > 2 && ((rest.p[0] & 0xfe) == 0x74 ||
			      ((u8)rest.p[0] == 0x0f && ((u8)rest.p[1] & 0xfe) == 0x84));
}

/* What the text compares with 0 before a branch, `cmpl $0, x(%rip)`, is one word nearly always: the
 * compiler has this form for no other purpose that is nearly as frequent. So a thousand of them
 * decide, where there are as many. 0: none is. */
static u64 find_write_barrier(const struct go_program *prog)
{
	u64 size = prog->md.etext_va - prog->md.text_va, most = 0, all = 0, va = 0;
	struct str text = image_bytes(prog->img, prog->md.text_va,
				      MIN(size, image_room(prog->img, prog->md.text_va)));
	const u8 *p = (const u8 *)text.p;
	struct map counts = { 0 };

	for (size_t i = 0; i + 7 < text.n && !(most >= ENOUGH && most * 2 > all); i++) {
		/* the rarer one of its first two bytes */
		const u8 *at = memchr(p + i + 1, 0x3d, text.n - 7 - i);
		u64 to, *n;
		i32 disp;

		if (!at)
			break;
		i = (size_t)(at - p) - 1;
		if (p[i] != 0x83 || p[i + 6] || !branches(p + i + 7, text.n - i - 7))
			continue;
		memcpy(&disp, p + i + 2, sizeof(disp));
		to = prog->md.text_va + i + 7 + (u64)(i64)disp;
		n = map_put(&counts, to);
		all++;
		if (++*n > most) {
			most = *n;
			va = to;
		}
	}
	map_release(&counts);
	return most * 2 > all ? va : 0;
}

bool go_write_barrier_va(const struct go_program *prog, u64 *va)
{
	struct go_program *p = (struct go_program *)(uintptr_t)prog;	/* a cache */

	if (!p->write_barrier_va) {
		p->write_barrier_va = ARENA_NEW(&p->arena, u64);
		*p->write_barrier_va = find_write_barrier(prog);
	}
	*va = *p->write_barrier_va;
	return *va;
}
