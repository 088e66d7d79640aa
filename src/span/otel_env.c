#include "span/otel_env.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

const char *otel_env(const struct otel_env *e, const char *name)
{
	const char *v = e->get ? e->get(e->ctx, name) : NULL;

	return v && v[strspn(v, " \t")] ? v : NULL;
}

void otel_say(const struct otel_env *e, const char *fmt, ...)
{
	char sentence[1024];
	va_list ap;

	if (!e->say)
		return;
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	e->say(e->ctx, sentence);
}

u64 otel_number(const struct otel_env *e, const char *name, u64 least, u64 most, u64 otherwise)
{
	const char *text = otel_env(e, name);
	char *end;
	u64 v;

	if (!text)
		return otherwise;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && v >= least && v <= most)
		return v;
	otel_say(e, "%s: not a whole number from %llu to %llu: %llu is taken", name,
		 (unsigned long long)least, (unsigned long long)most,
		 (unsigned long long)otherwise);
	return otherwise;
}

static struct str trim(struct str s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s = str_cut(s, 1, s.n);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool decode(struct str s, struct arena *a, struct str *to)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] != '%') {
			p[n++] = s.p[i];
			continue;
		}
		if (i + 2 >= s.n)
			return false;
		hi = hex_digit((char)(s.p[i + 1] | 0x20));
		lo = hex_digit((char)(s.p[i + 2] | 0x20));
		if (hi < 0 || lo < 0)
			return false;
		p[n++] = (char)(hi << 4 | lo);
		i += 2;
	}
	*to = (struct str){ p, n };
	return true;
}

static bool pair(struct otel_pair *to, struct arena *a, struct str item)
{
	const char *eq = item.n ? memchr(item.p, '=', item.n) : NULL;
	struct str value;

	if (!eq)
		return false;
	value = str_cut(item, (size_t)(eq - item.p) + 1, item.n);
	return decode(trim(str_cut(item, 0, (size_t)(eq - item.p))), a, &to->key) &&
	       decode(trim(value), a, &to->value) && to->key.n;
}

bool otel_next(const char **list, struct str *name)
{
	*name = (struct str){ 0 };
	while (!name->n && **list) {
		*name = trim((struct str){ *list, strcspn(*list, ",") });
		*list += strcspn(*list, ",");
		*list += **list == ',';
	}
	return name->n;
}

bool otel_is(struct str name, const char *word)
{
	return name.n == strlen(word) && !strncasecmp(name.p, word, name.n);
}

bool otel_pairs(struct otel_pairs *to, struct arena *a, const char *text)
{
	struct otel_pair *at = ARENA_ARRAY(a, struct otel_pair, OTEL_PAIRS_MOST);
	struct str item;
	u32 n = 0;

	*to = (struct otel_pairs){ 0 };
	while (otel_next(&text, &item)) {
		if (n == OTEL_PAIRS_MOST || !pair(&at[n++], a, item))
			return false;
	}
	*to = (struct otel_pairs){ at, n };
	return true;
}
