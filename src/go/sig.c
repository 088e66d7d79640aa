/* A signature, from the best source that there is: DWARF (names and types), the method types of the
 * runtime's data (types), ArgInfo (how many words of which size), in this order. A source whose
 * signature needs another amount of argument memory than the compiler recorded for the function is
 * wrong, and the next one is asked. */
#include "go/sig.h"

#include "go/dwarf.h"
#include "go/sig_impl.h"
#include "go/types_impl.h"

enum { SCAN_WRAPPER = 256 };

struct go_sigs {
	struct go_sig **of;	/* by index in prog->funcs; NULL: not asked for yet */
};

static const struct go_func *twin_of(const struct go_program *prog, const struct go_func *f)
{
	const struct go_func *other = go_func_named(prog, f->name);

	return other == f ? NULL : other;
}

/* Of a pair of one name, one is made by the linker's wish to be called by the other ABI. A wrapper
 * that lets assembly (ABI0) call Go sets X15 and loads g before its call; one that lets Go call
 * assembly does it behind the call. */
static bool wrapper_is_abi0(const struct go_program *prog, const struct go_func *f)
{
	struct str code = str_cut(go_func_bytes(prog, f), 0, MIN(f->size, (u32)SCAN_WRAPPER));
	ptrdiff_t zero = str_find(code, STR("\x45\x0f\x57\xff"));	/* xorps x15, x15 */

	if (zero < 0)
		return false;
	for (size_t i = 0; i + 5 <= (size_t)zero; i++) {
		struct rd r = rd_of(code.p + i, code.n - i, "code");
		const struct go_func *to;
		u64 pc;

		if (rd_u8(&r) != 0xe8)
			continue;
		pc = f->pc + i + 5 + (u64)(i64)(i32)rd_u32(&r);
		to = go_func_at(prog, pc);
		if (to && to->pc == pc)
			return false;
	}
	return true;
}

/* Assembly that is written for the registers' ABI, because compiled code calls it directly
 * (TEXT with <ABIInternal>, in runtime and internal/bytealg). */
static bool is_internal_assembly(const struct go_func *f)
{
	static const struct str prefixes[] = {
		{ "runtime.mem", 11 }, { "runtime.strhash", 15 }, { "runtime.gcWriteBarrier", 22 },
		{ "runtime.cmpstring", 17 }, { "runtime.duff", 12 }, { "runtime.panic", 13 },
		{ "runtime.race", 12 }, { "runtime.mcall", 13 }, { "internal/bytealg.Compare", 24 },
	};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(f->name, prefixes[i]))
			return true;
	return false;
}

static bool is_abi0(const struct go_program *prog, const struct go_func *f, struct go_name n)
{
	if (f->assembly)
		return !is_internal_assembly(f);
	/* wrappers of methods are many, and for another purpose */
	return f->wrapper && !n.receiver.n && twin_of(prog, f) && wrapper_is_abi0(prog, f);
}

static struct sig_form form_of(const struct go_program *prog, const struct go_func *f,
			       struct go_name n)
{
	struct sig_form form = {
		.method = n.receiver.n && !n.closure.n,
		.pointer = n.pointer && !n.closure.n,
		.bracket = str_find(f->name, STR("[")) >= 0,
		.dict_first = prog->rel->dict_before_receiver,
	};

	form.equal = f->name.n > 10 && (str_starts(f->name, STR("type:.")) ||
					str_starts(f->name, STR("type..")));
	/* 1.18 to 1.20 leave the type arguments out; what is no shape then is a wrapper */
	form.shape = n.type_args.n && !n.closure.n && n.package.n && !f->wrapper && !f->assembly &&
		     (str_eq(n.type_args, STR("...")) ||
		      str_find(n.type_args, STR("go.shape.")) >= 0);
	return form;
}

/* "arg0" and the like: made again and again, so the usual ones are constants. */
struct str sig_numbered(const struct go_program *prog, const char *what, size_t i)
{
	static const char args[][6] = { "arg0", "arg1", "arg2", "arg3",
					"arg4", "arg5", "arg6", "arg7" };
	static const char rets[][6] = { "ret0", "ret1", "ret2", "ret3" };

	if (what[0] == 'a' && i < ARRAY_LEN(args))
		return str_of(args[i]);
	if (what[0] == 'r' && i < ARRAY_LEN(rets))
		return str_of(rets[i]);
	return str_fmt(types_arena(prog), "%s%zu", what, i);
}

/* Behind what is passed on the stack each parameter that came in registers has a slot, which the
 * caller reserves. */
static void find_homes(struct go_sig *sig, u64 from)
{
	for (size_t i = 0; i < sig->nparams; i++) {
		struct go_param *p = &sig->params[i];
		bool stack = p->nplaces && p->places[0].kind == PLACE_STACK;

		if (p->nplaces && !stack)
			from = round_up(from, p->type ? MAX(p->type->align, 1) : 1);
		for (size_t k = 0; k < p->nplaces; k++)
			p->places[k].home = stack ? p->places[k].off
						  : (i32)(8 + from + p->places[k].at);
		if (p->nplaces && !stack)
			from += p->size;
	}
}

/* Puts every parameter and result to its place. Gives the bytes of argument area that this needs:
 * stack parameters, stack results, and a slot for each parameter that came in registers; or
 * UINT64_MAX when a place is not known. */
static u64 assign(const struct go_program *prog, struct go_sig *sig)
{
	struct abi_state st = { 0 };
	struct arena *a = types_arena(prog);
	u64 slots = 0;

	for (size_t i = 0; i < sig->nparams; i++) {
		struct go_param *p = &sig->params[i];

		abi_assign(&st, prog, p->type, sig->abi0, a, p);
		if (p->nplaces && p->places[0].kind != PLACE_STACK)
			slots = round_up(slots, p->type ? MAX(p->type->align, 1) : 1) + p->size;
	}
	abi_results(&st);
	for (size_t i = 0; i < sig->nresults; i++)
		abi_assign(&st, prog, sig->results[i].type, sig->abi0, a, &sig->results[i]);
	if (st.stack != ABI_LOST)
		find_homes(sig, round_up(st.stack, 8));
	return st.stack == ABI_LOST ? UINT64_MAX : round_up(st.stack, 8) + round_up(slots, 8);
}

/* Does the compiler's record of the function allow this? */
static bool agrees(const struct go_program *prog, const struct go_func *f,
		   const struct sig_form *form, struct go_sig *sig, u64 area)
{
	if (f->args >= 0 && area != UINT64_MAX &&
	    (sig->results_known ? area != (u64)f->args : area > (u64)f->args))
		return false;
	return sig->from != SIG_DWARF || sig_counts_agree(prog, f, form, sig);
}

/* What the source does not name has none in DWARF, or "~r0" and "~p0". */
static bool is_named(struct str s)
{
	return s.n && !str_starts(s, STR("~"));
}

/* The compiler lists the dictionary since 1.27, and not always where it is passed. */
static void insert_dictionary(const struct go_program *prog, struct go_sig *sig, size_t at)
{
	at = MIN(at, sig->nparams);
	memmove(sig->params + at + 1, sig->params + at, (sig->nparams - at) * sizeof(*sig->params));
	sig->params[at] = (struct go_param){ .name = STR(".dict"), .dictionary = true,
					     .type = go_type_basic(prog, GO_UNSAFE_POINTER) };
	sig->nparams++;
}

static bool from_dwarf(const struct go_program *prog, const struct go_func *f,
		       struct sig_form *form, struct go_sig *sig)
{
	struct arena *a = types_arena(prog);
	struct dwarf_func d;

	/* of assembly it knows the name only */
	if (f->assembly || !go_dwarf_func(prog, go_func_va(prog, f), &d))
		return false;
	if (d.name.n)	/* the table may leave type arguments out, DWARF does not */
		form->shape &= str_find(d.name, STR("go.shape.")) >= 0;
	sig->params = ARENA_ARRAY(a, struct go_param, d.nparams + 1);
	sig->results = ARENA_ARRAY(a, struct go_param, d.nparams + 1);
	for (size_t i = 0; i < d.nparams; i++) {
		const struct dwarf_param *q = &d.params[i];
		size_t n = sig->nparams;

		if (str_eq(q->name, STR(".dict")))
			continue;
		if (q->result) {
			n = sig->nresults++;
			sig->results[n].name =
				is_named(q->name) ? q->name : sig_numbered(prog, "ret", n);
			sig->results[n].type = q->type;
			continue;
		}
		sig->params[n].receiver = form->method && !n;
		sig->params[n].name = is_named(q->name) ? q->name :
				      sig->params[n].receiver ? STR("recv") :
				      sig_numbered(prog, "arg", n - form->method);
		sig->params[n].type = q->type;
		sig->nparams++;
	}
	if (form->shape)
		insert_dictionary(prog, sig, form->method && !form->dict_first);
	sig->results_known = !(prog->rel->dwarf_lacks_results && d.optimised);
	sig->from = SIG_DWARF;
	return true;
}

static void set_params(const struct go_program *prog, struct go_sig *sig, struct go_type *receiver,
		       const struct go_type *func)
{
	struct arena *a = types_arena(prog);
	size_t n = 0;

	sig->params = ARENA_ARRAY(a, struct go_param, func->nin + 1);
	sig->results = ARENA_ARRAY(a, struct go_param, func->nout);
	if (receiver)
		sig->params[n++] = (struct go_param){ .name = STR("recv"), .type = receiver,
						      .receiver = true };
	for (size_t i = 0; i < func->nin; i++)
		sig->params[n++] = (struct go_param){ .name = sig_numbered(prog, "arg", i),
						      .type = func->in[i] };
	for (size_t i = 0; i < func->nout; i++)
		sig->results[i] = (struct go_param){ .name = sig_numbered(prog, "ret", i),
						     .type = func->out[i] };
	sig->nparams = n;
	sig->nresults = func->nout;
}

static bool from_types(const struct go_program *prog, const struct go_func *f,
		       struct sig_form *form, struct go_sig *sig)
{
	struct go_type *receiver;
	const struct go_method *m = go_method_of(prog, f, &receiver);

	if (!form->method || !m || !m->type || go_type_load(prog, m->type)->kind != GO_FUNC)
		return false;
	set_params(prog, sig, receiver, m->type);
	sig->results_known = true;
	sig->from = SIG_TYPES;
	return true;
}

/* DWARF leaves results out in 1.17, and later those of functions that never return: the method type
 * has them. */
static void add_results(const struct go_program *prog, const struct go_func *f,
			struct sig_form *form, struct go_sig *sig)
{
	struct go_sig types = { .abi0 = sig->abi0 };

	if (sig->from != SIG_DWARF || !from_types(prog, f, form, &types) ||
	    types.nparams != sig->nparams || types.nresults <= sig->nresults)
		return;
	sig->results = types.results;
	sig->nresults = types.nresults;
	sig->results_known = true;
}

static struct go_sig untyped;	/* stands for those that have no types */

/* False: there are no types; *sig is what the name tells. */
static bool make_typed(const struct go_program *prog, const struct go_func *f,
		       struct sig_form *form, struct go_sig *sig)
{
	typedef bool source_fn(const struct go_program *, const struct go_func *, struct sig_form *,
			       struct go_sig *);
	/* DWARF lists no receiver of the compiler's wrappers */
	static source_fn *const sources[2][2] = {
		{ from_dwarf, from_types }, { from_types, from_dwarf },
	};
	struct go_name name = go_name_split(f->name);
	struct go_sig plain = { .abi0 = is_abi0(prog, f, name), .closure = name.closure.n > 0 };

	*form = form_of(prog, f, name);
	for (size_t i = 0; i < 2; i++) {
		*sig = plain;
		if (!sources[f->wrapper][i](prog, f, form, sig))
			continue;
		add_results(prog, f, form, sig);
		if (agrees(prog, f, form, sig, assign(prog, sig)))
			return true;
	}
	*sig = plain;
	return false;
}

/* Where the signature, or that it has no types, is remembered. */
static struct go_sig **slot_of(const struct go_program *prog, const struct go_func *f)
{
	struct go_program *p = (struct go_program *)prog;

	if (!p->sigs) {
		p->sigs = ARENA_NEW(&p->arena, struct go_sigs);
		p->sigs->of = ARENA_ARRAY(&p->arena, struct go_sig *, prog->nfuncs);
	}
	return &p->sigs->of[f - prog->funcs];
}

const struct go_sig *go_sig_typed(const struct go_program *prog, const struct go_func *f)
{
	struct go_sig **slot = slot_of(prog, f), sig;
	struct sig_form form;

	if (!*slot)
		*slot = make_typed(prog, f, &form, &sig)
			      ? arena_copy(types_arena(prog), &sig, sizeof(sig)) : &untyped;
	return *slot != &untyped && (*slot)->from != SIG_SHAPE && (*slot)->from != SIG_NONE
		       ? *slot : NULL;
}

const struct go_sig *go_sig_of(const struct go_program *prog, const struct go_func *f)
{
	struct go_sig **slot = slot_of(prog, f), *sig = *slot;
	struct sig_form form;

	if (sig && sig != &untyped)
		return sig;
	*slot = sig = ARENA_NEW(types_arena(prog), struct go_sig);
	if (!make_typed(prog, f, &form, sig) && sig_from_shape(prog, f, &form, sig))
		sig->from = SIG_SHAPE;
	return sig;
}

bool sig_take(const struct go_program *prog, const struct go_func *f, struct go_sig *sig)
{
	struct sig_form form = form_of(prog, f, go_name_split(f->name));

	if (!agrees(prog, f, &form, sig, assign(prog, sig)) ||
	    !sig_counts_agree(prog, f, &form, sig))
		return false;
	*slot_of(prog, f) = arena_copy(types_arena(prog), sig, sizeof(*sig));
	return true;
}

void go_sigs_release(struct go_program *prog)
{
	prog->sigs = NULL;
	go_dwarf_release(prog);
}

const char *sig_source_name(enum sig_source s)
{
	static const char *const names[] = {
		[SIG_NONE] = "none",
		[SIG_DWARF] = "dwarf",
		[SIG_TYPES] = "types",
		[SIG_SHAPE] = "shape",
	};

	return names[s];
}
