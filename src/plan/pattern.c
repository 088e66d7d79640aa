#include "plan/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { NAME, TREE, LINE, ADDRESS, REGEX };

struct pattern {
	const char *whole;	/* as given, for messages */
	struct str text;	/* without `!`, `re:`, `/...`, `:88` */
	enum kind kind;
	bool negative;
	i32 line;
	u64 va;
	regex_t regex;
};

static bool parse_line(struct pattern *p)
{
	ptrdiff_t colon = str_find_last(p->text, ':');
	char *end;
	long n;

	if (colon <= 0 || (size_t)colon + 1 == p->text.n)
		return false;
	n = strtol(p->text.p + colon + 1, &end, 10);
	if (end != p->text.p + p->text.n || n <= 0 || n > INT32_MAX)
		return false;
	p->text = str_cut(p->text, 0, (size_t)colon);
	p->line = (i32)n;
	return true;
}

static bool parse(struct pattern *p, const char *text, struct err *err)
{
	char *end;
	int bad;

	p->whole = text;
	p->negative = *text == '!';
	p->text = str_of(text + p->negative);
	if (!p->text.n)
		return err_set(err, ERR_USAGE,
			       "an empty pattern matches nothing: give a function's name, or '*'");
	if (str_starts(p->text, STR("re:"))) {
		p->kind = REGEX;
		p->text = str_cut(p->text, 3, p->text.n);
		bad = regcomp(&p->regex, p->text.p, REG_EXTENDED | REG_NOSUB);
		if (bad) {
			char why[200];

			regerror(bad, &p->regex, why, sizeof(why));
			p->kind = NAME;		/* nothing to free */
			return err_set(err, ERR_USAGE, "pattern '%s': %s", text, why);
		}
	} else if (str_starts(p->text, STR("0x"))) {
		p->kind = ADDRESS;
		p->va = strtoull(p->text.p, &end, 16);
		if (*end)
			return err_set(err, ERR_USAGE,
				       "pattern '%s': not an address; write it as 0x459e60", text);
	} else if (str_ends(p->text, STR("/..."))) {
		p->kind = TREE;
		p->text = str_cut(p->text, 0, p->text.n - 4);
	} else if (parse_line(p)) {
		p->kind = LINE;
	} else {
		p->kind = NAME;
	}
	return true;
}

bool patterns_compile(struct patterns *p, const char *const *texts, size_t n, struct err *err)
{
	p->at = ARENA_ARRAY(&p->arena, struct pattern, n ? n : 1);
	for (p->n = 0; p->n < n; p->n++)
		if (!parse(&p->at[p->n], texts[p->n], err))
			return false;
	return true;
}

void patterns_release(struct patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].kind == REGEX)
			regfree(&p->at[i].regex);
	arena_release(&p->arena);
	*p = (struct patterns){ 0 };
}

/* `*` is any run of characters. Linear but for the one star to go back to. */
static bool glob(struct str pat, struct str s)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (j < s.n) {
		if (i < pat.n && pat.p[i] == '*') {
			star = i++;
			from = j;
		} else if (i < pat.n && pat.p[i] == s.p[j]) {
			i++, j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++from;
		} else {
			return false;
		}
	}
	while (i < pat.n && pat.p[i] == '*')
		i++;
	return i == pat.n;
}

/* The name without type arguments: main.Map[go.shape.int,go.shape.string].func1 -> main.Map.func1.
 */
static struct str plain_name(struct str name, char *to, size_t room)
{
	size_t n = 0;
	int depth = 0;

	if (!name.n || !memchr(name.p, '[', name.n))
		return name;
	for (size_t i = 0; i < name.n && n < room; i++) {
		/* type arguments follow a word: in the types []T and *[4]T there are none */
		bool word = i && (isalnum((u8)name.p[i - 1]) || name.p[i - 1] == '_');

		if (name.p[i] == '[' && (depth || word))
			depth++;
		else if (name.p[i] == ']' && depth)
			depth--;
		else if (!depth)
			to[n++] = name.p[i];
	}
	return (struct str){ to, n };
}

static bool match_whole(const struct pattern *p, struct str name)
{
	char plain[1024];
	regmatch_t all = { 0, (regoff_t)name.n };

	switch (p->kind) {
	case REGEX:
		return !regexec(&p->regex, name.p, 1, &all, REG_STARTEND);
	case NAME:
		return glob(p->text, name) || glob(p->text, plain_name(name, plain, sizeof(plain)));
	default:
		return false;
	}
}

bool pattern_path_ends(struct str path, struct str end)
{
	return str_ends(path, end) &&
	       (path.n == end.n || path.p[path.n - end.n - 1] == '/' || end.p[0] == '/');
}

/* Of a function, or of a type: then pointers may stand before it. */
static bool match_name(const struct pattern *p, struct str name)
{
	if (p->kind != TREE)
		return match_whole(p, name);
	while (str_starts(name, STR("*")))
		name = str_cut(name, 1, name.n);
	return str_starts(name, p->text) && name.n > p->text.n &&
	       (name.p[p->text.n] == '/' || name.p[p->text.n] == '.');
}

static bool is_at(const struct pattern *p, struct go_line at)
{
	return p->line == at.line && pattern_path_ends(at.file, p->text);
}

static bool match(const struct pattern *p, const struct go_program *prog, const struct go_func *f)
{
	u64 va = go_func_va(prog, f);

	switch (p->kind) {
	case ADDRESS:
		return p->va >= va && p->va < va + MAX(f->size, 1u);
	case LINE:
		return go_func_has_line(prog, f, p->text, p->line, pattern_path_ends) ||
		       is_at(p, go_func_line(prog, f));
	default:
		return match_name(p, f->name);
	}
}

/* Does the pattern say this package, so that a function of the runtime is meant and not only met?
 */
static bool says_package(const struct pattern *p, struct str pkg)
{
	struct str head = p->text;
	const char *star;

	if (!pkg.n)
		return false;	/* assembly's local symbols */
	switch (p->kind) {
	case ADDRESS:
	case LINE:
		return true;
	case TREE:
		return true;	/* it matched: the package lies below what was named */
	case REGEX:
		return str_find(head, pkg) >= 0;
	case NAME:
		break;
	}
	star = memchr(head.p, '*', head.n);
	if (star)
		head = str_cut(head, 0, (size_t)(star - head.p));
	return str_starts(head, pkg);
}

bool patterns_match_func(const struct patterns *p, const struct go_program *prog,
			 const struct go_func *f, bool *named)
{
	bool yes = p->n == 0 || p->at[0].negative;	/* `!x` alone: everything but x */

	*named = false;
	for (size_t i = 0; i < p->n; i++) {
		if (!match(&p->at[i], prog, f))
			continue;
		yes = !p->at[i].negative;
		*named = yes && (*named || says_package(&p->at[i], go_name_split(f->name).package));
	}
	return yes;
}

/* A function's first line is its entry's, and the one that `func` stands on. */
static bool is_first(const struct pattern *p, const struct go_program *prog,
		     const struct go_func *f)
{
	if (p->kind == ADDRESS)
		return p->va == go_func_va(prog, f);
	return p->kind != LINE || is_at(p, go_line_at(prog, f, f->pc)) ||
	       is_at(p, go_func_line(prog, f));
}

bool patterns_match_entry(const struct patterns *p, const struct go_program *prog,
			  const struct go_func *f, struct str method, bool *named)
{
	bool yes = p->n == 0 || p->at[0].negative;

	*named = false;
	for (size_t i = 0; i < p->n; i++) {
		const struct pattern *one = &p->at[i];
		bool by_name = method.n && match_name(one, method);

		if (!by_name &&
		    (!match(one, prog, f) || (!one->negative && !is_first(one, prog, f))))
			continue;
		yes = !one->negative;
		*named = yes && (*named || says_package(one, go_name_split(f->name).package));
	}
	return yes;
}

bool patterns_next_place(const struct patterns *p, const struct go_program *prog,
			 const struct go_func *f, size_t *i, struct pattern_place *to)
{
	for (; *i < p->n; ++*i) {
		const struct pattern *one = &p->at[*i];
		bool wanted = !one->negative && (one->kind == LINE || one->kind == ADDRESS) &&
			      match(one, prog, f) && !is_first(one, prog, f);

		for (size_t k = *i + 1; wanted && k < p->n; k++)
			wanted = !p->at[k].negative || !match(&p->at[k], prog, f);
		if (!wanted)
			continue;
		*to = (struct pattern_place){ .va = one->va, .file = one->text, .line = one->line };
		++*i;
		return true;
	}
	return false;
}

bool patterns_say_exactly(const struct patterns *p, const struct go_program *prog,
			  const struct go_func *f)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->at[i].negative && match(&p->at[i], prog, f) &&
		    (p->at[i].kind == ADDRESS || p->at[i].kind == LINE ||
		     (p->at[i].kind == NAME && (!memchr(p->at[i].text.p, '*', p->at[i].text.n) ||
						str_eq(p->at[i].text, f->name))))) /* main.(*T).F */
			return true;
	return false;
}

bool patterns_match_text(const struct patterns *p, struct str text)
{
	bool yes = p->n == 0 || p->at[0].negative;

	for (size_t i = 0; i < p->n; i++)
		if (match_name(&p->at[i], text))
			yes = !p->at[i].negative;
	return yes;
}

void patterns_count(const struct patterns *p, const struct go_program *prog,
		    const struct go_func *f, struct str method, u64 *hits)
{
	for (size_t i = 0; i < p->n; i++)
		hits[i] += match(&p->at[i], prog, f) ||
			   (method.n && match_name(&p->at[i], method));
}

void patterns_count_name(const struct patterns *p, struct str name, u64 *hits)
{
	for (size_t i = 0; i < p->n; i++)
		hits[i] += match_name(&p->at[i], name);
}

/* As people say it: net/http.(*ServeMux).ServeHTTP becomes net/http.servemux.servehttp. */
static struct str as_said(struct str name, char *to, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n && n < room; i++) {
		char c = name.p[i];

		if (c != '(' && c != ')' && !(c == '*' && i && name.p[i - 1] == '('))
			to[n++] = (char)tolower((u8)c);
	}
	return (struct str){ to, n };
}

/* Is it that name but for its case, the path of its package, or how its receiver is written? */
static bool may_be_meant(struct str said, struct str name)
{
	char to[512];
	struct str s = as_said(name, to, sizeof(to));

	for (size_t i = 0; i < s.n; i++)
		if ((!i || s.p[i - 1] == '/' || s.p[i - 1] == '.') &&
		    glob(said, str_cut(s, i, s.n)))
			return true;
	return false;
}

/* How far from what was asked for; more than `limit`: too far. */
static unsigned distance(const struct pattern *miss, struct str said, const struct go_func *f,
			 unsigned limit)
{
	struct go_name parts = go_name_split(f->name);
	char method[512];
	unsigned d;
	int n;

	if (!f->wrapper && may_be_meant(said, f->name))
		return 0;
	n = snprintf(method, sizeof(method), "%.*s.%.*s", STR_F(parts.package),
		     STR_F(parts.function));
	if (parts.receiver.n && !f->wrapper && !parts.closure.n && n < (int)sizeof(method) &&
	    may_be_meant(said, (struct str){ method, (size_t)n }))
		return 1;
	d = str_distance(miss->text, f->name, limit);
	return d > limit && str_find(f->name, miss->text) >= 0 ? limit : d;
}

struct host {
	const struct go_func *in;
	u64 pc;
};

/* The first one, but rather one that is traced by its name. */
static void find_host(void *ctx, const struct go_func *in, u64 pc)
{
	struct host *first = ctx;

	if (!first->in || (first->in->wrapper && !in->wrapper))
		*first = (struct host){ in, pc };
}

static bool say_inlined(const struct go_program *prog, const struct pattern *miss,
			const struct host *host, struct err *err)
{
	struct go_line line = go_line_at(prog, host->in, host->pc);

	if (host->in->wrapper && line.file.n)
		return err_set(err, ERR_USAGE, "pattern '%s': it exists only inlined, into %.*s, "
			       "which the compiler made: trace a line of it instead, such as "
			       "%.*s:%d", miss->whole, STR_F(host->in->name), STR_F(line.file),
			       line.line);
	return err_set(err, ERR_USAGE,
		       "pattern '%s': it exists only inlined, for example into %.*s: "
		       "trace that instead",
		       miss->whole, STR_F(host->in->name));
}

bool patterns_check_hits(const struct patterns *p, const struct go_program *prog, const u64 *hits,
			 struct err *err)
{
	const struct pattern *miss = NULL;
	struct host host = { 0 };
	struct str best[3] = { { 0 } };
	unsigned away[3] = { 0 };
	size_t nbest = 0;
	char near[512] = "", reduced[512];
	struct str said;

	for (size_t i = 0; i < p->n && !miss; i++)
		if (!hits[i])
			miss = &p->at[i];
	if (!miss)
		return true;
	if (miss->kind == NAME)
		go_each_inlined(prog, miss->text, find_host, &host);
	if (host.in)
		return say_inlined(prog, miss, &host, err);
	said = as_said(miss->text, reduced, sizeof(reduced));
	for (size_t i = 0; miss->kind == NAME && i < prog->nfuncs; i++) {
		unsigned limit = (unsigned)MAX(miss->text.n / 3, (size_t)2);
		unsigned d = distance(miss, said, &prog->funcs[i], limit);
		size_t at = nbest;

		if (d > limit)
			continue;
		while (at && away[at - 1] > d)
			at--;
		if (at == ARRAY_LEN(best))
			continue;
		if (nbest < ARRAY_LEN(best))
			nbest++;
		for (size_t k = nbest - 1; k > at; k--)
			best[k] = best[k - 1], away[k] = away[k - 1];
		best[at] = prog->funcs[i].name;
		away[at] = d;
	}
	while (nbest > 1 && !away[0] && away[nbest - 1])
		nbest--;	/* it is clear what was meant */
	for (size_t i = 0, n = 0; i < nbest && n < sizeof(near); i++)
		n += (size_t)snprintf(near + n, sizeof(near) - n, "%s%.*s",
				      i ? ", " : "; near it: ", STR_F(best[i]));
	return err_set(err, ERR_USAGE,
		       "pattern '%s' matches no function%s (goshawk funcs lists them)", miss->whole,
		       near);
}

bool patterns_left_nothing(const char *const *texts, size_t n, const char *verb, struct err *err)
{
	bool negative = false;

	for (size_t i = 0; i < n; i++)
		negative |= texts[i][0] == '!';
	return negative ? err_set(err, ERR_USAGE, "nothing is left to %s: '!PATTERN' takes away "
				  "all that the patterns before it match", verb)
			: err_set(err, ERR_USAGE, "pattern '%s' matches only functions of the "
				  "runtime, or what the compiler made: name them (runtime.…) to "
				  "%s them", texts[0], verb);
}
