/* sql - database/sql, and pgx by itself: which of their functions are spans, and what is said of a
 * call to a database, by the semantic conventions of OpenTelemetry.
 *
 * Arguments, rows and the name of the data source (which holds passwords) are never read. Texts of
 * statements are shown without their literals (sql_text.h).
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    what is not known is not said.
 * Threads  any.
 * Sources  OpenTelemetry semantic conventions 1.33, "Semantic conventions for database client
 *          spans"; database/sql/sql.go (go1.17 to go1.27); github.com/jackc/pgx/v4, v5: conn.go. */
#ifndef SPAN_SQL_H
#define SPAN_SQL_H

#include "span/rules.h"
#include "span/sql_text.h"

/* What the reads of rules are. */
enum {
	SQL_TEXT, SQL_CONNECTOR, SQL_DRIVER, SQL_ERROR, SQL_DONE,
	SQL_CODE_PQ, SQL_CODE_PGX, SQL_CODE_PGX4, SQL_CODE_MYSQL, SQL_CODE_MATTN, SQL_CODE_SQLITE,
	SQL_HOST, SQL_PORT, SQL_DATABASE, SQL_FALLBACKS, SQL_FALLBACK_HOST, SQL_BATCH
};

extern const struct library library_sql, library_pgx5, library_pgx4;

void sql_say(struct saying *s, const struct field_value *f, const struct said *said);
void pgx_say(struct saying *s, const struct field_value *f, const struct said *said);

#endif
