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
 * Which of them came in which register is not said: shape_regs.c finds that out. */
#include "go/release.h"
#include "go/shape_impl.h"
#include "go/types_impl.h"

enum {
	ARG_END = 0xff, ARG_OPEN = 0xfe, ARG_CLOSE = 0xfd, ARG_MORE = 0xfc, ARG_FAR = 0xfb,
	MAX_BYTES = 128,
	INT_REGS = 9,
};

static struct shape *begin(struct shapes *s, bool aggregate)
{
	if (s->n == MAX_SCALARS)
		return NULL;
	s->at[s->n] = (struct shape){ .first = (u8)s->nscalars, .aggregate = aggregate };
	return &s->at[s->n++];
}

/* False on bytes that no compiler writes. */
bool shape_read(struct rd *r, struct shapes *s)
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
static void add_hidden(struct shapes *s, const struct go_func *f, bool dictionary, bool pointer)
{
	u32 end = s->nscalars ? s->scalar[0].off : (u32)MAX(f->args, 0);
	unsigned words = dictionary || pointer ? 1 : MIN(MAX(end / 8, 1), (u32)INT_REGS);
	u32 start = end >= 8 * words ? end - 8 * words : 0;

	if (s->n == MAX_SCALARS || s->nscalars + words > MAX_SCALARS)
		return;
	memmove(s->scalar + words, s->scalar, s->nscalars * sizeof(s->scalar[0]));
	memmove(s->at + 1, s->at, s->n * sizeof(s->at[0]));
	for (unsigned i = 0; i < words; i++)
		s->scalar[i] = (struct scalar){ .off = start + 8 * i, .size = 8 };
	for (unsigned i = 1; i <= s->n; i++)
		s->at[i].first = (u8)(s->at[i].first + words);
	s->at[0] = (struct shape){ .n = (u8)words, .aggregate = words > 1,
				   .dictionary = dictionary, .hidden = true };
	s->n++;
	s->nscalars += words;
}

/* Assembly: everything lies on the stack. */
static void place_abi0(const struct shapes *s, struct go_place *places)
{
	for (unsigned i = 0; i < s->nscalars; i++)
		places[i] = (struct go_place){
			.kind = s->scalar[i].far ? PLACE_UNKNOWN : PLACE_STACK,
			.off = (i32)(RETURN_ADDRESS + s->scalar[i].off),
		};
}

struct rd shape_funcdata(const struct go_program *prog, const struct go_func *f, unsigned index,
			 const char *what)
{
	u64 va = go_funcdata_va(prog, f, index);

	return image_rd(prog->img, va, va ? MIN(image_room(prog->img, va), (u64)MAX_BYTES) : 0,
			what);
}

static bool hides_first(const struct sig_form *form, const struct go_sig *sig)
{
	return form->shape || form->method || form->equal || sig->closure;
}

bool sig_counts_agree(const struct go_program *prog, const struct go_func *f,
		      const struct sig_form *form, struct go_sig *sig)
{
	struct rd r = shape_funcdata(prog, f, FUNCDATA_ARG_INFO, "argument info");
	size_t hidden = form->bracket && hides_first(form, sig);
	struct shapes s = { 0 };

	if (!go_funcdata_va(prog, f, FUNCDATA_ARG_INFO))
		return !sig->nparams && (!f->assembly || !f->args);
	if (!shape_read(&r, &s))
		return true;
	if (s.cut ? sig->nparams <= s.n + hidden : sig->nparams != s.n + hidden)
		return false;
	/* of size zero there and here: DWARF may leave out an unnamed receiver of size zero */
	for (unsigned i = 0; i < s.n && !hidden; i++)
		if (sig->params[i].type &&
		    !s.at[i].n != !go_type_load(prog, sig->params[i].type)->size)
			return false;
	return !s.cut || shape_has_no_blanks(prog, f, &s, hidden, sig, types_arena(prog));
}

bool sig_from_shape(const struct go_program *prog, const struct go_func *f,
		    const struct sig_form *form, struct go_sig *sig)
{
	struct arena *a = types_arena(prog);
	struct rd r = shape_funcdata(prog, f, FUNCDATA_ARG_INFO, "argument info"), live;
	bool dict_is_hidden = form->shape && (!form->method || form->dict_first);
	bool method = form->method;
	struct shapes s = { 0 };
	struct go_place *places;
	size_t args = 0;

	if (!go_funcdata_va(prog, f, FUNCDATA_ARG_INFO))
		/* Compiled code without it has no parameters, but for a hidden one; its results may
		 * lie in the argument area. */
		return !f->assembly && (!f->args || !form->bracket);
	if (!shape_read(&r, &s))
		return false;
	if (form->bracket && hides_first(form, sig))
		add_hidden(&s, f, dict_is_hidden, form->equal || form->pointer);
	if (form->shape && !dict_is_hidden && s.n > 1)
		s.at[1].dictionary = true;
	places = ARENA_ARRAY(a, struct go_place, s.nscalars);
	if (sig->abi0) {
		place_abi0(&s, places);
	} else {
		live = shape_funcdata(prog, f, FUNCDATA_ARG_LIVE_INFO, "argument liveness");
		s.has_live = go_funcdata_va(prog, f, FUNCDATA_ARG_LIVE_INFO);
		s.live_from = rd_u8(&live);
		s.lacks_live = prog->rel->lacks_arg_live;
		s.pointer_receiver = form->pointer || form->equal;
		shape_registers(&s, str_cut(go_func_bytes(prog, f), 0, f->size), places);
	}
	sig->params = ARENA_ARRAY(a, struct go_param, s.n);
	for (unsigned i = 0; i < s.n; i++) {
		struct go_param *p = &sig->params[sig->nparams++];

		p->places = places + s.at[i].first;
		p->nplaces = s.at[i].n;
		p->size = 8u * s.at[i].n;
		for (unsigned k = 0; k < p->nplaces; k++) {
			p->places[k].at = 8 * k;
			p->places[k].size = s.scalar[s.at[i].first + k].size;
			if (!s.scalar[s.at[i].first + k].far)
				p->places[k].home =
					(i32)(RETURN_ADDRESS + s.scalar[s.at[i].first + k].off);
		}
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
