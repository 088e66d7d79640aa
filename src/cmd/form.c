#include "cmd/form.h"

#include "base/opt.h"

static bool is_table(const struct form *f)
{
	return f->summary || f->count || f->hist || f->hist_linear;
}

bool form_check(struct form *f, struct arena *a, bool entry, bool stack, bool show, struct err *err)
{
	const struct { bool on; const char *name; } forms[] = {
		{ entry, "--entry" }, { f->graph, "--graph" }, { f->summary, "--summary" },
		{ f->count, "--count" }, { f->hist, "--hist" }, { f->hist_linear, "--hist-linear" },
	};
	const char *form = NULL;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (form && forms[i].on)
			return err_set(err, ERR_USAGE, "%s and %s: one form of output at a time",
				       form, forms[i].name);
		if (forms[i].on)
			form = forms[i].name;
	}
	if ((is_table(f) || f->graph) && stack)
		return err_set(err, ERR_USAGE, "%s and --stack: only lines of calls have stacks",
			       form);
	if (is_table(f) && show)
		return err_set(err, ERR_USAGE, "%s and --show: tables show no arguments", form);
	if (f->by && !f->count && !f->hist && !f->hist_linear)
		return err_set(err, ERR_USAGE, "--by is for --count, --hist and --hist-linear");
	if (f->every_ns && !is_table(f))
		return err_set(err, ERR_USAGE,
			       "--every is for --summary, --count, --hist and --hist-linear");
	if (f->every_ns && f->every_ns < 10000000)
		return err_set(err, ERR_USAGE, "--every: at least 10ms");
	f->hist_expr = f->hist;
	return !f->hist_linear ||
	       hist_scale_parse(a, f->hist_linear, &f->hist_expr, &f->scale, err);
}

bool form_suits(const struct form *f, const struct plan *p, struct err *err)
{
	const char *form = f->graph ? "--graph" : f->summary ? "--summary" : f->hist ? "--hist" :
			   f->hist_linear ? "--hist-linear" : NULL;

	bool lines = false;

	for (u32 i = 0; i < p->nfuncs; i++)
		lines |= p->funcs[i].line_at != 0;
	return !lines || !form ||
	       err_set(err, ERR_USAGE, "%s: it is about calls, and a line or address inside a "
		       "function is none; --count counts it", form);
}

void form_request(const struct form *f, struct plan_request *r, struct expr_ask *asks)
{
	if (f->hist_expr)
		asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_HIST, .option = f->hist ? "--hist" : "--hist-linear",
			.text = f->hist_expr,
		};
	if (f->by)
		asks[r->nasks++] = (struct expr_ask){
			.role = EXPR_BY, .option = "--by", .text = f->by };
	r->values = f->summary ? VALUES_ERROR : is_table(f) ? VALUES_NONE : VALUES_ALL;
	r->entry_enough |= f->count;
}

struct sink form_sink(const struct form *f, struct arena *a, struct out *o,
		      const struct target_facts *t)
{
	if (f->summary)
		return sink_summary_new(a, o, t, f->json);
	if (f->count)
		return sink_count_new(a, o, t, f->json);
	if (f->hist_expr)
		return sink_hist_new(a, o, t, f->json, &f->scale);
	if (f->json)	/* calls say their depth and caller */
		return sink_json_new(a, o, t);
	return f->graph ? sink_graph_new(a, o, t) : sink_text_new(a, o, t);
}
