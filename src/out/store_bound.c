#include "out/store_bound.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"

enum {
	ROWS = 500,		/* in one transaction */
	OLD_NS = 50000000,	/* for what is too old, where there is room */
	WAL_LEAST = 1 << 20, WAL_MOST = 16 << 20,
	CHECKPOINT = 1000,	/* pages in the -wal: SQLite's own choice */
	FULL_PERCENT = 90, LEFT_PERCENT = 80,
};

bool store_bounds_set(struct store_bounds *b, struct sqlite3 *db, const char *path, u64 bytes,
		      i64 age_ns, struct err *err)
{
	u64 wal = MIN(MAX(bytes / 8, (u64)WAL_LEAST), (u64)WAL_MOST);
	char sql[200];
	i64 page;

	if (!store_number(db, path, "PRAGMA page_size", &page, err))
		return false;
	*b = (struct store_bounds){
		.pages = (i64)((bytes - wal) / (u64)page), .wal_bytes = wal, .age_ns = age_ns,
	};
	snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit=%llu; PRAGMA max_page_count=%lld; "
		 "PRAGMA wal_autocheckpoint=%llu", (unsigned long long)wal, (long long)b->pages,
		 (unsigned long long)MIN(wal / 2 / (u64)page, (u64)CHECKPOINT));
	return store_run(db, path, sql, err);
}

/* Who reads for long keeps the -wal from being used again, and so it grows. */
static bool wal_has_room(const struct store_bounds *b, struct sqlite3 *db, const char *path,
			 struct err *err)
{
	const char *wal = sqlite3_filename_wal(sqlite3_db_filename(db, "main"));
	struct stat st;

	return stat(wal, &st) || (u64)st.st_size <= b->wal_bytes ||
	       sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
	       SQLITE_OK ||
	       err_set(err, ERR_IO, "%s: somebody reads it for so long that there is no room for "
		       "more", path);
}

/* What it may hold; and whether that is more, or older. */
struct limit {
	i64 pages, start_ns;
	bool larger, older;
};

static bool compare(struct sqlite3 *db, const char *path, struct limit *to, struct err *err)
{
	i64 pages, free, traces, oldest;

	if (!store_number(db, path, "PRAGMA page_count", &pages, err) ||
	    !store_number(db, path, "PRAGMA freelist_count", &free, err) ||
	    !store_number(db, path, "SELECT count(*) FROM (SELECT 1 FROM trace LIMIT 1)", &traces,
			  err) ||
	    !store_number(db, path, "SELECT start_ns FROM trace ORDER BY start_ns LIMIT 1",
			  &oldest, err))
		return false;
	to->larger = traces && pages - free > to->pages;
	to->older = traces && oldest < to->start_ns;
	return true;
}

/* The oldest trace, or ROWS of its spans: how many they were is added to *rows. */
static bool delete_oldest(struct sqlite3 *db, const char *path, i64 *rows, struct err *err)
{
	char sql[500];
	i64 trace, gone;

	if (!store_number(db, path, "SELECT id FROM trace ORDER BY start_ns LIMIT 1", &trace, err))
		return false;
	snprintf(sql, sizeof(sql), "DELETE FROM span WHERE trace=%lld AND span_id IN "
		 "(SELECT span_id FROM span WHERE trace=%lld LIMIT %d)", (long long)trace,
		 (long long)trace, ROWS);
	if (!store_run(db, path, sql, err))
		return false;
	gone = sqlite3_changes64(db);
	if (gone < ROWS)
		snprintf(sql, sizeof(sql), "DELETE FROM trace WHERE id=%lld", (long long)trace);
	else
		snprintf(sql, sizeof(sql), "UPDATE trace SET spans=max(spans-%lld,1) WHERE id=%lld",
			 (long long)gone, (long long)trace);
	*rows += gone + 1;
	return store_run(db, path, sql, err);
}

static bool delete_some(struct sqlite3 *db, const char *path, struct limit *to, struct err *err)
{
	i64 rows = 0;

	if (!store_run(db, path, "BEGIN IMMEDIATE", err))
		return false;
	while ((to->larger || to->older) && rows < ROWS)
		if (!delete_oldest(db, path, &rows, err) || !compare(db, path, to, err))
			return false;
	return store_run(db, path, "COMMIT", err);
}

/* Processes of which there is no span any more. */
static bool forget_resources(struct sqlite3 *db, const char *path, struct err *err)
{
	return store_run(db, path, "DELETE FROM resource WHERE last_ns < "
			 "(SELECT start_ns FROM trace ORDER BY start_ns LIMIT 1)", err);
}

bool store_bound(const struct store_bounds *b, struct sqlite3 *db, const char *path, i64 unix_ns,
		 struct err *err)
{
	struct limit to = {
		.pages = b->pages / 100 * FULL_PERCENT, .start_ns = unix_ns - b->age_ns,
	};
	i64 began = now_ns(), pages;
	bool deleted = false;

	if (!wal_has_room(b, db, path, err) || !compare(db, path, &to, err))
		return false;
	if (to.larger)
		to.pages = b->pages / 100 * LEFT_PERCENT;
	for (; to.larger || (to.older && now_ns() - began < OLD_NS); deleted = true)
		if (!delete_some(db, path, &to, err))
			return false;
	if (deleted && !forget_resources(db, path, err))
		return false;
	return store_number(db, path, "PRAGMA page_count", &pages, err) &&
	       (pages <= b->pages || store_run(db, path, "PRAGMA incremental_vacuum(1000)", err));
}
