#include "go/modver.h"

struct str go_module_version(const struct go_program *prog, struct str path)
{
	if (str_eq(prog->main_module.path, path))
		return prog->main_module.version;
	for (size_t i = 0; i < prog->ndeps; i++)
		if (str_eq(prog->deps[i].required, path))
			return prog->deps[i].version;
	return STR("");
}

static bool begins_with_a_number(struct str *s)
{
	if (s->n && s->p[0] == 'v')
		*s = str_cut(*s, 1, s->n);
	return s->n && s->p[0] >= '0' && s->p[0] <= '9';
}

static int order(u64 a, u64 b)
{
	return (a > b) - (a < b);
}

int version_compare(struct str a, struct str b)
{
	bool known_a = begins_with_a_number(&a), known_b = begins_with_a_number(&b);
	int is = order(!known_a, !known_b);

	for (int i = 0; i < 3 && !is && known_a; i++) {
		u64 of_a, of_b;

		(void)str_take_number(&a, &of_a);
		(void)str_take_number(&b, &of_b);
		is = order(of_a, of_b);
		if (str_starts(a, STR(".")))
			a = str_cut(a, 1, a.n);
		if (str_starts(b, STR(".")))
			b = str_cut(b, 1, b.n);
	}
	/* a pre-release ("-rc.1", and the "-0.2023…" of a commit) comes before the release */
	return is ? is : order(str_starts(b, STR("-")), str_starts(a, STR("-")));
}
