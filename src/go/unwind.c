#include "go/unwind.h"

#include <string.h>

enum { TOP_FRAME = 1 };	/* internal/abi/symtab.go (FuncFlagTopFrame): nobody called it */

/* What one address means for whoever walks over it. */
struct known_step {
	const struct go_func *func;
	i32 delta;	/* from SP up to the return address; -1: not known */
	bool last;	/* nobody called it */
	bool interrupts;	/* the address above it is where it struck, not behind a call */
};

const char *unwind_end_name(enum unwind_end e)
{
	static const char *const names[] = { "whole", "cut", "unreadable", "foreign", "astray" };

	return names[e];
}

void unwinder_init(struct unwinder *u, const struct go_program *prog)
{
	*u = (struct unwinder){ .prog = prog, .img = prog->img,
				.text_rt = prog->md.text_va + prog->img->bias };
}

void unwinder_release(struct unwinder *u)
{
	map_release(&u->known);
	arena_release(&u->arena);
}

static bool is_one_of(struct str name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(names[i])))
			return true;
	return false;
}

static struct known_step *look_up(struct unwinder *u, u64 pc_rt, bool exact)
{
	static const char *const firsts[] = {
		"runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.mcall",
		"runtime.systemstack",	/* a system stack begins there */
	};
	static const char *const strikes[] = {
		"runtime.sigpanic", "runtime.asyncPreempt", "runtime.debugCallV2",
	};
	struct known_step *k = ARENA_NEW(&u->arena, struct known_step);
	u64 pc = pc_rt - u->text_rt;
	const struct go_func *at = go_func_at(u->prog, pc);

	/* the runtime makes up calls of sigpanic and goexit: their pc is a beginning */
	k->func = exact || (at && at->pc == pc) ? at : go_func_at(u->prog, pc - 1);
	k->delta = -1;
	if (!k->func)
		return k;
	k->delta = go_pcvalue(u->prog, k->func, k->func->pcsp, pc);
	if (k->delta < 0)
		k->delta = go_pcvalue(u->prog, k->func, k->func->pcsp, pc - 1);
	k->last = (k->func->flag & TOP_FRAME) ||
		  is_one_of(k->func->name, firsts, ARRAY_LEN(firsts));
	k->interrupts = is_one_of(k->func->name, strikes, ARRAY_LEN(strikes));
	return k;
}

/* Addresses that lead nowhere are not kept: a stack may hold any. */
static struct known_step step_of(struct unwinder *u, u64 pc_rt, bool exact)
{
	u64 key = pc_rt << 1 | exact, *known = map_get(&u->known, key);
	struct known_step *k;

	if (known)
		return *(struct known_step *)(uintptr_t)*known;
	if (pc_rt - u->text_rt > u->prog->md.etext_va - u->prog->md.text_va)
		return (struct known_step){ .delta = -1 };
	k = look_up(u, pc_rt, exact);
	if (k->func)
		*map_put(&u->known, key) = (uintptr_t)k;
	return *k;
}

bool unwind_read(struct unwinder *u, u64 rt, void *to, size_t n)
{
	if (n > sizeof(u->part.bytes))
		return image_read_rt(u->img, rt, to, n);
	if (rt - u->part.lo > u->part.n || n > u->part.n - (rt - u->part.lo)) {
		u->part.lo = rt;
		u->part.n = image_read_some(u->img, rt, u->part.bytes, sizeof(u->part.bytes));
		if (n > u->part.n)
			return false;
	}
	memcpy(to, u->part.bytes + (rt - u->part.lo), n);
	return true;
}

bool unwind_word(struct unwinder *u, u64 rt, u64 *to)
{
	return unwind_read(u, rt, to, sizeof(*to));
}

size_t unwind(struct unwinder *u, const struct go_spot *from, struct go_level *to, size_t most,
	      enum unwind_end *end)
{
	u64 pc = from->pc, sp = from->sp;
	bool exact = from->exact;
	size_t n = 0;

	while (n < most) {
		struct known_step k = step_of(u, pc, exact);
		struct go_level *l = &to[n++];

		*l = (struct go_level){ k.func, pc, sp, 0, exact };
		*end = k.func ? UNWIND_ASTRAY : UNWIND_FOREIGN;
		if (k.last)
			*end = UNWIND_WHOLE;
		if (!k.func || k.last || k.delta < 0 || sp < from->lo ||
		    sp + (u64)k.delta >= from->hi || sp % 8)
			return n;
		l->return_at = sp + (u64)k.delta;
		sp = l->return_at + 8;
		exact = k.interrupts;
		if (!unwind_word(u, l->return_at, &pc)) {
			*end = UNWIND_UNREADABLE;
			return n;
		}
	}
	*end = UNWIND_CUT;
	return n;
}
