#include "plan/plan.h"

#include "base/vec.h"
#include "go/fork.h"
#include "go/wrapper.h"
#include "plan/chain.h"
#include "plan/expr_bind.h"
#include "plan/creations.h"
#include "plan/extra.h"
#include "plan/inside.h"
#include "plan/reading.h"
#include "plan/recovery.h"
#include "plan/redact.h"

/* Reached from a signal handler, or before there is one, whatever its stack check says. */
static const char *const signal_names[] = {
	"runtime.sigtramp",
	"runtime.sigtrampgo",
	"runtime.cgoSigtramp",
	"runtime.sigreturn",
	"runtime.sigfwd",
	"runtime.sigfwdgo",
	"runtime.rt0_go",
	"runtime.mstart",
	"runtime.mcall",
	"runtime.gogo",
	"runtime.systemstack",
	"runtime.systemstack_switch",
	"runtime.asmcgocall",
	"runtime.cgocallback",
	"runtime.morestack",
	"runtime.morestack_noctxt",
	"runtime.asyncPreempt",
	"runtime.sigpanic0",
	"runtime.clone",
	"runtime.goexit",
	"runtime.settls",
	"runtime.rt_sigaction",
	"runtime.jmpdefer",
	"runtime.racecall",
	"runtime.racecallbackthunk",
	"runtime.gcWriteBarrier",
	"runtime.debugCallV2",
	"runtime.sigprofNonGoWrapper",
	"runtime.sigreturn__sigaction",
};

/* Where a goroutine of iter.Pull ends without goexit1; coroexit is inlined there. */
#define CORO_ENDS "runtime.corostart.deferwrap1"

static bool is_wrapper(const struct go_func *f)
{
	return f->wrapper && !str_eq(f->name, STR(CORO_ENDS));
}

static bool among(struct str name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(list[i])))
			return true;
	return false;
}

bool plan_flow(const struct go_program *prog, const struct go_func *f, struct arena *a,
	       struct flow *flow, struct err *err)
{
	return go_flow(prog, f, a, flow, err);
}

static bool no_word(const void *ctx, u64 va, u64 *to)
{
	(void)ctx;
	(void)va;
	(void)to;
	return false;
}

bool plan_window_flow(const struct go_program *prog, const struct go_func *f,
		      const struct window *w, struct arena *a, struct flow *flow, struct err *err)
{
	struct flow_input in = {
		.bytes = str_cut(go_func_bytes(prog, f), w->at, w->at + w->size),
		.va = go_func_va(prog, f) + w->at, .word = no_word, .forms = go_forms(prog),
	};

	in.size = (u32)in.bytes.n;
	return flow_make(flow, a, &in, err);
}

enum refusal plan_refuses(const struct go_program *prog, const struct go_func *f, bool named)
{
	struct str package = go_name_split(f->name).package, method;

	if (!f->pcsp || !f->size)
		return REFUSE_NO_STACK_MAP;
	if (among(f->name, signal_names, ARRAY_LEN(signal_names)))
		return REFUSE_SIGNAL;
	if (go_runs_in_fork_child(prog, f))
		return REFUSE_FORK;
	if (go_is_runtime(package) && !named)
		return REFUSE_RUNTIME;
	if (is_wrapper(f) && !go_wraps_inlined(prog, f, &method))
		return REFUSE_WRAPPER;
	if (f->assembly && (go_is_runtime(package) || go_sig_of(prog, f)->from == SIG_NONE))
		return REFUSE_ASSEMBLY;
	return REFUSE_NONE;
}

enum refusal plan_probe(const struct go_program *prog, const struct go_func *f, bool named,
			struct arena *a, struct patches *patches)
{
	enum refusal whole = plan_refuses(prog, f, named);
	struct flow flow;
	struct err err;

	if (whole)
		return whole;
	if (!plan_flow(prog, f, a, &flow, &err))
		return REFUSE_DECODE;
	patches_make(patches, a, &flow);
	return patches->entry;
}

bool plan_redacts(const struct plan *p, struct str name)
{
	return p->redact.n && patterns_match_text(&p->redact, name);
}

static enum plan_hook hook_of(const struct plan *p, const struct go_func *f)
{
	static const struct { const char *name; enum plan_hook hook; } hooks[] = {
		{ "runtime.gopanic", HOOK_GOPANIC },
		{ "runtime.Goexit", HOOK_GOEXIT },
		{ "runtime.goexit1", HOOK_GOEXIT1 },
		{ CORO_ENDS, HOOK_GOEXIT1 },
		{ "runtime.newproc1", HOOK_NEWPROC1 },
		{ "runtime.recovery", HOOK_RECOVERY },
		{ "syscall.runtime_BeforeExec", HOOK_EXEC },
		{ "syscall.runtime_AfterExec", HOOK_EXEC_FAILED },
	};

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		if (str_eq(f->name, str_of(hooks[i].name)))
			return hooks[i].hook == HOOK_NEWPROC1 && !p->request.goroutines
				       ? HOOK_NONE : hooks[i].hook;
	return HOOK_NONE;
}

static void keep_patches(struct plan *p, struct patches *to, const struct patches *from)
{
	*to = *from;
	to->windows = arena_copy(&p->arena, from->windows, from->nwindows * sizeof(*from->windows));
	to->landings =
		arena_copy(&p->arena, from->landings, from->nlandings * sizeof(*from->landings));
	to->exits = arena_copy(&p->arena, from->exits, from->nexits * sizeof(*from->exits));
}

/* What only lacks room for a jump is no obstacle to the kernel, which probes single
 * instructions. */
static enum refusal for_probes(const struct go_func *f, enum refusal r, struct patches *patches)
{
	if (r == REFUSE_SHORT || r == REFUSE_CALL || r == REFUSE_NOT_RELOCATABLE ||
	    r == REFUSE_PAGE)
		r = REFUSE_NONE;
	if (!r && f->assembly)
		r = REFUSE_NO_G;
	for (u32 i = 0; i < patches->nexits; i++)
		patches->exits[i].refusal = REFUSE_NONE;
	return r;
}

/* Exits whose window would displace an instruction of the entry only: nothing to pair them with. */
static void count_exits(struct plan *p, const struct plan_func *f)
{
	for (u32 i = 0; i < f->patches.nexits; i++) {
		p->nexits++;
		p->nexits_refused += f->patches.exits[i].refusal != REFUSE_NONE;
	}
}

/* The first word of a last result of type error, as a value of its own: nil or not. */
static const struct go_param *error_word(struct plan *p, const struct go_sig *sig)
{
	const struct go_param *last = sig->nresults ? &sig->results[sig->nresults - 1] : NULL;
	const struct go_type *t;
	struct go_param *word;

	if (!sig->results_known || !last || !last->type || !last->nplaces)
		return NULL;
	t = go_type_load(p->prog, last->type);
	if (t->kind != GO_INTERFACE || !str_eq(t->name, STR("error")) ||
	    last->places[0].at || last->places[0].size < 8)
		return NULL;
	word = ARENA_NEW(&p->arena, struct go_param);
	*word = *last;
	word->type = NULL;
	word->size = 8;
	word->nplaces = 1;
	word->places = arena_copy(&p->arena, last->places, sizeof(*word->places));
	word->places->size = 8;
	return word;
}

static void read_values(struct plan *p, const struct dynamic_types *d, struct reading_cache *c,
			struct plan_func *f, bool secret)
{
	const struct go_sig *sig = f->sig;
	bool all = p->request.values == VALUES_ALL;
	const struct go_param *results = all ? sig->results : NULL;

	if (p->request.values == VALUES_ERROR)
		results = error_word(p, sig);
	reading_make(&f->entry, p, d, c, sig->params, all ? sig->nparams : 0, secret, true);
	reading_make(&f->exit, p, d, c, results, all ? sig->nresults : results != NULL, secret,
		     false);
	if (!all && f->exit.nslots && f->exit.slots[0].taken)
		f->error_at = f->exit.slots[0].at;
}

/* What is read for the command's own use is put behind what a user asks for. */
static bool has_room(const struct reading *r)
{
	return r->size + r->texts <= RECORD_MAX;
}

static void refuse(struct plan *p, struct plan_func *f, enum refusal why)
{
	f->refusal = why;
	f->patches = (struct patches){ 0 };
	p->nrefused += f->shown;
}

/* Where a recovered panic goes on. */
static u32 frame_of(const struct go_program *prog, const struct go_func *f)
{
	i32 size = f->deferreturn ? go_pcvalue(prog, f, f->pcsp, f->pc + f->deferreturn) : 0;

	return (u32)MAX(size, 0);
}

static void add_func(struct plan *p, const struct dynamic_types *d, struct reading_cache *c,
		     struct plan_func *f, bool named, struct fit *fit, struct arena *scratch)
{
	bool secret = plan_redacts(p, f->func->name) ||
		      (f->method.n && plan_redacts(p, f->method)), unsure;

	f->name = go_name_split(f->func->name);
	f->refusal = plan_probe(p->prog, f->func, named || f->hook, scratch, &f->patches);
	if (p->request.probes)
		f->refusal = for_probes(f->func, f->refusal, &f->patches);
	if (f->refusal) {
		refuse(p, f, f->refusal);
		return;
	}
	keep_patches(p, &f->patches, &f->patches);
	if (f->shown) {
		f->sig = go_sig_of(p->prog, f->func);
		unsure = redact_may_hide(p, f);
		if (!p->nexprs) {
			read_values(p, d, c, f, secret || unsure);
		} else if (unsure || !fit_bind(fit, p, f, d, c, secret)) {
			p->nrefused++;
			f->shown = false;
			f->refusal = f->hook ? REFUSE_NONE : REFUSE_EXPRESSION;
		}
	}
	if (!f->shown) {
		f->entry = f->exit = (struct reading){ .size = RECORD_HEAD };
		if (f->hook != HOOK_NEWPROC1)
			f->patches.nexits = 0;
		f->shown = f->refusal;
		f->sig = NULL;
	}
	if (f->shown)
		chain_read(p, d, f);
	if (f->hook == HOOK_NEWPROC1)
		creations_read(p, f);
	if (f->hook == HOOK_RECOVERY)
		recovery_read(p, f);
	if (f->shown)
		extra_read(p, f);
	propagate_read(p, f);
	if (!has_room(&f->entry) || !has_room(&f->exit)) {
		refuse(p, f, REFUSE_ROOM);
		return;
	}
	f->frame = frame_of(p->prog, f->func);
	if (f->shown && !f->no_end)
		count_exits(p, f);
}

/* Nothing that is wanted has an end. */
static bool only_lines(const struct plan *p)
{
	for (u32 i = 0; i < p->nfuncs; i++)
		if (p->funcs[i].shown && !p->funcs[i].line_at)
			return false;
	return p->nlines;
}

/* Entries alone are not paired, so nobody asks how calls end; and a hook's record that is lost
 * would be counted as a call. What says that another program begins is rare, and always wanted. */
static void drop_hooks(struct plan *p)
{
	u32 n = 0;

	for (u32 i = 0; i < p->nfuncs; i++)
		if (p->funcs[i].shown || p->funcs[i].hook >= HOOK_EXEC)
			p->funcs[n++] = p->funcs[i];
	p->nfuncs = n;
}

/* Of a wrapper that calls, what is asked for is what it calls, if that has the same name: an
 * assembly function's way to one of Go's. By an address it is meant itself. */
static bool is_beside(const struct go_program *prog, const struct patterns *want,
		      const struct go_func *f)
{
	return f->wrapper && go_func_named(prog, f->name) != f &&
	       patterns_match_text(want, f->name);
}

/* Lists a function that is asked for, or needed. */
static void list_func(struct plan_funcs *to, const struct plan *p, const struct patterns *want,
		      const struct go_func *f, u64 *hits)
{
	const struct plan_request *r = &p->request;
	enum plan_hook hook = is_wrapper(f) ? HOOK_NONE : hook_of(p, f);
	struct str method = STR("");
	bool calls = f->wrapper && !(r->wrappers && go_wraps_inlined(p->prog, f, &method));
	bool named, shown;

	shown = r->npatterns && patterns_match_entry(want, p->prog, f, method, &named);
	patterns_count(want, p->prog, f, method, hits);
	if (shown && ((!named && go_is_runtime(go_name_split(f->name).package)) || calls))
		shown = patterns_say_exactly(want, p->prog, f) &&
			!(calls && is_beside(p->prog, want, f));
	if (shown && !(r->propagate && !r->probes)) {	/* of no use without */
		const struct plan_extra *x = extra_of(r, f->name);

		shown = !x || !propagate_only(x->role);
	}
	if (shown || hook)
		*vec_push(to) = (struct plan_func){ .func = f, .hook = (u8)hook, .shown = shown,
						    .method = method };
}

static int by_name(const void *a, const void *b, void *funcs)
{
	const struct plan_func *f = funcs;
	u32 x = *(const u32 *)a, y = *(const u32 *)b;
	int order = str_cmp(f[x].func->name, f[y].func->name);

	return order ? order : (x > y) - (x < y);
}

static void find_same(struct plan *p, struct arena *scratch)
{
	u32 *named = ARENA_ARRAY(scratch, u32, p->nfuncs + 1);
	u32 n = 0;

	for (u32 i = 0; i < p->nfuncs; i++)
		if (!p->funcs[i].line_at)
			named[n++] = i;
	qsort_r(named, n, sizeof(*named), by_name, p->funcs);
	for (u32 i = 1; i < n; i++) {
		struct plan_func *before = &p->funcs[named[i - 1]], *f = &p->funcs[named[i]];

		if (str_eq(f->func->name, before->func->name))
			f->same = plan_first(p, before) + 1;
	}
}

bool plan_make(struct plan *p, const struct go_program *prog, const struct plan_request *r,
	       struct err *err)
{
	struct patterns want = { 0 };
	struct plan_funcs funcs = { 0 };
	struct dynamic_types d = { 0 };
	struct reading_cache cache = { 0 };
	struct arena scratch = { 0 };
	struct fit fit = { 0 };
	u64 *hits;
	bool ok;

	p->prog = prog;
	p->request = *r;
	ok = exprs_parse(p, err) && patterns_compile(&want, r->patterns, r->npatterns, err) &&
	     patterns_compile(&p->redact, r->redact, r->nredact, err);
	creations_quiet(p);
	hits = ARENA_ARRAY(&p->arena, u64, r->npatterns + 1);
	for (size_t i = 0; ok && i < prog->nfuncs; i++) {
		list_func(&funcs, p, &want, &prog->funcs[i], hits);
		inside_list(&funcs, p, &want, &prog->funcs[i], &scratch);
		arena_reset(&scratch);
	}
	ok = ok && patterns_check_hits(&want, prog, hits, err);
	patterns_release(&want);
	if (ok) {
		if (r->frames)
			p->bare = go_bare_calls(prog, &p->arena);
		dynamic_types_find(&d, p);
		for (size_t i = 0; i < funcs.n; i++) {
			if (funcs.at[i].line_at)
				inside_make(&funcs, i,
					    plan_refuses(prog, funcs.at[i].func, true), p, &d,
					    &cache, &fit, &scratch);
			else
				add_func(p, &d, &cache, &funcs.at[i], true, &fit, &scratch);
			arena_reset(&scratch);
		}
		p->nfuncs = (u32)funcs.n;
		p->funcs = arena_copy(&p->arena, funcs.at, funcs.n * sizeof(*funcs.at));
	}
	p->request.entry_only |= (p->request.entry_enough && !exprs_wait(p)) || only_lines(p);
	if (p->request.entry_only && !p->request.goroutines)
		drop_hooks(p);
	find_same(p, &scratch);
	reading_cache_release(&cache);
	arena_release(&scratch);
	vec_release(&funcs);
	if (ok && fit.why.kind && (fit.fatal || !fit.some)) {
		*err = fit.why;
		ok = false;
	}
	return ok;
}

void plan_release(struct plan *p)
{
	patterns_release(&p->redact);
	arena_release(&p->arena);
	*p = (struct plan){ 0 };
}
