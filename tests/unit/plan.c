#include "memory.h"

#include "plan/extra.h"
#include "plan/plan.h"

Suite *plan_suite(void);

/* Patterns in, a plan out: each function of the plan by name, with its refusal, its mark as a hook,
 * and `unshown` when it is there as a hook only. */
static const struct {
	const char *name, *hex;
	bool wrapper, assembly, no_stack_map, takes_a_word, no_padding;
} functions[] = {
	{ .name = "main.handle",
	  .hex = "48 8d 04 18 48 ff c3 c3" }, /* lea rax, [rax+rbx]; inc rbx; ret */
	{ .name = "main.(*T).Serve", .hex = "e9 1b 00 00 00", .wrapper = true }, /* jmp T.Serve */
	{ .name = "main.T.Serve", .hex = "48 8d 04 18 48 ff c3 c3" },
	/* mov rax, [rax+8]; inc rbx; ret: what it wraps is in it */
	{ .name = "main.(*T).Len", .hex = "48 8b 40 08 48 ff c3 c3", .wrapper = true },
	{ .name = "main.T.Len-fm", .hex = "48 8d 04 18 48 ff c3 c3", .wrapper = true },
	{ .name = "main.serve.deferwrap1", .hex = "48 8d 04 18 48 ff c3 c3", .wrapper = true },
	{ .name = "main.login", .hex = "48 8d 04 18 48 ff c3 c3", .takes_a_word = true },
	{ .name = "main.asm", .hex = "48 8d 04 18 48 ff c3 c3", .assembly = true },
	{ .name = "main.short", .hex = "90 c3", .no_padding = true },
	{ .name = "main.loop", .hex = "48 ff c0 90 90 90 eb f8 c3" }, /* … jmp 0 */
	{ .name = "main.bad", .hex = "06 06 06 06 06 c3" },
	{ .name = "main.tight",
	  .hex = /* mov ecx, 1; call; pop rbp; ret; call */
	  "b9 01 00 00 00 e8 f6 0f 00 00 5d c3 e8 ef 0f 00 00" },
	{ .name = "c_code", .hex = "48 8d 04 18 48 ff c3 c3", .no_stack_map = true },
	{ .name = "syscall.forkAndExecInChild", .hex = "48 8d 04 18 48 ff c3 c3" },
	{ .name = "internal/bytealg.Count", .hex = "48 8d 04 18 48 ff c3 c3" },
	{ .name = "runtime.mallocgc", .hex = "48 8d 04 18 48 ff c3 c3" },
	{ .name = "runtime.gopanic", .hex = "48 8d 04 18 48 ff c3 c3" },
	{ .name = "runtime.Goexit", .hex = "48 8d 04 18 48 ff c3 c3" },
	{ .name = "runtime.goexit1", .hex = "48 8d 04 18 48 ff c3 c3" },
	{ .name = "runtime.sigtrampgo", .hex = "48 8d 04 18 48 ff c3 c3" },
};
enum { FUNCS = ARRAY_LEN(functions), SLOT = 32 };

static struct memory_program m;
static struct go_func funcs[FUNCS];
static struct arena arena;

static void begin(void)
{
	static u8 record[256];
	static const u8 one_word[] = { 0, 8, 0xff };
	u32 data[8];

	memory_begin(&m, 22);
	memset(m.bytes, 0xcc, 0x1000);
	memset(data, 0xff, sizeof(data));
	data[FUNCDATA_ARG_INFO] = 0;
	memory_copy(&m, GOFUNC_VA, one_word, sizeof(one_word));
	memcpy(record + m.prog.rel->pcln->func_size, data, sizeof(data));
	m.prog.pclntable = (struct str){ (const char *)record, sizeof(record) };
	for (u32 i = 0; i < FUNCS; i++) {
		u32 size = 0;

		for (const char *p = functions[i].hex; *p; size++) {
			char *end;

			memory_put(&m, TEXT_VA + SLOT * i + size, strtoul(p, &end, 16), 1);
			p = end + (*end == ' ');
		}
		funcs[i] = (struct go_func){ .pc = SLOT * i,
					     .size = size,
					     .name = str_of(functions[i].name),
					     .room = functions[i].no_padding ? size : SLOT,
					     .pcsp = !functions[i].no_stack_map,
					     .wrapper = functions[i].wrapper,
					     .assembly = functions[i].assembly,
					     .args = functions[i].takes_a_word ? 8 : 0,
					     .nfuncdata = functions[i].takes_a_word ? 8 : 0 };
	}
	m.prog.funcs = funcs;
	m.prog.nfuncs = FUNCS;
}

static void end(void)
{
	if (m.prog.fork_child)
		map_release(m.prog.fork_child);
	arena_release(&arena);
	memory_end(&m);
}

static void make(struct plan *p, const struct plan_request *r)
{
	struct err err = { 0 };

	ck_assert_msg(plan_make(p, &m.prog, r, &err), "%s", err.msg);
}

static const char *described(const struct plan *p)
{
	static const char *const hooks[] = { "", " gopanic", " Goexit", " goexit1" };
	struct str s = STR("");

	for (u32 i = 0; i < p->nfuncs; i++) {
		const struct plan_func *f = &p->funcs[i];

		s = str_fmt(&arena, "%.*s%s%.*s%s%s%s%s", STR_F(s), i ? ", " : "",
			    STR_F(f->func->name), f->refusal ? " refused " : "",
			    f->refusal ? refusal_name(f->refusal) : "", hooks[f->hook],
			    f->shown ? "" : " unshown");
	}
	return str_z(&arena, s);
}

#define HOOKS_OF_EXITS "runtime.Goexit Goexit unshown, runtime.goexit1 goexit1 unshown"
#define HOOKS "runtime.gopanic gopanic unshown, " HOOKS_OF_EXITS

static const struct {
	const char *patterns[3];
	const char *plan;
} examples[] = {
	{ { "main.handle" }, "main.handle, " HOOKS },
	/* what can't be probed stays, with its reason; a wrapper is not there unless it is named */
	{ { "main.*" },
	  "main.handle, main.T.Serve, main.(*T).Len, main.T.Len-fm, main.login, "
	  "main.asm refused assembly, "
	  "main.short refused short, "
	  "main.loop refused loop_to_entry, main.bad refused decode, main.tight, " HOOKS },
	{ { "main.(*T).Serve" }, "main.(*T).Serve refused wrapper, " HOOKS },
	{ { "main.(*T)*", "main.handle" }, "main.handle, main.(*T).Len, " HOOKS },
	/* one that has what it wraps in itself is meant by that one's name, too */
	{ { "main.T.Len" }, "main.T.Len-fm, " HOOKS },
	{ { "*.Len", "!main.T.*" }, "main.(*T).Len, " HOOKS },
	{ { "main.serve.deferwrap1" }, "main.serve.deferwrap1 refused wrapper, " HOOKS },
	{ { "c_code" }, "c_code refused no_stack_map, " HOOKS },
	{ { "syscall.*" }, "syscall.forkAndExecInChild refused fork, " HOOKS },
	/* the runtime only when a pattern says so */
	{ { "*Count" }, HOOKS },
	{ { "*malloc*" }, HOOKS },
	{ { "main.handle", "*malloc*" }, "main.handle, " HOOKS },
	{ { "internal/bytealg.*" }, "internal/bytealg.Count, " HOOKS },
	{ { "runtime.mallocgc" }, "runtime.mallocgc, " HOOKS },
	{ { "runtime.*", "!runtime.go*", "!runtime.G*" },
	  "runtime.mallocgc, " HOOKS ", runtime.sigtrampgo refused signal" },
	{ { "runtime.gopanic" },
	  "runtime.gopanic gopanic, " HOOKS_OF_EXITS },
	{ { "main.*", "!main.*" }, HOOKS },
};

START_TEST(patterns_give_a_plan)
{
	OWN(plan) p = { 0 };
	struct plan_request r = { .patterns = (const char **)(uintptr_t)examples[_i].patterns,
				  .wrappers = true };

	while (r.npatterns < 3 && r.patterns[r.npatterns])
		r.npatterns++;
	make(&p, &r);
	ck_assert_str_eq(described(&p), examples[_i].plan);
}
END_TEST

START_TEST(a_pattern_that_matches_nothing_is_an_error)
{
	OWN(plan) p = { 0 };
	const char *pattern = "main.hendle";
	struct plan_request r = { .patterns = &pattern, .npatterns = 1 };
	struct err err = { 0 };

	ck_assert(!plan_make(&p, &m.prog, &r, &err));
	ck_assert_int_eq(err.kind, ERR_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "main.handle"));
}
END_TEST

/* Hooks that nobody asked for count for nothing. */
START_TEST(refusals_are_counted)
{
	OWN(plan) p = { 0 }, q = { 0 };
	const char *all = "main.*", *hook = "runtime.gopanic";

	funcs[17].size = funcs[17].room = 4;	/* runtime.Goexit: too short */
	make(&p, &(struct plan_request){ .patterns = &all, .npatterns = 1 });
	ck_assert_uint_eq(p.nrefused, 4);
	ck_assert_uint_eq(p.nexits, 4);		/* handle, Serve, login, tight */
	ck_assert_uint_eq(p.nexits_refused, 1);
	for (u32 i = 0; i < p.nfuncs; i++)
		ck_assert(!p.funcs[i].refusal == (p.funcs[i].patches.nwindows > 0));
	make(&q, &(struct plan_request){ .patterns = &hook, .npatterns = 1 });
	ck_assert_uint_eq(q.nrefused, 0);
	ck_assert_uint_eq(q.nexits, 1);
	ck_assert_uint_eq(q.funcs[1].refusal, REFUSE_SHORT);
}
END_TEST

/* A hook that is not shown has its entry only, and reads nothing. */

/* Entries alone are not paired: how calls end is not asked. */
START_TEST(entries_need_no_hooks)
{
	OWN(plan) p = { 0 };
	OWN(plan) with_goroutines = { 0 };
	const char *pattern = "main.handle";
	struct plan_request r = { .patterns = &pattern, .npatterns = 1, .entry_enough = true };

	make(&p, &r);
	ck_assert_str_eq(described(&p), "main.handle");
	ck_assert(p.request.entry_only);
	r.goroutines = true;
	make(&with_goroutines, &r);
	ck_assert_uint_gt(with_goroutines.nfuncs, 1);
}
END_TEST

/* A longer one would run over the end of its ring. */
START_TEST(a_record_that_would_be_too_long_is_refused)
{
	static const u16 room = RECORD_MAX - RECORD_HEAD - EXTRA_BYTES - 16;
	const char *pattern = "main.handle";

	for (u32 i = 0; i < 2; i++) {
		OWN(plan) p = { 0 };
		const struct plan_extra extra = {
			.func = pattern, .kind = EXTRA_TEXT, .most = (u16)(room + 8 * i),
		};

		make(&p, &(struct plan_request){
			.patterns = &pattern, .npatterns = 1, .extras = &extra, .nextras = 1,
			.values = VALUES_NONE,
		});
		ck_assert_int_eq(p.funcs[0].refusal, i ? REFUSE_ROOM : REFUSE_NONE);
		ck_assert_uint_eq(p.funcs[0].patches.nwindows != 0, !i);
		ck_assert_uint_eq(p.nrefused, i);
		if (!i)
			ck_assert_uint_le(p.funcs[0].entry.size, RECORD_MAX);
	}
}
END_TEST

START_TEST(hooks_read_nothing)
{
	OWN(plan) p = { 0 };
	const char *pattern = "main.handle";

	make(&p, &(struct plan_request){ .patterns = &pattern, .npatterns = 1 });
	for (u32 i = 1; i < p.nfuncs; i++) {
		ck_assert_uint_eq(p.funcs[i].entry.size, RECORD_HEAD);
		ck_assert_uint_eq(p.funcs[i].entry.nreads, 0);
		ck_assert_uint_eq(p.funcs[i].patches.nexits, 0);
		ck_assert_ptr_null(p.funcs[i].sig);
		ck_assert(p.funcs[i].patches.windows[0].entry);
	}
}
END_TEST

START_TEST(what_is_redacted_is_not_read)
{
	static const struct { const char *redact; u32 reads;
	} rows[] = {
		{ NULL, 1 },	 { "main.handle", 1 }, { "main.login", 0 },
		{ "*login", 0 }, { "arg*", 0 },
	};

	for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
		OWN(plan) p = { 0 };
		const char *pattern = "main.login";
		const char *redact = rows[i].redact;

		make(&p, &(struct plan_request){ .patterns = &pattern,
						 .npatterns = 1,
						 .redact = &redact,
						 .nredact = redact != NULL });
		ck_assert_uint_eq(p.funcs[0].sig->nparams, 1);
		ck_assert_msg(p.funcs[0].entry.nreads == rows[i].reads, "--redact %s: %u",
			      redact ? redact : "", p.funcs[0].entry.nreads);
		ck_assert(p.funcs[0].entry.slots[0].redacted == !rows[i].reads);
		ck_assert(plan_redacts(&p, STR("argument")) == (redact && *redact == 'a'));
	}
}
END_TEST

Suite *plan_suite(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("functions");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, patterns_give_a_plan, 0, ARRAY_LEN(examples));
	tcase_add_test(t, a_pattern_that_matches_nothing_is_an_error);
	tcase_add_test(t, refusals_are_counted);
	tcase_add_test(t, entries_need_no_hooks);
	tcase_add_test(t, hooks_read_nothing);
	tcase_add_test(t, a_record_that_would_be_too_long_is_refused);
	tcase_add_test(t, what_is_redacted_is_not_read);
	suite_add_tcase(s, t);
	return s;
}
