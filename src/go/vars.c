/* Variables of the runtime, found without symbols: by the code that is known to use them. */
#include "go/vars.h"

#include "go/fork.h"

enum { OPERANDS = 64 };

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
