/* Logs whose newest line is the first, as logcli, Grafana and CloudWatch give them unless they are
 * asked otherwise.
 *
 *		/src/main.go:9 +0x1b5
 *	main.main()
 *	goroutine 1 [running]:
 *
 *	panic: boom */
#include "diag/death.h"

enum { VOTES = 100 };

/* The line that ends before `at`, which becomes where it begins. */
static struct str line_before(struct str log, size_t *at)
{
	size_t end = *at ? *at - 1 : 0;
	ptrdiff_t from = str_find_last(str_cut(log, 0, end), '\n');

	*at = (size_t)(from + 1);
	return str_cut(log, *at, end);
}

static bool is_call(struct str func, struct str place)
{
	return str_find(func, STR("(")) >= 0 && str_find(place, STR(".go:")) >= 0;
}

/* A goroutine's first line has its innermost call behind it; or before it. */
static bool newest_first(struct str log)
{
	size_t from = 0;
	int votes = 0, n = 0;
	ptrdiff_t at;

	while (n < VOTES && (at = str_find(str_cut(log, from, log.n), STR("goroutine "))) >= 0) {
		size_t begin = from + (size_t)at;
		struct str rest = str_cut(log, begin, log.n), func, place;
		struct str head = str_next_line(&rest);

		from = log.n - rest.n;
		if (str_find(head, STR("]:")) < 0 && str_find(head, STR("] {")) < 0)
			continue;
		begin = (size_t)(str_find_last(str_cut(log, 0, begin), '\n') + 1);
		func = str_next_line(&rest);
		place = str_next_line(&rest);
		votes -= is_call(func, place);
		func = line_before(log, &begin);
		place = line_before(log, &begin);
		votes += is_call(func, place);
		n++;
	}
	return votes > 0;
}

struct str death_oldest_first(struct str log, struct arena *a)
{
	size_t at = log.n, n = 0;
	char *to;

	if (!newest_first(log))
		return log;
	to = arena_alloc(a, log.n + 1);
	if (!str_ends(log, STR("\n")))
		at++;
	while (at) {
		struct str line = line_before(log, &at);

		memcpy(to + n, line.p, line.n);
		n += line.n;
		to[n++] = '\n';
	}
	return (struct str){ to, n };
}
