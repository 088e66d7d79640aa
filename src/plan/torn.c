#include "plan/torn.h"

#include "base/hands.h"
#include "go/vars.h"
#include "plan/torn_search.h"

const char *torn_kind_name(enum torn_kind k)
{
	static const char *const names[] = { "string", "slice", "interface", "append" };

	return names[k];
}

const char *torn_certainty_name(enum torn_certainty c)
{
	static const char *const names[] = { "possible", "likely", "certain" };

	return names[c];
}

const char *torn_word_name(enum torn_kind k, unsigned word)
{
	static const char *const words[] = { "ptr", "len", "cap" };

	if (k == TORN_INTERFACE)
		return word ? "data" : "type";
	return word < ARRAY_LEN(words) ? words[word] : "?";
}

struct str torn_id(const struct torn_store *t, struct arena *a)
{
	return str_fmt(a, "%.*s+0x%x", STR_F(t->func->name), t->at);
}

/* A function that is wanted, and which of a hand's stores are its. */
struct wanted {
	const struct go_func *func;
	bool named, whole;
	u32 hand;
	size_t from, n;
};

/* The functions are searched by several threads, and their stores put in order again. */
struct sharing {
	const struct patterns *want;
	VEC(struct wanted) funcs;
	size_t next;		/* of funcs, that nobody has begun */
};

struct searcher {
	struct sharing *all;
	u32 number;
	struct torn_search search;
	struct go_program twin;
};

enum {
	AT_ONCE = 16,		/* functions that are taken at once */
	WORTH_A_HAND = 1000,
};

static void list_wanted(struct sharing *all, const struct go_program *prog)
{
	for (size_t i = 0; i < prog->nfuncs; i++) {
		struct wanted w = { .func = &prog->funcs[i] };
		bool entry_named;

		if (!patterns_match_func(all->want, prog, w.func, &w.named))
			continue;
		w.whole = patterns_match_entry(all->want, prog, w.func, STR(""), &entry_named);
		*vec_push(&all->funcs) = w;
	}
}

static void search_some(void *arg)
{
	struct searcher *h = arg;
	struct sharing *all = h->all;
	size_t from;

	while ((from = __atomic_fetch_add(&all->next, AT_ONCE, __ATOMIC_RELAXED)) < all->funcs.n)
		for (size_t i = from; i < MIN(from + AT_ONCE, all->funcs.n); i++) {
			struct wanted *w = &all->funcs.at[i];

			w->hand = h->number;
			w->from = h->search.to.n;
			h->search.only = w->whole ? NULL : all->want;
			torn_search(&h->search, w->func, w->named);
			w->n = h->search.to.n - w->from;
		}
}

static void put_together(struct torn_stores *to, const struct sharing *all,
			 const struct searcher *hands, u32 nhands, struct arena *a)
{
	size_t n = 0;

	for (u32 i = 0; i < nhands; i++)
		n += hands[i].search.to.n;
	to->at = arena_alloc(a, n * sizeof(*to->at));
	for (size_t i = 0; i < all->funcs.n; i++) {
		const struct wanted *w = &all->funcs.at[i];

		for (size_t k = 0; k < w->n; k++) {
			struct torn_store *t = &to->at[to->n++];

			*t = hands[w->hand].search.to.at[w->from + k];
			t->object.p = arena_copy(a, t->object.p, t->object.n);
		}
	}
}

void torn_list(struct torn_stores *to, const struct go_program *prog, const struct patterns *want,
	       struct arena *a)
{
	struct sharing all = { .want = want };
	struct searcher hands[HANDS_MOST];
	struct place_finder places;
	u64 flag_va;
	u32 n;

	*to = (struct torn_stores){ 0 };
	if (!go_write_barrier_va(prog, &flag_va))
		return;
	list_wanted(&all, prog);
	n = hands_for(all.funcs.n, WORTH_A_HAND);
	place_finder_make(&places, prog);
	for (u32 i = 0; i < n; i++) {
		struct searcher *h = &hands[i];

		*h = (struct searcher){ .all = &all, .number = i,
				    .search = { .prog = prog, .flag_va = flag_va } };
		if (i) {
			go_program_twin(&h->twin, prog);
			h->search.prog = &h->twin;
		}
		place_finder_share(&h->search.places, &places, h->search.prog);
	}
	hands_do(n, search_some, hands, sizeof(*hands));
	put_together(to, &all, hands, n, a);
	for (u32 i = 0; i < n; i++) {
		torn_search_release(&hands[i].search);
		if (i)
			go_twin_release(&hands[i].twin);
	}
	place_finder_release(&places);
	vec_release(&all.funcs);
}
