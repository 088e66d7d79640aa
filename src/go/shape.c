/* The shape of a function's parameters from FUNCDATA ArgInfo, which the runtime prints tracebacks
 * from (cmd/compile/internal/ssagen/abi.go EmitArgInfo, runtime/traceback.go printArgs).
 *
 * BYTE		MEANING
 * 00..ef	offset in the argument area; the next byte is the size: 1, 2, 4, 8
 * fb		a scalar whose offset is too large
 * fc		...: more than is listed
 * fd, fe	end and start of an aggregate (string, slice, interface, complex, struct, array)
 * ff		end
 *
 * Scalars stand in the order of parameters. Those passed on the stack lie first in the area; behind
 * them lie the stack results, then a slot for each one that came in registers. What is a float
 * and what an integer is not said, nor what is an array (which never comes in registers): that is
 * proved by the stack check's slow path (spills.c) and by ArgLiveInfo, whose first byte is the
 * lowest slot of a register parameter. A word that can't be placed is PLACE_UNKNOWN. */
#include "go/release.h"
#include "go/sig_impl.h"
#include "go/types_impl.h"

enum {
	ARG_END = 0xff, ARG_OPEN = 0xfe, ARG_CLOSE = 0xfd, ARG_MORE = 0xfc, ARG_FAR = 0xfb,
	MAX_SCALARS = 16,	/* the compiler lists ten */
	MAX_BYTES = 128,
	INT_REGS = 9, FLOAT_REGS = 15,
	RETURN_ADDRESS = 8,
	UNKNOWN_REG = 0xff,
};

struct scalar {
	u32 off;
	u8 size;
	bool far;	/* offset not known */
};

/* A parameter: scalars [first, first + n). */
struct shape {
	u8 first, n;
	bool aggregate;
	bool cut;	/* has more than is listed */
	bool hidden;	/* put in by us: ArgInfo leaves it out */
	bool dictionary, in_regs;
};

struct shapes {
	struct scalar scalar[MAX_SCALARS];
	struct shape at[MAX_SCALARS];
	unsigned nscalars, n;
	bool cut;
};

static struct shape *begin(struct shapes *s, bool aggregate)
{
	if (s->n == MAX_SCALARS)
		return NULL;
	s->at[s->n] = (struct shape){ .first = (u8)s->nscalars, .aggregate = aggregate };
	return &s->at[s->n++];
}

/* False on bytes that no compiler writes. */
static bool read_arg_info(struct rd *r, struct shapes *s)
{
	struct shape *now = NULL;
	unsigned depth = 0;

	for (;;) {
		u8 b = rd_u8(r);

		if (r->bad)
			return false;
		switch (b) {
		case ARG_END:
			return !depth;
		case ARG_OPEN:
			if (!depth++ && !(now = begin(s, true)))
				return false;
			break;
		case ARG_CLOSE:
			if (!depth--)
				return false;
			break;
		case ARG_MORE:
			if (depth)
				now->cut = true;
			else
				s->cut = true;
			break;
		default:
			if (s->nscalars == MAX_SCALARS || (!depth && !(now = begin(s, false))))
				return false;
			s->scalar[s->nscalars++] = (struct scalar){
				.off = b == ARG_FAR ? 0 : b, .far = b == ARG_FAR,
				.size = b == ARG_FAR ? 8 : rd_u8(r),
			};
			now->n++;
		}
	}
}

/* A function with `[` in its symbol has no entry for its first parameter: the dictionary, or (shape
 * methods from 1.20, wrappers, closures) what stands where it was expected. How many words that
 * has is where the next one's slot begins. */
static void add_hidden(struct shapes *s, const struct go_func *f, bool dictionary)
{
	u32 end = s->nscalars ? s->scalar[0].off : (u32)MAX(f->args, 0);
	unsigned words = dictionary ? 1 : MIN(MAX(end / 8, 1), (u32)INT_REGS);
	u32 start = end >= 8 * words ? end - 8 * words : 0;

	if (s->n == MAX_SCALARS || s->nscalars + words > MAX_SCALARS)
		return;
	memmove(s->scalar + words, s->scalar, s->nscalars * sizeof(s->scalar[0]));
	memmove(s->at + 1, s->at, s->n * sizeof(s->at[0]));
	for (unsigned i = 0; i < words; i++)
		s->scalar[i] = (struct scalar){ .off = start + 8 * i, .size = 8 };
	for (unsigned i = 1; i <= s->n; i++)
		s->at[i].first = (u8)(s->at[i].first + words);
	s->at[0] = (struct shape){ .n = (u8)words, .aggregate = words > 1, .hidden = true,
				   .dictionary = dictionary };
	s->n++;
	s->nscalars += words;
}

struct evidence {
	struct spills spills;
	bool has_live;
	u32 live_from;	/* slots at and above it belong to register parameters */
};

static const struct spill *spill_of(const struct evidence *e, const struct scalar *s)
{
	for (unsigned i = 0; i < e->spills.n && !s->far; i++)
		if (e->spills.at[i].off == s->off && e->spills.at[i].size == s->size)
			return &e->spills.at[i];
	return NULL;
}

/* Registers that a parameter would take if all its words were integers. */
static bool fits(const struct shape *p, unsigned used)
{
	return used + p->n <= INT_REGS && !p->cut;
}

/* Which parameters came in registers. Slots of those ascend, and so do places of stack parameters,
 * which lie below all slots. */
static void split(struct shapes *s, const struct evidence *e)
{
	u32 lowest = UINT32_MAX;	/* slot that is proved */
	unsigned used = 0;

	if (e->has_live)
		lowest = e->live_from;
	for (unsigned i = 0; i < e->spills.n; i++)
		lowest = MIN(lowest, e->spills.at[i].off);
	for (unsigned i = 0; i < s->n; i++) {
		struct shape *p = &s->at[i];
		u32 at = p->n ? s->scalar[p->first].off : 0, highest = 0;

		for (unsigned k = i + 1; k < s->n; k++)
			if (s->at[k].n && s->scalar[s->at[k].first].off < at)
				highest =
					UINT32_MAX; /* a later one lies lower: this one is a slot */
		p->in_regs = p->n &&
			     (at >= lowest || highest || (lowest == UINT32_MAX && fits(p, used)) ||
			      (fits(p, used) && at + 8 > lowest));
		if (p->in_regs)
			used += p->n;
	}
}

/* Between two words whose registers are proved, all are integers or all are floats if the number of
 * integer registers says so. */
static void place_between(struct go_place **place, unsigned n, u8 *next_int, u8 *next_float,
			  i32 ints)
{
	bool all_ints = ints < 0 || (u32)ints == n;
	bool none = !ints;

	for (unsigned i = 0; i < n; i++) {
		if (all_ints && *next_int < INT_REGS) {
			place[i]->kind = PLACE_INT;
			place[i]->reg = (*next_int)++;
		} else if (none && *next_float < FLOAT_REGS && place[i]->size >= 4) {
			place[i]->kind = PLACE_FLOAT;
			place[i]->reg = (*next_float)++;
		} else {
			place[i]->kind = PLACE_UNKNOWN;
		}
	}
}

static void place_registers(struct shapes *s, const struct evidence *e, struct go_place *places)
{
	struct go_place *open[MAX_SCALARS];
	unsigned nopen = 0;
	u8 next_int = 0, next_float = 0;

	for (unsigned i = 0; i < s->n; i++) {
		const struct shape *p = &s->at[i];

		for (unsigned k = 0; p->in_regs && k < p->n; k++) {
			struct go_place *at = &places[p->first + k];
			const struct spill *proof = spill_of(e, &s->scalar[p->first + k]);

			if (!proof) {
				open[nopen++] = at;
				continue;
			}
			if (proof->kind == PLACE_INT)
				place_between(open, nopen, &next_int, &next_float,
					      proof->reg - next_int);
			else
				place_between(open, nopen, &next_int, &next_float,
					      (i32)nopen - (proof->reg - next_float));
			nopen = 0;
			at->kind = proof->kind;
			at->reg = proof->reg;
			if (proof->kind == PLACE_INT)
				next_int = (u8)(proof->reg + 1);
			else
				next_float = (u8)(proof->reg + 1);
		}
	}
	place_between(open, nopen, &next_int, &next_float, -1);
}

static void place_all(struct shapes *s, const struct evidence *e, bool abi0,
		      struct go_place *places)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct shape *p = &s->at[i];

		for (unsigned k = 0; k < p->n; k++) {
			const struct scalar *scalar = &s->scalar[p->first + k];

			places[p->first + k] = (struct go_place){
				.kind = scalar->far ? PLACE_UNKNOWN : PLACE_STACK,
				.size = scalar->size, .at = 8 * k,
				.off = (i32)(RETURN_ADDRESS + scalar->off),
			};
		}
	}
	if (!abi0)
		place_registers(s, e, places);
}

static struct rd funcdata(const struct go_program *prog, const struct go_func *f, unsigned index,
			  const char *what)
{
	u64 va = go_funcdata_va(prog, f, index);

	return image_rd(prog->img, va, va ? MIN(image_room(prog->img, va), (u64)MAX_BYTES) : 0,
			what);
}

bool sig_counts_agree(const struct go_program *prog, const struct go_func *f,
		      const struct sig_form *form, const struct go_sig *sig)
{
	struct rd r = funcdata(prog, f, FUNCDATA_ARG_INFO, "argument info");
	size_t hidden = form->bracket && (form->shape || form->method || sig->closure);
	struct shapes s = { 0 };

	if (!go_funcdata_va(prog, f, FUNCDATA_ARG_INFO))
		return !sig->nparams && (!f->assembly || !f->args);
	if (!read_arg_info(&r, &s))
		return true;
	return s.cut ? sig->nparams > s.n + hidden : sig->nparams == s.n + hidden;
}

bool sig_from_shape(const struct go_program *prog, const struct go_func *f,
		    const struct sig_form *form, struct go_sig *sig)
{
	struct arena *a = types_arena(prog);
	struct rd r = funcdata(prog, f, FUNCDATA_ARG_INFO, "argument info"), live;
	struct shapes s = { 0 };
	struct evidence e = { .has_live = false };
	bool dict_is_hidden = form->shape && (!form->method || form->dict_first),
	     method = form->method;
	struct go_place *places;
	size_t args = 0;

	if (!go_funcdata_va(prog, f, FUNCDATA_ARG_INFO)) {
		/* compiled code without it has no parameters: only then it is left out */
		sig->results_known = false;
		return !f->assembly && f->args == 0;
	}
	if (!read_arg_info(&r, &s))
		return false;
	if (form->bracket && (form->shape || form->method || sig->closure))
		add_hidden(&s, f, dict_is_hidden);
	if (form->shape && !dict_is_hidden && s.n > 1)
		s.at[1].dictionary = true;
	if (!sig->abi0) {
		spills_of(prog, f, &e.spills);
		live = funcdata(prog, f, FUNCDATA_ARG_LIVE_INFO, "argument liveness");
		e.has_live = go_funcdata_va(prog, f, FUNCDATA_ARG_LIVE_INFO);
		e.live_from = rd_u8(&live);
		split(&s, &e);
	}
	places = ARENA_ARRAY(a, struct go_place, s.nscalars);
	place_all(&s, &e, sig->abi0, places);
	sig->params = ARENA_ARRAY(a, struct go_param, s.n);
	for (unsigned i = 0; i < s.n; i++) {
		struct go_param *p = &sig->params[sig->nparams++];

		p->places = places + s.at[i].first;
		p->nplaces = s.at[i].n;
		p->size = 8u * s.at[i].n;
		p->aggregate = s.at[i].aggregate;
		p->dictionary = s.at[i].dictionary;
		p->receiver = method && !p->dictionary;
		method &= !p->receiver;
		if (p->dictionary)
			p->name = STR(".dict");
		else
			p->name = p->receiver ? STR("recv") : sig_numbered(prog, "arg", args++);
		sig->cut |= s.at[i].cut;
	}
	sig->cut |= s.cut;
	return true;
}
