#include "x86/form.h"

#include <string.h>

enum {
	NODES = 4096,
	INSNS = 1024,		/* 451 in a program of 17 MB */
	AN_INSN = 1 << 15,	/* marks what is no node */
};

/* A tree by bytes: of node 0 the first byte leads to another node or, where it decides, to the
 * instruction; and so on. 0: not known. Each instruction is there once, so that all of them stay in
 * the nearest cache. */
struct forms {
	u16 next[NODES][256];
	struct insn insns[INSNS];	/* a hash table; of size 0: free */
	u32 nnodes, ninsns;
};

struct forms *forms_make(struct arena *a)
{
	struct forms *f = ARENA_NEW(a, struct forms);

	f->nnodes = 1;
	return f;
}

bool forms_find(const struct forms *f, const u8 *p, size_t n, struct insn *to)
{
	u32 at = 0;

	for (size_t k = 0; k < n; k++) {
		at = f->next[at][p[k]];
		if (at & AN_INSN) {
			*to = f->insns[at - AN_INSN];
			return to->size <= n;
		}
		if (!at)
			break;
	}
	return false;
}

static u32 insn_at(struct forms *f, const struct insn *i)
{
	u32 k = (i->writes * 0x9e3779b1u >> 16) + i->size * 64u + i->kind;

	while (k %= INSNS, f->insns[k].size) {
		if (!memcmp(&f->insns[k], i, sizeof(*i)))
			return k;
		k++;
	}
	f->insns[k] = *i;
	f->ninsns++;
	return k;
}

void forms_keep(struct forms *f, const u8 *p, u32 begin, const struct insn *i)
{
	u32 at = 0;

	if (f->ninsns == INSNS - 1 || f->nnodes + begin > NODES)
		return;
	for (u32 k = 0; k + 1 < begin; k++) {
		u16 *next = &f->next[at][p[k]];

		if (!*next)
			*next = (u16)f->nnodes++;
		at = *next;
		if (at & AN_INSN)
			return;
	}
	f->next[at][p[begin - 1]] = (u16)(AN_INSN + insn_at(f, i));
}
