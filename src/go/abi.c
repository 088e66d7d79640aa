/* Where values lie at a function's entry and at its RET: ABIInternal's register assignment, and
 * ABI0, which knows the stack only (src/cmd/compile/abi-internal.md, internal/abi/abiutils.go).
 *
 * A value goes into registers whole or not at all: its parts are tried in order, and where one does
 * not fit, the registers that the value had taken are given back and it gets a stack slot. Size
 * decides nothing: a struct of nine ints travels in nine registers, an array of two bytes never. */
#include "go/sig.h"

#include "go/types_impl.h"

enum {
	INT_REGS = 9,
	FLOAT_REGS = 15,
	RETURN_ADDRESS = 8,		/* lies between SP at entry and the stack arguments */
	DEEPEST = 64,			/* structs in structs; honest programs stay below ten */
	STEPS = 4096,			/* fields looked at, for types that lie about their shape */
	PLACE_MAX = 0xfff8,		/* a stack place's size is a u16 */
	VALUE_MAX = 1 << 24,		/* a larger parameter is not believed */
	MAX_PLACES = INT_REGS + FLOAT_REGS,
};

/* One attempt to put a value into registers. */
struct attempt {
	const struct go_program *prog;
	u8 ints, floats;
	unsigned steps;
	struct go_place place[MAX_PLACES];
	size_t n;
};

static bool take_int(struct attempt *at, u64 size, u64 offset)
{
	if (at->ints == INT_REGS)
		return false;
	at->place[at->n++] = (struct go_place){ .kind = PLACE_INT, .reg = at->ints++,
						.size = (u16)size, .at = (u32)offset };
	return true;
}

static bool take_float(struct attempt *at, u64 size, u64 offset)
{
	if (at->floats == FLOAT_REGS)
		return false;
	at->place[at->n++] = (struct go_place){ .kind = PLACE_FLOAT, .reg = at->floats++,
						.size = (u16)size, .at = (u32)offset };
	return true;
}

static bool take_words(struct attempt *at, unsigned words, u64 offset)
{
	for (unsigned i = 0; i < words; i++)
		if (!take_int(at, 8, offset + 8 * i))
			return false;
	return true;
}

static bool take(struct attempt *at, struct go_type *t, u64 offset, unsigned depth)
{
	if (!t || depth > DEEPEST || at->steps++ > STEPS)
		return false;
	go_type_load(at->prog, t);
	switch (t->kind) {
	case GO_BOOL: case GO_INT: case GO_INT8: case GO_INT16: case GO_INT32: case GO_INT64:
	case GO_UINT: case GO_UINT8: case GO_UINT16: case GO_UINT32: case GO_UINT64:
	case GO_UINTPTR: case GO_CHAN: case GO_FUNC: case GO_MAP: case GO_PTR:
	case GO_UNSAFE_POINTER:
		return take_int(at, t->size, offset);
	case GO_STRING: case GO_INTERFACE:
		return take_words(at, 2, offset);
	case GO_SLICE:
		return take_words(at, 3, offset);
	case GO_FLOAT32: case GO_FLOAT64:
		return take_float(at, t->size, offset);
	case GO_COMPLEX64: case GO_COMPLEX128:
		return take_float(at, t->size / 2, offset)
		    && take_float(at, t->size / 2, offset + t->size / 2);
	case GO_ARRAY:
		return !t->len || (t->len == 1 && take(at, t->elem, offset, depth + 1));
	case GO_STRUCT:
		/* Blank fields too: they take a register whose content is undefined. */
		for (size_t i = 0; i < t->nfields; i++)
			if (!take(at, t->fields[i].type, offset + t->fields[i].offset, depth + 1))
				return false;
		return true;
	default:
		return false;
	}
}

/* The next slot on the stack, as one place or (a size is a u16) as several. */
static void stack_slot(struct abi_state *st, u64 size, u64 align, struct arena *a,
		       struct go_param *to)
{
	u64 start = round_up(st->stack, MAX(align, 1)), done = 0;

	if (size > VALUE_MAX || start > VALUE_MAX * 4) {
		abi_lose(st, a, to);
		return;
	}
	to->nplaces = (size + PLACE_MAX - 1) / PLACE_MAX;
	to->places = to->nplaces ? ARENA_ARRAY(a, struct go_place, to->nplaces) : NULL;
	for (size_t i = 0; i < to->nplaces; i++, done += PLACE_MAX)
		to->places[i] = (struct go_place){ .kind = PLACE_STACK,
			.size = (u16)MIN(size - done, PLACE_MAX), .at = (u32)done,
			.off = (i32)(RETURN_ADDRESS + start + done) };
	st->stack = (u32)(start + size);
}

void abi_lose(struct abi_state *st, struct arena *a, struct go_param *to)
{
	to->nplaces = 1;
	to->places = ARENA_NEW(a, struct go_place);
	to->places[0].kind = PLACE_UNKNOWN;
	st->stack = ABI_LOST;
}

void abi_assign(struct abi_state *st, const struct go_program *prog, struct go_type *t, bool abi0,
		struct arena *a, struct go_param *to)
{
	struct attempt at = { .prog = prog, .ints = st->ints, .floats = st->floats };

	to->type = t;
	if (t)
		go_type_load(prog, t);
	to->size = t ? (u32)MIN(t->size, UINT32_MAX) : 0;
	/* What follows a value of unknown shape can be anywhere. */
	if (st->stack == ABI_LOST || !t || t->kind == GO_BAD) {
		abi_lose(st, a, to);
		return;
	}
	/* Zero-size values are defined as being on the stack: they align it, and take nothing. */
	if (abi0 || !t->size || !take(&at, t, 0, 0)) {
		stack_slot(st, t->size, t->align, a, to);
		return;
	}
	st->ints = at.ints;
	st->floats = at.floats;
	to->nplaces = at.n;
	to->places = arena_copy(a, at.place, at.n * sizeof(at.place[0]));
}

void abi_results(struct abi_state *st)
{
	st->ints = st->floats = 0;
	if (st->stack != ABI_LOST)
		st->stack = (u32)round_up(st->stack, 8);
}
