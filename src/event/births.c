#include "event/births.h"

#include "event/hooked.h"
#include "plan/creations.h"

bool births_record(struct births *b, const struct plan_func *newproc1, const struct record *r,
		   struct birth *to)
{
	u64 goid, *parent;

	if (r->kind == SITE_ENTRY) {
		map_remove(&b->parents, r->goid);
		if (hooked(r, &newproc1->entry, CREATION_PARENT, &goid))
			*map_put(&b->parents, r->goid) = goid + 1;
		return false;
	}
	*to = (struct birth){ .time_ns = r->time_ns };
	parent = map_get(&b->parents, r->goid);
	if (parent) {
		to->parent_known = true;
		to->parent_goid = *parent - 1;
		map_remove(&b->parents, r->goid);
	}
	return hooked(r, &newproc1->exit, CREATION_GOID, &to->goid) &&
	       hooked(r, &newproc1->exit, CREATION_START, &to->start_rt) &&
	       hooked(r, &newproc1->exit, CREATION_AT, &to->return_rt);
}

void births_release(struct births *b)
{
	map_release(&b->parents);
}
