#include "event/births.h"

#include <string.h>

#include "event/calls.h"
#include "plan/creations.h"

/* A word behind its status; false when it could not be read. */
static bool take(const struct record *r, const struct reading *rd, u32 at, u64 *to)
{
	u32 status;

	if (!rd->hook_at || rd->hook_at + at + sizeof(*to) > r->size)
		return false;
	memcpy(&status, r->bytes + rd->hook_at + at - sizeof(u64), sizeof(status));
	memcpy(to, r->bytes + rd->hook_at + at, sizeof(*to));
	return status == sizeof(*to);
}

bool births_record(struct births *b, const struct plan_func *newproc1, const struct record *r,
		   struct birth *to)
{
	u64 goid, *parent;

	if (r->kind == SITE_ENTRY) {
		map_remove(&b->parents, r->goid);
		if (take(r, &newproc1->entry, CREATION_PARENT, &goid))
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
	return take(r, &newproc1->exit, CREATION_GOID, &to->goid) &&
	       take(r, &newproc1->exit, CREATION_START, &to->start_rt) &&
	       take(r, &newproc1->exit, CREATION_AT, &to->return_rt);
}

void births_release(struct births *b)
{
	map_release(&b->parents);
}
