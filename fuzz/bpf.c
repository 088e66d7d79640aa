/* A random plan as kernel probes, with a random condition: its program must assemble or be refused,
 * and lie within its room; what the rows say must be there, and steps lead forward. */
#include <stdlib.h>
#include <string.h>

#include "bpf/gen.h"
#include "plan/expr.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

enum { CODE_VA = 0x400000, CODE_ROOM = 256, STEPS = 64 };
enum { TERMS = 8 };	/* of a condition, which is a tree; here several may use the same one */

struct input {
	const u8 *p;
	size_t n;
};

/* Zero when there is no more. */
static u32 take(struct input *in, u32 bytes)
{
	u32 v = 0;

	for (; bytes && in->n; bytes--, in->p++, in->n--)
		v = v << 8 | *in->p;
	return v;
}

static void random_reading(struct input *in, struct reading *r, struct read *to)
{
	*r = (struct reading){ .reads = to, .size = RECORD_HEAD + take(in, 2) % (RECORD_MAX - 32) };
	r->size &= ~7u;
	for (r->nreads = 0; r->nreads < STEPS && in->n > 4; r->nreads++) {
		struct read *d = &to[r->nreads];
		u32 where = take(in, 4);

		*d = (struct read){ .kind = (u8)(take(in, 1) % (READ_WHEN + 1)),
				    .reg = (u8)(where % 9), .size = (u16)take(in, 2),
				    .at = where % RECORD_MAX, .status = where / 3 % RECORD_MAX,
				    .from = where / 5 % RECORD_MAX,
				    .len_at = where / 7 % RECORD_MAX,
				    .elem = take(in, 1), .when_va = where & 1 };
	}
}

static u16 earlier(struct input *in, u32 i)
{
	return (u16)(take(in, 1) % i);
}

/* As the binder would make it, but for its sense. */
static struct expr_step random_step(struct input *in, const struct expr_step *steps, u32 i)
{
	static const u8 sizes[] = { 1, 2, 4, 8 };
	static const u8 kinds[] = { EXPR_BOOL, EXPR_INT, EXPR_UINT, EXPR_BOOL, EXPR_INT, EXPR_UINT,
				    EXPR_STRING, EXPR_FLOAT };
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	u32 what = take(in, 2), guard = take(in, 1) % (i + 1);
	struct expr_step s = {
		.op = (u8)(what % (EX_CONTAINS + 1)), .kind = kinds[(what >> 8) & 7],
		.size = sizes[(what >> 12) & 3], .exit = !(what >> 11),
		.at = take(in, 2) % (RECORD_MAX - 16), .data = take(in, 1), .cap = take(in, 1),
		.status = take(in, 2) % (RECORD_MAX - 16), .imm = take(in, 8),
	};

	if (!i && s.op >= EX_NOT)
		s.op = EX_LOAD;
	if (i) {
		s.a = earlier(in, i);
		s.b = earlier(in, i);
	}
	if (guard && steps[guard - 1].op == EX_BEHIND) {
		s.guard = (u16)guard;
		s.or_zero = what & 0x400;
	}
	s.text = (struct str){ text, take(in, 1) % sizeof(text) };
	return s;
}

static void random_condition(struct input *in, struct expr_code *c, struct expr_step *steps,
			     u16 *conjuncts)
{
	*c = (struct expr_code){ .steps = steps, .n = 1 + take(in, 1) % TERMS,
				 .conjuncts = conjuncts };
	for (u32 i = 0; i < c->n; i++)
		steps[i] = random_step(in, steps, i);
	c->nentry = c->nconjuncts = 1 + take(in, 1) % 3;
	for (u32 i = 0; i < c->nconjuncts; i++)
		conjuncts[i] = earlier(in, c->n);
}

static void check_step(const struct bpf_step *s, u32 left)
{
	if (s->kind < STEP_LOAD)
		return;
	if (s->reg >= VARS || (s->kind == STEP_JUMP && s->size >= left) || s->drop >= 64 ||
	    (s->kind == STEP_LOAD && s->at >= RECORD_MAX) ||
	    (s->kind == STEP_COMPUTE && s->op >= OPS) || (s->kind == STEP_JUMP && s->op > TESTS))
		abort();
}

static void check(const struct probes *p)
{
	for (size_t i = 0; i < p->sites.n; i++) {
		const struct bpf_site *s = &p->sites.at[i];

		if (s->first + s->nsteps > p->steps.n || s->nsteps > p->most_turns ||
		    s->size > RECORD_MAX || s->also >= p->sites.n || s->site / 4)
			abort();
		for (u32 k = 0; k < s->nsteps; k++)
			check_step(&p->steps.at[s->first + k], s->nsteps - k);
	}
	for (size_t i = 0; i < p->at.n; i++)
		if (p->at.at[i].row >= p->sites.n || p->at.at[i].off >= CODE_ROOM)
			abort();
}

static void assemble(struct input *in, const struct probes *p)
{
	struct bpf_insn code[PROGRAM_ROOM + 1];
	struct bpf_facts f = {
		.sites_fd = 1, .steps_fd = 2, .slots_fd = 3, .counts_fd = 4, .ring_fd = 5,
		.marks_fd = 6, .goes_back = p->goes_back, .decides = p->decides,
		.tgid = take(in, 2), .nslots = SLOTS_EACH, .most_turns = p->most_turns,
		.g_goid = (u16)take(in, 2), .sleeps = take(in, 1) & 1, .may_leave = take(in, 1) & 1,
	};
	u32 room = take(in, 2) % (PROGRAM_ROOM + 1);
	struct bpf_code c;
	struct err err;

	memset(code, 0x5a, sizeof(code));
	bpf_code_start(&c, code, room);
	bpf_program(&c, &f);
	if (bpf_code_ok(&c, &err) != (c.n <= room && !c.bad))
		abort();
	if (code[room].imm != 0x5a5a5a5a)
		abort();
}

static void run(struct go_program *prog, struct input *in, struct go_func *func, u8 *bytes)
{
	struct read entry[STEPS], exit[STEPS];
	struct plan_func fn = { .func = func, .shown = true };
	struct expr condition = { .role = EXPR_IF };
	struct plan plan = { .prog = prog, .funcs = &fn, .nfuncs = 1, .exprs = &condition };
	struct expr_step steps[TERMS];
	u16 conjuncts[3];
	struct expr_code code;
	OWN(arena) arena = {0};
	struct probes p;
	struct flow flow;
	struct err err;

	func->size = func->room = 1 + take(in, 1) % CODE_ROOM;
	memset(bytes, 0xcc, CODE_ROOM);
	for (u32 i = 0; i < func->size; i++)
		bytes[i] = (u8)take(in, 1);
	if (!plan_flow(prog, func, &arena, &flow, &err))
		return;
	patches_make(&fn.patches, &arena, &flow);
	random_condition(in, &code, steps, conjuncts);
	fn.codes = &code;
	fn.condition = &condition;
	plan.nexprs = 1;
	random_reading(in, &fn.entry, entry);
	random_reading(in, &fn.exit, exit);
	probes_make(&p, &plan, 0x1000);
	check(&p);
	assemble(in, &p);
	probes_release(&p);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	struct input in = { data, n };
	u8 bytes[CODE_ROOM];
	struct segment seg = { .va = CODE_VA, .size = CODE_ROOM, .filesz = CODE_ROOM,
			       .exec = true };
	struct image img = { .bytes = bytes, .size = CODE_ROOM, .segs = &seg, .nsegs = 1,
			     .lo_va = CODE_VA, .hi_va = CODE_VA + CODE_ROOM };
	struct go_func func = { .name = STR("main.f"), .pcsp = 1 };
	struct go_program prog = { .img = &img, .funcs = &func, .nfuncs = 1 };

	prog.md.text_va = CODE_VA;
	prog.md.etext_va = CODE_VA + CODE_ROOM;
	run(&prog, &in, &func, bytes);
	arena_release(&prog.arena);	/* instructions decoded so far */
	return 0;
}
