/* A fault in a method that was called through an interface: did the interface's two words belong
 * together?
 *  1. how it was called: the code in front of each return address tells the place of the interface
 *     (`o.value`), and the receiver is in a register or slot that still has what AX was at the
 *     method's entry, or what the caller had for it;
 *  2. what is in memory: an interface that is no whole now (owners.h), of the type whose method
 *     it was.
 * A field that was seen half stored is whole again when its writer goes on: then only 1 shows
 * it. */
#include <inttypes.h>
#include <string.h>

#include "base/vec.h"
#include "diag/explain.h"
#include "diag/owners.h"
#include "go/fork.h"
#include "plan/torn_place.h"

enum { CALLS_LOOKED_AT = 6, ITAB_CODE = 24, SPILLED = 9 * 8, FRAME_MOST = 2048, SAID = 4, HOPS = 64,
       FORWARDER_MOST = 256 };

struct torn {
	struct diagnosis *to;
	struct death *d;
	struct go_heap heap;
	struct boxes boxes;
	struct place_finder places;
	struct go_type *types[CALLS_LOOKED_AT];	/* whose methods were called */
	u32 ntypes;
};

/* A frame's code, at the instruction that it stands at. */
struct at {
	const struct death_frame *f;
	struct flow flow;
	u32 insn;
};

static bool enter(struct torn *t, const struct death_frame *f, struct at *at)
{
	struct death *d = t->d;
	i64 pc = (i64)(f->pc_rt - d->u->text_rt) - (i64)(f->in ? f->in->pc : 0);
	struct err err;
	i64 i;

	at->f = f;
	if (!f->in || !go_flow(d->prog, f->in, d->a, &at->flow, &err))
		return false;
	i = flow_find(&at->flow, pc);
	if (!f->exact) {	/* the call behind which it goes on */
		for (i = 0; i < at->flow.n && at->flow.insns[i].at + at->flow.insns[i].size != pc;)
			i++;
		if (i == at->flow.n)
			return false;
	}
	if (i < 0)
		return false;
	at->insn = (u32)i;
	place_finder_enter(&t->places, f->in, &at->flow, d->a);
	return true;
}

/* The frame whose instruction faulted: the registers that are known are those of it. */
static bool faulted_here(const struct torn *t, const struct at *at)
{
	return at->f->exact && at->f->pc_rt == t->d->pc;
}

/* What AX was at the entry, which is the receiver: a register has it still, or a slot. */
static bool receiver_in_frame(struct torn *t, const struct at *at, const struct origin *same,
			      u64 *to)
{
	struct origins *o = &t->places.origins;
	u64 room = at->f->return_at ? at->f->return_at - at->f->sp_rt : 0;
	const struct origin entry = { .kind = ORIGIN_ENTRY, .reg = GP_RAX };

	same = same ? same : &entry;
	for (u8 r = 0; faulted_here(t, at) && t->d->has_ints && r < 16; r++)
		if (r != GP_RSP && origin_same(origin_of(o, at->insn, r), same)) {
			*to = t->d->ints[r];
			return true;
		}
	for (u64 off = 0; room && room < FRAME_MOST && off < room + 8 + SPILLED; off += 8)
		if (off != room && origin_same(origin_of_slot(o, at->insn, (i64)off), same))
			return image_read_rt(t->d->img, at->f->sp_rt + off, to, 8);
	return false;
}

static bool is_receiver(const struct origin *o)
{
	return o && o->kind == ORIGIN_ENTRY && o->reg == GP_RAX;
}

/* Does an instruction read or write by the receiver? */
static bool uses_receiver(struct torn *t, const struct at *at, u32 insn)
{
	struct effect e;

	effect_of(&at->flow, &at->flow.insns[insn], &e);
	return (e.kind == EFFECT_LOAD || e.kind == EFFECT_STORE) &&
	       is_receiver(origin_of_place(&t->places.origins, insn, &e.mem));
}

/* Instructions that control may get to. */
struct reached {
	bool *seen;
	VEC(u32) todo;
};

static void reach(struct reached *r, const struct flow *f, i64 insn)
{
	if (insn < 0 || insn >= f->n || r->seen[insn])
		return;
	r->seen[insn] = true;
	*vec_push(&r->todo) = (u32)insn;
}

static void reach_behind(struct reached *r, const struct flow *f, u32 insn)
{
	const struct insn *i = &f->insns[insn];

	if (insn_goes_on(i))
		reach(r, f, insn + 1);
	if (i->kind == INSN_JCC || i->kind == INSN_JMP)
		reach(r, f, flow_find(f, i->target));
	for (u32 k = 0; i->kind == INSN_TABLE && k < f->n; k++)
		if (f->insns[k].indirect_target)
			reach(r, f, k);
}

/* May there have been a call since the receiver was used last? What it did not need any more may
 * have been collected then. */
static bool called_since(struct torn *t, const struct at *at)
{
	const struct flow *f = &at->flow;
	struct reached r = { .seen = ARENA_ARRAY(t->d->a, bool, f->n) };

	for (u32 i = 0; i < f->n; i++)
		if (f->insns[i].kind == INSN_CALL)
			reach_behind(&r, f, i);
	for (size_t i = 0; i < r.todo.n; i++)
		if (!uses_receiver(t, at, r.todo.at[i]))
			reach_behind(&r, f, r.todo.at[i]);
	vec_release(&r.todo);
	return r.seen[at->insn] && !uses_receiver(t, at, at->insn);
}

/* Does the instruction that faulted go by the receiver, or by what has just been read by it? Then
 * that was alive, whatever the collector has done since with what dead words lead to. */
static bool goes_by_receiver(struct torn *t, const struct at *at)
{
	const struct origin *o;
	struct effect e;

	if (!faulted_here(t, at))
		return false;
	effect_of(&at->flow, &at->flow.insns[at->insn], &e);
	if (e.kind != EFFECT_LOAD && e.kind != EFFECT_STORE)
		return false;
	o = origin_of_place(&t->places.origins, at->insn, &e.mem);
	for (u32 i = 0; o && o->kind == ORIGIN_LOAD && i < HOPS; i++)
		o = o->from;
	return is_receiver(o) && !called_since(t, at);
}

/* A type that embeds another has methods that turn its own address into that of the embedded value,
 * and jump: then what the caller has is not what the method was called on. */
static bool is_jumped_to(struct death *d, const struct go_func *f)
{
	struct str method = go_name_split(f->name).function;

	for (size_t i = 0; i < d->prog->nfuncs; i++) {
		const struct go_func *from = &d->prog->funcs[i];
		struct flow flow;
		struct err err;

		if (from == f || from->size > FORWARDER_MOST || !str_ends(from->name, method) ||
		    !go_flow(d->prog, from, d->a, &flow, &err))
			continue;
		for (u32 k = 0; k < flow.n; k++)
			if (flow.insns[k].kind == INSN_TAIL && flow.insns[k].rel_size &&
			    from->pc + flow.insns[k].target == f->pc)
				return true;
	}
	return false;
}

/* What the collector may do to an object of which nobody thinks any more. */
static bool may_be_dead(const struct boxed *x)
{
	return x->fault == BOXED_FREE || x->fault == BOXED_OVER || x->fault == BOXED_NO_POINTER;
}

/* The interface that is called here; `data`: what its data word is, as an origin. */
static bool called_interface(struct torn *t, const struct at *at, const struct origin **data,
			     struct go_memory *m)
{
	struct origins *o = &t->places.origins;
	u8 reg = effect_called(&at->flow, &at->flow.insns[at->insn]);
	const struct origin *code = reg == GP_NONE ? NULL : origin_of(o, at->insn, reg);

	memset(m, 0, sizeof(*m));
	if (!code || code->kind != ORIGIN_LOAD || code->off || code->from->off < ITAB_CODE)
		return false;
	*data = origin_of(o, at->insn, GP_RAX);
	if (code->from->kind == ORIGIN_LOAD)
		*m = memory_at(&t->places, code->from->from);
	return true;
}

/* "o.value (a main.speaker in a main.object)"; empty: it has no name. */
static struct str place_text(struct torn *t, const struct go_memory *m)
{
	struct str name = m->t || m->name.n ? memory_name(&t->places, m, t->d->a) : STR("");
	bool in = m->t && m->t->named && m->t->kind == GO_STRUCT;
	struct go_part part;

	if (!name.n || !memory_part(&t->places, m, &part) || part.t->kind != GO_INTERFACE)
		return name;
	return str_fmt(t->d->a, "%.*s (a %.*s%s%.*s)", STR_F(name), STR_F(part.t->name),
		       in ? " in a " : "", STR_F(in ? m->t->name : STR("")));
}

/* The pointer type of which it is a method. */
static struct go_type *receiver_type(struct torn *t, const struct go_func *f)
{
	struct go_type *r;

	return f && go_method_of(t->d->prog, f, &r) && r->kind == GO_PTR ? r : NULL;
}

static void conclude(struct torn *t, struct str what)
{
	struct diagnosis *to = t->to;

	to->certainty = LIKELY;
	to->summary = str_fmt(t->d->a, "the two words of %.*s did not belong together: it is torn "
			      "by two goroutines that store and read it at once, or made by "
			      "unsafe code", STR_F(what));
	to->why = STR("an interface is stored in two words. Whoever reads it between them has the "
		      "type of one value and the data of another, and runs the methods of the one "
		      "on the other");
	to->advice = STR("build with -race and run the tests; where the race does not show, "
			 "`goshawk stress --until-crash -- PROGRAM` makes it show and names the "
			 "stores");
}

/* Is it the frame of a method that its caller found in an interface, and is what it got not of its
 * type? */
static bool by_call(struct torn *t, const struct death_frame *callee,
		    const struct death_frame *caller, bool first)
{
	struct go_type *type = receiver_type(t, callee->in);
	struct str text;
	const struct origin *data;
	struct go_memory m;
	struct at at;
	u64 receiver;
	bool known, called, alive;
	struct boxed x;

	if (!type || !enter(t, callee, &at))
		return false;
	known = receiver_in_frame(t, &at, NULL, &receiver);
	alive = goes_by_receiver(t, &at);
	place_finder_leave(&t->places);
	if (!enter(t, caller, &at))
		return false;
	called = called_interface(t, &at, &data, &m);
	if (called && !known && data->kind != ORIGIN_UNKNOWN && !is_jumped_to(t->d, callee->in))
		known = receiver_in_frame(t, &at, data, &receiver);
	text = called ? place_text(t, &m) : STR("");
	if (!text.n)
		text = str_fmt(t->d->a, "the interface that %.*s calls", STR_F(caller->func));
	place_finder_leave(&t->places);
	if (called && t->ntypes < ARRAY_LEN(t->types))
		t->types[t->ntypes++] = type;
	if (called && known && !receiver && first)
		evidence(t->to, t->d, "%.*s was called on nil, through %.*s", STR_F(callee->func),
			 STR_F(text));
	if (!called || !known || !boxed_wrong(&t->boxes, type, receiver, &x) ||
	    (!alive && may_be_dead(&x)))
		return false;
	evidence(t->to, t->d, "%.*s was called through %.*s", STR_F(callee->func), STR_F(text));
	evidence(t->to, t->d, "what it was called on: %.*s", STR_F(boxed_text(&x, t->d->a)));
	conclude(t, text);
	return true;
}

static bool by_calls(struct torn *t)
{
	struct death *d = t->d;
	u32 seen = 0;

	for (u32 i = d->outermost; i < d->nframes && seen < CALLS_LOOKED_AT; i++) {
		if (d->frames[i].stack != STACK_OF_GOROUTINE || d->frames[i].inlined ||
		    str_starts(d->frames[i].func, STR("runtime.")))
			continue;
		seen++;
		if (i + 1 < d->nframes && by_call(t, &d->frames[i], &d->frames[i + 1], seen == 1))
			return true;
	}
	return false;
}

static bool was_called(const struct torn *t, const struct go_type *says)
{
	for (u32 i = 0; i < t->ntypes; i++)
		if (t->types[i] == says || (t->types[i]->elem && t->types[i]->elem == says))
			return true;
	return false;
}

/* What is torn in memory now. Of another type than was called it is told, but as no cause. */
static void by_memory(struct torn *t, bool caused)
{
	struct death *d = t->d;
	struct owners owners;
	u32 said = 0;

	owners_find(&owners, d->prog, d->img, &t->heap, go_globals_of(d->prog), d->a);
	for (u32 i = 0; i < owners.n && said < SAID; i++) {
		const struct misfit *m = &owners.found[i];
		struct str in = STR("");

		if (!m->box.fault)
			continue;
		said++;
		if (m->in && m->in->named)
			in = str_fmt(d->a, " in a %.*s", STR_F(m->in->name));
		evidence(t->to, d, "in memory: %.*s (a %.*s%.*s, at 0x%" PRIx64 ") is no whole: "
			 "%.*s", STR_F(m->name), STR_F(m->type), STR_F(in), m->at,
			 STR_F(boxed_text(&m->box, d->a)));
		if (!caused && m->box.says && was_called(t, m->box.says)) {
			conclude(t, str_fmt(d->a, "%.*s (a %.*s%.*s)", STR_F(m->name),
					    STR_F(m->type), STR_F(in)));
			caused = true;
		}
	}
}

void explain_torn(struct diagnosis *to, struct death *d)
{
	struct torn t = { .to = to, .d = d };

	if (!d->img || !d->prog || !go_heap_read(&t.heap, d->img, d->prog, d->a))
		return;
	boxes_make(&t.boxes, d->prog, d->img, &t.heap, go_globals_of(d->prog));
	place_finder_make(&t.places, d->prog);
	by_memory(&t, by_calls(&t));
	place_finder_release(&t.places);
}
