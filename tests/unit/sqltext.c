#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "span/sql_text.h"

Suite *sqltext_suite(void);

/* "MOST" in every text is what must not be seen; `dialects` is for which of them it is tried. */
static const struct sample {
	const char *dialects, *query, *text, *summary;
} samples[] = {
	{ "*", "SELECT * FROM orders WHERE name = 'MOST' AND n = 4711",
	  "SELECT * FROM orders WHERE name = ? AND n = ?",
	  "SELECT orders" },
	{ "*", "select\n\ta,\n\tb from t", "select a, b from t", "select t" },
	{ "*", "SELECT 'it''s MOST', ''", "SELECT ?, ?", "SELECT" },
	{ "*", "SELECT 'MOST\\\\' FROM t", "SELECT ? FROM t", "SELECT t" },
	/* is the second quote one of the text's characters? */
	{ "*", "SELECT 'a\\' , 'MOST' FROM t", "SELECT ?…", "SELECT" },
	{ "p", "SELECT E'it\\'s MOST' FROM t", "SELECT ? FROM t", "SELECT t" },
	{ "p", "SELECT e'MOST\\\\' FROM t", "SELECT ? FROM t", "SELECT t" },
	{ "*", "SELECT N'MOST', x'4d4f', _utf8'MOST', date'2020-01-01'",
	  "SELECT ?, ?, ?, date?", "SELECT" },
	{ "*", "SELECT q'[it's MOST]'", "SELECT…", "SELECT" },
	{ "p", "SELECT \"MY col\" FROM \"my\".\"t\" WHERE a = 1",
	  "SELECT \"MY col\" FROM \"my\".\"t\" WHERE a = ?",
	  "SELECT \"my\".\"t\"" },
	{ "msoh*", "SELECT \"MOST\" FROM t", "SELECT ? FROM t", "SELECT t" },
	{ "ms*", "SELECT `a b` FROM `my`.`t x`",
	  "SELECT `a b` FROM `my`.`t x`", "SELECT `my`.`t x`" },
	{ "p", "SELECT $1, $$MOST 'x$$, $tag$ MOST $$ $tag$, $2", "SELECT $1, ?, ?, $2", "SELECT" },
	{ "p", "SELECT a$b$c, 'MOST'", "SELECT a$b$c, ?", "SELECT" },
	{ "p", "SELECT $$MOST", "SELECT ?…", "SELECT" },
	{ "h", "SELECT $12.50", "SELECT $?", "SELECT" },
	{ "h", "SELECT £4711, €12.5, ＄12, café", "SELECT £?, €?, ＄?, café", "SELECT" },
	{ "?", "SELECT £4711", "SELECT £?", "SELECT" },
	{ "*", "SELECT 日1 FROM é2", "SELECT 日1 FROM é2", "SELECT é2" },
	{ "p", "SELECT @4711, a@4711, @@ 4711 FROM t WHERE a @> b",
	  "SELECT @?, a@?, @@ ? FROM t WHERE a @> b", "SELECT t" },
	{ "?o", "SELECT @4711", "SELECT @?", "SELECT" },
	{ "mhs", "SELECT @1, @a", "SELECT @1, @a", "SELECT" },
	{ "m", "SELECT a$b, $a$, 'x$a$MOST'", "SELECT a$b, $a$, ?", "SELECT" },
	{ "*", "SELECT 1, 0xFF, 1e-3, .5, 1_000, a1, -7, 1.5e+10 FROM t2",
	  "SELECT ?, ?, ?, ?, ?, a1, -?, ? FROM t2",
	  "SELECT t2" },
	{ "*", "SELECT ?, ?1, :name, @p1 FROM t", "SELECT ?, ?, :name, @p1 FROM t", "SELECT t" },
	{ "*", "SELECT 1 -- MOST's\n, 2 /* MOST ' */ FROM t", "SELECT ? , ? FROM t", "SELECT t" },
	{ "p", "SELECT 1 /* a /* b */ MOST */ FROM t", "SELECT ? FROM t", "SELECT t" },
	{ "msoh*", "SELECT 1 /* a /* b */ FROM t", "SELECT ?…", "SELECT" },
	{ "m*", "SELECT 5--'MOST\n'FROM t", "SELECT ?…", "SELECT" },
	{ "m", "SELECT 1 # MOST's\n FROM t", "SELECT ? FROM t", "SELECT t" },
	{ "p", "SELECT a #> '{MOST}' FROM t", "SELECT a #> ? FROM t", "SELECT t" },
	/* what begins a comment in one, and is part of a name in others */
	{ "m", "SELECT a FROM t#it's\nWHERE b = 'MOST'", "SELECT a FROM t WHERE b = ?",
	  "SELECT t" },
	{ "?", "SELECT a FROM t#it's\nWHERE b = 'MOST'", "SELECT a FROM t…", "SELECT t" },
	{ "p", "SELECT flags#4711 FROM t", "SELECT flags#? FROM t", "SELECT t" },
	{ "oh", "SELECT a#b FROM t# WHERE b = 'MOST'", "SELECT a#b FROM t# WHERE b = ?",
	  "SELECT t#" },
	{ "h", "SELECT [It's]]a] FROM [t] WHERE b = 'MOST'",
	  "SELECT [It's]]a] FROM [t] WHERE b = ?", "SELECT [t]" },
	{ "s", "SELECT [It's] FROM [t] WHERE b = 'MOST'", "SELECT [It's] FROM [t] WHERE b = ?",
	  "SELECT [t]" },
	{ "?", "SELECT [It's] FROM t WHERE b = 'MOST'", "SELECT…", "SELECT" },
	{ "?p", "SELECT a[12] FROM t", "SELECT a[?] FROM t", "SELECT t" },
	{ "p", "SELECT a['MOST'] FROM t", "SELECT a[?] FROM t", "SELECT t" },
	{ "m?", "SELECT 1 /*!50000 , 'x*/MOST' */", "SELECT ?…", "SELECT" },
	{ "m?", "SELECT 1 /*M! , 'x*/MOST' */", "SELECT ?…", "SELECT" },
	{ "msoh?", "SELECT 1 -- a\rdon't\n, 'MOST'", "SELECT ?…", "SELECT" },
	{ "p", "SELECT 1 -- a\rFROM t WHERE b = 'MOST'", "SELECT ? FROM t WHERE b = ?",
	  "SELECT t" },
	{ "*", "SELECT 1 -- don't\r\n, 'MOST'", "SELECT ? , ?", "SELECT" },
	{ "*", "SELECT 'MOST", "SELECT ?…", "SELECT" },
	{ "*", "SELECT /* MOST", "SELECT…", "SELECT" },
	{ "o", "SELECT 1 FROM dual", "SELECT ? FROM dual", "SELECT dual" },
	{ "?", "SELECT '''it's MOST'''", "SELECT ?…", "SELECT" },
	{ "*", "SELECT\x01 MOST", "SELECT…", "SELECT" },
	{ "*", "", "", "" },
	{ "o?", "ALTER USER scott IDENTIFIED BY MOST$1@a REPLACE MOST",
	  "ALTER USER scott IDENTIFIED BY…", "ALTER" },
	{ "*", "ALTER USER scott IDENTIFIED BY MOST", "ALTER USER scott IDENTIFIED BY…", "ALTER" },
	{ "*", "GRANT CONNECT TO a identified /* x */ by\tMOST;",
	  "GRANT CONNECT TO a identified by…", "GRANT" },
	{ "*", "CREATE USER a IDENTIFIED WITH sha256 BY MOST",
	  "CREATE USER a IDENTIFIED WITH sha256 BY…", "CREATE" },
	{ "pmsh", "CREATE USER a IDENTIFIED BY 'MOST' KEEP",
	  "CREATE USER a IDENTIFIED BY ? KEEP", "CREATE" },
	{ "pmsh", "ALTER USER a IDENTIFIED BY \"MOST\"", "ALTER USER a IDENTIFIED BY…", "ALTER" },
	{ "*", "CREATE USER a PASSWORD MOST1 NO FORCE", "CREATE USER a PASSWORD…", "CREATE" },
	{ "*", "alter user a password \"MOST\"", "alter user a password…", "alter" },
	{ "*", "ALTER USER a PASSWORD=MOST", "ALTER USER a PASSWORD…", "ALTER" },
	{ "*", "MODIFY USER a AS PERM = 1e6, PASSWORD = MOST",
	  "MODIFY USER a AS PERM = ?, PASSWORD…", "" },
	{ "*", "EXPLAIN MODIFY USER a AS PASSWORD = MOST", "EXPLAIN MODIFY USER a AS PASSWORD…",
	  "EXPLAIN" },
	{ "*", "CREATE USER a PASSWORD/* b */MOST", "CREATE USER a PASSWORD…", "CREATE" },
	{ "*", "CREATE ROLE a WITH LOGIN PASSWORD 'MOST' CREATEDB",
	  "CREATE ROLE a WITH LOGIN PASSWORD ? CREATEDB", "CREATE" },
	{ "*", "ALTER USER \ta PASSWORD ?", "ALTER USER a PASSWORD ?", "ALTER" },
	{ "p*", "ALTER USER a PASSWORD $1", "ALTER USER a PASSWORD $1", "ALTER" },
	{ "*", "SELECT 1; VALIDATE USER a PASSWORD MOST",
	  "SELECT ?; VALIDATE USER a PASSWORD…", "SELECT" },
	{ "*", "CONNECT a PASSWORD MOST", "CONNECT…", "" },
	{ "*", "connect to b user a using MOST", "connect…", "" },
	{ "*", "CONNECT scott/MOST", "CONNECT…", "" },
	{ "*", "SET PASSWORD FOR a = MOST", "SET PASSWORD…", "SET" },
	{ "*", "CREATE LOGIN a WITH PASSWORD = 'MOST', OLD_PASSWORD = MOST",
	  "CREATE LOGIN a WITH PASSWORD = ?, OLD_PASSWORD…", "CREATE" },
	{ "*", "PRAGMA key = MOST", "PRAGMA key…", "PRAGMA" },
	{ "*", "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = ON", "PRAGMA" },
	{ "*", "ATTACH 'MOST' AS a KEY MOST", "ATTACH ? AS a KEY…", "ATTACH" },
	{ "*", "EXEC sp_addlogin a, MOST", "EXEC sp_addlogin…", "EXEC sp_addlogin" },
	{ "h", "EXEC [sp_addlogin] a, MOST", "EXEC [sp_addlogin]…", "EXEC [sp_addlogin]" },
	{ "h", "EXEC master.[dbo].[sp_addlogin] a, MOST", "EXEC master.[dbo].[sp_addlogin]…",
	  "EXEC master.[dbo].[sp_addlogin]" },
	{ "h", "SELECT [password] FROM [users]", "SELECT [password] FROM [users]",
	  "SELECT [users]" },
	{ "h*", "EXEC p @password = MOST", "EXEC p @password…", "EXEC p" },
	{ "*", "CREATE SECRET (TYPE s3, SECRET MOST)", "CREATE SECRET…", "CREATE" },
	/* where it is a column */
	{ "*", "SELECT password FROM users WHERE password = hash AND secret > a",
	  "SELECT password FROM users WHERE password = hash AND secret > a", "SELECT users" },
	{ "*", "UPDATE users SET password = ? WHERE id = 3",
	  "UPDATE users SET password = ? WHERE id = ?", "UPDATE users" },
	{ "*", "CREATE TABLE users (id INT, password TEXT)",
	  "CREATE TABLE users (id INT, password TEXT)", "CREATE TABLE users" },
	{ "*", "CREATE UNIQUE INDEX i ON users (password DESC)",
	  "CREATE UNIQUE INDEX i ON users (password DESC)", "CREATE" },
	{ "*", "COPY users (id, password) FROM STDIN", "COPY users (id, password) FROM STDIN",
	  "COPY" },
	{ "*", "EXPLAIN SELECT password FROM users", "EXPLAIN SELECT password FROM users",
	  "EXPLAIN SELECT users" },
	{ "*", "SELECT identified FROM t ORDER BY name",
	  "SELECT identified FROM t ORDER BY name", "SELECT t" },
	/* what it is about */
	{ "*", "INSERT INTO shop.orders(a, b) VALUES (1, 'MOST')",
	  "INSERT INTO shop.orders(a, b) VALUES (?, ?)",
	  "INSERT shop.orders" },
	{ "*", "INSERT INTO a SELECT x FROM b",
	  "INSERT INTO a SELECT x FROM b", "INSERT a SELECT b" },
	{ "*", "UPDATE t SET a = 1", "UPDATE t SET a = ?", "UPDATE t" },
	{ "*", "delete from t where a in (select b from u)",
	  "delete from t where a in (select b from u)",
	  "delete t select u" },
	{ "*", "SELECT * FROM a, b JOIN c ON a.x = c.x ORDER BY y, z",
	  "SELECT * FROM a, b JOIN c ON a.x = c.x ORDER BY y, z",
	  "SELECT a b c" },
	{ "*", "SELECT EXTRACT(YEAR FROM d) FROM t WHERE a IS DISTINCT FROM b",
	  "SELECT EXTRACT(YEAR FROM d) FROM t WHERE a IS DISTINCT FROM b", "SELECT t" },
	{ "*", "SELECT * FROM unnest(x) AS y", "SELECT * FROM unnest(x) AS y", "SELECT" },
	{ "*", "SELECT * FROM t FOR UPDATE", "SELECT * FROM t FOR UPDATE", "SELECT t" },
	{ "*", "INSERT INTO t(a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2",
	  "INSERT INTO t(a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a = ?", "INSERT t" },
	{ "*", "WITH c AS (SELECT a FROM t) DELETE FROM u USING c",
	  "WITH c AS (SELECT a FROM t) DELETE FROM u USING c",
	  "SELECT t DELETE u" },
	{ "*", "CREATE TABLE IF NOT EXISTS t (a int, b text)",
	  "CREATE TABLE IF NOT EXISTS t (a int, b text)",
	  "CREATE TABLE t" },
	{ "*", "COPY t FROM STDIN", "COPY t FROM STDIN", "COPY" },
	{ "*", "begin; select 1 from t; commit",
	  "begin; select ? from t; commit", "begin select t commit" },
	{ "*", "VACUUM", "VACUUM", "VACUUM" },
	{ "*", "nonsense ) ) , ( from from", "nonsense ) ) , ( from from", "" },
};

static const char letters[] = "?pmsho";	/* enum sql_dialect */

static struct sql_text sanitized(enum sql_dialect d, const char *query)
{
	struct sql_text t;

	memset(&t, 'Z', sizeof(t));
	sql_text_of(&t, d, str_of(query), false);
	return t;
}

START_TEST(shows_no_literal)
{
	const struct sample *s = &samples[_i];

	for (int d = 0; d < 6; d++) {
		struct sql_text t = sanitized((enum sql_dialect)d, s->query);
		bool meant = strchr(s->dialects, letters[d]) ||
			     (str_eq(str_of(s->dialects), STR("*")));

		t.text[t.ntext] = 0;
		if (!meant && d != SQL_OTHER)
			continue;
		ck_assert_msg(!strstr(t.text, "MOST"), "%d: %s", d, t.text);
		ck_assert_msg(!strstr(t.summary, "MOST"), "%d: %s", d, t.summary);
		if (!meant || !s->text)
			continue;
		ck_assert_str_eq(t.text, s->text);
		ck_assert_str_eq(t.summary, s->summary);
	}
}
END_TEST

START_TEST(cuts_what_goes_on)
{
	struct sql_text t;
	char longest[3 * SQL_TEXT_MOST];

	sql_text_of(&t, SQL_MYSQL, STR("SELECT a FROM t WHERE b = 'x"), true);
	ck_assert(str_eq((struct str){ t.text, t.ntext }, STR("SELECT a FROM t WHERE b = ?…")));
	ck_assert(str_eq(t.operation, STR("SELECT")) && !t.collection.n);
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 0; i < sizeof(longest); i += 10)
		longest[i] = ' ';
	sql_text_of(&t, SQL_MYSQL, (struct str){ longest, sizeof(longest) }, false);
	ck_assert(t.cut && t.ntext <= sizeof(t.text));
}
END_TEST

/* Quotes, dollars, dashes and the like in any order: no more is written than there is room for. */
START_TEST(survives_any_beginning)
{
	static const char *const parts[] = {
		"'", "\"", "`", "\\", "$", "$a$", "--", "/*", "*/", "#", "E", "q", "x", "N",
		"1", "e", ".", " ", "\n", "[", "]", "(", ")", ",", ";", "_utf8", "select", "from",
		"?", "@", ":", "é",
	};
	unsigned seed = 1;

	for (int i = 0; i < 200000; i++) {
		char query[256] = "";
		size_t used = 0;
		struct sql_text t;

		for (int k = 0, n = 1 + i % 9; k < n; k++) {
			seed = seed * 1103515245 + 12345;
			used += (size_t)snprintf(query + used, sizeof(query) - used, "%s",
						 parts[(seed >> 16) % ARRAY_LEN(parts)]);
		}
		t = sanitized((enum sql_dialect)(i % 6), query);
		ck_assert(t.ntext <= sizeof(t.text) && t.nsummary <= SQL_SUMMARY_MOST);
	}
}
END_TEST

START_TEST(names_what_is_certain)
{
	struct sql_text t = sanitized(SQL_MYSQL, "select a from t");

	ck_assert(str_eq(t.operation, STR("select")) && str_eq(t.collection, STR("t")));
	t = sanitized(SQL_MYSQL, "select a from t, u");
	ck_assert(str_eq(t.operation, STR("select")) && !t.collection.n);
	t = sanitized(SQL_MYSQL, "select a from t; drop table t");
	ck_assert(!t.operation.n && !t.collection.n);
	t = sanitized(SQL_MYSQL, "call shop.pay(1)");
	ck_assert(str_eq(t.operation, STR("call")) && str_eq(t.procedure, STR("shop.pay")));
	ck_assert(!t.collection.n);
	t = sanitized(SQL_SERVER, "EXEC pay @id");
	ck_assert(str_eq(t.procedure, STR("pay")) && !t.collection.n);
	t = sanitized(SQL_SERVER, "EXECUTE pay @id");
	ck_assert(str_eq(t.procedure, STR("pay")) && !t.collection.n);
	t = sanitized(SQL_POSTGRESQL, "EXECUTE s USING 1");	/* it was prepared */
	ck_assert(str_eq(t.operation, STR("EXECUTE")) && !t.procedure.n && !t.collection.n);
	t = sanitized(SQL_MYSQL, "call pay(1); select a from t");
	ck_assert(!t.procedure.n && !t.collection.n);
	t = sanitized(SQL_MYSQL, "with c as (select 1) select a from t");
	ck_assert(!t.operation.n && !t.collection.n);
}
END_TEST

Suite *sqltext_suite(void)
{
	Suite *s = suite_create("sqltext");
	TCase *c = tcase_create("sqltext");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, shows_no_literal, 0, ARRAY_LEN(samples));
	tcase_add_test(c, cuts_what_goes_on);
	tcase_add_test(c, survives_any_beginning);
	tcase_add_test(c, names_what_is_certain);
	suite_add_tcase(s, c);
	return s;
}
