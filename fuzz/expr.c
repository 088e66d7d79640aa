/* What a person types behind --if and --show: any text parses, or is refused with a place. */
#include "plan/expr_impl.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

/* The tree lies within the text, and no deeper than the parser promises. */
static void walk(const struct expr_node *node, size_t length, u32 levels)
{
	if (!node)
		return;
	if (node->at > length || node->end > length || node->mark > length || levels > 400)
		die("fuzz: a node outside its text");
	walk(node->a, length, levels + 1);
	walk(node->b, length, levels + 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	OWN(arena) arena = {0};
	const char *text = str_z(&arena, (struct str){ (const char *)data, n });
	struct expr *exprs = NULL;
	size_t count = 0;
	struct err err = { 0 };
	struct expr_ask ask = { .role = EXPR_SHOW, .option = "--show", .text = text };

	if (expr_parse(&arena, &ask, &exprs, &count, &err)) {
		for (size_t i = 0; i < count; i++)
			walk(exprs[i].root, strlen(text), 0);
	} else if (err.kind != ERR_USAGE || !strchr(err.msg, '\n')) {
		die("fuzz: refused without a place: %s", err.msg);
	}
	return 0;
}
