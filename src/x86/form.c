#include "x86/form.h"

#include <string.h>

enum {
	NODES = 4096,
	INSNS = 1024,		/* 451 in a program of 17 MB */
	AN_INSN = 1 << 15,	/* marks what is no node, but an instruction's number and ... */
	SIZE = 10,		/* from this bit on its size */
};

/* A tree by bytes: of node 0 the first byte leads to another node or, where it decides, to the
 * instruction; and so on. 0: not known. Each instruction is there once, so that all of them stay in
 * the nearest cache. The size stands beside the number: the next instruction can't be looked for
 * before it is known. */
struct forms {
	u16 next[NODES][256];
	struct insn insns[INSNS];	/* a hash table; of size 0: free */
	u32 nnodes, ninsns;
};

/* Most are never needed. To clear one makes its memory be there before it is read (arena.c). */
static u32 new_node(struct forms *f)
{
	memset(f->next[f->nnodes], 0, sizeof(f->next[0]));
	return f->nnodes++;
}

struct forms *forms_make(struct arena *a)
{
	struct forms *f = ARENA_NEW(a, struct forms);

	memset(f->insns, 0, sizeof(f->insns));
	new_node(f);
	return f;
}

u32 forms_find(const struct forms *f, const u8 *p, size_t n, struct insn *to)
{
	u32 at = 0, size;

	for (size_t k = 0; k < n; k++) {
		at = f->next[at][p[k]];
		if (at & AN_INSN) {
			size = (at & ~AN_INSN) >> SIZE;
			*to = f->insns[at % INSNS];
			return size <= n ? size : 0;
		}
		if (!at)
			break;
	}
	return 0;
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
			*next = (u16)new_node(f);
		at = *next;
		if (at & AN_INSN)
			return;
	}
	f->next[at][p[begin - 1]] = (u16)(AN_INSN | (u32)i->size << SIZE | insn_at(f, i));
}
