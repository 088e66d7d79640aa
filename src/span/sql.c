#include "span/sql.h"

#include <string.h>

static const struct system {
	const char *package;	/* of the driver, or what is below it */
	const char *name;	/* db.system.name */
	enum sql_dialect dialect;
} systems[] = {
	{ "github.com/lib/pq", "postgresql", SQL_POSTGRESQL },
	{ "github.com/jackc/pgx", "postgresql", SQL_POSTGRESQL },
	{ "github.com/go-sql-driver/mysql", "mysql", SQL_MYSQL },
	{ "github.com/mattn/go-sqlite3", "sqlite", SQL_SQLITE },
	{ "modernc.org/sqlite", "sqlite", SQL_SQLITE },
	{ "github.com/glebarez/go-sqlite", "sqlite", SQL_SQLITE },
	{ "github.com/ncruces/go-sqlite3", "sqlite", SQL_SQLITE },
	{ "github.com/microsoft/go-mssqldb", "microsoft.sql_server", SQL_SERVER },
	{ "github.com/denisenkom/go-mssqldb", "microsoft.sql_server", SQL_SERVER },
	{ "github.com/sijms/go-ora", "oracle.db", SQL_ORACLE },
	{ "github.com/godror/godror", "oracle.db", SQL_ORACLE },
	{ "github.com/ClickHouse/clickhouse-go", "clickhouse", SQL_OTHER },
};

/* Is it this package, or below it? */
static bool is_within(struct str package, struct str of)
{
	return str_starts(package, of) && (package.n == of.n || package.p[of.n] == '/');
}

static const struct system *system_of(const struct field_value *f)
{
	static const struct system other = { .name = "other_sql", .dialect = SQL_OTHER };
	static const struct system unknown = { .dialect = SQL_OTHER };
	struct str package = f[SQL_DRIVER].there ? f[SQL_DRIVER].package :
						   f[SQL_CONNECTOR].package;

	for (size_t i = 0; i < ARRAY_LEN(systems); i++)
		if (is_within(package, str_of(systems[i].package)))
			return &systems[i];
	return package.n ? &other : &unknown;
}

/* Name and attributes of a call that does `operation`, or else what its text says. */
static void say_query(struct saying *s, enum sql_dialect d, const char *operation,
		      const struct field_value *text)
{
	struct sql_text t = { .ntext = 0 };
	struct str summary;

	if (text->there)
		sql_text_of(&t, d, text->text, text->cut);
	summary = (struct str){ t.summary, t.nsummary };
	if (operation)
		t.operation = str_of(operation);
	if (t.operation.n)
		say_text(s, "db.operation.name", say_copy(s, t.operation));
	if (t.collection.n)
		say_text(s, "db.collection.name", say_copy(s, t.collection));
	if (t.procedure.n)
		say_text(s, "db.stored_procedure.name", say_copy(s, t.procedure));
	if (text->there)
		say_text(s, "db.query.text", say_copy(s, (struct str){ t.text, t.ntext }));
	if (summary.n && !operation)
		say_text(s, "db.query.summary", say_copy(s, summary));
	if (operation && t.collection.n)
		s->span.name = say_fmt(s, "%s %.*s", operation, STR_F(t.collection));
	else if (operation || summary.n)
		s->span.name = say_copy(s, operation ? str_of(operation) : summary);
}

/* What the server, or the library in its place, calls the error. */
static struct str code_of(struct saying *s, const struct field_value *f)
{
	for (u32 i = SQL_CODE_PQ; i <= SQL_CODE_SQLITE; i++) {
		if (!f[i].there)
			continue;
		return f[i].text.n ? f[i].text : say_fmt(s, "%lld", (long long)f[i].number);
	}
	return (struct str){ 0 };
}

static void say_failure(struct saying *s, const struct field_value *f)
{
	struct str type = f[SQL_ERROR].text, code;

	if (!f[SQL_ERROR].there || str_eq(type, STR("nil")))
		return;
	code = code_of(s, f);
	if (code.n)
		say_text(s, "db.response.status_code", code);
	say_error(s, code.n ? code : type, (struct str){ 0 });
}

static void say_system(struct saying *s, const struct system *system, const char *otherwise)
{
	s->span.name = str_of(system->name ? system->name : otherwise);
	if (system->name)
		say_text(s, "db.system.name", str_of(system->name));
}

void sql_say(struct saying *s, const struct field_value *f, const struct said *said)
{
	const struct system *system = system_of(f);

	/* where that is not known, it may be one that does nothing */
	if (said->rule->operation && !strcmp(said->rule->operation, "ROLLBACK"))
		s->nothing = !f[SQL_DONE].there || f[SQL_DONE].number;
	say_system(s, system, "database/sql");
	say_query(s, system->dialect, said->rule->operation, &f[SQL_TEXT]);
	say_failure(s, f);
}

/* A connection may be to one of several hosts. (Of the usual two the other one is the same host
 * without TLS.) */
static bool is_host_certain(const struct field_value *f)
{
	i64 more = f[SQL_FALLBACKS].number;

	return f[SQL_HOST].there && f[SQL_FALLBACKS].there &&
	       (!more || (more == 1 && f[SQL_FALLBACK_HOST].there &&
			  str_eq(f[SQL_HOST].text, f[SQL_FALLBACK_HOST].text)));
}

void pgx_say(struct saying *s, const struct field_value *f, const struct said *said)
{
	static const struct system postgresql = { .name = "postgresql" };

	say_system(s, &postgresql, NULL);
	if (f[SQL_DATABASE].there && f[SQL_DATABASE].text.n)
		say_text(s, "db.namespace", f[SQL_DATABASE].text);
	say_query(s, SQL_POSTGRESQL, said->rule->operation, &f[SQL_TEXT]);
	if (f[SQL_BATCH].there && f[SQL_BATCH].number > 1)
		say_int(s, "db.operation.batch.size", f[SQL_BATCH].number);
	if (is_host_certain(f)) {
		say_text(s, "server.address", f[SQL_HOST].text);
		if (f[SQL_PORT].there)
			say_int(s, "server.port", f[SQL_PORT].number);
	}
	say_failure(s, f);
}
