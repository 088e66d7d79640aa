#include "span/routers.h"

#include <string.h>

#include "span/http.h"

static void cut(char *text, size_t *n, size_t at, size_t count)
{
	memmove(text + at, text + at + count, *n - at - count);
	*n -= count;
}

/* As chi joins them: what a subrouter was mounted at ends with a star, which its own pattern stands
 * for; no slash at the end. */
static u32 joined(const struct field_value *f, char to[ROUTE_MOST])
{
	i64 count = f[FIELD_PATTERNS].number;
	size_t n = 0;

	if (count > FIELD_PATTERN_LAST - FIELD_PATTERN + 1)
		return 0;
	for (i64 i = 0; i < count; i++) {
		const struct field_value *p = &f[FIELD_PATTERN + i];

		if (!p->there || p->text.n >= ROUTE_MOST - n)
			return 0;
		memcpy(to + n, p->text.p, p->text.n);
		n += p->text.n;
	}
	for (size_t i = 0; i + 3 <= n;)
		if (!memcmp(to + i, "/*/", 3))
			cut(to, &n, i, 2);
		else
			i++;
	for (int i = 0; i < 2 && n > 1 && to[n - 1] == '/'; i++)
		n--;
	return (u32)n;
}

u32 router_route(const struct field_value *f, char to[ROUTE_MOST])
{
	u32 field = FIELD_ROUTE;
	const struct field_value *route;

	if (f[FIELD_PATTERNS].there)
		return joined(f, to);
	while (field < FIELD_ROUTE_OF && !f[field].there)
		field++;
	route = &f[field];
	if (!route->there || route->text.n >= ROUTE_MOST)
		return 0;
	memcpy(to, route->text.p, route->text.n);
	return (u32)route->text.n;
}

enum { EXACT, SEGMENT, REST };

/* What a pattern begins with: a letter, what stands for a part of a path, or for the rest of it. */
static int token(struct str route, size_t at, size_t *next)
{
	size_t i = at;
	int deep = 0;

	*next = at + 1;
	if (route.p[at] == '*') {
		*next = route.n;	/* gin and echo name it, chi allows no more behind it */
		return REST;
	}
	if (route.p[at] == ':' && at && route.p[at - 1] == '/') {
		while (i < route.n && route.p[i] != '/')
			i++;
		*next = i;
		return SEGMENT;
	}
	if (route.p[at] != '{')
		return EXACT;
	do
		deep += route.p[i] == '{' ? 1 : route.p[i] == '}' ? -1 : 0;
	while (++i < route.n && deep);
	*next = i;
	return REST;	/* a regexp may allow slashes */
}

/* Each of what stands for anything takes as little as it can; where that does not do, the last one
 * of them takes more. */
static bool fits(struct str route, struct str path)
{
	size_t r = 0, p = 0, again_r = 0, again_p = 0, next;
	bool again = false;
	int kind = EXACT;

	while (r < route.n || p < path.n) {
		int t = r < route.n ? token(route, r, &next) : EXACT;

		if (r < route.n && t != EXACT) {
			kind = t;
			again = true;
			again_r = next;
			again_p = p;
			r = next;
			continue;
		}
		if (r < route.n && p < path.n && route.p[r] == path.p[p]) {
			r++;
			p++;
			continue;
		}
		if (!again || again_p >= path.n || (kind == SEGMENT && path.p[again_p] == '/'))
			return false;
		p = ++again_p;
		r = again_r;
	}
	return true;
}

/* {name} is one part of a path, {name...} all that follows, {$} its end; and so much as ends with a
 * slash is only what the path begins with. */
bool mux_fits(struct str pattern, struct str path)
{
	size_t p = 0;

	for (size_t r = 0; r < pattern.n;) {
		struct str rest = str_cut(pattern, r, pattern.n);
		ptrdiff_t close = rest.p[0] == '{' ? str_find(rest, STR("}")) : -1;
		size_t from = p;

		if (close < 0) {
			if (p == path.n || path.p[p++] != pattern.p[r++])
				return false;
			continue;
		}
		rest.n = (size_t)close;
		r += rest.n + 1;
		if (str_ends(rest, STR("...")))
			return true;
		if (str_eq(rest, STR("{$")))
			return p == path.n;
		while (p < path.n && path.p[p] != '/')
			p++;
		if (p == from)
			return false;
	}
	return p == path.n || str_ends(pattern, STR("/"));
}

static struct str without_slash(struct str s)
{
	return s.n > 1 && s.p[s.n - 1] == '/' ? str_cut(s, 0, s.n - 1) : s;
}

bool router_fits(struct str route, struct str path, i64 status)
{
	if (!route.n || status == 405 || (status == 404 && str_eq(route, path)))
		return false;
	return fits(without_slash(route), without_slash(path));
}
