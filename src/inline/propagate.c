#include "inline/propagate.h"

#include <sys/random.h>

#include "go/itabs.h"
#include "inline/session.h"

/* Of *bufio.Writer as an io.Writer; 0: the program has none, so nothing is written. */
static u64 itab_va(const struct go_program *prog)
{
	const struct go_itab *itabs;
	size_t n = go_itabs(prog, &itabs);
	u64 va = 0;

	for (size_t i = 0; i < n && !va; i++) {
		struct go_type *inter = go_type_at(prog, itabs[i].inter_va);
		struct go_type *type = go_type_at(prog, itabs[i].type_va);

		if (inter && type && str_eq(go_type_load(prog, inter)->name, STR("io.Writer")) &&
		    str_eq(go_type_load(prog, type)->name, STR("*bufio.Writer")))
			va = itabs[i].va;
	}
	return va;
}

/* Nobody else takes goroutines out of the tables. */
static bool sees_ends(const struct plan *p)
{
	u32 seen = 0;

	for (u32 i = 0; i < p->nfuncs; i++) {
		if (p->funcs[i].hook != HOOK_GOEXIT1)
			continue;
		if (p->funcs[i].refusal)
			return false;
		seen++;
	}
	return seen > 0;
}

bool propagate_begin(const struct inline_session *s)
{
	const struct propagate_ask *ask = s->plan->request.propagate;
	struct {
		u64 key[2], below;
		u32 parent, streams, how, asked;
		u64 itab_rt, ends;
	} head = { 0 };
	u64 va;

	_Static_assert(sizeof(head) == offsetof(struct propagate, lost), "the tables' head");
	if (!ask)
		return true;
	va = itab_va(s->plan->prog);
	if (getrandom(head.key, sizeof(head.key), 0) != sizeof(head.key))
		die("no random numbers from the kernel");
	head.below = ask->below;
	head.parent = ask->parent;
	head.how = ask->how;
	head.itab_rt = va ? va + s->layout.bias : 0;
	head.ends = sees_ends(s->plan);
	return mem_write(s->mem_fd, s->pid, s->layout.near_rt + NEAR_PROPAGATE, &head,
			 sizeof(head));
}
