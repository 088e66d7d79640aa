#include "out/store_rows.h"

#include <sqlite3.h>

#include "out/span_json.h"
#include "span/traceparent.h"

/* Records ------------------------------------------------------------------------------------ */

struct kept {
	u8 trace[TRACE_ID], self[SPAN_ID], parent[SPAN_ID];
	bool has_parent, remote;
	u8 kind, status, rank;
	i64 start_ns, end_ns;
	u64 goid;
	u32 dropped_events;
	u32 nname, nscope, nmessage, nattributes, nevents;	/* of texts, in this order */
};

static u32 text(struct out *to, struct str s)
{
	size_t from = to->n;

	out_utf8(to, s);
	return (u32)(to->n - from);
}

/* How much JSON there is from there on. SQLite takes \u0000 for the end of a text, so it is what
 * stands for bytes that are none. */
static u32 json_size(struct out *to, size_t from)
{
	for (size_t i = from; i + 5 < to->n; i++) {
		if (to->buf[i] != '\\')
			continue;
		if (!memcmp(to->buf + i, "\\u0000", 6))
			memcpy(to->buf + i, "\\ufffd", 6);
		i++;	/* what is escaped, a backslash as well */
	}
	return (u32)(to->n - from);
}

static u32 attributes(struct out *to, const struct span_attr *attrs, u32 n)
{
	size_t from = to->n;
	struct json j;

	json_begin(&j, to);
	span_json_attributes(&j, attrs, n);
	return json_size(to, from);
}

static u32 events(struct out *to, const struct span *s)
{
	size_t from = to->n;
	struct json j;

	if (!s->nevents)
		return 0;
	json_begin(&j, to);
	json_array(&j);
	for (u32 i = 0; i < s->nevents; i++) {
		json_object(&j);
		json_key(&j, "time_ns");
		json_i64(&j, s->events[i].time_ns);
		json_key(&j, "name");
		json_str(&j, s->events[i].name);
		json_key(&j, "attributes");
		span_json_attributes(&j, s->events[i].attrs, s->events[i].nattrs);
		json_object_end(&j);
	}
	json_array_end(&j);
	return json_size(to, from);
}

void store_record(struct out *to, const struct span *s)
{
	bool has_parent = !id_is_zero(s->parent, SPAN_ID);
	struct kept r = {
		.has_parent = has_parent, .remote = s->parent_remote, .kind = (u8)s->kind,
		.status = (u8)s->status, .start_ns = s->start_ns, .end_ns = s->end_ns,
		.goid = s->goid, .dropped_events = s->dropped_events,
		.rank = !has_parent ? RANK_ROOT : s->parent_remote && !s->parent_here ?
			RANK_REMOTE : RANK_BELOW,
	};
	size_t at = to->n;

	memcpy(r.trace, s->self.trace, TRACE_ID);
	memcpy(r.self, s->self.span, SPAN_ID);
	memcpy(r.parent, s->parent, SPAN_ID);
	out_str(to, (struct str){ (const char *)&r, sizeof(r) });
	r.nname = text(to, s->name);
	r.nscope = text(to, s->scope);
	r.nmessage = text(to, s->message);
	r.nattributes = attributes(to, s->attrs, s->nattrs);
	r.nevents = events(to, s);
	memcpy(to->buf + at, &r, sizeof(r));
}

struct str store_record_next(struct str *rest)
{
	struct str all = *rest;
	struct kept r;
	size_t n;

	memcpy(&r, all.p, sizeof(r));
	n = sizeof(r) + r.nname + r.nscope + r.nmessage + r.nattributes + r.nevents;
	*rest = str_cut(all, n, all.n);
	return str_cut(all, 0, n);
}

/* Rows --------------------------------------------------------------------------------------- */

static const char resource_sql[] =
	"INSERT INTO resource(service, attributes, last_ns) VALUES(?1, ?2, ?3) "
	"ON CONFLICT(attributes) DO UPDATE SET last_ns=max(last_ns, excluded.last_ns) "
	"RETURNING id";

#define IS_ROOT "(excluded.root_rank, excluded.root_start_ns) < (root_rank, root_start_ns)"
#define OF_ROOT(column) column "=CASE WHEN " IS_ROOT " THEN excluded." column " ELSE " column " END"
static const char trace_sql[] =
	"INSERT INTO trace(trace_id, start_ns, end_ns, spans, errors, root_rank, root_start_ns, "
	"root_name, root_resource) VALUES(?1, ?2, ?3, 1, ?4, ?5, ?2, ?6, ?7) "
	"ON CONFLICT(trace_id) DO UPDATE SET spans=spans+1, errors=errors+excluded.errors, "
	"start_ns=min(start_ns, excluded.start_ns), end_ns=max(end_ns, excluded.end_ns), "
	OF_ROOT("root_rank") ", " OF_ROOT("root_start_ns") ", " OF_ROOT("root_name") ", "
	OF_ROOT("root_resource") " RETURNING id";

static const char span_sql[] =
	"INSERT OR IGNORE INTO span(trace, span_id, parent_id, parent_remote, kind, status, "
	"start_ns, end_ns, goid, resource, name, scope, message, attributes, events, "
	"dropped_events) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
	"?16)";

static const char twice_sql[] = "UPDATE trace SET spans=spans-1, errors=errors-?2 WHERE id=?1";

void store_rows_init(struct store_rows *r, const struct span_resource *resource)
{
	*r = (struct store_rows){ 0 };
	out_memory(&r->attributes);
	out_memory(&r->service);
	attributes(&r->attributes, resource->attrs, resource->nattrs);
	for (u32 i = 0; i < resource->nattrs; i++)
		if (str_eq(resource->attrs[i].key, STR("service.name")) &&
		    resource->attrs[i].kind == ATTR_TEXT)
			text(&r->service, resource->attrs[i].text);
}

bool store_rows_open(struct store_rows *r, struct sqlite3 *db, const char *path, struct err *err)
{
	r->db = db;
	r->path = path;
	if (store_prepare(db, path, resource_sql, &r->resource, err) &&
	    store_prepare(db, path, trace_sql, &r->trace, err) &&
	    store_prepare(db, path, span_sql, &r->span, err) &&
	    store_prepare(db, path, twice_sql, &r->twice, err))
		return true;
	r->db = NULL;	/* closed by who gave it, when it has no more statements */
	store_rows_close(r);
	return false;
}

static void bind(sqlite3_stmt *s, int at, struct str text)
{
	if (text.n)
		sqlite3_bind_text64(s, at, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_null(s, at);
}

/* Its one row has one number, or there is none. */
static bool run(struct store_rows *r, sqlite3_stmt *s, i64 *number, struct err *err)
{
	int got = sqlite3_step(s);
	bool ok;

	if (got == SQLITE_ROW) {
		*number = sqlite3_column_int64(s, 0);
		got = sqlite3_step(s);
	}
	ok = got == SQLITE_DONE || store_failed(r->db, r->path, err);
	sqlite3_reset(s);
	return ok;
}

bool store_rows_resource(struct store_rows *r, i64 unix_ns, struct err *err)
{
	bind(r->resource, 1, (struct str){ r->service.buf, r->service.n });
	bind(r->resource, 2, (struct str){ r->attributes.buf, r->attributes.n });
	sqlite3_bind_int64(r->resource, 3, unix_ns);
	return run(r, r->resource, &r->resource_id, err);
}

static bool insert_trace(struct store_rows *s, const struct kept *r, struct str name, i64 *id,
			 struct err *err)
{
	sqlite3_bind_blob(s->trace, 1, r->trace, TRACE_ID, SQLITE_STATIC);
	sqlite3_bind_int64(s->trace, 2, r->start_ns);
	sqlite3_bind_int64(s->trace, 3, r->end_ns);
	sqlite3_bind_int(s->trace, 4, r->status == STATUS_ERROR);
	sqlite3_bind_int(s->trace, 5, r->rank);
	bind(s->trace, 6, name);
	sqlite3_bind_int64(s->trace, 7, s->resource_id);
	return run(s, s->trace, id, err);
}

bool store_rows_span(struct store_rows *s, struct str record, struct err *err)
{
	const char *at = record.p + sizeof(struct kept);
	struct kept r;
	i64 id = 0, none;

	memcpy(&r, record.p, sizeof(r));
	if (!insert_trace(s, &r, (struct str){ at, r.nname }, &id, err))
		return false;
	sqlite3_bind_int64(s->span, 1, id);
	sqlite3_bind_blob(s->span, 2, r.self, SPAN_ID, SQLITE_STATIC);
	sqlite3_bind_blob(s->span, 3, r.has_parent ? r.parent : NULL, SPAN_ID, SQLITE_STATIC);
	sqlite3_bind_int(s->span, 4, r.remote);
	sqlite3_bind_int(s->span, 5, r.kind);
	sqlite3_bind_int(s->span, 6, r.status);
	sqlite3_bind_int64(s->span, 7, r.start_ns);
	sqlite3_bind_int64(s->span, 8, r.end_ns);
	sqlite3_bind_int64(s->span, 9, (i64)r.goid);
	sqlite3_bind_int64(s->span, 10, s->resource_id);
	bind(s->span, 11, (struct str){ at, r.nname });
	bind(s->span, 12, (struct str){ at += r.nname, r.nscope });
	bind(s->span, 13, (struct str){ at += r.nscope, r.nmessage });
	bind(s->span, 14, (struct str){ at += r.nmessage, r.nattributes });
	bind(s->span, 15, (struct str){ at + r.nattributes, r.nevents });
	sqlite3_bind_int64(s->span, 16, r.dropped_events);
	if (!run(s, s->span, &none, err))
		return false;
	if (sqlite3_changes(s->db))
		return true;
	sqlite3_bind_int64(s->twice, 1, id);
	sqlite3_bind_int(s->twice, 2, r.status == STATUS_ERROR);
	return run(s, s->twice, &none, err);
}

void store_rows_close(struct store_rows *r)
{
	sqlite3_stmt **all[] = { &r->resource, &r->trace, &r->span, &r->twice };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		sqlite3_finalize(*all[i]);
		*all[i] = NULL;
	}
	if (!r->db)
		return;
	/* one that was moved is not completed by being closed */
	sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	store_close(&r->db);
}

void store_rows_release(struct store_rows *r)
{
	out_release(&r->attributes);
	out_release(&r->service);
}
