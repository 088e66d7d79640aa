#include "out/span_json.h"

#include <stdlib.h>

#include "span/traceparent.h"

static const char *const kinds[] = {
	[SPAN_INTERNAL] = "internal", [SPAN_SERVER] = "server", [SPAN_CLIENT] = "client",
	[SPAN_PRODUCER] = "producer", [SPAN_CONSUMER] = "consumer",
};
static const char *const statuses[] = {
	[STATUS_UNSET] = "unset", [STATUS_OK] = "ok", [STATUS_ERROR] = "error",
};

struct span_json {
	struct out *out;
	struct str service;
};

static void number(struct json *j, const char *key, u64 v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void ids(struct json *j, const struct span *s)
{
	char trace[2 * TRACE_ID + 1], id[2 * SPAN_ID + 1];

	trace_id_hex(trace, s->self.trace);
	json_key(j, "trace_id");
	json_z(j, trace);
	span_id_hex(id, s->self.span);
	json_key(j, "span_id");
	json_z(j, id);
	json_key(j, "parent_span_id");
	if (id_is_zero(s->parent, SPAN_ID)) {
		json_null(j);
	} else {
		span_id_hex(id, s->parent);
		json_z(j, id);
	}
	json_key(j, "parent_remote");
	json_bool(j, s->parent_remote);
}

static void value(struct json *j, const struct span_attr *a)
{
	switch (a->kind) {
	case ATTR_TEXT:
		json_str(j, a->text);
		break;
	case ATTR_INT:
		json_i64(j, a->number);
		break;
	case ATTR_FLOAT:
		json_f64(j, a->real);
		break;
	case ATTR_BOOL:
		json_bool(j, a->truth);
		break;
	}
}

void span_json_attributes(struct json *j, const struct span_attr *attrs, u32 n)
{
	json_object(j);
	for (u32 i = 0; i < n; i++) {
		json_key_str(j, attrs[i].key);
		value(j, &attrs[i]);
	}
	json_object_end(j);
}

/* Where there are any. */
static void events(struct json *j, const struct span *s)
{
	if (!s->nevents && !s->dropped_events)
		return;
	json_key(j, "events");
	json_array(j);
	for (u32 i = 0; i < s->nevents; i++) {
		const struct span_event *e = &s->events[i];

		json_object(j);
		json_key(j, "time");
		json_time(j, e->time_ns);
		json_key(j, "name");
		json_str(j, e->name);
		json_key(j, "attributes");
		span_json_attributes(j, e->attrs, e->nattrs);
		json_object_end(j);
	}
	json_array_end(j);
	number(j, "dropped_events", s->dropped_events);
}

/* Where there are any. */
static void links(struct json *j, const struct span *s)
{
	char trace[2 * TRACE_ID + 1], id[2 * SPAN_ID + 1];

	if (!s->nlinks)
		return;
	json_key(j, "links");
	json_array(j);
	for (u32 i = 0; i < s->nlinks; i++) {
		trace_id_hex(trace, s->links[i].trace);
		span_id_hex(id, s->links[i].span);
		json_object(j);
		json_key(j, "trace_id");
		json_z(j, trace);
		json_key(j, "span_id");
		json_z(j, id);
		json_object_end(j);
	}
	json_array_end(j);
}

void span_json_line(struct out *o, const struct span *s, struct str service)
{
	struct json line, *j = &line;

	json_begin(j, o);
	json_object(j);
	json_key(j, "type");
	json_z(j, "span");
	json_key(j, "time");
	json_time(j, s->start_ns);
	json_key(j, "duration_ns");
	json_i64(j, s->end_ns - s->start_ns);
	ids(j, s);
	json_key(j, "kind");
	json_z(j, kinds[s->kind]);
	json_key(j, "name");
	json_str(j, s->name);
	json_key(j, "status");
	json_z(j, statuses[s->status]);
	json_text(j, "message", s->message);
	json_text(j, "scope", s->scope);
	json_text(j, "service", service);
	number(j, "goid", s->goid);
	links(j, s);
	events(j, s);
	json_key(j, "attributes");
	span_json_attributes(j, s->attrs, s->nattrs);
	json_object_end(j);
	json_line(j);
}

static void on_span(void *ctx, const struct span *s)
{
	struct span_json *to = ctx;

	span_json_line(to->out, s, to->service);
}

/* None is lost: what can't be written ends the session. */
static u64 on_end(void *ctx)
{
	mem_free(ctx);
	return 0;
}

struct span_exporter span_json_new(struct out *o, struct str service)
{
	struct span_json *to = mem_resize(NULL, sizeof(*to));

	*to = (struct span_json){ .out = o, .service = service };
	return (struct span_exporter){
		.ctx = to, .span = on_span, .end = on_end,
	};
}

void span_json_library(struct out *o, struct str name, struct str package, struct str version,
		       const char *state)
{
	struct json line, *j = &line;

	json_begin(j, o);
	json_object(j);
	json_key(j, "type");
	json_z(j, "library");
	json_key(j, "name");
	json_str(j, name);
	json_key(j, "package");
	json_str(j, package);
	json_key(j, "version");
	if (version.n)
		json_str(j, version);
	else
		json_null(j);
	json_key(j, "state");
	json_z(j, state);
	json_object_end(j);
	json_line(j);
}

static void off(void *ctx, const char *sentence)
{
	json_z(ctx, sentence);
}

void span_json_end(struct out *o, const struct end_facts *run, const struct collector_facts *f,
		   const struct collected *c, u64 dropped)
{
	struct json line, *j = &line;

	json_begin(j, o);
	json_object(j);
	json_key(j, "type");
	json_z(j, "end");
	number(j, "spans", c->spans);
	number(j, "traces", c->traces);
	number(j, "unsampled", c->unsampled);
	number(j, "unended", c->unended);
	number(j, "too_many", c->refused);
	number(j, "forgotten", c->forgotten);
	number(j, "outside", c->outside);
	number(j, "unwritten", c->unwritten);
	number(j, "unstated", c->unstated);
	number(j, "unbagged", c->unbagged);
	number(j, "dropped", dropped);
	number(j, "lost", c->lost);
	json_key(j, "off");
	json_array(j);
	rules_off(f->rules, f->plan, off, j);
	json_array_end(j);
	number(j, "sites", run->sites);
	number(j, "refused", run->refused);
	json_key(j, "engine");
	json_z(j, run->engine);
	json_key(j, "stop_ns");
	json_i64(j, run->stop_ns);
	json_key(j, "elapsed_ns");
	json_i64(j, run->elapsed_ns);
	json_key(j, "program_exit");
	if (run->exited)
		json_i64(j, run->program_exit);
	else
		json_null(j);
	json_object_end(j);
	json_line(j);
}
