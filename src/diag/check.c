#include "diag/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "diag/rules.h"

const struct rule *const check_rules[] = {
	&rule_g0race,
	&rule_g0detect,
	&rule_g0park,
	&rule_nosplit,
	&rule_stacksplit,
	&rule_barrier,
	&rule_sigalloc,
	&rule_injected,
	&rule_patched,
	&rule_fipssum,
	&rule_wxseg,
	&rule_probed,
	&rule_livepatch,
	&rule_traced,
	&rule_foreign,
};
const size_t ncheck_rules = ARRAY_LEN(check_rules);

const char *finding_level_name(enum finding_level l)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[l];
}

struct finding *check_found(struct check *c, const struct rule *rule, u64 va)
{
	const struct go_program *prog = c->prog;
	u64 pc = va - prog->md.text_va;
	const struct go_func *f = va ? go_func_at(prog, pc) : NULL;
	struct finding *to = vec_push(&c->findings);

	*to = (struct finding){ .rule = rule, .certainty = CERTAIN, .va = va };
	if (f) {
		struct go_line at = go_line_at(prog, f, pc);

		to->func = f->name;
		to->file = at.file;
		to->line = at.line;
	}
	return to;
}

static void open_process(struct check *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", c->prog->img->pid);
	c->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	live_read(&c->live, c->prog->img, &c->arena);
}

void check_run(struct check *c, const struct go_program *prog)
{
	bool process = prog->img->kind == IMAGE_PROCESS;

	*c = (struct check){ .prog = prog, .mem_fd = -1 };
	callgraph_make(&c->graph, prog);
	reach_make(&c->reach, &c->graph);
	if (process)
		open_process(c);
	for (size_t i = 0; i < ncheck_rules; i++)
		if (process || !check_rules[i]->live)
			check_rules[i]->look(c, check_rules[i]);
}

void check_release(struct check *c)
{
	if (c->prog && c->mem_fd >= 0)
		close(c->mem_fd);
	live_release(&c->live);
	reach_release(&c->reach);
	callgraph_release(&c->graph);
	vec_release(&c->findings);
	arena_release(&c->arena);
}

bool check_accuses(const struct check *c)
{
	for (size_t i = 0; i < c->findings.n; i++)
		if (c->findings.at[i].rule->level > LEVEL_NOTE)
			return true;
	return false;
}
