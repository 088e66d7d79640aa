/* death - what is known of how a Go program died, from what it printed, or from its memory and
 * registers: a core, or a process that stands still.
 *
 * Owns     nothing: all lies in the arena that it was made with; refers to text, program and image.
 * Units    rt addresses.
 * Fails    never: what is not known is empty, 0 or false.
 * Threads  one. */
#ifndef DIAG_DEATH_H
#define DIAG_DEATH_H

#include "diag/crash.h"
#include "go/goroutines.h"
#include "go/unwind.h"

enum death_stack { STACK_OF_SIGNAL, STACK_OF_THREAD /* g0 */, STACK_OF_GOROUTINE };

struct death_frame {
	struct str func, file;	/* func is empty where it is not Go code */
	i32 line;
	u8 stack;		/* enum death_stack */
	bool inlined;
	bool exact;		/* the code stood at pc_rt */
	u64 pc_rt, sp_rt, return_at;	/* 0: from a text */
	const struct go_func *in;	/* NULL: from a text, or not Go code */
};

struct death_panic {
	struct str message;	/* "panic: …" */
	bool again;	/* with what it has recovered */
	bool repeated;	/* printed once for itself and for what panicked again with it */
	i32 at;		/* in frames, where; -1: not known */
};

enum { PANICS_MOST = 8 };

struct death {
	struct arena *a;
	const struct go_program *prog;	/* NULL: only a text */
	const struct image *img;	/* its memory is there; NULL: not */
	const struct goroutines *gs;
	struct unwinder *u;

	struct str printed;	/* all that it printed, without prefixes; empty: not known */
	struct str text;	/* of its death, without prefixes; empty: not known */
	struct str lead;	/* the same, from some lines before the death on */
	struct crash crash;
	bool died;		/* false: it was stopped, or runs */
	bool bare;		/* of a panic's text there is its line only, and no goroutine */
	u32 earlier;		/* deaths that the text tells of before this one */

	struct str message;	/* "fatal error: …", "panic: …", "SIGSEGV: …" */
	int signal;		/* of the fault, or what ended it; 0: none */
	bool gave_up;		/* it was C's abort() */
	u64 address, pc;	/* of the fault */
	bool has_address, has_pc;
	i32 code;		/* of the signal, as the kernel gave it; 0 or less: it was sent */
	bool has_code;
	bool has_ints;		/* registers where it happened */
	u64 ints[16];
	/* Code that is not Go's, where it was in that: "/lib/libc.so.6+0x1234 (abort+0x12)" */
	struct str code_file;

	struct death_frame *frames;	/* of what died, innermost first, over its stacks */
	u32 nframes;
	u32 outermost;	/* the first of several panics has come of this frame, or one further out */
	struct death_panic panics[PANICS_MOST];	/* the first one first */
	u32 npanics;
	enum unwind_end end;
	i64 goid;		/* -1: not known */
	u64 g_rt;		/* the g that was current: may be a g0 */
	bool on_g0, has_racectx;
	u64 racectx;		/* of it */
	const struct goroutine *g;	/* the goroutine that died, or NULL */
};

/* What is printed where a signal ended it that the runtime says no more of; NULL ends it. */
extern const char *const death_signals[];
/* A log's lines as they were printed: without what a logger put before each, and out of JSON. */
struct str death_clean(struct str log, struct arena *a);
/* Before that: lines, which a file in UTF-16, of CSV, of the journal, of containers or from Loki
 * has in its own way. */
struct str death_plain(struct str log, struct arena *a);
struct str death_from_records(struct str log, struct arena *a);
struct str death_from_loki(struct str log, struct arena *a);
/* The oldest line first, also where the newest was. */
struct str death_oldest_first(struct str log, struct arena *a);
/* The same without what stands in quotes only: that is taken out of them. */
struct str death_unwrap(struct str log, struct arena *a);
/* name=value, or several of them; or nothing. */
bool death_is_fields(struct str s);
/* Those that end the line, and with the same names the next one, too; empty: none. */
struct str death_fields(struct str line, struct str next);
/* A line without the fields at its end that have these names. */
struct str death_without_fields(struct str line, struct str fields);
/* What a log has of the last death that it tells of. */
struct death_told {
	struct str text;	/* from its first line on, up to the next death */
	struct str lead;	/* the same, with some lines before it */
	bool bare;		/* as in struct death */
	u32 earlier;
};
/* False: it tells of none. What speaks of a panic that was recovered is none. */
bool death_find(struct death_told *to, struct str cleaned, struct arena *a);
/* From a text; `d` has a, and perhaps a program to look addresses up in. */
void death_of_text(struct death *d, struct str log);
/* From memory: `threads` of a process, or NULL for those of the core. */
void death_of_image(struct death *d, const struct os_thread *threads, size_t n);
/* A thread as it stood at some fault: if it is this one, its registers are known. */
void death_faulted(struct death *d, const struct os_thread *t);

/* The innermost frame that has this name, or NULL. */
const struct death_frame *death_frame_of(const struct death *d, const char *func);
/* The innermost one that is the program's own: neither the runtime's nor, if there is one further
 * out, the standard library's; NULL if there is none. Of several panics it is the first one's. */
const struct death_frame *death_own(const struct death *d);
const struct death_frame *death_own_between(const struct death *d, u32 from, u32 to);
/* The panics of a text, whose frames may not be known yet; then of all where they have come of; and
 * the signal is not the first one's if a later one is a fault. */
void death_panics_of_text(struct death *d);
void death_panics_place(struct death *d);
void death_panics_fault(struct death *d);
/* Was its signal sent, by kill for instance, and not raised by what the code did? */
bool death_was_sent(const struct death *d);
/* Was it of an address that no pointer can have? The processor does not tell which. */
bool death_uncanonical(const struct death *d);
/* "SIGSEGV: segmentation violation", as the runtime prints it; empty: it is none of those. */
struct str death_signal_text(int signal);
struct str death_signal_name(int signal);	/* "SIGSEGV" */
/* Whose name stands in it; 0: none's. */
int death_signal_in(struct str s);

#endif
