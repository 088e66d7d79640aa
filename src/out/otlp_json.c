#include <math.h>

#include "out/otlp_encode.h"
#include "span/traceparent.h"

/* 64 bits are a text. */
static void digits(struct json *j, i64 v)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)v);

	json_str(j, (struct str){ text, (size_t)n });
}

static void number(struct json *j, const char *key, i64 v)
{
	json_key(j, key);
	digits(j, v);
}

/* As protobuf's mapping to JSON has it. */
static void real(struct json *j, const char *key, double v)
{
	json_key(j, key);
	if (isfinite(v))
		json_f64(j, v);
	else
		json_z(j, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

static void value(struct json *j, const struct span_attr *a)
{
	json_key(j, "value");
	json_object(j);
	switch (a->kind) {
	case ATTR_TEXT:
		json_key(j, "stringValue");
		json_str(j, a->text);
		break;
	case ATTR_BOOL:
		json_key(j, "boolValue");
		json_bool(j, a->truth);
		break;
	case ATTR_INT:
		number(j, "intValue", a->number);
		break;
	case ATTR_FLOAT:
		real(j, "doubleValue", a->real);
		break;
	}
	json_object_end(j);
}

static void attrs(struct json *j, const struct span_attr *a, u32 n)
{
	if (!n)
		return;
	json_key(j, "attributes");
	json_array(j);
	for (u32 i = 0; i < n; i++) {
		json_object(j);
		json_key(j, "key");
		json_str(j, a[i].key);
		value(j, &a[i]);
		json_object_end(j);
	}
	json_array_end(j);
}

static void some_text(struct json *j, const char *key, struct str s)
{
	if (!s.n)
		return;
	json_key(j, key);
	json_str(j, s);
}

static void ids(struct json *j, const struct span_context *c)
{
	char trace[2 * TRACE_ID + 1], span[2 * SPAN_ID + 1];

	trace_id_hex(trace, c->trace);
	span_id_hex(span, c->span);
	json_key(j, "traceId");
	json_z(j, trace);
	json_key(j, "spanId");
	json_z(j, span);
	some_text(j, "traceState", c->state);
}

static void event(struct json *j, const struct span_event *e)
{
	json_object(j);
	number(j, "timeUnixNano", e->time_ns);
	some_text(j, "name", e->name);
	attrs(j, e->attrs, e->nattrs);
	json_object_end(j);
}

static void link_to(struct json *j, const struct span_context *c)
{
	json_object(j);
	ids(j, c);
	if (c->sampled) {
		json_key(j, "flags");
		json_u64(j, FLAG_SAMPLED);
	}
	json_object_end(j);
}

static void status(struct json *j, const struct span *s)
{
	json_key(j, "status");
	json_object(j);
	if (s->status == STATUS_ERROR)
		some_text(j, "message", s->message);
	json_key(j, "code");
	json_u64(j, s->status);
	json_object_end(j);
}

static void lists(struct json *j, const struct span *s)
{
	attrs(j, s->attrs, s->nattrs);
	if (s->nevents) {
		json_key(j, "events");
		json_array(j);
		for (u32 i = 0; i < s->nevents; i++)
			event(j, &s->events[i]);
		json_array_end(j);
	}
	if (s->dropped_events) {
		json_key(j, "droppedEventsCount");
		json_u64(j, s->dropped_events);
	}
	if (s->nlinks) {
		json_key(j, "links");
		json_array(j);
		for (u32 i = 0; i < s->nlinks; i++)
			link_to(j, &s->links[i]);
		json_array_end(j);
	}
}

static void span(struct out *o, const struct span *s)
{
	char parent[2 * SPAN_ID + 1];
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	ids(&j, &s->self);
	if (!id_is_zero(s->parent, SPAN_ID)) {
		span_id_hex(parent, s->parent);
		json_key(&j, "parentSpanId");
		json_z(&j, parent);
	}
	json_key(&j, "flags");
	json_u64(&j, otlp_flags(s));
	some_text(&j, "name", s->name);
	json_key(&j, "kind");
	json_u64(&j, s->kind);
	number(&j, "startTimeUnixNano", s->start_ns);
	number(&j, "endTimeUnixNano", s->end_ns);
	lists(&j, s);
	if (s->status != STATUS_UNSET)
		status(&j, s);
	json_object_end(&j);
}

static void resource(struct out *o, const struct span_resource *r)
{
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	attrs(&j, r->attrs, r->nattrs);
	json_object_end(&j);
}

static void exemplars(struct json *j, const struct metric_exemplar *x, u32 n)
{
	char trace[2 * TRACE_ID + 1], span_id[2 * SPAN_ID + 1];

	json_key(j, "exemplars");
	json_array(j);
	for (u32 i = 0; i < n; i++) {
		if (!x[i].time_ns)
			continue;
		trace_id_hex(trace, x[i].trace);
		span_id_hex(span_id, x[i].span);
		json_object(j);
		number(j, "timeUnixNano", x[i].time_ns);
		real(j, "asDouble", x[i].value);
		json_key(j, "spanId");
		json_z(j, span_id);
		json_key(j, "traceId");
		json_z(j, trace);
		json_object_end(j);
	}
	json_array_end(j);
}

static void histogram(struct json *j, const struct metric_series *s,
		      const struct metric_about *about)
{
	number(j, "count", (i64)s->count);
	real(j, "sum", s->sum);
	json_key(j, "bucketCounts");
	json_array(j);
	for (u32 i = 0; i <= about->nbounds; i++)
		digits(j, (i64)s->buckets[i]);
	json_array_end(j);
	json_key(j, "explicitBounds");
	json_array(j);
	for (u32 i = 0; i < about->nbounds; i++)
		json_f64(j, about->bounds[i]);
	json_array_end(j);
	if (s->exemplars)
		exemplars(j, s->exemplars, about->nbounds + 1);
	real(j, "min", s->least);
	real(j, "max", s->most);
}

static void point(struct json *j, const struct metric_series *s, const struct metric_about *about,
		  const struct otlp_counted *when)
{
	json_object(j);
	attrs(j, s->attrs, s->nattrs);
	number(j, "startTimeUnixNano", when->from_ns);
	number(j, "timeUnixNano", when->to_ns);
	if (about->nbounds)
		histogram(j, s, about);
	else
		number(j, "asInt", (i64)s->count);
	json_object_end(j);
}

static void metric(struct out *o, const struct metric *m, struct metric_about about,
		   struct otlp_counted when)
{
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "name");
	json_z(&j, about.name);
	json_key(&j, "description");
	json_z(&j, about.what);
	json_key(&j, "unit");
	json_z(&j, about.unit);
	json_key(&j, about.nbounds ? "histogram" : "sum");
	json_object(&j);
	json_key(&j, "dataPoints");
	json_array(&j);
	for (size_t i = 0; i < m->series.n; i++)
		point(&j, m->series.at[i], &about, &when);
	json_array_end(&j);
	json_key(&j, "aggregationTemporality");
	json_u64(&j, when.temporality);
	if (!about.nbounds) {
		json_key(&j, "isMonotonic");
		json_bool(&j, true);
	}
	json_object_end(&j);
	json_object_end(&j);
}

#define SCHEMA "\"schemaUrl\":\"" OTLP_SCHEMA "\""

static void scope(struct out *o, const struct otlp_signal *of, const struct otlp_piece *p, size_t i,
		  size_t n)
{
	struct json j;

	json_begin(&j, o);
	out_str(o, i ? STR(",{\"scope\":") : STR("{\"scope\":"));
	json_object(&j);
	some_text(&j, "name", p[i].scope);
	json_object_end(&j);
	out_fmt(o, ",\"%s\":[", of->items);
	for (size_t k = i; k < n; k++) {
		if (!str_eq(p[k].scope, p[i].scope))
			continue;
		if (k > i)
			out_c(o, ',');
		out_str(o, p[k].item);
	}
	out_str(o, STR("]," SCHEMA "}"));
}

/* By hand where pieces that are JSON already go in. */
static void request(struct out *o, const struct otlp_signal *of, struct str about,
		    const struct otlp_piece *p, size_t n)
{
	out_fmt(o, "{\"%s\":[{\"resource\":", of->resources);
	out_str(o, about);
	out_fmt(o, ",\"%s\":[", of->scopes);
	for (size_t i = 0; i < n; i++)
		if (otlp_scope_begins(p, i))
			scope(o, of, p, i, n);
	out_str(o, STR("]," SCHEMA "}]}"));
}

const struct otlp_encoding otlp_json = {
	.content_type = "application/json",
	.span = span, .metric = metric, .resource = resource, .request = request,
};
