/* What others have put into a running process, and what it will do to it. */
#include <inttypes.h>

#include "diag/live.h"
#include "diag/rules.h"
#include "inline/found.h"

enum { INT3 = 0xcc, JUMP = 0xe9, CALL = 0xe8, LISTED = 32 };

/* Where the jump or call that a change put there leads, if it is one: the mapping, or NULL. */
static const struct live_map *leads_to(const struct check *c, const struct live_change *ch)
{
	i32 rel;

	if (ch->is[0] != JUMP && ch->is[0] != CALL)
		return NULL;
	memcpy(&rel, ch->is + 1, sizeof(rel));
	return live_map_at(&c->live, ch->va + c->prog->img->bias + 5 + (u64)(i64)rel);
}

/* The kernel's probes are int3, or (6.18) a call to a page of its own in the place of a NOP. */
static bool is_probe(const struct check *c, const struct live_change *ch)
{
	const struct live_map *to = leads_to(c, ch);

	return ch->is[0] == INT3 || (to && str_starts(to->name, STR("[uprobes")));
}

static struct str place_of(struct check *c, u64 va, bool *entry)
{
	u64 pc = va - c->prog->md.text_va;
	const struct go_func *f = go_func_at(c->prog, pc);

	*entry = f && f->pc == pc;
	if (!f)
		return str_fmt(&c->arena, "0x%" PRIx64, va);
	return *entry ? f->name
		      : str_fmt(&c->arena, "%.*s+0x%" PRIx64, STR_F(f->name), pc - f->pc);
}

/* Whose is it? The page of the kernel's probes is there from the first hit on. */
static const char *whose(const struct check *c)
{
	bool uprobes = live_map_named(&c->live, "[uprobes]");

	if (uprobes)
		return c->live.tracer ? "a breakpoint, of a kernel probe or of the debugger"
				      : "a breakpoint (kernel probes are at work here)";
	return c->live.tracer ? "a breakpoint, of the debugger or of a kernel probe"
			      : "a breakpoint, of a kernel probe or left by a debugger";
}

static void say_rest(struct check *c, const struct rule *self, size_t n, u64 va)
{
	struct finding *f;

	if (n <= LISTED)
		return;
	f = check_found(c, self, va);
	f->message = str_fmt(&c->arena, "%zu more places like these", n - LISTED);
	f->advice = STR("see the others");
}

static void look_probed(struct check *c, const struct rule *self)
{
	size_t n = 0;
	u64 last = 0;

	for (size_t i = 0; i < c->live.changes.n; i++) {
		const struct live_change *ch = &c->live.changes.at[i];
		struct finding *f;
		struct str place;
		bool entry;

		if (!is_probe(c, ch))
			continue;
		last = ch->va;
		if (++n > LISTED)
			continue;
		f = check_found(c, self, ch->va);
		place = place_of(c, ch->va, &entry);
		f->message = entry ? str_fmt(&c->arena,
			"%.*s has at its entry %s: if that is a return probe (uretprobe), the "
			"program dies of \"unexpected return pc\", because such a probe puts an "
			"address of the kernel's where Go looks for the caller when it grows, "
			"moves or scans a stack", STR_F(place), whose(c))
			: str_fmt(&c->arena, "%.*s has %s: each pass takes microseconds",
				  STR_F(place), whose(c));
		f->advice = entry ? STR("probe each RET instead of using a return probe (goshawk "
					"trace does)")
				  : STR("take it away when it is no longer needed");
	}
	say_rest(c, self, n, last);
}

/* The session of a goshawk that a changed place leads to, or NULL. */
static const struct found_session *session_of(const struct check *c, const struct found *found,
					      const struct live_change *ch)
{
	u64 to = jump_target(ch->va + c->prog->img->bias, ch->is);

	return to ? found_at(found, to) : NULL;
}

static void say_session(struct check *c, const struct rule *self, const struct found *found,
			const struct found_session *s)
{
	struct finding *f;
	size_t n = 0;

	for (size_t i = 0; i < c->live.changes.n; i++) {
		const struct found_session *of = session_of(c, found, &c->live.changes.at[i]);

		n += of && of->code_rt == s->code_rt;
	}
	if (!n)
		return;
	f = check_found(c, self, 0);
	f->message = s->owner
		? str_fmt(&c->arena, "a goshawk at work (process %d) has changed %zu places",
			  s->owner, n)
		: str_fmt(&c->arena, "a goshawk that died has left %zu changed places", n);
	f->advice = s->owner ? STR("it puts them back when it ends")
			     : STR("goshawk detach -p takes them away; they do no harm");
}

static void look_livepatch(struct check *c, const struct rule *self)
{
	struct found found = { 0 };
	size_t n = 0;
	u64 last = 0;

	if (c->mem_fd >= 0)
		found_sessions(&found, c->prog->img->pid, c->mem_fd);
	for (size_t i = 0; i < found.sessions.n; i++)
		say_session(c, self, &found, &found.sessions.at[i]);
	for (size_t i = 0; i < c->live.changes.n; i++) {
		const struct live_change *ch = &c->live.changes.at[i];
		const struct live_map *to = leads_to(c, ch);
		struct finding *f;
		bool entry;

		if (is_probe(c, ch) || session_of(c, &found, ch))
			continue;
		last = ch->va;
		if (++n > LISTED)
			continue;
		f = check_found(c, self, ch->va);
		f->message = str_fmt(&c->arena, "%.*s was changed in memory%s%.*s",
				     STR_F(place_of(c, ch->va, &entry)),
				     to ? ": it leads to " : "",
				     STR_F(!to ? STR("") : to->name.n ? to->name
							: STR("code that no file has")));
		f->advice = STR("find out who did it, if it was not you");
	}
	say_rest(c, self, n, last);
	found_release(&found);
}

static void look_traced(struct check *c, const struct rule *self)
{
	struct finding *f;

	if (!c->live.tracer)
		return;
	f = check_found(c, self, 0);
	f->message = str_fmt(&c->arena, "process %d (%.*s) traces it: a debugger, strace, or the "
			     "like", c->live.tracer, STR_F(c->live.tracer_name));
	f->advice = STR("signals and times are not what they are without it; nobody else can "
			"attach by ptrace");
}

/* Of goshawk's own code LIVEPATCH tells. */
static bool is_foreign(const struct check *c, const struct found *found, const struct live_map *m)
{
	const struct image *img = c->prog->img;

	return m->exec && !m->name.n && !found_at(found, m->lo) &&
	       (m->hi <= img->lo_va + img->bias || m->lo >= img->hi_va + img->bias);
}

static void look_foreign(struct check *c, const struct rule *self)
{
	struct finding *f;
	size_t n = 0;
	u64 first = 0, bytes = 0;
	struct found found = { 0 };

	if (c->mem_fd >= 0)
		found_sessions(&found, c->prog->img->pid, c->mem_fd);
	if (c->live.preload.n) {
		f = check_found(c, self, 0);
		f->message = str_fmt(&c->arena, "it was started with LD_PRELOAD=%.*s%s",
				     STR_F(c->live.preload), c->prog->img->interp ? "" :
				     ", which a static program ignores");
		f->advice = STR("know that this library is there when it misbehaves");
	}
	for (size_t i = 0; i < c->live.maps.n; i++)
		if (is_foreign(c, &found, &c->live.maps.at[i])) {
			first = n++ ? first : c->live.maps.at[i].lo;
			bytes += c->live.maps.at[i].hi - c->live.maps.at[i].lo;
		}
	found_release(&found);
	if (!n)
		return;
	f = check_found(c, self, 0);
	f->message = str_fmt(&c->arena, "%" PRIu64 " KiB of code that no file has lie in %zu "
			     "mapping%s, the first at 0x%" PRIx64, bytes / 1024, n,
			     n == 1 ? "" : "s", first);
	f->advice = STR("a just-in-time compiler (of WebAssembly, of JSON codecs) makes such, and "
			"so do tools that trace; Go itself does not");
}

#define RULE(name, rule_id, rule_level, sentence, explanation) \
	const struct rule rule_##name = { \
		.id = rule_id, .level = rule_level, .live = true, .what = sentence, \
		.page = explanation, .look = look_##name, \
	}

RULE(probed, "PROBED", LEVEL_WARNING, "a running program has breakpoints or kernel probes (-p)",
	"Compares the text of a process with its file. An int3 is the mark of a kernel probe "
	"(uprobe) or of a debugger's breakpoint; kernels from 6.18 on also put a call to their own "
	"page in the place of a NOP.\n\n"
	"A probe at an entry costs 1 to 30 microseconds each time. A return probe (uretprobe) is "
	"one at the entry that, when it is hit, replaces the return address on the stack by an "
	"address of the kernel's. Go's runtime walks and moves stacks: it meets an address that "
	"is in no function, prints \"unexpected return pc\" and ends the program. From the text "
	"alone the two cannot be told apart; a probe that is not at the entry is no return probe.");

RULE(livepatch, "LIVEPATCH", LEVEL_WARNING, "a running program's code was changed (-p)",
	"Compares the text of a process with its file. Jumps to code outside of it are put there "
	"by tools that trace or patch; goshawk's own are recognised and named. What else differs "
	"was written by somebody who can write to the process.");

RULE(traced, "TRACED", LEVEL_NOTE, "another process traces it (-p)",
	"The kernel names the process that traces this one by ptrace: a debugger, strace, a "
	"sandbox. Only one can at a time.");

RULE(foreign, "FOREIGN", LEVEL_NOTE, "code is in the process that did not come with it (-p)",
	"Libraries that LD_PRELOAD names, and memory that may be executed and belongs to no file. "
	"A Go program has none of its own.");
