#include "cmd/engine.h"

#include <stdio.h>
#include <string.h>

#include "cmd/uprobe.h"
#include "inline/inline.h"

bool engine_named(const char *name, enum engine *e, struct err *err)
{
	static const char *const names[] = { "auto", "inline", "uprobe" };

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		if (!name || !strcmp(name, names[i])) {
			*e = i;
			return true;
		}
	return err_set(err, ERR_USAGE, "--engine: auto, inline or uprobe, not '%s'", name);
}

void engine_refusals(const struct plan *p)
{
	u32 counts[REFUSE_COUNT] = { 0 }, kinds = 0;

	for (u32 i = 0; i < p->nfuncs; i++) {
		const struct plan_func *f = &p->funcs[i];

		if (!f->refusal || !f->shown)
			continue;
		counts[f->refusal]++;
		if (p->nrefused <= 3 && f->line_at)
			talk("%.*s:%d in %.*s is not traced: %s", STR_F(f->line.file),
			     f->line.line, STR_F(f->func->name), refusal_text(f->refusal));
		else if (p->nrefused <= 3)
			talk("%.*s is not traced: %s", STR_F(f->func->name),
			     refusal_text(f->refusal));
	}
	if (p->nrefused <= 3)
		return;
	fprintf(stderr, TALK "%u functions are not traced (--plan lists them):", p->nrefused);
	for (u32 r = 0; r < REFUSE_COUNT; r++)
		if (counts[r] == p->nrefused)
			fprintf(stderr, " %s", refusal_text(r));
		else if (counts[r])
			fprintf(stderr, "%s %u: %s", kinds++ ? ";" : "", counts[r],
				refusal_text(r));
	fputc('\n', stderr);
}

/* What is done to a place. */
static const char *done(const struct plan *p)
{
	return p->delays ? "delayed" : "traced";
}

void engine_attached(const struct attached *to, const struct plan *p)
{
	if (to->taken && to->owner)
		fprintf(stderr,
			TALK "%u %s left to the goshawk that has %s (process %d)", to->taken,
			to->taken == 1 ? "place is" : "places are", to->taken == 1 ? "it" : "them",
			to->owner);
	else if (to->taken)
		fprintf(stderr,
			TALK "%u %s bytes that are neither the file's nor ours", to->taken,
			to->taken == 1 ? "place holds" : "places hold");
	if (to->taken && to->example)
		fprintf(stderr, ": %.*s is not %s", STR_F(to->example->func->name), done(p));
	if (to->taken)
		fputc('\n', stderr);
	if (to->faults_are_fatal)
		fputs(TALK "SIGSEGV is not handled by Go here, so functions are left out in "
		      "which an instruction that is moved may fault\n",
		      stderr);
}

static bool inline_start(struct source *src, const struct plan *plan,
			 const struct engine_request *r, struct err *err)
{
	struct launch launch = { r->argv, r->path, r->buffer, r->lossless, NULL };
	struct attach attach = { r->pid, r->buffer, r->lossless, NULL };
	struct attached to;
	u32 n;

	if (!r->pid)
		return inline_launch(src, plan, &launch, err);
	if (!inline_attach(src, plan, &attach, &to, err))
		return false;
	engine_attached(&to, plan);
	n = src->sites(src->session);
	fprintf(stderr, TALK "process %d: %u %s watched; it stood still for %.1f ms\n", r->pid,
		n, n == 1 ? "place in it is" : "places in it are",
		(double)src->stop_ns(src->session) / 1e6);
	return true;
}

bool engine_start(struct source *src, struct plan *plan, const struct engine_request *r,
		  struct err *err)
{
	struct err probes, said;

	if (r->engine == ENGINE_UPROBE)
		return uprobe_start(src, plan, r, err);
	if (inline_start(src, plan, r, err))
		return true;
	if (r->engine == ENGINE_INLINE || r->lossless ||
	    (err->kind != ERR_DENIED && err->kind != ERR_REFUSED))
		return false;
	source_release(src);
	if (uprobe_start(src, plan, r, &probes)) {
		fprintf(stderr, TALK "the inline engine can't do it (%s): by kernel probes\n",
			err->msg);
		return true;
	}
	if (strcmp(err->msg, probes.msg)) {
		said = *err;
		err_set(err, said.kind, "%s; nor can kernel probes: %s", said.msg, probes.msg);
	}
	return false;
}

void engine_held(const struct source *src, const struct plan *p)
{
	u32 example = 0, n = src->held ? src->held(src->session, &example) : 0;

	if (n == 1)
		talk("%.*s was not %s: whenever it was tried, a goroutine stood in the middle of "
		     "bytes that were to be replaced", STR_F(p->funcs[example].func->name),
		     done(p));
	else if (n)
		talk("%u %s were not %s, %.*s among them: whenever it was tried, goroutines stood "
		     "in the middle of bytes that were to be replaced", n,
		     p->delays ? "stores" : "functions", done(p),
		     STR_F(p->funcs[example].func->name));
}
