#include "cmd/stress_sites.h"

bool stress_stores(struct torn_stores *to, const struct go_program *prog, const char **patterns,
		   size_t npatterns, struct arena *a, struct err *err)
{
	OWN(patterns) want = { 0 };
	u64 *hits = ARENA_ARRAY(a, u64, npatterns + 1);

	if (!patterns_compile(&want, patterns, npatterns, err))
		return false;
	for (size_t i = 0; npatterns && i < prog->nfuncs; i++)
		patterns_count(&want, prog, &prog->funcs[i], STR(""), hits);
	if (!patterns_check_hits(&want, prog, hits, err))
		return false;
	torn_list(to, prog, &want, a);
	return true;
}

/* "main.(*Log).set+0x4c" means a store of main.(*Log).set. */
static bool functions_of(const struct opt_list *ids, const char ***patterns, struct arena *a,
			 struct err *err)
{
	*patterns = ARENA_ARRAY(a, const char *, ids->n);
	for (size_t i = 0; i < ids->n; i++) {
		struct str id = str_of(ids->at[i]);
		ptrdiff_t plus = str_find_last(id, '+');

		if (plus <= 0)
			return err_set(err, ERR_USAGE, "--site %s: an id is FUNCTION+0xOFFSET, as "
				       "--list prints it", ids->at[i]);
		(*patterns)[i] = str_z(a, str_cut(id, 0, (size_t)plus));
	}
	return true;
}

/* Up to Go 1.20 all instances of a generic function have one name: then an id means the store of
 * each. */
static bool choose(const struct torn_stores *all, const char *id, bool *chosen, struct arena *a,
		   struct err *err)
{
	const struct torn_store *refused = NULL;
	bool any = false;

	for (size_t k = 0; k < all->n; k++) {
		if (!str_eq(torn_id(&all->at[k], a), str_of(id)))
			continue;
		if (all->at[k].refusal)
			refused = &all->at[k];
		else
			any = chosen[k] = true;
	}
	if (any)
		return true;
	if (refused)
		return err_set(err, ERR_REFUSED, "--site %s: can't be delayed (%s)", id,
			       refusal_text(refused->refusal));
	return err_set(err, ERR_USAGE, "--site %s: no such store; --list shows what there is", id);
}

/* In the order of the stores, each once. */
static bool by_ids(struct stress_sites *to, const struct torn_stores *all,
		   const struct opt_list *ids, struct arena *a, struct err *err)
{
	bool *chosen = ARENA_ARRAY(a, bool, all->n);

	for (size_t i = 0; i < ids->n; i++)
		if (!choose(all, ids->at[i], chosen, a, err))
			return false;
	for (size_t k = 0; k < all->n; k++)
		if (chosen[k])
			to->at[to->n++] = &all->at[k];
	return true;
}

bool stress_sites(struct stress_sites *to, const struct go_program *prog, const char **patterns,
		  size_t npatterns, const struct opt_list *ids, struct arena *a, struct err *err)
{
	struct torn_stores all;

	*to = (struct stress_sites){ 0 };
	if (ids->n && npatterns)
		return err_set(err, ERR_USAGE, "stress: patterns or --site, not both");
	if (ids->n) {
		npatterns = ids->n;
		if (!functions_of(ids, &patterns, a, err))
			return false;
	}
	if (!stress_stores(&all, prog, patterns, npatterns, a, err))
		return false;
	to->at = ARENA_ARRAY(a, const struct torn_store *, all.n + 1);
	if (ids->n)
		return by_ids(to, &all, ids, a, err);
	for (size_t i = 0; i < all.n; i++)
		to->at[to->n++] = &all.at[i];
	return to->n || err_set(err, ERR_USAGE, "stress: %s stores no value of several words",
				npatterns ? "what these patterns match" : "this program");
}
