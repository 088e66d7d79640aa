#include "out/signature.h"

#include "go/brief.h"

/* The receiver stands in the function's name already, and a dictionary is the compiler's own. */
static bool is_shown(const struct go_param *p)
{
	return !p->receiver && !p->dictionary;
}

static void print_shape(struct out *o, const struct go_param *p)
{
	if (p->aggregate)
		out_c(o, '{');
	for (size_t i = 0; i < p->nplaces; i++) {
		if (i)
			out_c(o, ' ');
		out_u64(o, p->places[i].size);
	}
	if (p->aggregate)
		out_c(o, '}');
}

static void print_type(struct out *o, const struct go_program *prog, const struct go_param *p)
{
	if (p->type)
		out_clean(o, go_type_load(prog, p->type)->name);
	else
		print_shape(o, p);
}

/* "ret0" stands for a result without a name. */
static bool is_made_up(const struct go_param *p)
{
	struct str number = str_cut(p->name, 3, p->name.n);

	for (size_t i = 0; i < number.n; i++)
		if (number.p[i] < '0' || number.p[i] > '9')
			return false;
	return str_starts(p->name, STR("ret")) && number.n;
}

static void print_params(struct out *o, const struct go_program *prog, const struct go_sig *s)
{
	bool any = false;

	out_c(o, '(');
	for (size_t i = 0; i < s->nparams; i++) {
		const struct go_param *p = &s->params[i];

		if (!is_shown(p))
			continue;
		if (any)
			out_z(o, ", ");
		any = true;
		if (s->from == SIG_DWARF) {
			out_clean(o, p->name);
			out_c(o, ' ');
		}
		print_type(o, prog, p);
	}
	if (s->cut)
		out_z(o, any ? ", …" : "…");
	out_c(o, ')');
}

static void print_results(struct out *o, const struct go_program *prog, const struct go_sig *s)
{
	bool names = false;

	if (!s->results_known) {
		out_z(o, " ?");
		return;
	}
	if (!s->nresults)
		return;
	for (size_t i = 0; i < s->nresults; i++)
		names |= s->from == SIG_DWARF && !is_made_up(&s->results[i]);
	out_z(o, s->nresults > 1 || names ? " (" : " ");
	for (size_t i = 0; i < s->nresults; i++) {
		if (i)
			out_z(o, ", ");
		if (names) {
			out_clean(o, s->results[i].name);
			out_c(o, ' ');
		}
		print_type(o, prog, &s->results[i]);
	}
	if (s->nresults > 1 || names)
		out_c(o, ')');
}

void signature_print(struct out *o, const struct go_program *prog, const struct go_sig *s)
{
	if (s->from == SIG_NONE) {
		out_z(o, "(?) ?");
		return;
	}
	print_params(o, prog, s);
	print_results(o, prog, s);
}

enum sig_source signature_brief(struct out *o, const struct go_program *prog,
				const struct go_func *f)
{
	struct go_brief b;

	go_brief_of(prog, f, &b);
	if (b.ask) {
		const struct go_sig *sig = go_sig_of(prog, f);

		signature_print(o, prog, sig);
		return sig->from;
	}
	out_clean(o, b.type);
	return b.from;
}

static void json_params(struct json *j, const struct go_program *prog, const struct go_param *p,
			size_t n)
{
	json_array(j);
	for (size_t i = 0; i < n; i++) {
		if (p[i].dictionary)
			continue;
		json_object(j);
		json_key(j, "name");
		json_str(j, p[i].name);
		json_key(j, "type");
		if (p[i].type)
			json_str(j, go_type_load(prog, p[i].type)->name);
		else
			json_null(j);
		json_key(j, "size");
		json_u64(j, p[i].size);
		json_object_end(j);
	}
	json_array_end(j);
}

void signature_json(struct json *j, const struct go_program *prog, const struct go_sig *s)
{
	json_key(j, "params");
	if (s->from == SIG_NONE)
		json_null(j);
	else
		json_params(j, prog, s->params, s->nparams);
	json_key(j, "results");
	if (s->results_known)
		json_params(j, prog, s->results, s->nresults);
	else
		json_null(j);
	json_key(j, "signature_from");
	json_z(j, sig_source_name(s->from));
}
