#include "event/stack.h"

#include <string.h>

/* What one address means. */
struct known_pc {
	const struct go_func *func;	/* NULL: not Go code */
	struct stack_frame *frames;
	u32 n;
	u8 kind;	/* enum pc_kind */
};

enum pc_kind {
	PC_ORDINARY,
	PC_FIRST,		/* nobody called it: the chain is whole */
	PC_INTERRUPTS,	/* the address above it is no return address, but where it struck */
	PC_FAULT,	/* the same */
};

const char *stack_end_name(enum stack_end e)
{
	return e == STACK_WHOLE ? "whole" : e == STACK_CUT ? "cut" : "broken";
}

struct stacks stacks_of(const struct go_program *prog, u64 bias)
{
	return (struct stacks){ .prog = prog, .bias = bias };
}

void stacks_release(struct stacks *s)
{
	map_release(&s->known);
	vec_release(&s->frames);
	arena_release(&s->arena);
}

static u8 kind_of(struct str name)
{
	static const struct { const char *name; u8 kind; } kinds[] = {
		{ "runtime.goexit", PC_FIRST },
		{ "runtime.mstart", PC_FIRST },
		{ "runtime.rt0_go", PC_FIRST },
		/* g0 begins anew above these, as far as frame pointers go */
		{ "runtime.systemstack", PC_FIRST },
		{ "runtime.mcall", PC_FIRST },
		{ "runtime.sigpanic", PC_FAULT },
		{ "runtime.asyncPreempt", PC_INTERRUPTS },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(name, str_of(kinds[i].name)))
			return kinds[i].kind;
	return PC_ORDINARY;
}

/* A record may hold any address: what leads nowhere takes no room. */
static struct known_pc *nowhere(struct stacks *s, u64 pc_rt)
{
	if (!s->nowhere) {
		s->nowhere = ARENA_NEW(&s->arena, struct known_pc);
		s->nowhere->n = 1;
		s->nowhere->frames = ARENA_NEW(&s->arena, struct stack_frame);
	}
	s->nowhere->frames->pc_rt = pc_rt;
	return s->nowhere;
}

static struct known_pc *look_up(struct stacks *s, u64 pc_rt, u64 at_rt)
{
	u64 text_rt = s->bias + s->prog->md.text_va, pc = at_rt - text_rt;
	const struct go_func *next = go_func_at(s->prog, pc_rt - text_rt), *func;
	struct go_frame frames[GO_FRAMES];
	struct known_pc *p;

	if (next && next->pc == pc_rt - text_rt)	/* a call that the runtime made up */
		pc = next->pc;
	func = go_func_at(s->prog, pc);
	if (!func)
		return nowhere(s, pc_rt);
	p = ARENA_NEW(&s->arena, struct known_pc);
	*p = (struct known_pc){
		.func = func, .n = (u32)go_frames_at(s->prog, func, pc, frames),
		.kind = kind_of(func->name),
	};
	p->frames = ARENA_ARRAY(&s->arena, struct stack_frame, p->n);
	for (u32 i = 0; i < p->n; i++)
		p->frames[i] = (struct stack_frame){
			.func = frames[i].name, .file = frames[i].at.file,
			.line = frames[i].at.line, .inlined = frames[i].inlined,
			.wrapper = frames[i].wrapper, .pc_rt = pc_rt,
		};
	return p;
}

/* A return address lies behind its call, and that may be the last thing of an inlined body or of
 * the function. */
static const struct known_pc *pc_known(struct stacks *s, u64 pc_rt, bool exact)
{
	u64 at_rt = pc_rt - !exact, *known = map_get(&s->known, at_rt);
	struct known_pc *p;

	if (known)
		return (const struct known_pc *)(uintptr_t)*known;
	p = look_up(s, pc_rt, at_rt);
	if (p->func)
		*map_put(&s->known, at_rt) = (uintptr_t)p;
	return p;
}

/* Go's own rule (runtime/traceback.go): a wrapper is shown only where a panic came from it. */
bool stack_hides(const struct stack_frame *f, struct str callee)
{
	return f->wrapper && !str_eq(callee, STR("runtime.gopanic")) &&
	       !str_eq(callee, STR("runtime.sigpanic")) &&
	       !str_eq(callee, STR("runtime.panicwrap"));
}

static u64 word(const u8 *record, u32 at)
{
	u64 v;

	memcpy(&v, record + at, sizeof(v));
	return v;
}

/* Is SP in this function, at this very instruction, where it was at its entry? */
static bool has_no_frame(const struct stacks *s, const struct known_pc *p, u64 at_rt)
{
	return p->func && !go_pcvalue(s->prog, p->func, p->func->pcsp,
				      at_rt - s->bias - s->prog->md.text_va);
}

struct stack_frames stack_frames(struct stacks *s, const struct reading *r, const u8 *entry,
				 enum stack_end *end)
{
	u32 most = r->stack_at ? r->reads[0].size / 8 : 0;
	u64 status = r->stack_at ? word(entry, r->stack_at) : 0;
	u32 n = MIN((u32)status, most);
	bool words = status >> 32;	/* behind what faulted stands the word at SP */
	const struct known_pc *p = NULL;
	struct str callee = STR("");

	s->frames.n = 0;
	for (u32 i = 0; i < n; i++) {
		u64 pc_rt = word(entry, r->caller_at + 8 * i);
		bool fault = p && p->kind == PC_FAULT;

		if (p && p->kind == PC_FIRST)
			break;	/* what is above is not of this stack */
		p = pc_known(s, pc_rt, fault || (p && p->kind == PC_INTERRUPTS));
		if (i && !p->func) {	/* assembly may have had anything in BP */
			*end = STACK_BROKEN;
			return s->frames;
		}
		for (u32 k = 0; k < p->n; k++) {
			if (!stack_hides(&p->frames[k], callee))
				*vec_push(&s->frames) = p->frames[k];
			callee = p->frames[k].func;
		}
		if (fault && words && !has_no_frame(s, p, pc_rt))
			i++;
	}
	*end = p && p->kind == PC_FIRST ? STACK_WHOLE : n == most ? STACK_CUT : STACK_BROKEN;
	return s->frames;
}

const struct stack_frame *stack_caller(struct stacks *s, const struct reading *r, const u8 *entry)
{
	const struct stack_frame *wrapper = NULL;
	u32 n = 1;

	if (!r->caller_at)
		return NULL;
	if (r->stack_at)
		n = MIN((u32)word(entry, r->stack_at), (u32)r->reads[0].size / 8);
	for (u32 i = 0; i < n; i++) {
		const struct known_pc *p = pc_known(s, word(entry, r->caller_at + 8 * i), false);

		if (p->kind == PC_FIRST)
			return NULL;
		for (u32 k = 0; k < p->n; k++)
			if (!p->frames[k].wrapper)
				return &p->frames[k];
		wrapper = wrapper ? wrapper : p->frames;
	}
	return wrapper;
}

const struct stack_frame *stack_at(struct stacks *s, u64 pc_rt, bool exact, size_t *n)
{
	const struct known_pc *p = pc_known(s, pc_rt, exact);

	*n = p->n;
	return p->frames;
}

const struct stack_frame *stack_frame_at(struct stacks *s, u64 return_rt)
{
	const struct known_pc *p = pc_known(s, return_rt, false);

	return p->func && !p->frames->wrapper ? p->frames : NULL;
}
