/* sig - a function's parameters and results, and where each word of each lies at entry and at RET.
 *
 * Names and types come from DWARF; else from the method types of the runtime's data; else the shape
 * from FUNCDATA ArgInfo. Places always come from the ABI, never from DWARF location lists.
 *
 * Owns     nothing: signatures live in the program's arena.
 * Units    stack offsets count from SP at the function's entry (the return address is at 0) for
 *          parameters, and from SP at its RET for results: the same place.
 * Fails    never: what is not known has from == SIG_NONE and no parameters.
 * Threads  one.
 * Sources  src/cmd/compile/abi-internal.md, cmd/compile/internal/abi/abiutils.go (go-runtime 1). */
#ifndef GO_SIG_H
#define GO_SIG_H

#include "go/types.h"

enum place_kind { PLACE_INT, PLACE_FLOAT, PLACE_STACK, PLACE_UNKNOWN };

/* A run of bytes of a value and where it is. */
struct go_place {
	u8 kind;	/* enum place_kind */
	u8 reg; /* PLACE_INT: index 0..8 (AX BX CX DI SI R8 R9 R10 R11); PLACE_FLOAT: X0..X14 */
	u16 size;	/* 1, 2, 4, 8 for registers; any for the stack */
	u32 at;		/* offset in the value */
	i32 off;	/* PLACE_STACK */
	i32 home;	/* of a parameter: where the function keeps it if it does; 0: not known */
};

struct go_param {
	struct str name; /* "recv", "arg0", "ret0" where names are gone; "~r0" is given as "ret0",
			  * "~p0" as the others */
	struct go_type *type;	/* NULL: only the shape is known */
	u32 size;		/* of the value in bytes (shape: 8 for each word, in order) */
	struct go_place *places;
	size_t nplaces;
	bool dictionary; /* of a generic shape function: not shown, names the instantiation */
	bool receiver;
	bool aggregate;		/* shape only: several words that belong together */
};

enum sig_source { SIG_NONE, SIG_DWARF, SIG_TYPES, SIG_SHAPE };

struct go_sig {
	struct go_param *params, *results;
	size_t nparams, nresults;
	enum sig_source from;
	bool results_known;	/* false: show "?" */
	bool abi0;		/* all on the stack, g not in R14 */
	bool cut;		/* shape: the list goes on ("…") */
	bool closure;		/* DX is the closure's context at entry */
};

/* Cached; never NULL. */
const struct go_sig *go_sig_of(const struct go_program *prog, const struct go_func *f);
/* The same where DWARF or types tell it, else NULL: code is not read for it. */
const struct go_sig *go_sig_typed(const struct go_program *prog, const struct go_func *f);
/* Where neither tells it: types of its parameters and results, as whoever knows its source writes
 * them, "context.Context, string, slice -> pointer, error". A receiver is told by the function's
 * name, or else before them, "(*T) string", where the program has no descriptor of its own type,
 * but of what is the same words; interface, slice and pointer are any of these. Nothing is taken
 * that the compiler's record of the function does not allow; false: it does not, or the
 * program tells of another number of parameters. Before anybody asks for the signature. */
bool go_sig_tell(const struct go_program *prog, const struct go_func *f, const char *types);
const char *sig_source_name(enum sig_source s);	/* "dwarf", "types", "shape", "none" */

/* The ABI alone: places for values in order. Used by go_sig_of and by tests. */
struct abi_state { u8 ints, floats; u32 stack; };
void abi_assign(struct abi_state *st, const struct go_program *prog, struct go_type *t, bool abi0,
		struct arena *a, struct go_param *to);

/* Is what lies at a home (an offset from SP at the entry) the parameter's word, when the function
 * stands at pc? False where nobody can tell. */
bool go_home_is_live(const struct go_program *prog, const struct go_func *f, u64 pc, i32 home);

/* From the last parameter to the first result: registers start anew, the stack part goes on. */
void abi_results(struct abi_state *st);

/* For go_program_release, before its arena goes. */
void go_sigs_release(struct go_program *prog);

/* Offset of g's word from FS (thread-local), read from code; false if it could not be found. */
bool go_tls_offset(const struct go_program *prog, i32 *off) MUST_CHECK;

#endif
