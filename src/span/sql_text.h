/* sql_text - a text of SQL without its literals, and what it is about.
 *
 * Whether a quote ends a literal depends on the database, and at times on its settings. Where
 * what is known of it leaves a doubt, the text is cut there: a literal is never shown.
 *
 * Owns     nothing: all lies in the struct.
 * Units    none.
 * Fails    never. What is too long, or malformed, is cut.
 * Threads  any.
 * Sources  OpenTelemetry semantic conventions 1.33, "Sanitization of db.query.text", "Generating a
 *          summary of the query text"; the manuals of PostgreSQL (4.1), MySQL (9), SQLite
 *          (lang_keywords, lang_expr), SQL Server and Oracle on literals. */
#ifndef SPAN_SQL_TEXT_H
#define SPAN_SQL_TEXT_H

#include "base/str.h"

enum sql_dialect { SQL_OTHER, SQL_POSTGRESQL, SQL_MYSQL, SQL_SQLITE, SQL_SERVER, SQL_ORACLE };

enum { SQL_TEXT_MOST = 1024, SQL_SUMMARY_MOST = 255 };

struct sql_text {
	char text[SQL_TEXT_MOST + 8], summary[SQL_SUMMARY_MOST + 1];
	size_t ntext, nsummary;
	bool cut;		/* the text goes on */
	/* Views into the text; empty where they are not certain: there are several, or it was
	 * cut. */
	struct str operation, collection, procedure;
	bool prepares;	/* EXECUTE is of a statement that was prepared, and not of a procedure */
};

/* `query` may be the beginning of a longer one (`cut`). */
void sql_text_of(struct sql_text *to, enum sql_dialect dialect, struct str query, bool cut);
/* In any case of letters. */
bool sql_is(struct str word, const char *lower_case);
bool sql_is_one_of(struct str word, const char *const *lower_case, size_t n);
#define SQL_ONE_OF(word, list) sql_is_one_of(word, list, ARRAY_LEN(list))
/* Its operations and what they are done to, from a text that has no literals. */
void sql_summary_of(struct sql_text *to);

#endif
