#include "span/sampler.h"

#include <stdlib.h>
#include <strings.h>

#include "plan/propagate.h"

#define ALL ((u64)1 << 63)

static bool ratio(const char *arg, u64 *below)
{
	char *end;
	double r;

	*below = ALL;
	if (!arg || !*arg)
		return true;
	r = strtod(arg, &end);
	if (*end || !(r >= 0 && r <= 1))
		return false;
	*below = r >= 1 ? ALL : (u64)(r * (double)ALL);
	return true;
}

bool sampler_from(struct sampler *s, const char *name, const char *arg)
{
	static const struct { const char *name; bool parent, none, ratio; } known[] = {
		{ "parentbased_always_on", true, false, false },
		{ "parentbased_always_off", true, true, false },
		{ "parentbased_traceidratio", true, false, true },
		{ "always_on", false, false, false },
		{ "always_off", false, true, false },
		{ "traceidratio", false, false, true },
	};

	*s = (struct sampler){ true, ALL };
	if (!name || !*name)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcasecmp(name, known[i].name))
			continue;
		s->parent = known[i].parent;
		s->below = known[i].none ? 0 : ALL;
		return !known[i].ratio || ratio(arg, &s->below);
	}
	return false;
}

bool sampler_takes(const struct sampler *s, const u8 trace[TRACE_ID],
		   const struct span_context *parent)
{
	if (s->parent && parent)
		return parent->sampled;
	return trace_is_below(trace, s->below);
}

