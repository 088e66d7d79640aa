/* Streams of records as text, and the calls that must come out.
 *
 * A stream is words: `+f@100` entry of f at depth 100, `-f@100` RET, `~f@100` the RET behind
 * deferreturn, `>f@100` a tail jump, `!p@300` the panic hook (!x Goexit, !e goexit1), `!r@150` that
 * a panic was recovered by a frame whose SP is there, `g7` from now on goroutine 7. Functions are
 * the letters a to z. Each record is 10 ns after the one before. What comes out is
 * `f:end:duration`, with `<caller` where there is one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "event/calls.h"
#include "plan/recovery.h"

Suite *calls_suite(void);

enum { LETTERS = 26, PANIC = LETTERS, GOEXIT, GOEXIT1, RECOVERY, NFUNCS };

/* In the record of a recovery. */
enum { HOOK_AT = 40, HI_RT = 0x10000, RECOVERY_SIZE = HOOK_AT + RECOVERY_SP + 8 };

static struct plan_func funcs[NFUNCS];
static struct plan plan = { .funcs = funcs, .nfuncs = NFUNCS };
static struct out came;

static void on_call(void *ctx, const struct call *c)
{
	(void)ctx;
	if (came.n)
		out_c(&came, ' ');
	out_fmt(&came, "%c:%s:%d", (int)(c->fn - funcs) + 'a', call_end_name(c->end),
		(int)c->duration_ns);
	if (c->caller)
		out_fmt(&came, "<%c%u", (int)(c->caller - funcs) + 'a', c->level);
	if (!c->entry)
		out_z(&came, "?");
	/* a call's entry record is its own */
	else
		ck_assert_int_eq(((const struct record_head *)c->entry)->tsc, c->start_ns);
	ck_assert_int_eq(c->exit != NULL, (c->end == END_RETURN || c->end == END_RECOVERED) &&
					  c->fn != &funcs['t' - 'a']);
}

static void on_entry(void *ctx, const struct call *c)
{
	(void)ctx;
	out_fmt(&came, "+%c", (int)(c->fn - funcs) + 'a');
}

static void on_lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	(void)ctx;
	out_fmt(&came, " lost:%d:%d-%d", (int)count, (int)from_ns, (int)to_ns);
}

static struct calls *start(void)
{
	memset(funcs, 0, sizeof(funcs));
	for (int i = 0; i < LETTERS; i++) {
		funcs[i].shown = true;
		funcs[i].entry.size = 40;
		funcs[i].exit.size = RECORD_HEAD;
		funcs[i].frame = 50;
	}
	funcs[PANIC].hook = HOOK_GOPANIC;
	funcs[GOEXIT].hook = HOOK_GOEXIT;
	funcs[GOEXIT1].hook = HOOK_GOEXIT1;
	funcs[RECOVERY].hook = HOOK_RECOVERY;
	funcs[RECOVERY].entry = (struct reading){ .size = RECOVERY_SIZE, .hook_at = HOOK_AT };
	out_release(&came);
	out_memory(&came);
	plan.request.entry_only = false;
	return calls_new(&plan, &(struct sink){
		.call = on_call, .entry = on_entry, .lost = on_lost,
	});
}

/* On g0: the goroutine, the end of its stack, SP, with a status each. */
static void recovers(struct calls *c, u64 goid, u32 depth, i64 now)
{
	u64 record[RECOVERY_SIZE / 8] = { [HOOK_AT / 8] = 8, goid, 8, HI_RT, 8, HI_RT - depth };

	calls_record(c, &(struct record){
		.bytes = (u8 *)record, .size = sizeof(record), .time_ns = now, .func = RECOVERY,
		.goid = 1ull << 63, .depth = 64, .kind = SITE_ENTRY,
	});
}

static void feed(struct calls *c, const char *stream)
{
	u64 goid = 1;
	i64 now = 0;

	for (const char *p = stream; *p; p += strcspn(p, " "), p += *p == ' ') {
		union { struct record_head head; u8 bytes[40]; } bytes = { 0 };
		struct record r = { .bytes = bytes.bytes, .size = 40, .time_ns = now += 10 };

		if (*p == 'g') {
			goid = strtoul(p + 1, NULL, 10);
			now -= 10;
			continue;
		}
		r.goid = goid;
		r.depth = (u32)strtoul(strchr(p, '@') + 1, NULL, 10);
		r.func = (u32)(p[1] - 'a');
		bytes.head.tsc = (u64)now;
		if (!strncmp(p, "!r", 2)) {
			recovers(c, goid, r.depth, now);
			continue;
		}
		switch (*p) {
		case '+': r.kind = SITE_ENTRY; break;
		case '-': r.kind = SITE_EXIT; break;
		case '~': r.kind = SITE_EXIT_DEFER; break;
		case '>': r.kind = SITE_TAIL; break;
		case '!': r.func = p[1] == 'p' ? PANIC : p[1] == 'x' ? GOEXIT : GOEXIT1; break;
		default: ck_abort_msg("no such record: %s", p);
		}
		calls_record(c, &r);
	}
}

static const struct { const char *why, *stream, *calls; } streams[] = {
	{ "a call", "+a@100 -a@100", "a:return:10" },
	{ "nested", "+a@100 +b@200 -b@200 -a@100", "b:return:10<a1 a:return:30" },
	{ "recursion", "+a@100 +a@200 +a@300 -a@300 -a@200 -a@100",
	  "a:return:10<a2 a:return:30<a1 a:return:50" },
	{ "siblings at one depth", "+a@100 +b@200 -b@200 +b@200 -b@200 -a@100",
	  "b:return:10<a1 b:return:10<a1 a:return:50" },
	{ "goroutines do not mix", "g1 +a@100 g2 +a@100 +b@200 g1 -a@100 g2 -b@200 -a@100",
	  "a:return:30 b:return:20<a1 a:return:40" },
	{ "a tail call ends its caller", "+t@100 >t@100 +b@100 -b@100", "t:return:10 b:return:10" },
	{ "an exit that was lost, closed by what is shallower", "+a@100 +b@200 -a@100",
	  "b:lost:-1<a1 a:return:20" },
	{ "... and by another frame at its place", "+a@100 +b@200 +c@200 -c@200 -a@100",
	  "b:lost:-1<a1 c:return:10<a1 a:return:40" },
	{ "an entry that was lost", "-a@100", "a:return:-1?" },
	{ "... of another function than what is open there", "+a@100 +b@200 -c@200 -a@100",
	  "b:lost:-1<a1 c:return:-1<a1? a:return:30" },
	{ "unfinished, the innermost first",
	  "+a@100 +b@200", "b:unfinished:-1<a1 a:unfinished:-1" },

	{ "a recovered panic: its frames end when it began",
	  "+a@100 +b@200 !p@300 +c@400 -c@400 ~a@100",
	  "c:return:10<b2 b:panic:10<a1 a:recovered:50" },
	{ "a is told by more defers after the recovery",
	  "+a@100 +b@200 !p@300 +c@400 -c@400 +d@150 -d@150 ~a@100",
	  "c:return:10<b2 b:panic:10<a1 d:return:10<a1 a:recovered:70" },
	{ "recovered below a, in what is not traced", "+a@100 +b@200 !p@300 -a@100",
	  "b:panic:10<a1 a:return:30" },
	{ "a deferreturn that no panic led to", "+a@100 +b@200 -b@200 ~a@100",
	  "b:return:10<a1 a:return:30" },
	{ "a panic in a deferred function, recovered there; then the outer one",
	  "+a@100 +b@200 !p@300 +c@400 !p@500 +d@600 -d@600 ~c@400 ~a@100",
	  "d:return:10<c3 c:recovered:40<b2 b:panic:10<a1 a:recovered:80" },
	{ "a second panic takes the place of the first",
	  "+a@100 +b@200 !p@300 +c@400 !p@500 +d@600 -d@600 ~a@100",
	  "d:return:10<c3 c:panic:10<b2 b:panic:30<a1 a:recovered:70" },
	{ "a panic that nobody recovers", "+a@100 +b@200 !p@300 +c@400",
	  "c:unfinished:-1<b2 b:panic:10<a1 a:panic:20" },
	{ "after the recovery the next panic is a new one",
	  "+a@100 +b@200 !p@300 ~b@200 +c@200 -c@200 -a@100",
	  "b:recovered:20<a1 c:return:10<a1 a:return:60" },
	{ "a lost exit on top of a panic is no panic", "+a@100 !p@200 +c@300 ~a@100",
	  "c:lost:-1<a1 a:recovered:30" },

	{ "a recovered panic, then something deeper than what it ended",
	  "+a@100 +b@200 !p@300 !r@150 +c@400 -c@400 ~a@100",
	  "b:panic:10<a1 c:return:10<a1 a:recovered:60" },
	{ "... recovered by what is not traced",
	  "+a@100 +b@200 !p@300 !r@150 +c@400 -c@400 -a@100",
	  "b:panic:10<a1 c:return:10<a1 a:return:60" },
	{ "... which would have been seen if it had recovered that",
	  "+a@100 +b@200 !p@300 !r@180 ~a@100", "b:panic:10<a1 a:return:40" },
	{ "... by itself", "+a@100 +b@200 !p@300 !r@250 +c@400 -c@400 ~b@200 -a@100",
	  "c:return:10<b2 b:recovered:50<a1 a:return:70" },
	{ "... of another goroutine", "+a@100 +b@200 g2 +c@200 !p@300 !r@150 g1 -b@200 -a@100",
	  "c:panic:10 b:return:40<a1 a:return:60" },
	{ "... of one that nothing is known of", "+a@100 g2 !r@50 g1 -a@100", "a:return:20" },

	{ "Goexit", "+a@100 +b@200 !x@300 +c@400 -c@400 !e@350",
	  "c:return:10<b2 b:goexit:10<a1 a:goexit:20" },
	{ "Goexit that was not seen", "+a@100 +b@200 !e@350", "b:goexit:10<a1 a:goexit:20" },
	{ "a goroutine's end after its first function returned",
	  "+a@40 -a@40 !e@40", "a:return:10" },
	{ "a goroutine's end; a RET was lost", "+a@40 !e@40", "a:lost:-1" },
	{ "a panic recovered on top of Goexit does not stop it",
	  "+a@100 !x@200 +c@300 !p@400 ~c@300 !e@350", "c:recovered:20<a1 a:goexit:10" },
};

START_TEST(streams_give_calls)
{
	struct calls *c = start();

	feed(c, streams[_i].stream);
	calls_finish(c, false);
	out_c(&came, 0);
	ck_assert_msg(!strcmp(came.buf, streams[_i].calls), "%s:\n%s\ngave %s\nnot  %s",
		      streams[_i].why, streams[_i].stream, came.buf, streams[_i].calls);
	ck_assert_uint_eq(calls_totals(c).bad, 0);
	calls_release(&c);
	ck_assert_ptr_null(c);
}
END_TEST

static void on_self(void *ctx, const struct call *c)
{
	(void)ctx;
	out_fmt(&came, "%s%c:%d%s", came.n ? " " : "", (int)(c->fn - funcs) + 'a', (int)c->self_ns,
		c->recursive ? "r" : "");
}

/* What is left of a call's duration without traced callees; `r`: its function was open already. */
static const struct { const char *why, *stream, *calls; } selves[] = {
	{ "no callees", "+a@100 -a@100", "a:10" },
	{ "callees, not theirs", "+a@100 +b@200 +c@300 -c@300 -b@200 +d@200 -d@200 -a@100",
	  "c:10 b:20 d:10 a:30" },
	{ "recursion", "+a@100 +a@200 -a@200 -a@100", "a:10r a:20" },
	{ "... through others", "+a@100 +b@200 +a@300 +b@400 -b@400 -a@300 -b@200 -a@100",
	  "b:10r a:20r b:20 a:20" },
	{ "... not in another goroutine", "g1 +a@100 g2 +a@100 -a@100 g1 -a@100", "a:10 a:30" },
	{ "... nor after it ended", "+a@100 +b@200 -b@200 +b@200 -b@200 -a@100", "b:10 b:10 a:30" },
	{ "an end that was not seen leaves its callees to the caller",
	  "+a@100 +b@200 +c@300 -c@300 -a@100", "c:10 b:-1 a:30" },
	{ "an entry that was not seen", "-a@100", "a:-1" },
	{ "a deferred function's time is not that of what has panicked",
	  "+a@100 +b@200 !p@300 +c@400 -c@400 ~a@100", "c:10 b:10 a:30" },
	{ "... nor that of any other frame that the panic ends",
	  "+a@100 +b@200 +d@250 !p@300 +c@400 -c@400 ~a@100", "c:10 d:10 b:10 a:30" },
	{ "a deferred function that panics in turn",
	  "+a@100 +b@200 !p@300 +c@400 !p@500 +d@600 -d@600 ~a@100", "d:10 c:10 b:20 a:30" },
};

START_TEST(what_callees_took_is_taken_away)
{
	struct calls *c = (calls_release(&(struct calls *){ start() }),
			   calls_new(&plan, &(struct sink){
				.call = on_self, .entry = on_entry, .lost = on_lost,
			   }));

	feed(c, selves[_i].stream);
	calls_finish(c, false);
	out_c(&came, 0);
	ck_assert_msg(!strcmp(came.buf, selves[_i].calls), "%s:\n%s\ngave %s\nnot  %s",
		      selves[_i].why, selves[_i].stream, came.buf, selves[_i].calls);
	calls_release(&c);
}
END_TEST

static void on_opened(void *ctx, const struct call *c)
{
	(void)ctx;
	ck_assert(c->opened);
	ck_assert_int_eq(((const struct record_head *)c->entry)->tsc, c->start_ns);
	out_fmt(&came, "%s%c%u{", came.n ? " " : "", (int)(c->fn - funcs) + 'a', c->level);
}

static void on_closed(void *ctx, const struct call *c)
{
	(void)ctx;
	out_fmt(&came, "%s%c%s", came.n ? " " : "", (int)(c->fn - funcs) + 'a',
		c->opened ? "}" : "");
}

/* A call is opened when its first callee comes, its callers before it. */
START_TEST(calls_with_callees_are_told_before_them)
{
	struct calls *c = (calls_release(&(struct calls *){ start() }),
			   calls_new(&plan, &(struct sink){
				.call = on_closed, .lost = on_lost, .opened = on_opened,
			   }));

	feed(c, "g1 +a@100 g2 +b@100 g1 +c@200 +d@300 -d@300 +e@300 -e@300 -c@200 g2 -b@100 g1 "
		"-a@100 g3 +f@100 g4 +g@100 g3 +h@200 +i@300");
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, "a0{ c1{ d e c} b a} f0{ h1{");
	came.n = 0;
	calls_open_since(c, 130);	/* g began at 120, i at 140 */
	calls_open_since(c, 130);
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, "g0{");
	came.n = 0;
	calls_open_since(c, 141);
	calls_finish(c, false);
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, "i2{ i} h} f} g}");
	calls_release(&c);
}
END_TEST

/* With --max: no call is told of that was not, and no block stays open. */
START_TEST(enough_closes_only_what_was_opened)
{
	struct calls *c = (calls_release(&(struct calls *){ start() }),
			   calls_new(&plan, &(struct sink){
				.call = on_closed, .lost = on_lost, .opened = on_opened,
			   }));

	feed(c, "g1 +a@100 +c@200 +d@300 g2 +b@100");
	calls_finish(c, true);
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, "a0{ c1{ c} a}");
	calls_release(&c);
}
END_TEST

START_TEST(entries_alone)
{
	struct calls *c = start();

	plan.request.entry_only = true;
	feed(c, "+a@100 !p@300 +b@200 +b@200");
	calls_finish(c, false);
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, "+a+b+b");
	ck_assert_uint_eq(calls_totals(c).entries, 3);
	ck_assert_uint_eq(calls_totals(c).calls, 0);
	calls_release(&c);
}
END_TEST

static void on_begun(void *ctx, const struct call *c)
{
	(void)ctx;
	out_fmt(&came, "%s+%c", came.n ? " " : "", (int)(c->fn - funcs) + 'a');
	if (c->caller)
		out_fmt(&came, "<%c%u", (int)(c->caller - funcs) + 'a', c->level);
}

/* Nobody is called by them, and what a panic has ended is seen to have. */
START_TEST(calls_without_an_end_are_told_of_as_they_begin)
{
	struct calls *c;

	calls_release(&(struct calls *){ start() });
	c = calls_new(&plan, &(struct sink){ .call = on_call, .begun = on_begun });
	funcs['n' - 'a'].no_end = true;
	feed(c, "+a@100 +n@200 +b@300 -b@300 +n@200 -a@100 +a@100 +b@200 +n@150 -a@100");
	calls_finish(c, false);
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, "+a +n<a1 +b<a1 b:return:10<a1 +n<a1 a:return:50 "
			 "+a +b<a1 b:lost:-1<a1 +n<a1 a:return:30");
	ck_assert_uint_eq(calls_totals(c).unfinished, 0);
	calls_release(&c);
}
END_TEST

START_TEST(losses_are_told)
{
	struct calls *c = start();

	calls_lost(c, 5, 10, 20);
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, " lost:5:10-20");
	ck_assert_uint_eq(calls_totals(c).lost, 5);
	calls_release(&c);
}
END_TEST

START_TEST(a_hook_that_is_asked_for_is_shown_too)
{
	struct calls *c = start();

	funcs['p' - 'a'].hook = HOOK_GOPANIC;
	feed(c, "+a@100 +p@200 ~a@100");
	out_c(&came, 0);
	ck_assert_str_eq(came.buf, "p:panic:0<a1 a:recovered:20");
	calls_release(&c);
}
END_TEST

/* The attempts, `b`, and what fails, `f`. */
START_TEST(an_exec_is_seen_unless_it_failed_or_something_was_lost)
{
	struct calls *c = start();

	funcs['b' - 'a'].hook = HOOK_EXEC;
	funcs['f' - 'a'].hook = HOOK_EXEC_FAILED;
	funcs['b' - 'a'].shown = funcs['f' - 'a'].shown = false;
	ck_assert(!calls_saw_exec(c));
	feed(c, "+a@100 +b@200");
	ck_assert(calls_saw_exec(c));
	feed(c, "+f@200");
	ck_assert(!calls_saw_exec(c));
	calls_counted(c, 'b' - 'a', 3);
	calls_counted(c, 'f' - 'a', 2);
	ck_assert(calls_saw_exec(c));
	calls_lost(c, 1, 0, 0);
	ck_assert(!calls_saw_exec(c));
	calls_release(&c);
}
END_TEST

START_TEST(records_that_contradict_the_plan_are_dropped)
{
	struct calls *c = start();
	u8 bytes[40] = { 0 };
	struct record bad[] = {
		{ .func = NFUNCS, .bytes = bytes, .size = 40 },
		{ .func = 0, .bytes = bytes, .size = 39 },
		{ .func = 0, .bytes = bytes, .size = 8 },
		{ .func = 0, .kind = SITE_EXIT, .bytes = bytes, .size = 31 },
		{ .func = 0, .kind = (enum site_kind)9, .bytes = bytes, .size = 40 },
		{ .func = 1, .bytes = bytes, .size = 40 },
	};

	funcs[1].refusal = REFUSE_RUNTIME;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		calls_record(c, &bad[i]);
	ck_assert_uint_eq(calls_totals(c).bad, ARRAY_LEN(bad));
	calls_finish(c, false);
	ck_assert_uint_eq(came.n, 0);
	calls_release(&c);
}
END_TEST

/* --if: at the entry `goid == 7`, at the end `duration > 15`. */
static struct expr_step at_entry[] = {
	{ .op = EX_GOID, .kind = EXPR_UINT, .size = 8 },
	{ .op = EX_CONST, .kind = EXPR_UINT, .size = 8, .imm = 7 },
	{ .op = EX_EQ, .kind = EXPR_BOOL, .size = 1, .a = 0, .b = 1 },
};
static struct expr_step at_end[] = {
	{ .op = EX_DURATION, .kind = EXPR_INT, .size = 8, .exit = true },
	{ .op = EX_CONST, .kind = EXPR_INT, .size = 8, .imm = 15 },
	{ .op = EX_GT, .kind = EXPR_BOOL, .size = 1, .a = 0, .b = 1 },
};

static const struct { const char *why, *stream, *calls; bool late; } conditional[] = {
	{ "only those of goroutine 7", "+a@100 g7 +a@100 -a@100 g1 -a@100", "a:return:10", false },
	{ "an exit whose entry was left out", "g7 -a@100", "", false },
	{ "... says that what was deeper has ended", "g7 +b@200 -a@100", "b:lost:-1", false },
	{ "what was left out is nobody's caller", "+a@100 +b@200 -b@200 -a@100", "", false },
	{ "what did not last", "+a@100 +b@200 -b@200 -a@100", "a:return:30", true },
	{ "what has no end that was seen", "+a@100 +b@200 -a@100", "a:return:20", true },
	{ "an exit alone", "-a@100", "", true },
	{ "a panic that came late", "+a@100 +b@200 +b@300 !p@400 +c@50 -c@50",
	  "b:panic:20<a1 a:panic:30", true },
};

START_TEST(calls_for_which_the_condition_does_not_hold_are_left_out)
{
	bool late = conditional[_i].late;
	static u16 conjunct[] = { 2 };
	static struct expr_code codes[1];
	static struct expr condition = { .role = EXPR_IF };
	struct calls *c;

	calls_release(&(struct calls *){ start() });
	codes[0] = (struct expr_code){
		.steps = late ? at_end : at_entry, .n = 3, .needs_exit = late,
		.conjuncts = conjunct, .nconjuncts = 1, .nentry = !late,
	};
	for (u32 i = 0; i < LETTERS; i++) {
		funcs[i].codes = codes;
		funcs[i].condition = &condition;
	}
	plan.exprs = &condition;
	plan.nexprs = 1;
	c = calls_new(&plan, &(struct sink){
		.call = on_call, .entry = on_entry, .lost = on_lost,
	});
	feed(c, conditional[_i].stream);
	calls_finish(c, false);
	ck_assert_msg(str_eq((struct str){ came.buf, came.n }, str_of(conditional[_i].calls)),
		      "%s: %.*s", conditional[_i].why, (int)came.n, came.buf);
	ck_assert_uint_eq(calls_totals(c).unreadable, 0);
	calls_release(&c);
	plan.nexprs = 0;
}
END_TEST

Suite *calls_suite(void)
{
	Suite *s = suite_create("calls");
	TCase *t = tcase_create("calls");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, streams_give_calls, 0, ARRAY_LEN(streams));
	tcase_add_loop_test(t, what_callees_took_is_taken_away, 0, ARRAY_LEN(selves));
	tcase_add_test(t, calls_with_callees_are_told_before_them);
	tcase_add_test(t, enough_closes_only_what_was_opened);
	tcase_add_test(t, entries_alone);
	tcase_add_test(t, calls_without_an_end_are_told_of_as_they_begin);
	tcase_add_test(t, losses_are_told);
	tcase_add_test(t, a_hook_that_is_asked_for_is_shown_too);
	tcase_add_test(t, an_exec_is_seen_unless_it_failed_or_something_was_lost);
	tcase_add_test(t, records_that_contradict_the_plan_are_dropped);
	tcase_add_loop_test(t, calls_for_which_the_condition_does_not_hold_are_left_out, 0,
			    ARRAY_LEN(conditional));
	suite_add_tcase(s, t);
	return s;
}
