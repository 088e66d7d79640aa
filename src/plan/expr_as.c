/* x.(T): what an interface holds, where it holds a T. Where the signature of a function is gone, a
 * word of which nothing else is known is taken for a T, and two words for an interface with
 * methods. */
#include "plan/expr_binder.h"

static struct go_type *named(struct binder *b, const struct expr_node *n)
{
	u64 va = bind_descriptor(b, n->text);

	if (!va) {
		(void)bind_wrong(b, n->mark, "no interface of this program holds a %.*s, or there "
				 "are several of this name: then the path of its package tells "
				 "them apart", STR_F(n->text));
		return NULL;
	}
	return bind_type(b, go_type_at(b->p->prog, va));
}

/* The guard of what lies at the place: its type word, behind an itab where it has methods
 * (internal/abi/iface.go: type at 8). */
static bool guard(struct binder *b, const struct expr_node *n, struct place *p, bool methods,
		  const struct go_type *t)
{
	struct expr_step s = { .op = EX_IS, .imm = t->va };

	if (p->computed)
		return bind_wrong(b, n->mark, "a constant index is needed before this");
	if (!bind_bring(b, n->mark, p, 16))
		return false;
	s.exit = p->exit;
	s.guard = p->guard;
	s.at = s.data = p->at;
	if (methods && !reading_behind(bind_reading(b, p), p->at, 8, 8, &s.data, &s.status))
		return bind_no_room(b, n->mark);
	p->guard = (u16)(bind_step(b, s) + 1);
	return true;
}

bool bind_as(struct binder *b, const struct expr_node *n, struct operand *to)
{
	struct go_type *t, *is;
	struct place *p = &to->place;

	if (!bind_node(b, n->a, to))
		return false;
	t = to->type;
	if (to->kind != OPERAND_PLACE)
		return bind_wrong(b, n->mark, "a computed value is no interface");
	is = named(b, n);
	if (!is)
		return false;
	/* names have the package's last element only */
	if (t && (t->va && is->va ? t->va == is->va : str_eq(t->name, is->name)))
		return true;
	if (is->kind == GO_INTERFACE)
		return bind_wrong(b, n->mark, "%.*s is an interface: what one holds is of another "
				  "type, whose name belongs here", STR_F(is->name));
	if (t && t->kind != GO_INTERFACE)
		return bind_wrong(b, n->mark, "%.*s is no interface: its type is always the same",
				  STR_F(t->name));
	to->type = is;
	if (!t && p->words == 1) {
		p->words = 0;
		return is->direct_iface || is->size <= 8 ||
		       bind_wrong(b, n->mark, "a %.*s does not fit into a word", STR_F(is->name));
	}
	if (!t && p->words != 2)
		return bind_wrong(b, n->mark, "it has %u words: an interface has two", p->words);
	if (!guard(b, n, p, !t || t->nmethods, is))
		return false;
	p->words = 0;
	p->at += 8;
	if (!is->direct_iface) {
		p->behind = true;
		p->disp = 0;
	}
	return true;
}
