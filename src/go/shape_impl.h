/* shape_impl - what shape.c, shape_regs.c and blanks.c share. Not for others.
 *
 * Owns     nothing.
 * Units    offsets in the argument area: SP at entry + 8 + off.
 * Fails    shape_registers: PLACE_UNKNOWN where a word's place can't be found out.
 * Threads  any. */
#ifndef GO_SHAPE_IMPL_H
#define GO_SHAPE_IMPL_H

#include "go/sig_impl.h"

enum {
	MAX_SCALARS = 20,	/* the compiler lists ten; a hidden parameter has at most nine */
	RETURN_ADDRESS = 8,
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
	bool cut;		/* has more than is listed */
	bool dictionary;
	bool hidden;		/* is in no list of the compiler's */
};

struct shapes {
	struct scalar scalar[MAX_SCALARS];
	struct shape at[MAX_SCALARS];
	unsigned nscalars, n;
	bool cut;		/* there are more parameters */
	bool pointer_receiver;	/* the first one is a pointer */
	bool has_live; /* ArgLiveInfo is there: slots from live_from on belong to registers */
	u32 live_from;
	bool lacks_live;	/* the release has no ArgLiveInfo */
};

/* Of ArgInfo; false on bytes that no compiler writes. */
bool shape_read(struct rd *r, struct shapes *s);
struct rd shape_funcdata(const struct go_program *prog, const struct go_func *f, unsigned index,
			 const char *what);
/* Fills kind, reg and off of each scalar's place. */
void shape_registers(const struct shapes *s, struct str code, struct go_place *places);

/* blanks.c: can a signature that has more parameters than the list be without those that DWARF
 * leaves out? Places that nothing speaks for are forgotten. False: it lacks some. */
bool shape_has_no_blanks(const struct go_program *prog, const struct go_func *f,
			 const struct shapes *s, size_t hidden, struct go_sig *sig,
			 struct arena *arena);

#endif
