#include "out/keys.h"

#include "base/out.h"
#include "out/look.h"

enum { TABLE = 1 << 15 };	/* places, so that a third of them is used at most */

struct key {
	enum expr_kind kind;
	struct go_type *type;
	u64 bits;		/* a bool, a number; the length of a string in the program */
	struct str text;
};

void keys_init(struct keys *k, struct arena *a, const struct target_facts *t)
{
	*k = (struct keys){ .t = t, .arena = a, .by = plan_expr(t->plan, EXPR_BY) };
	k->room = k->n = t->plan->nfuncs;
	if (!k->by)
		return;
	k->room = KEYS_MAX + 1;
	k->n = 1;
	k->at = ARENA_ARRAY(a, struct key, k->room);
	k->table = ARENA_ARRAY(a, u32, TABLE);
}

static double as_float(const struct key *key)
{
	double f;

	memcpy(&f, &key->bits, sizeof(f));
	return f;
}

/* A number is the same key whichever integer type it has, but for addresses. */
static struct key key_of(const struct expr_result *v)
{
	struct key key = { .kind = v->kind, .type = v->type };

	switch (v->kind) {
	case EXPR_BOOL:
		key.bits = v->b;
		break;
	case EXPR_UINT:
		if (v->u <= INT64_MAX && !look_is_address(v->type))
			key.kind = EXPR_INT;
		key.bits = v->u;
		break;
	case EXPR_INT:
		key.bits = (u64)v->i;
		break;
	case EXPR_FLOAT:
		memcpy(&key.bits, &v->f, sizeof(key.bits));
		break;
	case EXPR_STRING:
	case EXPR_VALUE:
		key.bits = v->len;
		key.text = v->text;
		break;
	}
	return key;
}

static bool same(const struct key *a, const struct key *b)
{
	return a->kind == b->kind && a->bits == b->bits && str_eq(a->text, b->text);
}

static u32 find(struct keys *k, const struct key *key)
{
	u64 hash = ((key->bits ^ str_hash(key->text)) + key->kind) * 0x9e3779b97f4a7c15u;
	u32 place = (u32)(hash >> 40) & (TABLE - 1);

	for (; k->table[place]; place = (place + 1) & (TABLE - 1))
		if (same(&k->at[k->table[place]], key))
			return k->table[place];
	if (k->n == k->room)
		return KEY_OTHER;
	k->at[k->n] = *key;
	k->at[k->n].text.p = arena_copy(k->arena, key->text.p, key->text.n);
	return k->table[place] = k->n++;
}

bool keys_value(const struct target_facts *t, const struct call *c, const struct expr *e,
		struct expr_result *v)
{
	struct expr_input in = expr_input_of(t->plan, c, t->bias);

	if (expr_value(&in, e, v))
		return true;
	if (v->unreadable && t->unreadable)
		++*t->unreadable;
	return false;
}

u32 keys_of(struct keys *k, const struct call *c)
{
	struct expr_result v;
	struct key key;

	if (!k->by)
		return plan_first(k->t->plan, c->fn);
	if (!keys_value(k->t, c, k->by, &v))
		return KEY_NONE;
	key = key_of(&v);
	return find(k, &key);
}

static int compare_funcs(const struct plan_func *a, const struct plan_func *b)
{
	int by_name = str_cmp(a->func->name, b->func->name);

	return by_name ? by_name : (a->line_at > b->line_at) - (a->line_at < b->line_at);
}

int keys_compare(const struct keys *k, u32 a, u32 b)
{
	const struct key *x, *y;

	if (!k->by)
		return compare_funcs(&k->t->plan->funcs[a], &k->t->plan->funcs[b]);
	if (a == KEY_OTHER || b == KEY_OTHER)
		return a == b ? 0 : a == KEY_OTHER ? 1 : -1;
	x = &k->at[a];
	y = &k->at[b];
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->kind == EXPR_STRING && !str_eq(x->text, y->text))
		return str_cmp(x->text, y->text);
	if (x->kind == EXPR_FLOAT)
		return as_float(x) < as_float(y) ? -1 : as_float(x) > as_float(y);
	if (x->kind == EXPR_INT)
		return (i64)x->bits < (i64)y->bits ? -1 : (i64)x->bits > (i64)y->bits;
	return x->bits < y->bits ? -1 : x->bits > y->bits;
}

void keys_text(struct out *o, const struct keys *k, u32 i)
{
	const struct key *key;

	if (!k->by) {
		const struct plan_func *fn = &k->t->plan->funcs[i];

		out_clean(o, fn->func->name);
		if (!fn->line_at)
			return;
		out_c(o, ' ');
		out_clean(o, fn->line.file);
		out_fmt(o, ":%d", fn->line.line);
		return;
	}
	if (i == KEY_OTHER) {
		out_str(o, STR("other"));
		return;
	}
	key = &k->at[i];
	switch (key->kind) {
	case EXPR_BOOL:
		out_z(o, key->bits ? "true" : "false");
		return;
	case EXPR_UINT:
		if (look_is_address(key->type))
			out_hex(o, key->bits);
		else
			out_u64(o, key->bits);
		return;
	case EXPR_INT:
		if (key->type && look_is_duration(key->type))
			out_duration(o, (i64)key->bits);
		else
			out_i64(o, (i64)key->bits);
		return;
	case EXPR_FLOAT:
		out_float(o, as_float(key), look_float_bits(key->type));
		return;
	case EXPR_STRING:
	case EXPR_VALUE:
		out_quoted(o, key->text);
		if (key->bits > key->text.n)
			out_fmt(o, "…(%llu)", (unsigned long long)key->bits);
		return;
	}
}

/* As values are everywhere: wrapped where a string alone does not say it all. */
static void json_key_value(struct json *j, const struct key *key)
{
	bool cut = key->bits > key->text.n, odd = !str_is_utf8(key->text);

	if (!cut && !odd) {
		json_str(j, key->text);
		return;
	}
	json_object(j);
	json_key(j, "value");
	json_str(j, key->text);
	if (odd) {
		json_key(j, "base64");
		json_base64(j, key->text);
	}
	if (cut) {
		json_key(j, "len");
		json_u64(j, key->bits);
	}
	json_object_end(j);
}

static void json_value(struct json *j, const struct key *key)
{
	switch (key->kind) {
	case EXPR_BOOL:
		json_bool(j, key->bits);
		return;
	case EXPR_UINT:
		if (look_is_address(key->type))
			json_hex(j, key->bits);
		else
			json_u64(j, key->bits);
		return;
	case EXPR_INT:
		json_i64(j, (i64)key->bits);
		return;
	case EXPR_FLOAT:
		json_float(j, as_float(key), look_float_bits(key->type));
		return;
	case EXPR_STRING:
	case EXPR_VALUE:
		json_key_value(j, key);
		return;
	}
}

void keys_json(struct json *j, const struct keys *k, u32 i)
{
	json_key(j, "func");
	if (k->by)
		json_null(j);
	else
		json_str(j, k->t->plan->funcs[i].func->name);
	if (!k->by && k->t->plan->funcs[i].line_at) {
		json_key(j, "file");
		json_str(j, k->t->plan->funcs[i].line.file);
		json_key(j, "line");
		json_i64(j, k->t->plan->funcs[i].line.line);
	}
	json_key(j, "by");
	if (!k->by || i == KEY_OTHER)
		json_null(j);
	else
		json_value(j, &k->at[i]);
	if (!k->by || i != KEY_OTHER)
		return;
	json_key(j, "other");
	json_bool(j, true);
}
