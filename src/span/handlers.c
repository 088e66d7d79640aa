#include "span/handlers.h"

#include "plan/pattern.h"
#include "span/kafka.h"

static const struct message_type {
	const char *package, *name;
	u8 headers;
} types[] = {
	{ "github.com/twmb/franz-go/pkg/kgo", ".Record", HEADERS_TEXT },
	{ "github.com/segmentio/kafka-go", ".Message", HEADERS_TEXT },
	{ "github.com/IBM/sarama", ".ConsumerMessage", HEADERS_BYTES_BEHIND },
	{ "github.com/Shopify/sarama", ".ConsumerMessage", HEADERS_BYTES_BEHIND },
};

static const char *const fields[FIELDS_MOST] = {
	[KAFKA_TOPIC] = "messaging.destination.name",
	[KAFKA_PARTITION] = "messaging.destination.partition.id",
	[KAFKA_OFFSET] = "messaging.kafka.offset",
};
static const struct library handlers = {
	.name = "kafka", .package = "functions that are handed messages", .fields = fields,
	.messages = kafka_messages, .say = kafka_say,
};
static const char *const traceparent[] = { "tracepar" };

static const struct message_type *message_type(const struct go_program *prog, struct go_type *t)
{
	t = t ? go_type_load(prog, t) : NULL;
	if (t && t->kind == GO_PTR && t->elem)
		t = go_type_load(prog, t->elem);
	if (!t || t->kind != GO_STRUCT)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(t->pkg_path, str_of(types[i].package)) &&
		    str_ends(t->name, str_of(types[i].name)))
			return &types[i];
	return NULL;
}

/* Which of its parameters is the message; NULL: none is, or several are. */
static const struct message_type *handed(const struct go_program *prog, const struct go_sig *sig,
					 u32 *arg)
{
	const struct message_type *found = NULL;
	u32 n = 0;

	for (size_t i = 0; sig && i < sig->nparams; i++) {
		const struct message_type *m = sig->params[i].receiver ? NULL :
					       message_type(prog, sig->params[i].type);

		if (m && found)
			return NULL;
		if (m) {
			found = m;
			*arg = n;
		}
		n += !sig->params[i].receiver;
	}
	return found;
}

static void put(struct rules *r, const struct go_program *prog, const struct go_func *f,
		const struct message_type *m, u32 arg, struct arena *a)
{
	static const struct { u8 field; const char *name; u16 most; } read[] = {
		{ KAFKA_TOPIC, "Topic", 128 }, { KAFKA_PARTITION, "Partition", 0 },
		{ KAFKA_OFFSET, "Offset", 0 },
	};
	struct rule *u = ARENA_NEW(a, struct rule);
	struct plan_extra *x = &r->extras[r->n];

	*u = (struct rule){
		.role = ROLE_SPAN, .func = str_z(a, f->name), .kind = SPAN_CONSUMER,
		.gives = "spans of messages", .operation = "process", .own = true,
		.nreads = ARRAY_LEN(read), .nmessages = 1,
		.messages = { str_fmt(a, "arg%u.Headers", arg).p },
	};
	for (u32 i = 0; i < u->nreads; i++)
		u->reads[i] = (struct rule_read){
			.field = read[i].field, .most = read[i].most,
			.expr = str_fmt(a, "arg%u.%s", arg, read[i].name).p,
		};
	*x = (struct plan_extra){
		.func = u->func, .kind = EXTRA_RECORDS, .headers = m->headers, .only = traceparent,
		.nonly = 1, .beside = true, .role = PROPAGATE_MESSAGE,
	};
	r->patterns[r->n] = str_fmt(a, "0x%llx", (unsigned long long)go_func_va(prog, f)).p;
	r->on[r->n++] = rule_on_of(u, &handlers, r->nasks);
	for (u32 i = 0; i < u->nreads; i++)
		r->asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_BY, .option = u->func, .text = u->reads[i].expr,
			.func = u->func, .most = u->reads[i].most, .beside = true,
		};
	x->places[x->nplaces++] = r->nasks;
	r->asks[r->nasks++] = (struct expr_ask){
		.role = EXPR_PLACE, .option = u->func, .text = u->messages[0], .func = u->func,
		.beside = true,
	};
}

/* Is there one of them in the program at all? And has a rule of its own been made for it? */
static bool has_messages(const struct rules *r)
{
	for (u32 i = 0; i < r->n; i++)
		if (!strcmp(r->on[i].library->name, handlers.name))
			return true;
	return false;
}

static bool is_taken(const struct rules *r, const struct go_func *f)
{
	for (u32 i = 0; i < r->n; i++)
		if (str_eq(f->name, str_of(r->on[i].rule->func)))
			return true;
	return false;
}

bool handlers_choose(struct rules *r, const struct go_program *prog, const char *const *patterns,
		     size_t n, struct arena *a, struct err *err)
{
	struct patterns want = { 0 };
	bool named, ok = true;

	if (!n || !has_messages(r))
		return true;
	ok = patterns_compile(&want, patterns, n, err);
	for (size_t i = 0; ok && i < prog->nfuncs; i++) {
		const struct go_func *f = &prog->funcs[i];
		const struct message_type *m;
		u32 arg = 0;

		if (f->wrapper || !patterns_match_entry(&want, prog, f, STR(""), &named) ||
		    is_taken(r, f))
			continue;
		m = handed(prog, go_sig_of(prog, f), &arg);
		if (m && r->n < RULES_MOST && r->nasks + 4 <= READS_MOST)
			put(r, prog, f, m, arg, a);
	}
	patterns_release(&want);
	return ok;
}
