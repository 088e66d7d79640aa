/* pattern - which functions (or types) a person means (cli.md "Patterns").
 *
 * Owns     compiled expressions, until patterns_release(); refers to the texts.
 * Units    addresses are link-time addresses.
 * Fails    ERR_USAGE: a pattern that can't be parsed.
 * Threads  immutable after compile. */
#ifndef PLAN_PATTERN_H
#define PLAN_PATTERN_H

#include "go/program.h"

struct pattern;
struct patterns {
	struct pattern *at;
	size_t n;
	struct arena arena;
};

bool patterns_compile(struct patterns *p, const char *const *texts, size_t n,
		      struct err *err) MUST_CHECK;
void patterns_release(struct patterns *p);
/* The last pattern that speaks of it decides; without any pattern everything matches. `named` is
 * set when the pattern says the package itself, so that the runtime's functions are meant too. */
bool patterns_match_func(const struct patterns *p, const struct go_program *prog,
			 const struct go_func *f, bool *named);
/* The same, but a line or an address means a function only where it is the function's first.
 * `method`: what a wrapper has in itself (wrapper.h), whose name means it as well; else empty. */
bool patterns_match_entry(const struct patterns *p, const struct go_program *prog,
			  const struct go_func *f, struct str method, bool *named);
/* Lines and addresses that are wanted and lie inside of f, behind its first: one after the other,
 * from *i = 0 on. */
struct pattern_place {
	u64 va;			/* with line 0 */
	struct str file;	/* how its path ends */
	i32 line;
};
bool patterns_next_place(const struct patterns *p, const struct go_program *prog,
			 const struct go_func *f, size_t *i, struct pattern_place *to);
/* Whole parts of a path. */
bool pattern_path_ends(struct str path, struct str end);
/* Does a pattern give its whole name, or an address or line in it? */
bool patterns_say_exactly(const struct patterns *p, const struct go_program *prog,
			  const struct go_func *f);
/* By text alone: type names, parameter and field names. */
bool patterns_match_text(const struct patterns *p, struct str text);
/* ERR_USAGE naming the first pattern that matched no function, with the nearest names or the
 * places where it was inlined. Call after matching everything; `hits[i]` counts pattern i's. */
bool patterns_check_hits(const struct patterns *p, const struct go_program *prog, const u64 *hits,
			 struct err *err) MUST_CHECK;
/* ERR_USAGE: patterns that match leave nothing, because what they give is taken away again, or was
 * not meant. What is to be done with it: "trace". */
bool patterns_left_nothing(const char *const *texts, size_t n, const char *verb, struct err *err);
/* Counts a function's matches into hits (one per pattern). */
void patterns_count(const struct patterns *p, const struct go_program *prog,
		    const struct go_func *f, struct str method, u64 *hits);
/* The same for a name that no function has. */
void patterns_count_name(const struct patterns *p, struct str name, u64 *hits);

#endif
