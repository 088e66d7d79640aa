#include "go/itabs.h"

struct go_itabs {
	struct go_itab *at;
	size_t n;
};

/* itab: OFFSET SIZE MEANING: 0 8 interface type, 8 8 concrete type, 16 4 hash, 20 4 pad,
 * 24 8*max(n,1) code addresses, n = number of the interface's methods. */
enum { ITAB_INTER = 0, ITAB_TYPE = 8, ITAB_HEAD = 24, INTERFACE_NMETHODS = 48 + 16 };

static bool read_itab(const struct go_program *prog, u64 va, struct go_itab *t)
{
	const struct moduledata *md = &prog->md;

	t->va = va;
	return image_u64(prog->img, va + ITAB_INTER, &t->inter_va) &&
	       image_u64(prog->img, va + ITAB_TYPE, &t->type_va) &&
	       t->inter_va >= md->types_va && t->inter_va < md->etypes_va &&
	       t->type_va >= md->types_va && t->type_va < md->etypes_va;
}

static size_t read_all(const struct go_program *prog, struct arena *a, struct go_itab **itabs)
{
	const struct moduledata *md = &prog->md;
	u64 room = md->nitablinks ? md->nitablinks : md->itabsize / (ITAB_HEAD + 8);
	u64 va, n, end = md->types_va + md->itaboffset + md->itabsize;
	size_t got = 0;

	*itabs = NULL;
	if (room > prog->img->size / 8)
		return 0;
	*itabs = ARENA_ARRAY(a, struct go_itab, room ? room : 1);
	for (u64 i = 0; i < md->nitablinks; i++)	/* up to 1.26: a list of pointers */
		if (image_u64(prog->img, md->itablinks_va + 8 * i, &va) &&
		    read_itab(prog, va, *itabs + got))
			got++;
	if (md->nitablinks)
		return got;
	for (va = md->types_va + md->itaboffset; va < end && got < room;
	     got++) { /* 1.27: back to back */
		if (!read_itab(prog, va, *itabs + got) ||
		    !image_u64(prog->img, (*itabs)[got].inter_va + INTERFACE_NMETHODS, &n) ||
		    n > 4096)
			break;
		va += ITAB_HEAD + 8 * MAX(n, (u64)1);
	}
	return got;
}

size_t go_itabs(const struct go_program *prog, const struct go_itab **itabs)
{
	struct go_program *p = (struct go_program *)prog;	/* a cache */

	if (!p->itabs) {
		p->itabs = ARENA_NEW(&p->arena, struct go_itabs);
		p->itabs->n = read_all(prog, &p->arena, &p->itabs->at);
	}
	*itabs = p->itabs->at;
	return p->itabs->n;
}
