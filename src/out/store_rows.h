/* store_rows - spans as records that wait, and records as rows of a store.
 *
 * A record lies in this process's memory only: its fields as they are, then its texts.
 *
 * Owns     the connection and its statements until store_rows_close(); the resource's texts until
 *          store_rows_release().
 * Units    as store.h.
 * Fails    as store.h. A span that is there already is left as it is.
 * Threads  store_record: any. The rest: that of the connection. */
#ifndef OUT_STORE_ROWS_H
#define OUT_STORE_ROWS_H

#include "base/out.h"
#include "out/store.h"
#include "span/span.h"

struct store_rows {
	struct sqlite3 *db;	/* NULL: closed */
	const char *path;
	struct sqlite3_stmt *resource, *trace, *span, *twice;
	struct out attributes;	/* of the resource, as JSON */
	struct out service;
	i64 resource_id;
};

void store_record(struct out *to, const struct span *s);
/* Takes the first of those that stand there. */
struct str store_record_next(struct str *rest);

void store_rows_init(struct store_rows *r, const struct span_resource *resource);
/* Takes the connection, if it succeeds. */
bool store_rows_open(struct store_rows *r, struct sqlite3 *db, const char *path,
		     struct err *err) MUST_CHECK;
/* Both in a transaction; the resource first. */
bool store_rows_resource(struct store_rows *r, i64 unix_ns, struct err *err) MUST_CHECK;
bool store_rows_span(struct store_rows *r, struct str record, struct err *err) MUST_CHECK;
void store_rows_close(struct store_rows *r);
void store_rows_release(struct store_rows *r);

#endif
