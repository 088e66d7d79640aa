/* Which functions of database/sql are spans: those that its callers call, so that one span has all
 * tries of a statement, and the wait for a connection. What is smaller is inlined into the
 * callers: (*DB).Query is QueryContext there, (*Tx).Rollback is rollback. */
#include "span/sql.h"

static const char *const fields[FIELDS_MOST] = {
	[SQL_TEXT] = "db.query.text", [SQL_CONNECTOR] = "db.system.name",
	[SQL_DRIVER] = "db.system.name", [SQL_ERROR] = "error.type",
	[SQL_DONE] = "whether a transaction has ended already",
	[SQL_CODE_PQ] = "db.response.status_code", [SQL_CODE_PGX] = "db.response.status_code",
	[SQL_CODE_PGX4] = "db.response.status_code", [SQL_CODE_MYSQL] = "db.response.status_code",
	[SQL_CODE_MATTN] = "db.response.status_code",
	[SQL_CODE_SQLITE] = "db.response.status_code",
};

/* What sql.Open makes of a driver that has no connector of its own; its dsn is not read. */
#define DRIVER(db) \
	{ SQL_CONNECTOR, db "connector.(type)", 0, false }, \
	{ SQL_DRIVER, db "connector.(database/sql.dsnConnector).driver.(type)", 0, true }

#define FAILURE(error) \
	{ SQL_ERROR, error ".(type)", 0, false }, \
	{ SQL_CODE_PQ, error ".(*github.com/lib/pq.Error).Code", 8, true }, \
	{ SQL_CODE_PGX, error ".(*github.com/jackc/pgx/v5/pgconn.PgError).Code", 8, true }, \
	{ SQL_CODE_PGX4, error ".(*github.com/jackc/pgconn.PgError).Code", 8, true }, \
	{ SQL_CODE_MYSQL, error ".(*github.com/go-sql-driver/mysql.MySQLError).Number", 0, true }, \
	{ SQL_CODE_MATTN, error ".(github.com/mattn/go-sqlite3.Error).ExtendedCode", 0, true }, \
	{ SQL_CODE_SQLITE, error ".(*modernc.org/sqlite.Error).code", 0, true }

#define FAILURE_READS 7

#define IS_SPAN(name, what) \
	.role = ROLE_SPAN, .func = "database/sql." name, .kind = SPAN_CLIENT, \
	.scope = "database/sql", .gives = what

/* (ctx context.Context, query string, args ...any) (*Rows, error), and the like. */
#define STATEMENT(name, args, result, db) { \
	IS_SPAN(name, "spans of SQL statements"), \
	.sig = "context.Context, string" args " -> " result ", error", \
	.reads = { { SQL_TEXT, "arg1", SQL_TEXT_MOST, false }, DRIVER(db), FAILURE("ret1") }, \
	.nreads = 3 + FAILURE_READS, .ctx_in = CTX_IN(REG_BX), \
}

#define PREPARATION(name, db) { \
	IS_SPAN(name, "spans of prepared SQL statements"), .operation = "PREPARE", \
	.sig = "context.Context, string -> pointer, error", \
	.reads = { { SQL_TEXT, "arg1", SQL_TEXT_MOST, false }, DRIVER(db), FAILURE("ret1") }, \
	.nreads = 3 + FAILURE_READS, .ctx_in = CTX_IN(REG_BX), \
}

/* (s *Stmt) (ctx context.Context, args ...any) (*Rows, error) */
#define PREPARED(name, result) { \
	IS_SPAN(name, "spans of prepared SQL statements"), \
	.sig = "context.Context, slice -> " result ", error", \
	.reads = { { SQL_TEXT, "recv.query", SQL_TEXT_MOST, false }, DRIVER("recv.db."), \
		   FAILURE("ret1") }, \
	.nreads = 3 + FAILURE_READS, .ctx_in = CTX_IN(REG_BX), \
}

#define BEGINNING(name, db) { \
	IS_SPAN(name, "spans of the beginning of transactions"), .operation = "BEGIN", \
	.sig = "context.Context, pointer -> pointer, error", \
	.reads = { DRIVER(db), FAILURE("ret1") }, \
	.nreads = 2 + FAILURE_READS, .ctx_in = CTX_IN(REG_BX), \
}

#define PING(name, db) { \
	IS_SPAN(name, "spans of pings"), .operation = "PING", \
	.sig = "context.Context -> error", \
	.reads = { DRIVER(db), FAILURE("ret0") }, \
	.nreads = 2 + FAILURE_READS, .ctx_in = CTX_IN(REG_BX), \
}

/* Each transaction has a goroutine that rolls it back at the end of its context, and nothing is
 * done when it has ended already. `done` was an int32, and then an atomic.Bool. */
#define ROLLBACK(first, last, done) { \
	IS_SPAN("(*Tx).rollback", "spans of transactions that are rolled back"), \
	.since = first, .until = last, .operation = "ROLLBACK", .sig = "bool -> error", \
	.reads = { { SQL_DONE, done, 0, false }, DRIVER("recv.db."), FAILURE("ret0") }, \
	.nreads = 3 + FAILURE_READS, .ctx = "recv.ctx", \
}

static const struct rule rules[] = {
	STATEMENT("(*DB).QueryContext", ", slice", "pointer", "recv."),
	STATEMENT("(*DB).ExecContext", ", slice", "interface", "recv."),
	STATEMENT("(*Tx).QueryContext", ", slice", "pointer", "recv.db."),
	STATEMENT("(*Tx).ExecContext", ", slice", "interface", "recv.db."),
	STATEMENT("(*Conn).QueryContext", ", slice", "pointer", "recv.db."),
	STATEMENT("(*Conn).ExecContext", ", slice", "interface", "recv.db."),
	PREPARED("(*Stmt).QueryContext", "pointer"),
	PREPARED("(*Stmt).ExecContext", "interface"),
	PREPARATION("(*DB).PrepareContext", "recv."),
	PREPARATION("(*Tx).PrepareContext", "recv.db."),
	PREPARATION("(*Conn).PrepareContext", "recv.db."),
	BEGINNING("(*DB).BeginTx", "recv."),
	BEGINNING("(*Conn).BeginTx", "recv.db."),
	{
		IS_SPAN("(*Tx).Commit", "spans of transactions that are committed"),
		.operation = "COMMIT", .sig = " -> error",
		.reads = { DRIVER("recv.db."), FAILURE("ret0") }, .nreads = 2 + FAILURE_READS,
		.ctx = "recv.ctx",
	},
	ROLLBACK(0, 19, "recv.done"),
	ROLLBACK(20, 0, "recv.done.v"),
	PING("(*DB).PingContext", "recv."),
	PING("(*Conn).PingContext", "recv.db."),
};

const struct library library_sql = {
	.name = "sql", .package = "database/sql", .rules = rules, .nrules = ARRAY_LEN(rules),
	.fields = fields, .database = true, .say = sql_say,
};
