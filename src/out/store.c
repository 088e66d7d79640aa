#include "out/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out.h"

enum { HEADER = 100, VERSION_AT = 60, APPLICATION_AT = 68, PENDING_BYTE = 0x40000000 };

/* As sqlite_schema keeps them. */
static const char *const tables[] = {
	"CREATE TABLE resource(id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT, "
	"attributes TEXT NOT NULL UNIQUE, last_ns INTEGER NOT NULL)",

	"CREATE TABLE trace(id INTEGER PRIMARY KEY AUTOINCREMENT, trace_id BLOB NOT NULL UNIQUE, "
	"start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, spans INTEGER NOT NULL, "
	"errors INTEGER NOT NULL, root_rank INTEGER NOT NULL, root_start_ns INTEGER NOT NULL, "
	"root_name TEXT, root_resource INTEGER)",

	"CREATE INDEX trace_by_start ON trace(start_ns)",

	"CREATE TABLE span(trace INTEGER NOT NULL, span_id BLOB NOT NULL, parent_id BLOB, "
	"parent_remote INTEGER NOT NULL, kind INTEGER NOT NULL, status INTEGER NOT NULL, "
	"start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, goid INTEGER, resource INTEGER, "
	"name TEXT, scope TEXT, message TEXT, attributes TEXT, events TEXT, "
	"dropped_events INTEGER NOT NULL, "
	"PRIMARY KEY(trace, span_id)) WITHOUT ROWID",
};

bool store_failed(struct sqlite3 *db, const char *path, struct err *err)
{
	int code = sqlite3_extended_errcode(db), number = sqlite3_system_errno(db);
	const char *why = number ? strerror(number) : sqlite3_errmsg(db);

	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
		return err_set(err, ERR_FORMAT, "%s: the store is damaged: %s", path,
			       sqlite3_errmsg(db));
	case SQLITE_FULL:
		return err_set(err, ERR_IO, "%s: there is no room: %s", path, why);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_IO, "%s: another process does not let go of it", path);
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return err_set(err, ERR_DENIED, "%s: can't be written: %s", path, why);
	default:
		if (!number)
			return err_set(err, ERR_IO, "%s: %s (SQLite's code %d)", path, why, code);
		return err_set(err, number == EACCES || number == EPERM || number == EROFS ?
			       ERR_DENIED : ERR_IO, "%s: %s", path, why);
	}
}

bool store_run(struct sqlite3 *db, const char *path, const char *sql, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || store_failed(db, path, err);
}

bool store_prepare(struct sqlite3 *db, const char *path, const char *sql, struct sqlite3_stmt **to,
		   struct err *err)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, to, NULL) == SQLITE_OK ||
	       store_failed(db, path, err);
}

bool store_number(struct sqlite3 *db, const char *path, const char *sql, i64 *to, struct err *err)
{
	sqlite3_stmt *s;
	int got;

	*to = 0;
	if (!store_prepare(db, path, sql, &s, err))
		return false;
	got = sqlite3_step(s);
	if (got == SQLITE_ROW)
		*to = sqlite3_column_int64(s, 0);
	else if (got != SQLITE_DONE)
		store_failed(db, path, err);
	sqlite3_finalize(s);
	return got == SQLITE_ROW || got == SQLITE_DONE;
}

static bool is_ours(i64 application, i64 version, const char *path, struct err *err)
{
	if (application != STORE_APPLICATION)
		return err_set(err, ERR_FORMAT, "%s: is an SQLite file, but no store of spans",
			       path);
	if (version != STORE_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "%s: is a store of version %lld; this "
			       "goshawk knows version %d", path, (long long)version,
			       STORE_VERSION);
	return true;
}

static u32 big_endian(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/* Before SQLite sees it, which would recover, and so write to, any file of its format. */
static bool look(const char *path, bool *there, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	u8 header[HEADER];
	struct stat st;
	ssize_t n;

	*there = false;
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return err_set(err, errno == EACCES ? ERR_DENIED : ERR_IO, "%s: %s", path,
			       strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_FORMAT, "%s: is no file: no store of spans", path);
	}
	n = pread(fd, header, HEADER, 0);
	close(fd);
	*there = true;
	if (!n)
		return err_set(err, ERR_FORMAT, "%s: is empty: no store of spans", path);
	if (n < HEADER || memcmp(header, "SQLite format 3", 16))
		return err_set(err, ERR_FORMAT, "%s: is no store of spans (and no SQLite file)",
			       path);
	return is_ours(big_endian(header + APPLICATION_AT), big_endian(header + VERSION_AT), path,
		       err);
}

/* As a URI, in which nothing of the path means anything; so that it is not ":memory:" or "" either,
 * which SQLite takes for no file at all. */
static const char *uri(struct arena *a, const char *path, const char *query)
{
	OWN(out) o;

	out_memory(&o);
	out_z(&o, *path == '/' ? "file:" : "file:./");
	for (const char *p = path; *p; p++)
		out_fmt(&o, "%%%02x", (unsigned)(u8)*p);
	out_z(&o, query);
	return str_z(a, (struct str){ o.buf, o.n });
}

static bool connect(struct sqlite3 **db, const char *path, int flags, const char *query,
		    struct err *err)
{
	OWN(arena) arena = { 0 };

	flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	if (sqlite3_open_v2(uri(&arena, path, query), db, flags, NULL) != SQLITE_OK) {
		if (*db)
			store_failed(*db, path, err);
		else
			err_set(err, ERR_IO, "%s: there is no memory for it", path);
		store_close(db);
		return false;
	}
	sqlite3_extended_result_codes(*db, 1);
	sqlite3_busy_timeout(*db, STORE_BUSY_MS);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	return true;
}

static bool same_tables(struct sqlite3 *db, const char *path, struct err *err)
{
	size_t n = 0;
	bool same = true;
	sqlite3_stmt *s;
	int got;

	if (!store_prepare(db, path, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND "
			   "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid", &s, err))
		return false;
	while ((got = sqlite3_step(s)) == SQLITE_ROW && same) {
		const char *sql = (const char *)sqlite3_column_text(s, 0);

		same = n < ARRAY_LEN(tables) && sql && !strcmp(sql, tables[n]);
		n++;
	}
	if (got != SQLITE_ROW && got != SQLITE_DONE)
		store_failed(db, path, err);
	else if (!same || n != ARRAY_LEN(tables))
		err_set(err, ERR_FORMAT, "%s: the store is damaged: its tables are not those of "
			"version %d", path, STORE_VERSION);
	sqlite3_finalize(s);
	return got == SQLITE_DONE && same && n == ARRAY_LEN(tables);
}

static bool verify(struct sqlite3 *db, const char *path, struct err *err)
{
	i64 application, version;

	return store_number(db, path, "PRAGMA application_id", &application, err) &&
	       store_number(db, path, "PRAGMA user_version", &version, err) &&
	       is_ours(application, version, path, err) && same_tables(db, path, err);
}

static bool make_tables(struct sqlite3 *db, const char *path, struct err *err)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; "
		 "PRAGMA application_id=%d; PRAGMA user_version=%d", STORE_APPLICATION,
		 STORE_VERSION);
	if (!store_run(db, path, sql, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (!store_run(db, path, tables[i], err))
			return false;
	return true;
}

static bool make_as(const char *name, const char *path, struct err *err)
{
	struct sqlite3 *db;
	bool ok;
	int fd;

	unlink(name);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, errno == EACCES || errno == EROFS ? ERR_DENIED : ERR_IO,
			       "%s: %s", path, strerror(errno));
	close(fd);
	if (!connect(&db, name, SQLITE_OPEN_READWRITE, "", err))
		return false;
	ok = make_tables(db, path, err);
	store_close(&db);
	return ok;
}

/* What is left of a store that had this path and was moved, or deleted without it, would be taken
 * for the newest part of this one. */
static bool remove_rest(const char *path, struct err *err)
{
	static const char *const ends[] = { "-wal", "-shm" };
	OWN(arena) a = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const char *name = str_fmt(&a, "%s%s", path, ends[i]).p;

		if (unlink(name) && errno != ENOENT)
			return err_set(err, ERR_IO, "%s: is of another store, and can't be "
				       "removed: %s", name, strerror(errno));
	}
	return true;
}

/* Not over one that is there. Not all file systems know that flag (NFS, ZFS before 2.2). */
static bool rename_to(const char *name, const char *path)
{
	return !renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) ||
	       (errno == EINVAL && !link(name, path));
}

/* Where another goshawk was quicker, its store is taken. SQLite begins to read no file whose
 * pending byte is locked, so nobody sees what is left of another one. */
static bool give_name(const char *name, const char *path, struct err *err)
{
	struct flock pending = { .l_type = F_WRLCK, .l_start = PENDING_BYTE, .l_len = 1 };
	int fd = open(name, O_RDWR | O_CLOEXEC);
	bool ok;

	if (fd >= 0 && !fcntl(fd, F_SETLK, &pending) && rename_to(name, path)) {
		ok = remove_rest(path, err);
		if (!ok)
			unlink(path);
	} else {
		ok = errno == EEXIST || err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Under another name until it is a store: nobody sees half of one. */
static bool make(const char *path, struct err *err)
{
	OWN(arena) a = { 0 };
	const char *name = str_z(&a, str_fmt(&a, "%s.new-%d", path, (int)getpid()));
	bool ok = make_as(name, path, err) && give_name(name, path, err);

	unlink(name);
	return ok;
}

bool store_open(struct sqlite3 **db, const char *path, struct err *err)
{
	bool there;

	*db = NULL;
	if (!look(path, &there, err))
		return false;
	if (!there && (!make(path, err) || !look(path, &there, err)))
		return false;
	if (!connect(db, path, SQLITE_OPEN_READWRITE, "", err))
		return false;
	if (verify(*db, path, err) && store_run(*db, path, "PRAGMA synchronous=NORMAL", err))
		return true;
	store_close(db);
	return false;
}

static bool begin_reading(struct sqlite3 **db, const char *path, const char *query,
			  struct err *err)
{
	if (!connect(db, path, SQLITE_OPEN_READONLY, query, err))
		return false;
	if (store_run(*db, path, "PRAGMA cell_size_check=1; BEGIN", err) && verify(*db, path, err))
		return true;
	store_close(db);
	return false;
}

/* Is all that was written in the file itself? */
static bool nothing_beside(const char *path)
{
	OWN(arena) a = { 0 };
	struct stat st;

	return stat(str_z(&a, str_fmt(&a, "%s-wal", path)), &st) || !st.st_size;
}

bool store_open_read(struct sqlite3 **db, const char *path, struct err *err)
{
	bool there;

	*db = NULL;
	if (!look(path, &there, err))
		return false;
	if (!there)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(ENOENT));
	if (begin_reading(db, path, "", err))
		return true;
	/* where no files can be made beside it, nobody writes to it */
	return err->kind != ERR_FORMAT && err->kind != ERR_UNSUPPORTED && nothing_beside(path) &&
	       begin_reading(db, path, "?immutable=1", err);
}

void store_close(struct sqlite3 **db)
{
	sqlite3_close_v2(*db);
	*db = NULL;
}
