/* Which functions of pgx are spans. What its pools and transactions do, and database/sql, comes
 * through these; of the last, database/sql's span is the one that is shown. */
#include "span/sql.h"

static const char *const fields[FIELDS_MOST] = {
	[SQL_TEXT] = "db.query.text", [SQL_ERROR] = "error.type",
	[SQL_CODE_PGX] = "db.response.status_code", [SQL_CODE_PGX4] = "db.response.status_code",
	[SQL_HOST] = "server.address", [SQL_PORT] = "server.port", [SQL_DATABASE] = "db.namespace",
	[SQL_FALLBACKS] = "server.address", [SQL_FALLBACK_HOST] = "server.address",
	[SQL_BATCH] = "db.operation.batch.size",
};

/* Of what was asked for when it was connected nothing else is read: it holds the password. */
#define SERVER \
	{ SQL_HOST, "recv.config.Host", 128, false }, { SQL_PORT, "recv.config.Port", 0, false }, \
	{ SQL_DATABASE, "recv.config.Database", 64, false }, \
	{ SQL_FALLBACKS, "len(recv.config.Fallbacks)", 0, false }, \
	{ SQL_FALLBACK_HOST, "recv.config.Fallbacks[0].Host", 128, false }

#define FAILURE(error, type) \
	{ SQL_ERROR, error ".(type)", 0, false }, \
	{ SQL_CODE_PGX, error ".(*" type ").Code", 8, true }

/* (c *Conn) (ctx context.Context, …) */
#define IS_SPAN(package, name, what, types) \
	.role = ROLE_SPAN, .func = package ".(*Conn)." name, .kind = SPAN_CLIENT, \
	.scope = package, .gives = what, .sig = "context.Context, " types, \
	.ctx_in = CTX_IN(REG_BX)

#define PGX(package, error, tag) \
	{ \
		IS_SPAN(package, "Query", "spans of queries of pgx", \
			"string, slice -> interface, error"), \
		.reads = { { SQL_TEXT, "arg1", SQL_TEXT_MOST, false }, SERVER, \
			   FAILURE("ret1", error) }, \
		.nreads = 8, \
	}, { \
		IS_SPAN(package, "Exec", "spans of statements of pgx", \
			"string, slice -> " tag ", error"), \
		.reads = { { SQL_TEXT, "arg1", SQL_TEXT_MOST, false }, SERVER, \
			   FAILURE("ret1", error) }, \
		.nreads = 8, \
	}, { \
		IS_SPAN(package, "Prepare", "spans of statements that pgx prepares", \
			"string, string -> pointer, error"), \
		.operation = "PREPARE", \
		.reads = { { SQL_TEXT, "arg2", SQL_TEXT_MOST, false }, SERVER, \
			   FAILURE("ret1", error) }, \
		.nreads = 8, \
	}, { \
		IS_SPAN(package, "SendBatch", "spans of batches of pgx", "pointer -> interface"), \
		.operation = "BATCH", \
		.reads = { SERVER, { SQL_BATCH, "len(arg1.QueuedQueries)", 0, true } }, \
		.nreads = 6, \
	}, { \
		IS_SPAN(package, "CopyFrom", "spans of copies of pgx", \
			"slice, slice, interface -> int64, error"), \
		.operation = "COPY", \
		.reads = { SERVER, FAILURE("ret1", error) }, .nreads = 7, \
	},

static const struct rule v5[] = {
	PGX("github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgconn.PgError", "string")
};

static const struct rule v4[] = {
	PGX("github.com/jackc/pgx/v4", "github.com/jackc/pgconn.PgError", "slice")
};

const struct library library_pgx5 = {
	.name = "sql", .package = "github.com/jackc/pgx/v5", .module = "github.com/jackc/pgx/v5",
	.used = "github.com/jackc/pgx/v5.connect", .rules = v5, .nrules = ARRAY_LEN(v5),
	.fields = fields, .database = true, .say = pgx_say,
};

const struct library library_pgx4 = {
	.name = "sql", .package = "github.com/jackc/pgx/v4", .module = "github.com/jackc/pgx/v4",
	.used = "github.com/jackc/pgx/v4.connect", .rules = v4, .nrules = ARRAY_LEN(v4),
	.fields = fields, .database = true, .say = pgx_say,
};
