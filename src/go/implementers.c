/* Both lists are sorted by name, and func types are the same descriptor when they are the same, so
 * one pass over a type's methods tells. A method whose own type the linker dropped (type -1) is
 * compared by name alone. Names that are not exported belong to a package as well; that is not
 * looked at: one candidate too many is better than one too few. */
#include "go/implementers.h"

#include "go/types_impl.h"

struct asking {
	const struct go_program *prog;
	const struct go_type *inter;
	size_t method;
	void (*fn)(void *ctx, u64 code_va);
	void *ctx;
};

static bool same_type(const struct go_program *prog, const struct go_method *want, i32 type)
{
	return type <= 0 || !want->type || want->type->va == prog->md.types_va + (u64)type;
}

static void ask_type(const struct asking *q, u64 off, const struct descriptor *d)
{
	const struct go_types *ts = q->prog->types;
	struct raw_method m;
	struct uncommon u;
	size_t next = 0;
	i32 code = 0;

	if ((d->kind & KIND_MASK) == GO_INTERFACE || !uncommon_read(q->prog, off, d, &u) ||
	    u.nmethods < q->inter->nmethods)
		return;
	for (u16 i = 0; i < u.nmethods && next < q->inter->nmethods; i++) {
		const struct go_method *want = &q->inter->methods[next];

		if (!raw_method_read(ts, &u, i, &m))
			return;
		if (!str_eq(type_name_at(ts, (u64)m.name), want->name) ||
		    !same_type(q->prog, want, m.type))
			continue;
		if (next++ == q->method)
			code = m.ifn;
	}
	if (next == q->inter->nmethods && code > 0)
		q->fn(q->ctx, q->prog->md.text_va + (u64)code);
}

void go_each_implementer(const struct go_program *prog, struct go_type *inter, size_t method,
			 void (*fn)(void *ctx, u64 code_va), void *ctx)
{
	struct asking q = { prog, go_type_load(prog, inter), method, fn, ctx };
	const struct go_types *ts = types_with_links(prog);
	struct descriptor d, elem;

	if (!inter || inter->kind != GO_INTERFACE || method >= inter->nmethods)
		return;
	for (size_t i = 0; i < ts->nlinks; i++) {
		struct rd r = rd_of(ts->area.p, ts->area.n, "type descriptors");
		u64 at;

		if (!descriptor_read(ts, ts->links[i], &d))
			continue;
		ask_type(&q, ts->links[i], &d);
		if ((d.kind & KIND_MASK) != GO_PTR)
			continue;
		rd_seek(&r, ts->links[i] + TYPE_HEAD);	/* a type with methods: by its pointer */
		at = rd_u64(&r) - prog->md.types_va;
		if (descriptor_read(ts, at, &elem) && elem.tflag & TFLAG_NAMED)
			ask_type(&q, at, &elem);
	}
}
