/* The budget: what the probes cost the program, as a share of one processor. Each site counts its
 * hits; these, times what a probe costs, are what was spent since the last look. When that is too
 * much, the functions that spent most are switched off, one by one, until the rest fits. */
#include <stdio.h>
#include "base/clock.h"
#include "bpf/session.h"

enum { LOOK_NS = 100000000, PROBES_OF_A_CALL = 2 };

/* Sites lie together by function. */
static u32 func_of(const struct bpf_session *s, size_t row)
{
	return s->probes.sites.at[row].site / 4;
}

/* The function that spent most, by its first row, and what. What is watched for panics only is left
 * alone. */
static bool hottest(const struct bpf_session *s, const u64 *spent, size_t *first, u64 *ns)
{
	size_t n = s->probes.sites.n, from = 0;

	*ns = 0;
	for (size_t i = 0; i < n; i = from) {
		u64 sum = 0;

		for (from = i; from < n && func_of(s, from) == func_of(s, i); from++)
			sum += s->rows[from].off ? 0 : spent[from];
		if (sum > *ns && s->plan->funcs[func_of(s, i)].shown) {
			*ns = sum;
			*first = i;
		}
	}
	return *ns > 0;
}

static void switch_off(struct bpf_session *s, size_t first, u64 ns, u64 passed)
{
	struct str name = s->plan->funcs[func_of(s, first)].func->name;

	for (size_t i = first; i < s->probes.sites.n && func_of(s, i) == func_of(s, first); i++)
		__atomic_store_n(&s->rows[i].off, 1, __ATOMIC_RELAXED);
	talk("%.*s is switched off: its probes took %llu %% of a processor", STR_F(name),
	     (unsigned long long)(100 * ns / passed));
}

void bpf_budget_look(struct bpf_session *s)
{
	size_t n = s->probes.sites.n, first;
	i64 now = now_ns();
	u64 passed = (u64)(now - s->looked_ns), total = 0, limit, ns;
	struct arena a = { 0 };
	struct err err = { 0 };
	u64 *spent;
	bool changed = false;

	if (!s->options.max_overhead || passed < LOOK_NS)
		return;
	limit = passed / 100 * s->options.max_overhead;
	spent = ARENA_ARRAY(&a, u64, n);
	for (size_t i = 0; i < n; i++) {
		u64 hits = __atomic_load_n(&s->rows[i].hits, __ATOMIC_RELAXED);

		if (s->before.n < n)	/* the first look */
			*vec_push(&s->before) = 0;
		spent[i] = (hits - s->before.at[i]) * s->options.cost_ns / PROBES_OF_A_CALL;
		total += s->rows[i].off ? 0 : spent[i];
		s->before.at[i] = hits;
	}
	while (s->looked_ns && total > limit && hottest(s, spent, &first, &ns)) {
		switch_off(s, first, ns, passed);
		total -= ns;
		changed = true;
	}
	if (changed && !bpf_session_renew(s, &err))
		fprintf(stderr, TALK "%s; what is switched off is still probed\n", err.msg);
	s->looked_ns = now_ns();
	arena_release(&a);
}
