#include "span/rules.h"

#include <stdio.h>
#include <string.h>

#include "go/release.h"
#include "go/modver.h"
#include "span/fiber.h"
#include "span/grpc.h"
#include "span/http.h"
#include "span/kafka.h"
#include "span/logs.h"
#include "span/mongo.h"
#include "span/propagators.h"
#include "span/redis.h"
#include "span/sql.h"

const struct library *const rules_libraries[] = {
	&library_http_server, &library_fiber, &library_http_client, &library_grpc_server,
	&library_grpc_client,
	&library_sql, &library_pgx5, &library_pgx4, &library_redis9, &library_redis8,
	&library_mongo1, &library_mongo2,
	&library_franz, &library_kafka_go, &library_sarama, &library_sarama_shopify,
	&library_slog, &library_zap, &library_zerolog, &library_logrus, NULL,
};

static const char *names(void)
{
	static char text[32 * LIBRARIES_MOST];
	size_t n = 0;

	for (u32 i = 0; rules_libraries[i]; i++)
		if (!i || strcmp(rules_libraries[i]->name, rules_libraries[i - 1]->name))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
					      rules_libraries[i]->name);
	return text;
}

static bool mark(const char *option, const struct opt_list *list, bool *to, bool value,
		 struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct str rest = str_of(list->at[i]);

		while (rest.n) {
			ptrdiff_t comma = str_find(rest, STR(","));
			struct str name = str_cut(rest, 0, comma < 0 ? rest.n : (size_t)comma);
			bool known = false;

			rest = str_cut(rest, name.n + 1, rest.n);
			for (u32 l = 0; rules_libraries[l]; l++) {
				if (!str_eq(name, str_of(rules_libraries[l]->name)))
					continue;
				to[l] = value;
				known = true;
			}
			if (!known)
				return err_set(err, ERR_USAGE, "%s: '%.*s' is not one of %s",
					       option, STR_F(name), names());
		}
	}
	return true;
}

bool rules_wanted(struct rules *r, const struct opt_list *only, const struct opt_list *no,
		  struct err *err)
{
	for (u32 i = 0; rules_libraries[i]; i++)
		r->wanted[i] = rules_libraries[i]->severity ? r->logs : !only->n;
	return mark("--only", only, r->wanted, true, err) &&
	       mark("--no", no, r->wanted, false, err);
}

/* What is written has one rule, whichever library's it is: those of others say the same. */
static bool is_taken(const struct rules *r, const struct library *l, const struct rule *u)
{
	for (u32 i = 0; i < r->n; i++)
		if ((r->on[i].library == l || u->role == ROLE_WRITE) &&
		    !strcmp(r->on[i].rule->func, u->func))
			return true;
	return false;
}

static bool is_of_version(const struct go_program *prog, const struct library *l,
			  const struct rule *u)
{
	struct str version;

	if (!release_in(prog->version.minor, u->since, u->until))
		return false;
	if (!u->from && !u->below)
		return true;
	version = go_module_version(prog, str_of(l->module));
	return (!u->from || version_compare(version, str_of(u->from)) >= 0) &&
	       (!u->below || version_compare(version, str_of(u->below)) < 0);
}

/* Of those for one function the first whose parameters are the program's own, the newest before
 * others; NULL: none of them. */
static const struct rule *by_parameters(const struct go_program *prog, const struct library *l,
					const char *func, const struct go_func *f)
{
	for (int newest = 1; newest >= 0; newest--)
		for (u32 i = 0; i < l->nrules && !f->wrapper; i++) {
			const struct rule *u = &l->rules[i];

			if (!strcmp(u->func, func) && is_of_version(prog, l, u) == newest &&
			    release_in(prog->version.minor, u->since, u->until) && u->sig &&
			    go_sig_tell(prog, f, u->sig))
				return u;
		}
	return NULL;
}

/* A program that was built without modules does not say which version it has. */
static bool is_the_one(const struct go_program *prog, const struct library *l,
		       const struct rule *u, const struct go_func *f)
{
	const struct rule *fits = NULL;

	if (u->sig && (u->from || u->below) && !go_module_version(prog, str_of(l->module)).n)
		fits = by_parameters(prog, l, u->func, f);
	return fits ? u == fits : is_of_version(prog, l, u);
}

/* What requests say of who sent them, which nobody wants to know. */
static bool is_unasked(const struct rules *r, const struct rule *u)
{
	return !r->how && (u->role == ROLE_REQUEST || u->role == ROLE_LINE ||
			   u->role == ROLE_FRAME);
}

/* Are they told of when they begin, and of no use after that? */
static bool has_no_end(const struct rule *u)
{
	switch (u->role) {
	case ROLE_REQUEST:
	case ROLE_STATUS:
	case ROLE_STREAM:
	case ROLE_ROUTER:
	case ROLE_ANSWER:
	case ROLE_CONNECTION:
	case ROLE_LOGGED:
	case ROLE_DELIVERY:
		return true;
	case ROLE_SPAN:
	case ROLE_LINE:
	case ROLE_FRAME:
	case ROLE_ROUTE:
	case ROLE_TOLD:
	case ROLE_LOG:
		return false;
	case ROLE_WRITE:
		return u->extra.role == PROPAGATE_NAME || u->extra.role == PROPAGATE_BLOCK;
	}
	return false;
}

static void ask_reads(struct rules *r, const struct rule *u, struct plan_extra *x)
{
	u32 nkeys = 0;

	for (u32 k = 0; k < u->nreads; k++) {
		u8 field = u->reads[k].field;

		if (field == FIELD_KEY || field == FIELD_SUBKEY) {
			x->keys[field - FIELD_KEY] = r->nasks;
			nkeys++;
		}
		r->asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_BY, .option = u->func, .text = u->reads[k].expr,
			.func = u->func, .most = u->reads[k].most,
		};
	}
	x->keyed = nkeys == ARRAY_LEN(x->keys);
}

/* Behind the asks of its reads. */
static void ask_context(struct rules *r, const struct rule *u)
{
	if (!u->ctx && !u->ctx_in)
		return;
	r->ctxs[r->nctxs++] = (struct plan_ctx){
		.func = u->func, .ask = r->nasks, .in_regs = u->ctx_in,
		.reg = (u8)(u->ctx_in - !!u->ctx_in), .alone = u->kind == SPAN_SERVER,
	};
	if (!u->ctx_in)
		r->asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_PLACE, .option = u->func, .text = u->ctx, .func = u->func,
		};
}

static void ask_messages(struct rules *r, const struct rule *u, struct plan_extra *x)
{
	for (; x->nplaces < u->nmessages; x->nplaces++) {
		x->places[x->nplaces] = r->nasks;
		r->asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_PLACE, .option = u->func, .text = u->messages[x->nplaces],
			.func = u->func,
		};
	}
}

/* The types are pointers to structs; echo.Context was an interface once. */
static bool reads_it(const struct go_program *prog, const struct rule_read *read)
{
	struct go_type *t = read->type ? go_type_named(prog, str_of(read->type)) : NULL;

	return !read->type ||
	       (t && go_type_load(prog, t)->elem && go_type_load(prog, t->elem)->kind == GO_STRUCT);
}

/* What a call must be of, or NULL: the program has none of the types. */
static const char *condition_of(const struct go_program *prog, const struct rule *u,
				struct arena *a)
{
	const char *text = NULL, *last = "";

	for (u32 k = 0; k < u->nreads; k++) {
		const char *type = u->reads[k].type;

		if (!strcmp(type, last) || !reads_it(prog, &u->reads[k]))
			continue;
		last = type;
		text = str_fmt(a, "%s%s%s == \"%s\"", text ? text : "", text ? " || " : "",
			       u->when_type, type).p;
	}
	return text;
}

/* By none of those whose calls it is about. */
static bool is_never_called(const struct go_program *prog, const struct rule *u)
{
	for (u32 i = 0; i < CALLERS_MOST && u->extra.callers[i]; i++)
		if (go_func_named(prog, str_of(u->extra.callers[i])))
			return false;
	return u->extra.callers[0];
}

static bool is_made(const struct go_program *prog, const struct library *l)
{
	for (u32 i = 0; i < ARRAY_LEN(l->made_by) && l->made_by[i]; i++)
		if (go_func_named(prog, str_of(l->made_by[i])))
			return true;
	return !l->made_by[0];
}

/* The rule's function, where this rule is about the one that the program has; or NULL. */
static const struct go_func *func_of(const struct go_program *prog, const struct library *l,
				     const struct rule *u)
{
	const struct go_func *f = go_func_named(prog, str_of(u->func));

	if (!f || !is_the_one(prog, l, u, f) ||
	    (u->words && f->args >= 0 && f->args != 8 * u->words) ||
	    (u->has && !go_type_named(prog, str_of(u->has))) || is_never_called(prog, u) ||
	    (u->only_with && !go_func_named(prog, str_of(u->only_with))))
		return NULL;
	return f;
}

static bool begins(const struct rule *u)
{
	return u->role == ROLE_SPAN || u->role == ROLE_LOG;
}

static bool sends(const struct go_program *prog, const struct library *l)
{
	bool there = false;

	for (u32 i = 0; i < l->nrules; i++) {
		const struct rule *u = &l->rules[i];

		if ((!begins(u) && u->role != ROLE_WRITE) || !func_of(prog, l, u))
			continue;
		if (there && u->role == ROLE_WRITE)
			return true;
		there |= begins(u);
	}
	return false;
}

bool rules_send(const struct rules *r, const struct go_program *prog)
{
	for (u32 i = 0; rules_libraries[i]; i++)
		if (r->wanted[i] && is_made(prog, rules_libraries[i]) &&
		    sends(prog, rules_libraries[i]))
			return true;
	return false;
}

bool rules_follow(const struct rules *r)
{
	for (u32 i = 0; i < r->n; i++)
		if (r->on[i].rule->role != ROLE_STATUS && !(r->on[i].fields & 1u << FIELD_KEY))
			return true;
	return false;
}

static void choose(struct rules *r, const struct go_program *prog, bool probes, struct arena *a,
		   u32 library)
{
	const struct library *l = rules_libraries[library];

	for (u32 i = 0; i < l->nrules; i++) {
		const struct rule *u = &l->rules[i];
		const struct go_func *f = func_of(prog, l, u);
		const char *when = u->when;

		if (!f || is_taken(r, l, u) || (u->costly && probes) ||
		    (!begins(u) && !r->there[library]) || is_unasked(r, u))
			continue;
		if (u->when_type) {
			when = probes ? NULL : condition_of(prog, u, a);
			if (!when)
				continue;
		}
		if (r->n == RULES_MOST || r->nasks + u->nreads + u->nmessages + 2 > READS_MOST)
			die("there are more rules than RULES_MOST");
		r->there[library] |= begins(u);
		if (u->sig)
			go_sig_tell(prog, f, u->sig);
		r->extras[r->n] = u->extra;
		r->extras[r->n].func = u->func;
		r->extras[r->n].no_end = has_no_end(u);
		propagators_ask(&r->extras[r->n], r->how, a);
		if (u->role == ROLE_SPAN && !u->extra.role && !u->apart)
			r->extras[r->n].role = PROPAGATE_SPAN;
		r->patterns[r->n] = str_fmt(a, "0x%llx", (unsigned long long)
					    go_func_va(prog, f)).p;
		r->on[r->n++] = rule_on_of(u, l, r->nasks);
		ask_reads(r, u, &r->extras[r->n - 1]);
		if (when)
			r->asks[r->nasks++] = (struct expr_ask){
				.role = EXPR_IF, .option = u->func, .text = when, .func = u->func,
			};
		ask_messages(r, u, &r->extras[r->n - 1]);
		ask_context(r, u);
	}
}

/* Whoever allocates may begin a collection, and makes its workers then, at any moment: also after
 * it has read a request, and before it makes the goroutine that will serve that. */
static const char *const collection[] = {
	"runtime.gcBgMarkStartWorkers",		/* from 1.22 on: a function of the compiler's */
	"runtime.gcBgMarkWorker",
};

void rules_choose(struct rules *r, const struct go_program *prog, bool probes, struct arena *a)
{
	for (u32 i = 0; i < ARRAY_LEN(collection); i++)
		r->quiet[r->nquiet++] = collection[i];
	r->nquiet_always = r->nquiet;
	for (u32 i = 0; rules_libraries[i]; i++) {
		if (r->wanted[i] && is_made(prog, rules_libraries[i]))
			choose(r, prog, probes, a, i);
		if (r->there[i] && rules_libraries[i]->quiet)
			r->quiet[r->nquiet++] = rules_libraries[i]->quiet;
	}
}

const struct rule_on *rules_of(const struct rules *r, const struct plan_func *f)
{
	for (u32 i = 0; i < r->n; i++)
		if (str_eq(f->func->name, str_of(r->on[i].rule->func)))
			return &r->on[i];
	return NULL;
}

/* Is there another one for its field? */
static bool is_read(const struct plan_func *f, const struct rule_on *on, u8 field)
{
	for (u32 k = 0; k < on->rule->nreads; k++)
		if (on->rule->reads[k].field == field && f->codes[on->first + k].n)
			return true;
	return false;
}

/* What kernel probes leave out. */
static void probes_off(const struct rules *r, const struct go_program *prog,
		       void (*say)(void *ctx, const char *sentence), void *ctx)
{
	struct arena a = { 0 };

	for (u32 l = 0; rules_libraries[l]; l++)
		for (u32 i = 0; r->there[l] && i < rules_libraries[l]->nrules; i++) {
			const struct rule *u = &rules_libraries[l]->rules[i];

			if ((u->when_type || u->costly) &&
			    go_func_named(prog, str_of(u->func)) &&
			    (u->costly || condition_of(prog, u, &a)))
				say(ctx, str_fmt(&a, "%s is off: kernel probes at %s would cost "
						 "too much", u->gives, u->func).p);
		}
	arena_release(&a);
}

/* "F is off in G: " comes before it, and G is the option that it complains of: "G: G has no …". */
static struct str reason(const struct rule *u, const char *why)
{
	struct str s = str_of(why), func = str_of(u->func);
	ptrdiff_t line = str_find(s, STR("\n"));

	s = line < 0 ? s : str_cut(s, 0, (size_t)line);
	if (str_starts(s, func) && str_starts(str_cut(s, func.n, s.n), STR(": ")))
		s = str_cut(s, func.n + 2, s.n);
	return s;
}

/* Where the headers of messages are is not known. */
static void messages_off(const struct rules *r, const struct rule_on *on,
			 const struct plan_func *f,
			 void (*say)(void *ctx, const char *sentence), void *ctx)
{
	const struct plan_extra *x = &r->extras[on - r->on];
	const char *why = x->nplaces ? f->codes[x->places[0]].why : NULL;
	char text[512];

	if (!why)
		return;
	snprintf(text, sizeof(text), "whose messages they are is off in %s: %.*s", on->rule->func,
		 STR_F(reason(on->rule, why)));
	say(ctx, text);
}

void rules_off(const struct rules *r, const struct plan *p,
	       void (*say)(void *ctx, const char *sentence), void *ctx)
{
	char text[512];

	if (p->request.probes)
		probes_off(r, p->prog, say, ctx);
	for (u32 i = 0; rules_libraries[i]; i++) {
		const struct library *l = rules_libraries[i];

		if (!r->wanted[i] || r->there[i] || !l->used ||
		    !go_func_named(p->prog, str_of(l->used)))
			continue;
		snprintf(text, sizeof(text), "%s of %s are off: of its calls none has a name "
			 "that is known", l->severity ? "log lines" : "spans", l->package);
		say(ctx, text);
	}
	for (u32 i = 0; i < p->nfuncs; i++) {
		const struct plan_func *f = &p->funcs[i];
		const struct rule_on *on = f->shown ? rules_of(r, f) : NULL;

		if (!on)
			continue;
		if (f->refusal) {
			snprintf(text, sizeof(text), "%s is off: %s: %s", on->rule->gives,
				 on->rule->func, refusal_text(f->refusal));
			say(ctx, text);
			continue;
		}
		for (u32 k = 0; k < on->rule->nreads; k++) {
			const char *why = f->codes[on->first + k].why;

			if (!why || on->rule->reads[k].quiet ||
			    is_read(f, on, on->rule->reads[k].field) ||
			    !reads_it(p->prog, &on->rule->reads[k]))
				continue;
			snprintf(text, sizeof(text), "%s is off in %s: %.*s",
				 on->library->fields[on->rule->reads[k].field], on->rule->func,
				 STR_F(reason(on->rule, why)));
			say(ctx, text);
		}
		messages_off(r, on, f, say, ctx);
		if ((on->rule->ctx || on->rule->ctx_in) && !f->entry.ctx_at) {
			snprintf(text, sizeof(text), "%s by its context is off in %s: its "
				 "context.Context is not found", on->library->severity ?
				 "which span a line is in" : "whose child a span is",
				 on->rule->func);
			say(ctx, text);
		}
	}
}
