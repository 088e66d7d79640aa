#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out/store_bound.h"
#include "out/store_read.h"
#include "out/store_rows.h"
#include "out/store_write.h"
#include "out/waterfall.h"

Suite *store_suite(void);

static char folder[] = "/tmp/goshawk-store-XXXXXX", path[64], aside[64];
static struct arena arena;
static struct err err;
static char said[1024];

static void set_up(void)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/s.db", folder);
	snprintf(aside, sizeof(aside), "%s/other", folder);
	*said = 0;
}

static void tear_down(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[80];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
		snprintf(name, sizeof(name), "%s%s", aside, ends[i]);
		unlink(name);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	arena_release(&arena);
}

static const char *none(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

static void say(void *ctx, const char *sentence)
{
	(void)ctx;
	snprintf(said, sizeof(said), "%s", sentence);
}

static const struct span_attr service[] = {
	{ .key = STR("service.name"), .kind = ATTR_TEXT, .text = STR("shop") },
	{ .key = STR("process.pid"), .kind = ATTR_INT, .number = 7 },
};

static void ids(struct span *s, u64 trace, u64 self, u64 parent)
{
	for (int i = 0; i < 8; i++) {
		s->self.trace[i] = (u8)(trace >> (56 - 8 * i));
		s->self.span[i] = (u8)(self >> (56 - 8 * i));
		s->parent[i] = (u8)(parent >> (56 - 8 * i));
	}
	s->self.trace[15] = 1;
}

static struct span a_span(u64 trace, u64 self, u64 parent)
{
	static const struct span_attr attrs[] = {
		{ .key = STR("url.path"), .kind = ATTR_TEXT,
		  .text = STR("/a/b/c?\"<x>\x01\xff\0z\\u0000") },
		{ .key = STR("code"), .kind = ATTR_INT, .number = -200 },
		{ .key = STR("ratio"), .kind = ATTR_FLOAT, .real = 0.5 },
		{ .key = STR("there"), .kind = ATTR_BOOL, .truth = true },
	};
	static const struct span_event event = {
		.time_ns = 1764408000000000001, .name = STR("log"), .attrs = attrs, .nattrs = 2,
	};
	struct span s = {
		.events = &event, .nevents = self == 1, .dropped_events = 4,
		.kind = SPAN_SERVER, .name = STR("GET /<b>"), .attrs = attrs,
		.nattrs = ARRAY_LEN(attrs), .scope = STR("net/http"), .goid = 9,
		.start_ns = (i64)(1000000000 * trace + self),
		.end_ns = (i64)(1000000000 * trace + 500),
	};

	ids(&s, trace, self, parent);
	return s;
}

/* A store of so many traces, each of three spans of which the last is an error. */
static void store_of(u64 traces)
{
	struct store_ask ask = {
		.path = path, .bytes = STORE_BYTES, .age_ns = INT64_MAX / 2,
		.env = { .get = none, .say = say }, .resource = { service, ARRAY_LEN(service) },
	};
	struct span_exporter to;

	ck_assert_msg(store_exporter(&ask, &to, &err), "%s", err.msg);
	for (u64 i = 1; i <= traces; i++)
		for (u64 k = 3; k; k--) {
			struct span s = a_span(i, k, k - 1);

			s.status = k == 3 ? STATUS_ERROR : STATUS_UNSET;
			if (k == 3)
				s.message = STR("it failed");
			to.span(to.ctx, &s);
			if (i == 1)
				to.span(to.ctx, &s);	/* twice is once */
		}
	to.end(to.ctx);
	ck_assert_str_eq(said, "");
}

START_TEST(what_was_stored_is_read)
{
	struct stored_ask ask = { .most = 10 };
	struct stored_traces t;
	struct stored_spans s;
	struct stat st;

	store_of(20);
	ck_assert(!stat(path, &st) && (st.st_mode & 0777) == 0600);
	ck_assert_msg(store_traces(&t, path, &ask, &arena, &err), "%s", err.msg);
	ck_assert_uint_eq(t.n, 10);
	ck_assert_uint_eq(t.all, 20);
	ck_assert_int_eq(t.at[0].start_ns, 20000000001);
	ck_assert_uint_eq(t.at[0].spans, 3);
	ck_assert_uint_eq(t.at[0].errors, 1);
	ck_assert(str_eq(t.at[0].root, STR("GET /<b>")) && str_eq(t.at[0].service, STR("shop")));
	ask.slow_ns = 499;
	ck_assert(store_traces(&t, path, &ask, &arena, &err) && t.all == 20);
	ask.slow_ns = 500;
	ck_assert(store_traces(&t, path, &ask, &arena, &err) && t.all == 0 && t.n == 0);

	ck_assert_msg(store_trace(&s, path, "0000000000000001", &arena, &err), "%s", err.msg);
	ck_assert_uint_eq(s.n, 3);
	ck_assert_uint_eq(s.about.spans, 3);
	for (u32 i = 0; i < 3; i++) {
		ck_assert_uint_eq(s.at[i].depth, i);
		ck_assert_uint_eq(s.at[i].span.self.span[7], i + 1);
	}
	ck_assert(s.at[2].span.status == STATUS_ERROR);
	ck_assert(str_eq(s.at[2].span.message, STR("it failed")));
	ck_assert_uint_eq(s.at[0].span.nattrs, 4);
	ck_assert(str_eq(s.at[0].span.attrs[0].text,
			 STR("/a/b/c?\"<x>\x01\xef\xbf\xbd\xef\xbf\xbdz\\u0000")));
	ck_assert_int_eq(s.at[0].span.attrs[1].number, -200);
	ck_assert(s.at[0].span.attrs[2].real == 0.5 && s.at[0].span.attrs[3].truth);

	ck_assert_uint_eq(s.at[1].span.nevents, 0);
	ck_assert_uint_eq(s.at[0].span.nevents, 1);
	ck_assert_uint_eq(s.at[0].span.dropped_events, 4);
	ck_assert_int_eq(s.at[0].span.events[0].time_ns, 1764408000000000001);
	ck_assert_uint_eq(s.at[0].span.events[0].nattrs, 2);
	ck_assert(str_eq(s.at[0].span.events[0].name, STR("log")));
	ck_assert_int_eq(s.at[0].span.events[0].attrs[1].number, -200);

	ck_assert(!store_trace(&s, path, "0000", &arena, &err));
	ck_assert(strstr(err.msg, "several") && err.kind == ERR_USAGE);
	ck_assert(!store_trace(&s, path, "f", &arena, &err) && strstr(err.msg, "no such trace"));
	ck_assert(!store_trace(&s, path, "00x", &arena, &err) && strstr(err.msg, "hexadecimal"));
	ck_assert(!store_trace(&s, path, "", &arena, &err));
}
END_TEST

/* What stands in the page, and in the terminal, is text and nothing else. */
START_TEST(texts_of_a_store_do_nothing)
{
	struct stored_spans s;
	struct out o;

	store_of(1);
	ck_assert(store_trace(&s, path, "0", &arena, &err));
	out_memory(&o);
	waterfall_html(&o, &s);
	out_c(&o, 0);
	ck_assert(strstr(o.buf, "GET /&lt;b&gt;") && !strstr(o.buf, "<b>"));
	ck_assert(strstr(o.buf, "/a/b/c?&quot;&lt;x&gt;\\x01"));
	ck_assert(!strstr(o.buf, "<script") && !strchr(o.buf, 1));
	o.n = 0;
	waterfall_text(&o, &s, 80);
	out_c(&o, 0);
	ck_assert(strstr(o.buf, "url.path=/a/b/c?\"<x>\\x01") && !strchr(o.buf, 1));
	/* behind a NUL it goes on */
	ck_assert_msg(strstr(o.buf, "\xef\xbf\xbd\xef\xbf\xbdz\\u0000"), "%s", o.buf);
	ck_assert(strstr(o.buf, " log url.path=/a/b") && strstr(o.buf, "and 4 more events"));
	out_release(&o);
}
END_TEST

static u64 bytes_on_disk(void)
{
	char name[80];
	struct stat st;
	u64 n = 0;

	ck_assert(!stat(path, &st));
	n += (u64)st.st_size;
	snprintf(name, sizeof(name), "%s-wal", path);
	return stat(name, &st) ? n : n + (u64)st.st_size;
}

static void put(struct store_rows *rows, const struct span *s)
{
	struct out record;

	out_memory(&record);
	store_record(&record, s);
	ck_assert_msg(store_rows_span(rows, (struct str){ record.buf, record.n }, &err), "%s",
		      err.msg);
	out_release(&record);
}

/* 100 000 spans come by, and the file keeps its size, the newest, and what is not too old. */
START_TEST(it_does_not_outgrow_its_size)
{
	enum { BYTES = 6 << 20, EACH = 500, ALL = 100000 };
	struct span_resource about = { service, ARRAY_LEN(service) };
	struct stored_ask ask = { .most = 1 };
	struct store_bounds bounds;
	struct stored_traces t;
	struct store_rows rows;
	struct sqlite3 *db;

	store_rows_init(&rows, &about);
	ck_assert_msg(store_open(&db, path, &err), "%s", err.msg);
	ck_assert(store_bounds_set(&bounds, db, path, BYTES, 1000000000000, &err));
	ck_assert(store_rows_open(&rows, db, path, &err));
	for (u64 i = 0; i < ALL; i += EACH) {
		ck_assert_msg(store_bound(&bounds, db, path, 0, &err), "%s", err.msg);
		ck_assert(store_run(db, path, "BEGIN IMMEDIATE", &err));
		ck_assert(store_rows_resource(&rows, 1, &err));
		for (u64 k = i; k < i + EACH; k++) {
			struct span s = a_span(1 + k / 5, 1 + k % 5, k % 5);

			put(&rows, &s);
		}
		ck_assert_msg(store_run(db, path, "COMMIT", &err), "%s", err.msg);
		ck_assert_uint_le(bytes_on_disk(), BYTES);
	}
	/* all of the first half are older than 10 000 seconds before 20 000 */
	bounds.age_ns = 10000000000000;
	for (u64 i = 0; i < 100; i++)	/* bit by bit */
		ck_assert(store_bound(&bounds, db, path, 29000000000000, &err));
	store_rows_close(&rows);
	store_rows_release(&rows);
	ck_assert(store_traces(&t, path, &ask, &arena, &err));
	ck_assert_uint_ge(t.all, 900);
	ck_assert_uint_le(t.all, 1001);
	ck_assert_int_eq(t.at[0].start_ns, (i64)(ALL / 5) * 1000000000 + 1);
}
END_TEST

static i64 number_in_store(const char *sql)
{
	struct sqlite3 *db;
	i64 n;

	ck_assert_msg(store_open_read(&db, path, &err), "%s", err.msg);
	ck_assert_msg(store_number(db, path, sql, &n, &err), "%s", err.msg);
	store_close(&db);
	return n;
}

static void store_one_more(u64 trace)
{
	struct store_ask ask = {
		.path = path, .bytes = STORE_BYTES, .age_ns = STORE_AGE_NS,
		.env = { .get = none, .say = say }, .resource = { service, ARRAY_LEN(service) },
	};
	struct span s = a_span(trace, 1, 0);
	struct span_exporter to;

	s.start_ns += 1ull << 62;	/* not old */
	ck_assert_msg(store_exporter(&ask, &to, &err), "%s", err.msg);
	to.span(to.ctx, &s);
	to.end(to.ctx);
	ck_assert_str_eq(said, "");
}

/* They go bit by bit, and nothing that comes has to wait for them. */
START_TEST(very_many_are_too_old)
{
	struct sqlite3 *db;
	u64 n;

	store_of(1);
	ck_assert(store_open(&db, path, &err));
	ck_assert_msg(store_run(db, path, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL "
				"SELECT i+1 FROM n WHERE i<20000) INSERT INTO trace SELECT i+9, "
				"zeroblob(8)||i, i, i, 1, 0, 0, i, 'x', 1 FROM n", &err),
		      "%s", err.msg);
	store_close(&db);
	store_one_more(7);
	ck_assert_int_eq(number_in_store("SELECT count(*) FROM span WHERE start_ns>1<<61"), 1);
	ck_assert_int_gt(number_in_store("SELECT count(*) FROM trace"), 1);
	for (n = 1; number_in_store("SELECT count(*) FROM trace") > (i64)n; n++) {
		ck_assert_uint_lt(n, 2000);
		store_one_more(7 + n);
	}
	ck_assert_int_eq(number_in_store("SELECT count(*) FROM trace WHERE start_ns<1<<61"), 0);
}
END_TEST

/* One trace that never ends must not stay for ever either. */
START_TEST(a_trace_larger_than_the_store)
{
	struct span_resource about = { service, ARRAY_LEN(service) };
	struct store_bounds bounds;
	struct store_rows rows;
	struct sqlite3 *db;

	store_rows_init(&rows, &about);
	ck_assert(store_open(&db, path, &err));
	ck_assert(store_bounds_set(&bounds, db, path, STORE_BYTES_LEAST, INT64_MAX / 2, &err));
	ck_assert(store_rows_open(&rows, db, path, &err));
	for (u64 i = 0; i < 20000; i += 500) {
		ck_assert_msg(store_bound(&bounds, db, path, 0, &err), "%s", err.msg);
		ck_assert(store_run(db, path, "BEGIN IMMEDIATE", &err));
		ck_assert(store_rows_resource(&rows, 1, &err));
		for (u64 k = i; k < i + 500; k++) {
			struct span s = a_span(1, k + 1, k);

			put(&rows, &s);
		}
		ck_assert(store_run(db, path, "COMMIT", &err));
		ck_assert_uint_le(bytes_on_disk(), STORE_BYTES_LEAST);
	}
	store_rows_close(&rows);
	store_rows_release(&rows);
}
END_TEST

static void write_file(const char *name, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static size_t read_file(const char *name, u8 *to, size_t room)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, to, room);

	ck_assert(fd >= 0 && n >= 0);
	close(fd);
	return (size_t)n;
}

static void is_refused(enum err_kind kind, const char *why)
{
	static u8 before[1 << 20], after[1 << 20];
	size_t n = read_file(path, before, sizeof(before));
	struct stored_ask ask = { .most = 1 };
	struct stored_traces t;
	struct sqlite3 *db;

	ck_assert(!store_open(&db, path, &err));
	ck_assert_msg(err.kind == kind && strstr(err.msg, why), "%s", err.msg);
	ck_assert(!store_traces(&t, path, &ask, &arena, &err));
	ck_assert_msg(err.kind == kind && strstr(err.msg, why), "%s", err.msg);
	ck_assert_uint_eq(read_file(path, after, sizeof(after)), n);
	ck_assert(!memcmp(before, after, n));
}

static void edit(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s", why);
	sqlite3_close(db);
}

START_TEST(what_is_no_store_is_left_alone)
{
	struct stored_traces t;
	struct stored_spans s;

	write_file(path, "a text", 6);
	is_refused(ERR_FORMAT, "no SQLite file");
	unlink(path);
	edit("CREATE TABLE trace(id)");
	is_refused(ERR_FORMAT, "no store of spans");
	unlink(path);
	store_of(2);
	edit("PRAGMA user_version=2");
	is_refused(ERR_UNSUPPORTED, "version 2");
	edit("PRAGMA user_version=1; CREATE VIEW more AS SELECT 1");
	is_refused(ERR_FORMAT, "its tables are not those");
	edit("DROP VIEW more; CREATE TRIGGER t AFTER INSERT ON span BEGIN DELETE FROM trace; END");
	is_refused(ERR_FORMAT, "its tables are not those");
	edit("DROP TRIGGER t; UPDATE span SET attributes='{\"a\":'");
	ck_assert(store_traces(&t, path, &(struct stored_ask){ .most = 2 }, &arena, &err));
	ck_assert(!store_trace(&s, path, "0000000000000001", &arena, &err));
	ck_assert_msg(strstr(err.msg, "damaged"), "%s", err.msg);
	unlink(path);
	write_file(path, "", 0);
	is_refused(ERR_FORMAT, "is empty");
}
END_TEST

/* All that --read does; whatever it says, it says with the path. */
static bool look(void)
{
	struct stored_ask ask = { .most = 100 };
	struct stored_traces t;
	struct stored_spans s;
	struct out o;
	bool ok;

	out_memory(&o);
	ok = store_traces(&t, path, &ask, &arena, &err);
	if (ok)
		traces_text(&o, &t);
	if (ok && (ok = store_trace(&s, path, "0000000000000002", &arena, &err))) {
		waterfall_text(&o, &s, 80);
		waterfall_html(&o, &s);
		waterfall_json(&o, &s);
	}
	out_release(&o);
	ck_assert(ok || strstr(err.msg, path) || err.kind == ERR_USAGE);
	return ok;
}

START_TEST(damage_ends_in_a_sentence)
{
	static u8 all[1 << 20];
	size_t n, bad = 0;

	store_of(40);
	n = read_file(path, all, sizeof(all));
	ck_assert(look());
	for (size_t at = 0; at < n; at += at < 110 ? 1 : 251) {
		u8 was = all[at];

		all[at] ^= (u8)(1 + at % 255);
		write_file(path, all, n);
		all[at] = was;
		bad += !look();
		arena_reset(&arena);
	}
	ck_assert_uint_gt(bad, 10);
	for (size_t short_of = 1; short_of < n; short_of += n / 23) {
		write_file(path, all, n - short_of);
		look();
	}
}
END_TEST

/* A span without a parent here, one that is its own, two that are each other's, and many below one:
 * each stands in the tree once. */
START_TEST(a_tree_of_anything)
{
	enum { MANY = 50000 };
	static struct stored_span at[MANY + 5];
	static const struct { u64 self, parent; } odd[] = {
		{ 1, 99 }, { 2, 2 }, { 3, 4 }, { 4, 3 }, { 5, 0 },
	};
	struct stored_spans s = { .at = at, .n = MANY + 5 };
	u32 seen = 0, roots = 0;

	for (u32 i = 0; i < s.n; i++)
		at[i].span = i < 5 ? a_span(1, odd[i].self, odd[i].parent) :
				     a_span(1, 1000 + i, 5);
	stored_spans_order(&s, &arena);
	for (u32 i = 0; i < s.n; i++) {
		const struct stored_span *e = &s.at[i];

		roots += !e->depth;
		seen += e->depth <= 1;
		if (e->span.parent[7] == 5 && e->span.self.span[6])
			ck_assert_uint_eq(e->depth, 1);
	}
	ck_assert_uint_eq(roots, 4);
	ck_assert_uint_eq(seen, MANY + 5);
}
END_TEST

START_TEST(bars_lie_within_their_line)
{
	struct stored_trace t = { .start_ns = 1000, .end_ns = 2000 };
	struct span s = { .start_ns = 1500, .end_ns = 2000 };
	struct bar b = waterfall_bar(&t, &s, 10);

	ck_assert(b.from == 5 && b.to == 10);
	s.end_ns = 1500;
	b = waterfall_bar(&t, &s, 10);
	ck_assert(b.from == 5 && b.to == 6);
	s.start_ns = 0;
	s.end_ns = INT64_MAX;
	b = waterfall_bar(&t, &s, 10);
	ck_assert(b.from == 0 && b.to == 10);
	s.start_ns = INT64_MAX;
	s.end_ns = 0;
	b = waterfall_bar(&t, &s, 10);
	ck_assert(b.from == 9 && b.to == 10);
	t.start_ns = s.start_ns = s.end_ns = 1764408000000000100;
	t.end_ns = t.start_ns + 200;
	s.end_ns += 100;
	b = waterfall_bar(&t, &s, 10);
	ck_assert(b.from == 0 && b.to == 5);
}
END_TEST

static size_t traces_of(const char *store)
{
	struct stored_traces t;

	arena_reset(&arena);
	ck_assert_msg(store_traces(&t, store, &(struct stored_ask){ .most = 5 }, &arena, &err),
		      "%s", err.msg);
	return t.n;
}

/* Moved away while it is written to, without the -wal: it has what was stored until then, and the
 * path is begun anew. */
START_TEST(a_store_that_is_moved)
{
	struct store_ask ask = {
		.path = path, .bytes = STORE_BYTES, .age_ns = INT64_MAX / 2,
		.env = { .get = none, .say = say }, .resource = { service, ARRAY_LEN(service) },
	};
	struct span s = a_span(1, 1, 0), other = a_span(2, 1, 0), first = a_span(3, 1, 0);
	struct span_exporter to;

	ck_assert(store_exporter(&ask, &to, &err));
	to.span(to.ctx, &first);
	while (!traces_of(path))
		usleep(1000);
	ck_assert(!rename(path, aside));
	to.span(to.ctx, &s);
	to.span(to.ctx, &other);
	to.end(to.ctx);
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(traces_of(path), 2);
	ck_assert_uint_eq(traces_of(aside), 1);
}
END_TEST

/* Where nothing can be made beside it, and by names that mean something to SQLite. */
START_TEST(names_and_folders_of_any_kind)
{
	static const char *const names[] = { ":memory:", "file:a?mode=memory", "a%20b#c" };
	char here[256];
	struct stored_traces t;

	ck_assert(getcwd(here, sizeof(here)) && !chdir(folder));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s", names[i]);
		store_of(1);
		ck_assert(!access(path, F_OK));
		ck_assert(!chmod(".", 0500));
		ck_assert_msg(store_traces(&t, path, &(struct stored_ask){ .most = 3 }, &arena,
					   &err), "%s", err.msg);
		ck_assert_uint_eq(t.n, 1);
		ck_assert(!chmod(".", 0700));
		unlink(path);
		snprintf(path, sizeof(path), "%s-wal", names[i]);
		unlink(path);
		snprintf(path, sizeof(path), "%s-shm", names[i]);
		unlink(path);
	}
	ck_assert(!chdir(here));
}
END_TEST

Suite *store_suite(void)
{
	Suite *s = suite_create("store");
	TCase *c = tcase_create("store");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, what_was_stored_is_read);
	tcase_add_test(c, texts_of_a_store_do_nothing);
	tcase_add_test(c, it_does_not_outgrow_its_size);
	tcase_add_test(c, very_many_are_too_old);
	tcase_add_test(c, a_trace_larger_than_the_store);
	tcase_add_test(c, what_is_no_store_is_left_alone);
	tcase_add_test(c, damage_ends_in_a_sentence);
	tcase_add_test(c, a_tree_of_anything);
	tcase_add_test(c, bars_lie_within_their_line);
	tcase_add_test(c, a_store_that_is_moved);
	tcase_add_test(c, names_and_folders_of_any_kind);
	suite_add_tcase(s, c);
	return s;
}
