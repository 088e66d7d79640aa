#include "cmd/spans_to.h"

#include "out/otlp.h"
#include "out/span_json.h"
#include "out/span_tree.h"
#include "out/store_bound.h"
#include "out/store_write.h"
#include "span/resource.h"

static bool wants_otlp(const struct spans_to_ask *ask)
{
	return ask->otlp || (!ask->printed && !ask->store && otlp_is_wanted(&ask->env));
}

static bool begin(struct spans_to *to, const struct spans_to_ask *ask,
		  struct span_resource resource, struct err *err)
{
	struct otlp_ask otlp = { .url = ask->otlp, .env = ask->env, .resource = resource };
	struct store_ask store = {
		.path = ask->store, .env = ask->env, .resource = resource,
		.bytes = ask->store_bytes ? ask->store_bytes : STORE_BYTES,
		.age_ns = ask->store_age_ns ? ask->store_age_ns : STORE_AGE_NS,
	};

	*to = (struct spans_to){ 0 };
	if (wants_otlp(ask) && !(otlp_exporter(ask->arena, &otlp, &to->at[to->n], err) && ++to->n))
		return false;
	return !ask->store || (store_exporter(&store, &to->at[to->n], err) && ++to->n);
}

static struct span_resource resource(const struct spans_to_ask *ask, pid_t pid)
{
	struct resource_facts facts = {
		.env = ask->env, .path = ask->path, .pid = pid,
		.go_version = ask->prog->version.text,
	};

	return resource_make(ask->arena, &facts);
}

bool spans_to_try(const struct spans_to_ask *ask, struct err *err)
{
	struct spans_to_ask silent = *ask;
	struct spans_to to;
	bool ok;

	if (ask->store && ask->store_bytes && ask->store_bytes < STORE_BYTES_LEAST)
		return err_set(err, ERR_USAGE, "--store-size: at least %lluMiB",
			       (unsigned long long)STORE_BYTES_LEAST >> 20);
	silent.env.say = NULL;
	ok = begin(&to, &silent, resource(&silent, 0), err);
	spans_to_end(&to);
	return ok;
}

static struct str service(struct span_resource r)
{
	for (u32 i = 0; i < r.nattrs; i++)
		if (str_eq(r.attrs[i].key, STR("service.name")))
			return r.attrs[i].text;
	return (struct str){ 0 };
}

bool spans_to_begin(struct spans_to *to, const struct spans_to_ask *ask, pid_t pid, struct out *o,
		    struct err *err)
{
	struct span_resource r = resource(ask, pid);

	if (!begin(to, ask, r, err)) {
		spans_to_end(to);
		return false;
	}
	if (ask->json)
		to->at[to->n++] = span_json_new(o, service(r));
	else if (ask->printed || !to->n)
		to->at[to->n++] = span_tree_new(o, ask->whole);
	return true;
}

u64 spans_to_end(struct spans_to *to)
{
	u64 dropped = 0;

	for (size_t i = 0; i < to->n; i++)
		dropped += to->at[i].end(to->at[i].ctx);
	to->n = 0;
	return dropped;
}
