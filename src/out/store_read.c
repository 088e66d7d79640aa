#include "out/store_read.h"

#include <sqlite3.h>

#include "base/vec.h"
#include "out/store.h"

struct reader {
	struct sqlite3 *db;
	const char *path;
	struct arena *arena;
	struct err *err;
};

static struct str text(const struct reader *r, sqlite3_stmt *s, int column)
{
	const void *p = sqlite3_column_text(s, column);
	int n = sqlite3_column_bytes(s, column);

	return p ? (struct str){ arena_copy(r->arena, p, (size_t)n), (size_t)n } :
		   (struct str){ 0 };
}

static void id(u8 *to, size_t n, sqlite3_stmt *s, int column)
{
	const void *p = sqlite3_column_blob(s, column);

	if (p && sqlite3_column_bytes(s, column) == (int)n)
		memcpy(to, p, n);
}

/* Ends a query: it was read to its end, or as far as was wanted. */
static bool finish(const struct reader *r, sqlite3_stmt *s, int got)
{
	bool ok = got == SQLITE_DONE || got == SQLITE_ROW ||
		  store_failed(r->db, r->path, r->err);

	sqlite3_finalize(s);
	return ok;
}

#define TRACE_COLUMNS \
	"SELECT trace_id, start_ns, end_ns, spans, errors, root_name, service, trace.id " \
	"FROM trace LEFT JOIN resource ON resource.id = root_resource "

static struct stored_trace trace_row(const struct reader *r, sqlite3_stmt *s)
{
	struct stored_trace t = {
		.start_ns = MAX(sqlite3_column_int64(s, 1), 0),	/* so that none overflows */
		.end_ns = MAX(sqlite3_column_int64(s, 2), 0),
		.spans = (u64)sqlite3_column_int64(s, 3), .errors = (u64)sqlite3_column_int64(s, 4),
		.root = text(r, s, 5), .service = text(r, s, 6),
	};

	id(t.id, TRACE_ID, s, 0);
	return t;
}

/* Traces ------------------------------------------------------------------------------------- */

#define WANTED "WHERE end_ns - start_ns >= ?1 AND errors >= ?2 "

static bool count(const struct reader *r, const struct stored_ask *ask, u64 *all)
{
	sqlite3_stmt *s;
	int got;

	if (!store_prepare(r->db, r->path, "SELECT count(*) FROM trace " WANTED, &s, r->err))
		return false;
	sqlite3_bind_int64(s, 1, ask->slow_ns ? ask->slow_ns : INT64_MIN);
	sqlite3_bind_int(s, 2, ask->errors);
	got = sqlite3_step(s);
	if (got == SQLITE_ROW)
		*all = (u64)sqlite3_column_int64(s, 0);
	return finish(r, s, got);
}

static bool list(const struct reader *r, const struct stored_ask *ask, struct stored_traces *to)
{
	VEC(struct stored_trace) found = { 0 };
	sqlite3_stmt *s;
	int got;

	if (!store_prepare(r->db, r->path, ask->slow_ns ?
			   TRACE_COLUMNS WANTED "ORDER BY end_ns - start_ns DESC LIMIT ?3" :
			   TRACE_COLUMNS WANTED "ORDER BY start_ns DESC LIMIT ?3", &s, r->err))
		return false;
	sqlite3_bind_int64(s, 1, ask->slow_ns ? ask->slow_ns : INT64_MIN);
	sqlite3_bind_int(s, 2, ask->errors);
	sqlite3_bind_int64(s, 3, ask->most);
	while ((got = sqlite3_step(s)) == SQLITE_ROW)
		*vec_push(&found) = trace_row(r, s);
	to->n = found.n;
	to->at = arena_copy(r->arena, found.at ? found.at : &(struct stored_trace){ 0 },
			    MAX(found.n, (size_t)1) * sizeof(*found.at));
	vec_release(&found);
	return finish(r, s, got);
}

bool store_traces(struct stored_traces *to, const char *path, const struct stored_ask *ask,
		  struct arena *a, struct err *err)
{
	struct reader r = { .path = path, .arena = a, .err = err };
	bool ok;

	*to = (struct stored_traces){ 0 };
	if (!store_open_read(&r.db, path, err))
		return false;
	ok = count(&r, ask, &to->all) && list(&r, ask, to);
	store_close(&r.db);
	return ok;
}

/* One trace ---------------------------------------------------------------------------------- */

/* The least and the greatest id that begin so. */
static bool range(const char *prefix, u8 least[TRACE_ID], u8 greatest[TRACE_ID])
{
	size_t n = strlen(prefix);

	if (!n || n > 2 * TRACE_ID)
		return false;
	memset(least, 0, TRACE_ID);
	memset(greatest, 0xff, TRACE_ID);
	for (size_t i = 0; i < n; i++) {
		int digit = hex_digit((char)(prefix[i] | 0x20)), shift = i % 2 ? 0 : 4;

		if (digit < 0)
			return false;
		least[i / 2] |= (u8)(digit << shift);
		greatest[i / 2] &= (u8)~((15 - digit) << shift);
	}
	return true;
}

static bool find(const struct reader *r, const char *prefix, struct stored_trace *to, i64 *row)
{
	u8 least[TRACE_ID], greatest[TRACE_ID];
	int got, n = 0;
	sqlite3_stmt *s;

	if (!range(prefix, least, greatest))
		return err_set(r->err, ERR_USAGE, "--trace %s: an id of a trace, or how one "
			       "begins, has up to 32 hexadecimal digits", prefix);
	if (!store_prepare(r->db, r->path, TRACE_COLUMNS "WHERE trace_id BETWEEN ?1 AND ?2 LIMIT 2",
			   &s, r->err))
		return false;
	sqlite3_bind_blob(s, 1, least, TRACE_ID, SQLITE_STATIC);
	sqlite3_bind_blob(s, 2, greatest, TRACE_ID, SQLITE_STATIC);
	for (; (got = sqlite3_step(s)) == SQLITE_ROW; n++) {
		*to = trace_row(r, s);
		*row = sqlite3_column_int64(s, 7);
	}
	if (!finish(r, s, got))
		return false;
	return n == 1 || err_set(r->err, ERR_USAGE, n ? "--trace %s: several traces in %s begin "
				 "so: give more of its id" : "--trace %s: there is no such trace "
				 "in %s", prefix, r->path);
}

static struct span_attr attribute(const struct reader *r, sqlite3_stmt *s)
{
	struct str type = text(r, s, 1);
	struct span_attr a = { .key = text(r, s, 0), .kind = ATTR_TEXT };

	if (str_eq(type, STR("integer"))) {
		a.kind = ATTR_INT;
		a.number = sqlite3_column_int64(s, 2);
	} else if (str_eq(type, STR("real"))) {
		a.kind = ATTR_FLOAT;
		a.real = sqlite3_column_double(s, 2);
	} else if (str_eq(type, STR("true")) || str_eq(type, STR("false"))) {
		a.kind = ATTR_BOOL;
		a.truth = str_eq(type, STR("true"));
	} else {
		a.text = text(r, s, 2);
	}
	return a;
}

/* Statements that list what a text of JSON holds. */
struct lists {
	sqlite3_stmt *attributes, *events;
};

static bool attributes(const struct reader *r, const struct lists *of, struct str json,
		       const struct span_attr **to, u32 *n)
{
	VEC(struct span_attr) attrs = { 0 };
	sqlite3_stmt *s = of->attributes;
	int got;

	if (!json.n)
		return true;
	sqlite3_bind_text64(s, 1, json.p, json.n, SQLITE_STATIC, SQLITE_UTF8);
	while ((got = sqlite3_step(s)) == SQLITE_ROW)
		*vec_push(&attrs) = attribute(r, s);
	*n = (u32)attrs.n;
	if (attrs.n)
		*to = arena_copy(r->arena, attrs.at, attrs.n * sizeof(*attrs.at));
	vec_release(&attrs);
	if (got != SQLITE_DONE)
		store_failed(r->db, r->path, r->err);
	sqlite3_reset(s);
	return got == SQLITE_DONE;
}

static bool events(const struct reader *r, const struct lists *of, struct str json,
		   struct span *to)
{
	VEC(struct span_event) found = { 0 };
	sqlite3_stmt *s = of->events;
	int got = SQLITE_DONE;
	bool ok = true;

	if (!json.n)
		return true;
	sqlite3_bind_text64(s, 1, json.p, json.n, SQLITE_STATIC, SQLITE_UTF8);
	while (ok && (got = sqlite3_step(s)) == SQLITE_ROW) {
		struct span_event *e = vec_push(&found);

		*e = (struct span_event){
			.time_ns = MAX(sqlite3_column_int64(s, 0), 0), .name = text(r, s, 1),
		};
		ok = attributes(r, of, text(r, s, 2), &e->attrs, &e->nattrs);
	}
	to->nevents = (u32)found.n;
	if (found.n)
		to->events = arena_copy(r->arena, found.at, found.n * sizeof(*found.at));
	vec_release(&found);
	if (ok && got != SQLITE_DONE)
		ok = store_failed(r->db, r->path, r->err);
	sqlite3_reset(s);
	return ok;
}

static bool span_row(const struct reader *r, sqlite3_stmt *s, const struct lists *of,
		     struct stored_span *to)
{
	int kind = sqlite3_column_int(s, 3), status = sqlite3_column_int(s, 4);
	struct span *span = &to->span;

	*to = (struct stored_span){ .service = text(r, s, 11) };
	if (kind < SPAN_INTERNAL || kind > SPAN_CONSUMER || status < 0 || status > STATUS_ERROR)
		return err_set(r->err, ERR_FORMAT, "%s: the store is damaged: a span of kind %d "
			       "and status %d", r->path, kind, status);
	if (sqlite3_column_int64(s, 5) < 0 || sqlite3_column_int64(s, 6) < 0)
		return err_set(r->err, ERR_FORMAT, "%s: the store is damaged: a span of a time "
			       "before 1970", r->path);
	id(span->self.span, SPAN_ID, s, 0);
	id(span->parent, SPAN_ID, s, 1);
	span->parent_remote = sqlite3_column_int(s, 2);
	span->kind = (enum span_kind)kind;
	span->status = (enum span_status)status;
	span->start_ns = sqlite3_column_int64(s, 5);
	span->end_ns = sqlite3_column_int64(s, 6);
	span->goid = (u64)sqlite3_column_int64(s, 7);
	span->name = text(r, s, 8);
	span->scope = text(r, s, 9);
	span->message = text(r, s, 10);
	span->dropped_events = (u32)sqlite3_column_int64(s, 14);
	return attributes(r, of, text(r, s, 12), &span->attrs, &span->nattrs) &&
	       events(r, of, text(r, s, 13), span);
}

static bool read_spans(const struct reader *r, i64 row, const struct lists *of,
		       struct stored_spans *to)
{
	VEC(struct stored_span) found = { 0 };
	bool ok = true;
	sqlite3_stmt *s;
	int got = SQLITE_DONE;

	if (!store_prepare(r->db, r->path, "SELECT span_id, parent_id, parent_remote, kind, "
			   "status, start_ns, end_ns, goid, name, scope, message, service, "
			   "span.attributes, events, dropped_events "
			   "FROM span LEFT JOIN resource ON resource.id = resource "
			   "WHERE trace = ?1 LIMIT ?2", &s, r->err))
		return false;
	sqlite3_bind_int64(s, 1, row);
	sqlite3_bind_int(s, 2, STORED_SPANS_MOST);
	while (ok && (got = sqlite3_step(s)) == SQLITE_ROW) {
		struct stored_span *span = vec_push(&found);

		ok = span_row(r, s, of, span);
		memcpy(span->span.self.trace, to->about.id, TRACE_ID);
	}
	to->n = found.n;
	to->at = ARENA_ARRAY(r->arena, struct stored_span, found.n + 1);
	for (size_t i = 0; i < found.n; i++)
		to->at[i] = found.at[i];
	vec_release(&found);
	return finish(r, s, got) && ok;
}

static bool read_trace(const struct reader *r, const char *prefix, struct stored_spans *to)
{
	struct lists of = { 0 };
	i64 row = 0;
	bool ok;

	ok = find(r, prefix, &to->about, &row) &&
	     store_prepare(r->db, r->path, "SELECT key, type, value FROM json_each(?1)",
			   &of.attributes, r->err) &&
	     store_prepare(r->db, r->path, "SELECT json_extract(value, '$.time_ns'), "
			   "json_extract(value, '$.name'), json_extract(value, '$.attributes') "
			   "FROM json_each(?1)", &of.events, r->err) &&
	     read_spans(r, row, &of, to);
	sqlite3_finalize(of.attributes);
	sqlite3_finalize(of.events);
	return ok;
}

bool store_trace(struct stored_spans *to, const char *path, const char *prefix, struct arena *a,
		 struct err *err)
{
	struct reader r = { .path = path, .arena = a, .err = err };
	bool ok;

	*to = (struct stored_spans){ 0 };
	if (!store_open_read(&r.db, path, err))
		return false;
	ok = read_trace(&r, prefix, to);
	store_close(&r.db);
	if (ok)
		stored_spans_order(to, a);
	return ok;
}
