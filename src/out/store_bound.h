/* store_bound - a store that does not outgrow its size, nor keep what is too old: its oldest traces
 * are deleted, some rows at a time, so that no transaction is long. What is only too old has time:
 * it goes bit by bit, so that what comes meanwhile need not wait.
 *
 * Freed pages are used again. A file that is larger than it may be (it was written with a larger
 * size) is made smaller.
 *
 * Owns     nothing.
 * Units    pages of the file; ns.
 * Fails    as store.h.
 * Threads  that of the connection. */
#ifndef OUT_STORE_BOUND_H
#define OUT_STORE_BOUND_H

#include "out/store.h"

#define STORE_BYTES_LEAST ((u64)4 << 20)
#define STORE_BYTES ((u64)256 << 20)
#define STORE_AGE_NS ((i64)7 * 86400 * 1000000000)

struct store_bounds {
	i64 pages;		/* of the file itself */
	u64 wal_bytes;		/* of what is written before it */
	i64 age_ns;
};

/* Tells SQLite of them; `bytes` is for the file and its -wal together. */
bool store_bounds_set(struct store_bounds *b, struct sqlite3 *db, const char *path, u64 bytes,
		      i64 age_ns, struct err *err) MUST_CHECK;
/* Outside of a transaction. */
bool store_bound(const struct store_bounds *b, struct sqlite3 *db, const char *path, i64 unix_ns,
		 struct err *err) MUST_CHECK;

#endif
