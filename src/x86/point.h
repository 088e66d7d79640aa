/* point - where ways meet in the search for what a register holds (origin.c), and what was found
 * there.
 *
 * A way that comes back to a point that it came from brings nothing. So what a point brings depends
 * on which points are open when it is come to, and each way into a loop in a loop would go all its
 * turns anew, until the steps are used up. But it depends on nothing else: as long as of the points
 * that were met the same are open, the answer is the same, and takes the same steps. Where none of
 * them was open, it is good for every question.
 *
 * Owns     nothing: points lie in the arena of the origins.
 * Units    instructions by index; a key is a register, or a place in the frame.
 * Fails    never.
 * Threads  one. */
#ifndef X86_POINT_H
#define X86_POINT_H

#include "base/arena.h"
#include "base/map.h"

enum {
	STEPS = 3000,	/* instructions that one question may look at */
	OPEN = 48,	/* points that it may be in at the same time */
	POINTS = 128,	/* ... and that have a number in it */
};

struct origin;
typedef unsigned __int128 point_set;	/* by number */

/* What there was on the way to an answer, without what is good for every question. */
struct way {
	point_set met;
	point_set back;	/* of those: were open, so that it came back to them */
	u32 lowest;	/* ... the one that was opened first, from 0 on; OPEN: none */
	u32 steps;
	u32 depth;	/* points that were open at the same time */
	bool cut;	/* not all of it is known here */
};

struct point {
	const struct origin *answer;	/* or NULL: nothing */
	struct way way;
	u32 question, number;	/* ... that it is for */
	u32 open;		/* the how manieth of those that are, from 1 on; 0: it is not */
	u32 settled_then;	/* origins, when it had its answer */
	bool answered;		/* in this question */
	bool settled;		/* for every question */
};

/* One question. */
struct origin_query {
	u32 question;
	u32 steps;
	u32 saved;	/* of them: on ways that nobody will go again */
	u32 nopen, npoints;
	point_set open;
	point_set settled;	/* since it began */
	struct way way;		/* from the point on that was opened last */
	struct point *points[POINTS];
};

void query_begin(struct origin_query *q, u32 question);
struct point *point_at(struct origin_query *q, struct map *points, struct arena *a, u32 insn,
		       i64 key);
/* It is open. */
void point_back(struct origin_query *q, const struct point *p);
/* Is its answer good here, too? Then all is as if the way had been gone. */
bool point_again(struct origin_query *q, struct point *p);
/* Around the search for its answer: begin gives what end takes. */
struct way point_begin(struct origin_query *q, struct point *p);
void point_end(struct origin_query *q, struct point *p, const struct origin *answer,
	       const struct way *before);

#endif
