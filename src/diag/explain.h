/* explain - why a Go program died, or what it hangs on: an ordered table of small diagnosers, each
 * of which says what it has seen and how sure it is.
 *
 * Owns     nothing: texts lie in the death's arena.
 * Units    as death.h.
 * Fails    never: what no diagnoser knows is of kind "unknown", with all that was seen.
 * Threads  one. */
#ifndef DIAG_EXPLAIN_H
#define DIAG_EXPLAIN_H

#include "diag/death.h"

enum sureness { CERTAIN, LIKELY, UNKNOWN };
const char *sureness_name(enum sureness c);

enum { EVIDENCE_MOST = 32, CALLS_MOST = 8 };

struct diagnosis {
	const char *kind;	/* "race_on_g0", snake_case */
	enum sureness certainty;
	bool cause;		/* something is named: not "unknown", nor a stop from outside */
	struct str summary;	/* one sentence */
	struct str evidence[EVIDENCE_MOST];
	u32 nevidence;
	struct str why, advice;
	struct str func, file;	/* the place it is about, or empty */
	i32 line;
	/* Frames of the death whose parameters tell something. */
	u32 calls[CALLS_MOST];
	u32 ncalls;
	bool variables;	/* and their variables, too */
};

void explain(struct diagnosis *to, struct death *d);

/* For diagnosers (explain_*.c). They leave the diagnosis as it is if they say false. */
typedef bool diagnoser(struct diagnosis *to, struct death *d);
diagnoser explain_race, explain_return, explain_heap, explain_overflow, explain_map,
	explain_deadlock, explain_fatal, explain_fault, explain_timeout, explain_panic,
	explain_stopped, explain_hang, explain_detector, explain_data_race;
void evidence(struct diagnosis *to, struct death *d, const char *fmt, ...) PRINTF(3, 4);
/* Of a recursion: what is known once its text is. */
void explain_overflow_text(struct diagnosis *to, struct death *d);
/* Of threads and stacks: the limit itself. */
void explain_limits_text(struct diagnosis *to, struct death *d);
/* Of a heap that is damaged: what the runtime has printed of it. */
void explain_heap_text(struct diagnosis *to, struct death *d);
/* Of what died: data races that the race detector had told of before. */
void explain_races_before(struct diagnosis *to, struct death *d);
/* The way from the outermost of the first `n` frames to the innermost: "a → b → c". */
struct str explain_path(const struct death *d, u32 n);
/* Panics that came while the first one ran deferred calls, and where. */
void explain_panics(struct diagnosis *to, struct death *d);
void explain_place(struct diagnosis *to, const struct death_frame *f);
/* How the lines that the runtime prints begin that speak for it: "x", with what is behind. */
bool explain_says(const struct death *d, const char *begins);
/* What the heap holds: by type where objects have one, else by size. */
void explain_held(struct diagnosis *to, struct death *d);
/* Of a fault: was it an interface whose two words did not belong together? */
void explain_torn(struct diagnosis *to, struct death *d);
/* Who made the goroutine that died, who made that one, and so on, as far as they are there. */
void explain_creators(struct diagnosis *to, struct death *d);
/* How the goroutines wait: by what they wait for, and who may have it. */
void explain_waits(struct diagnosis *to, struct death *d);

#endif
