/* stress_sites - which stores a command means: those of patterns, or those with an id.
 *
 * Owns     nothing: lists lie in the caller's arena.  Units  none.
 * Fails    ERR_USAGE: a pattern or an id that means nothing.
 * Threads  one. */
#ifndef CMD_STRESS_SITES_H
#define CMD_STRESS_SITES_H

#include "base/opt.h"
#include "plan/torn.h"

/* All stores, refused ones too, in functions that the patterns match; all but the runtime's without
 * a pattern. */
bool stress_stores(struct torn_stores *to, const struct go_program *prog, const char **patterns,
		   size_t npatterns, struct arena *a, struct err *err) MUST_CHECK;

struct stress_sites {
	const struct torn_store **at;
	u32 n;
};
/* Those of patterns, refused ones too, or with these ids: then all of them can be delayed.
 * ERR_USAGE if there is none. */
bool stress_sites(struct stress_sites *to, const struct go_program *prog, const char **patterns,
		  size_t npatterns, const struct opt_list *ids, struct arena *a,
		  struct err *err) MUST_CHECK;

#endif
