/* span_json - each span as a JSON line (docs/json.md), when it has ended.
 *
 * Owns     nothing but its state, until end(); writes to the caller's out.
 * Units    as span/span.h; ids in hexadecimal.
 * Fails    by the out (sticky).
 * Threads  one. */
#ifndef OUT_SPAN_JSON_H
#define OUT_SPAN_JSON_H

#include "out/sinks.h"
#include "span/collect.h"

/* `service`: service.name of the process; holds until end(). */
struct span_exporter span_json_new(struct out *o, struct str service);
/* One of them, by itself. */
void span_json_line(struct out *o, const struct span *s, struct str service);
/* As an object. */
void span_json_attributes(struct json *j, const struct span_attr *attrs, u32 n);
/* A library that spans knows (--plan). `version`: empty if it is not known. */
void span_json_library(struct out *o, struct str name, struct str package, struct str version,
		       const char *state);
/* The last object. `dropped`: by exporters. */
void span_json_end(struct out *o, const struct end_facts *run, const struct collector_facts *f,
		   const struct collected *c, u64 dropped);

#endif
