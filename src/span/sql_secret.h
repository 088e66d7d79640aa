/* sql_secret - where a text of SQL may go on with a password that has no quotes.
 *
 *   CREATE USER u PASSWORD Secret1, CONNECT u PASSWORD Secret1      HANA, CockroachDB
 *   MODIFY USER u AS PASSWORD = Secret1                             Teradata
 *   ALTER USER u IDENTIFIED BY Secret1, GRANT … IDENTIFIED BY …     Oracle, OceanBase
 *   PRAGMA key = Secret1, ATTACH f AS d KEY Secret1                 SQLite with encryption
 *   EXEC sp_addlogin u, Secret1                                     SQL Server
 *
 * Which database it is does not follow from the driver: others speak the protocols of PostgreSQL
 * and MySQL as well. In statements about rows and tables such words are names of columns.
 *
 * Owns     nothing.
 * Units    none.
 * Fails    never. In doubt there may be one.
 * Threads  any.
 * Sources  SAP HANA SQL Reference, CREATE USER, CONNECT; Oracle SQL Language Reference, ALTER USER;
 *          Teradata SQL Data Definition Language, MODIFY USER; CockroachDB, CREATE USER;
 *          SQLCipher API; SQLite, ATTACH; Transact-SQL Reference, sp_addlogin. */
#ifndef SPAN_SQL_SECRET_H
#define SPAN_SQL_SECRET_H

#include "base/str.h"

struct sql_secret {
	u32 words;		/* of the statement so far */
	bool rows, tables;	/* it is about these... */
	bool decided;		/* ...or about something else for sure */
	bool connects, keys;
	bool identified;	/* that was said */
};

/* The next word of a statement, and what follows it. `always`: also in front of what looks like a
 * literal. */
bool sql_secret_next(struct sql_secret *s, struct str word, struct str rest, bool always);
/* The statement is over. */
void sql_secret_end(struct sql_secret *s);

#endif
