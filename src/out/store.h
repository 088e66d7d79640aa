/* store - the SQLite file that keeps spans (`spans --store`): its tables, and how it is opened.
 *
 *   resource   what is said of a process, once: its attributes as a JSON object
 *   trace      one row each: when, how many spans and errors, and which span is its root
 *   span       those of a trace lie together; attributes as a JSON object,
 *              events as a list of objects with time_ns, name and attributes
 *
 * A store is made under another name, and gets its own when it is one: application_id and
 * user_version stand in its first page from the start. A file without them is never written to,
 * nor one whose tables are others than these: views and triggers of a stranger are not run.
 *
 * Owns     a connection, until store_close().
 * Units    Unix ns; ids are raw bytes; kinds and statuses are numbers of span/span.h.
 * Fails    ERR_FORMAT: no store, or a damaged one; ERR_UNSUPPORTED: of a later version;
 *          ERR_IO, ERR_DENIED: the disk. In one sentence that begins with the path.
 * Threads  one at a time for a connection. A process has one connection to a file: opening looks
 *          at the file first, and closing that gives up the locks of others.
 * Source   https://sqlite.org/fileformat2.html 1.3; lang_transaction, wal. */
#ifndef OUT_STORE_H
#define OUT_STORE_H

#include "base/err.h"
#include "base/str.h"

enum {
	STORE_APPLICATION = 0x676f7368,		/* "gosh" */
	STORE_VERSION = 1,
	STORE_BUSY_MS = 5000,			/* wait so long for another that writes */
};

enum store_rank { RANK_ROOT, RANK_REMOTE, RANK_BELOW };	/* the least is a trace's root */

struct sqlite3;
struct sqlite3_stmt;

/* To write: made, if there is none, with mode 0600. */
bool store_open(struct sqlite3 **db, const char *path, struct err *err) MUST_CHECK;
/* To read, also while others write. */
bool store_open_read(struct sqlite3 **db, const char *path, struct err *err) MUST_CHECK;
void store_close(struct sqlite3 **db);

bool store_run(struct sqlite3 *db, const char *path, const char *sql, struct err *err) MUST_CHECK;
bool store_prepare(struct sqlite3 *db, const char *path, const char *sql, struct sqlite3_stmt **to,
		   struct err *err) MUST_CHECK;
/* The first number of the first row; 0 where there is none. */
bool store_number(struct sqlite3 *db, const char *path, const char *sql, i64 *to,
		  struct err *err) MUST_CHECK;
/* What the last call on it met. Always false. */
bool store_failed(struct sqlite3 *db, const char *path, struct err *err);

#endif
