#include "span/propagators.h"

#include <string.h>

#include "plan/extra.h"

struct header_text {
	u32 how;
	const char *text;
};

/* How a line of HTTP/1 begins: names are of any case, these are what people and proxies write. */
static const struct header_text lines[] = {
	{ PROPAGATOR_W3C, "Tracepar" }, { PROPAGATOR_W3C, "tracepar" },
	{ PROPAGATOR_W3C, "TracePar" }, { PROPAGATOR_W3C, "TRACEPAR" },
	{ PROPAGATOR_W3C, "Tracesta" }, { PROPAGATOR_W3C, "tracesta" },
	{ PROPAGATOR_W3C, "TraceSta" }, { PROPAGATOR_W3C, "TRACESTA" },
	{ PROPAGATOR_BAGGAGE, "Baggage:" }, { PROPAGATOR_BAGGAGE, "baggage:" },
	{ PROPAGATOR_ANY_B3, "B3:" }, { PROPAGATOR_ANY_B3, "b3:" },
	{ PROPAGATOR_ANY_B3, "X-B3-Tra" }, { PROPAGATOR_ANY_B3, "x-b3-tra" },
	{ PROPAGATOR_ANY_B3, "X-B3-Spa" }, { PROPAGATOR_ANY_B3, "x-b3-spa" },
	{ PROPAGATOR_ANY_B3, "X-B3-Sam" }, { PROPAGATOR_ANY_B3, "x-b3-sam" },
	{ PROPAGATOR_ANY_B3, "X-B3-Fla" }, { PROPAGATOR_ANY_B3, "x-b3-fla" },
};

/* Names of HTTP/2, which are in lower case always; in the order of enum header. */
static const char *const names[HEADERS] = {
	[HEADER_PARENT] = "traceparent", [HEADER_STATE] = "tracestate",
	[HEADER_BAGGAGE] = "baggage", [HEADER_B3] = "b3", [HEADER_B3_TRACE] = "x-b3-traceid",
	[HEADER_B3_SPAN] = "x-b3-spanid", [HEADER_B3_SAMPLED] = "x-b3-sampled",
	[HEADER_B3_FLAGS] = "x-b3-flags",
};

static u32 named(struct str name)
{
	static const struct header_text known[] = {
		{ PROPAGATOR_W3C, "tracecontext" }, { PROPAGATOR_BAGGAGE, "baggage" },
		{ PROPAGATOR_B3, "b3" }, { PROPAGATOR_B3MULTI, "b3multi" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (otel_is(name, known[i].text))
			return known[i].how;
	return 0;
}

/* Where both say whose child a request is, the one that is named last counts. */
u32 propagators_of(const struct otel_env *e, const char *list)
{
	struct str name;
	u32 how = 0;

	if (!list)
		return PROPAGATOR_W3C | PROPAGATOR_BAGGAGE;
	while (otel_next(&list, &name)) {
		u32 one = named(name);

		if (!one && !otel_is(name, "none"))
			otel_say(e, "OTEL_PROPAGATORS: %.*s is not supported; tracecontext, "
				 "baggage, b3 and b3multi are", STR_F(name));
		if (one & PROPAGATOR_ANY_B3)
			how |= PROPAGATOR_B3_FIRST;
		else if (one & PROPAGATOR_W3C)
			how &= ~(u32)PROPAGATOR_B3_FIRST;
		how |= one;
	}
	return how;
}

static void ask_lines(struct plan_extra *x, u32 how, struct arena *a)
{
	const char **to = ARENA_ARRAY(a, const char *, ARRAY_LEN(lines));

	x->only = to;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (lines[i].how & how)
			to[x->nonly++] = lines[i].text;
}

static void ask_fields(struct plan_extra *x, u32 how, struct arena *a)
{
	const char **to = ARENA_ARRAY(a, const char *, HEADERS);
	u16 *sizes = ARENA_ARRAY(a, u16, HEADERS);

	x->only = to;
	x->sizes = sizes;
	for (u32 h = HEADER_PARENT; h < HEADERS; h++) {
		if (!(header_by((enum header)h) & how))
			continue;
		to[x->nonly] = names[h];
		sizes[x->nonly++] = (u16)header_most((enum header)h);
	}
}

static void ask_names(struct plan_extra *x, u32 how, struct arena *a)
{
	const char **to = ARENA_ARRAY(a, const char *, HEADERS);

	x->names = to;
	for (u32 h = HEADER_PARENT; h < HEADERS; h++)
		if (header_by((enum header)h) & how)
			to[x->nnames++] = names[h];
}

/* Of messages that are sent or received. Of B3 there is room for its one header only. */
static void ask_records(struct plan_extra *x, u32 how, struct arena *a)
{
	static const char b3[EXTRA_HEAD] = "b3";	/* eight bytes are compared */
	const char **to = ARENA_ARRAY(a, const char *, 2);

	if (!(how & (PROPAGATOR_W3C | PROPAGATOR_ANY_B3)))
		return;
	x->only = to;
	x->nonly = 0;
	if (how & PROPAGATOR_W3C)
		to[x->nonly++] = "tracepar";
	if (how & PROPAGATOR_ANY_B3)
		to[x->nonly++] = b3;
}

void propagators_ask(struct plan_extra *x, u32 how, struct arena *a)
{
	if (x->role == PROPAGATE_LINE)
		ask_lines(x, how, a);
	else if (x->role == PROPAGATE_FRAME)
		ask_fields(x, how, a);
	else if (x->role == PROPAGATE_NAME)
		ask_names(x, how, a);
	else if (x->kind == EXTRA_RECORDS && x->role != PROPAGATE_HEADED)
		ask_records(x, how, a);
}
