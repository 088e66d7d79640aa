/* What a call becomes: a line of text, an object of JSON Lines. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "base/version.h"
#include "out/sinks.h"

Suite *sinks_suite(void);

static struct go_type t_int = { .loaded = true, .kind = GO_INT, .size = 8, .name = { "int", 3 } };
static struct go_param params[] = {
	{ .name = { "dict", 4 }, .dictionary = true, .type = &t_int, .size = 8 },
	{ .name = { "id", 2 }, .type = &t_int, .size = 8 },
	{ .name = { "n\x1b", 2 }, .type = &t_int, .size = 8 },
};
static struct slot args[] = {
	{ .param = &params[0], .at = 32, .taken = true },
	{ .param = &params[1], .at = 40, .taken = true },
	{ .param = &params[2], .at = 48, .taken = true },
};
static struct slot results[] = {
	{ .param = &params[1], .at = 32, .taken = true },
	{ .param = &params[1], .at = 40, .taken = true },
};
static struct go_sig sig;
static struct go_func func = { .name = { "main.work", 9 } }, above = { .name = { "main.main", 9 } };
static struct plan_func funcs[2];
static struct image image;
static struct go_program prog = { .img = &image };
static struct plan plan = { .prog = &prog, .funcs = funcs, .nfuncs = 2,
			    .request = { .strings = 64, .elements = 8 } };
static const struct target_facts facts = { .prog = &prog, .plan = &plan, .path = "./x", .pid = 42 };
static const u64 entry[] = { 0, 0, 0, 0, 99, 7, (u64)-1 }, leave[] = { 0, 0, 0, 0, 1, 2 };
static struct arena arena;
static struct out text;

/* 2024-11-25T02:40:38.123456789Z */
enum { TIME_S = 1732502438, TIME_NS = 123456789 };
static const i64 start = (i64)TIME_S * 1000000000 + TIME_NS;

static void fresh(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	sig = (struct go_sig){ .params = params, .nparams = 3, .from = SIG_DWARF,
			       .results_known = true };
	funcs[0] = (struct plan_func){
		.func = &func, .sig = &sig,
		.entry = { .slots = args, .nslots = 3, .size = sizeof(entry) },
		.exit = { .slots = results, .nslots = 1, .size = sizeof(leave) },
	};
	funcs[1] = (struct plan_func){ .func = &above, .sig = &sig };
	out_release(&text);
	out_memory(&text);
}

static struct call a_call(enum call_end end)
{
	bool returned = end == END_RETURN || end == END_RECOVERED;

	return (struct call){
		.fn = funcs, .goid = 18, .start_ns = start, .duration_ns = 13256, .end = end,
		.entry = (const u8 *)entry, .exit = returned ? (const u8 *)leave : NULL,
	};
}

static void prints(const struct call *c, const char *want)
{
	struct sink s = sink_text_new(&arena, &text, &facts);

	text.n = 0;
	s.call(s.ctx, c);
	out_c(&text, 0);
	ck_assert_str_eq(text.buf, want);
}

#define HEAD "[g 18]   02:40:38.123456   13.25µs  main.work(id=7, n\\x1b=-1)"

START_TEST(a_call_is_a_line)
{
	struct call c = (fresh(), a_call(END_RETURN));

	prints(&c, HEAD " = 1\n");
	funcs[0].exit.nslots = 2;
	prints(&c, HEAD " = (1, 2)\n");
	funcs[0].exit.nslots = 0;
	prints(&c, HEAD "\n");
	sig.results_known = false;
	prints(&c, HEAD " = ?\n");
}
END_TEST

START_TEST(how_it_ended)
{
	fresh();
	prints(&(struct call[]){ a_call(END_PANIC) }[0], HEAD " = <panic>\n");
	prints(&(struct call[]){ a_call(END_RECOVERED) }[0], HEAD " = <recovered> 1\n");
	prints(&(struct call[]){ a_call(END_GOEXIT) }[0], HEAD " = <goexit>\n");
	prints(&(struct call[]){ a_call(END_UNFINISHED) }[0], HEAD " = <unfinished>\n");
	prints(&(struct call[]){ a_call(END_LOST) }[0], HEAD " = <lost>\n");
}
END_TEST

START_TEST(what_is_not_known)
{
	struct call c = (fresh(), a_call(END_RETURN));

	c.exit = NULL;		/* a tail call: the results are another's */
	prints(&c, HEAD " = ?\n");
	c = a_call(END_RETURN);
	c.entry = NULL;
	c.duration_ns = -1;
	prints(&c, "[g 18]   02:40:38.123456         -  main.work(?) = 1\n");
	c.goid = 1ull << 63 | 5;
	prints(&c, "[g0]     02:40:38.123456         -  main.work(?) = 1\n");
	c.entry = (const u8 *)entry;
	sig.cut = true;
	prints(&c, "[g0]     02:40:38.123456         -  main.work(id=7, n\\x1b=-1, …) = 1\n");
	sig.from = SIG_NONE;
	prints(&c, "[g0]     02:40:38.123456         -  main.work(?) = 1\n");
}
END_TEST

START_TEST(durations_stand_in_a_column)
{
	static const struct { i64 ns; const char *want; } rows[] = {
		{ 0, "      0ns" }, { 999, "    999ns" }, { 1000, "  1.000µs" },
		{ 999999, "  999.9µs" },
		{ 1234567, "  1.234ms" }, { 12345678901, "   12.34s" },
		{ 123456789012, "   123.4s" },
		{ 86400000000000, "   86400s" },
	};
	struct call c = (fresh(), a_call(END_PANIC));
	char want[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		c.duration_ns = rows[i].ns;
		snprintf(want, sizeof(want),
			 "[g 18]   02:40:38.123456 %s  main.work(id=7, n\\x1b=-1) = <panic>\n",
			 rows[i].want);
		prints(&c, want);
	}
}
END_TEST

START_TEST(entries_and_losses_are_lines)
{
	struct call c = (fresh(), a_call(END_UNFINISHED));
	struct sink s = sink_text_new(&arena, &text, &facts);

	s.entry(s.ctx, &c);
	s.lost(s.ctx, 5, start, start + 1000000000);
	s.lost(s.ctx, 1, start, start);
	out_c(&text, 0);
	ck_assert_str_eq(text.buf,
		"[g 18]   02:40:38.123456   main.work(id=7, n\\x1b=-1)\n"
		"[lost]   02:40:38.123456            5 records, up to 02:40:39.123456\n"
		"[lost]   02:40:38.123456            1 record, up to 02:40:38.123456\n");
}
END_TEST

static void json_is(const char *want)
{
	out_c(&text, 0);
	for (char *p = text.buf; *p; p++)
		if (*p == '"')
			*p = '\'';
	ck_assert_str_eq(text.buf, want);
	text.n = 0;
}

#define COMMON "'time':'2024-11-25T02:40:38.123456789Z','goid':18,'func':'main.work'," \
	       "'file':null,'line':null,"
#define ARGS "'args':[{'name':'id','type':'int','value':7}," \
	     "{'name':'n\\u001b','type':'int','value':-1}]"

START_TEST(a_call_is_an_object)
{
	struct call c = (fresh(), a_call(END_RETURN));
	struct sink s = sink_json_new(&arena, &text, &facts);

	c.level = 1;
	c.caller = &funcs[1];
	s.call(s.ctx, &c);
	json_is("{'type':'call'," COMMON ARGS ",'results':[{'name':'id','type':'int','value':1}],"
		"'duration_ns':13256,'depth':1,'caller':'main.main','end':'return'}\n");
	c = a_call(END_PANIC);
	s.call(s.ctx, &c);
	json_is("{'type':'call'," COMMON ARGS ",'results':null,'duration_ns':13256,'depth':0,"
		"'caller':null,'end':'panic'}\n");
	c.entry = NULL;
	c.duration_ns = -1;
	s.call(s.ctx, &c);
	json_is("{'type':'call'," COMMON "'args':null,'results':null,'duration_ns':null,'depth':0,"
		"'caller':null,'end':'panic'}\n");
	c = a_call(END_UNFINISHED);
	s.entry(s.ctx, &c);
	json_is("{'type':'entry'," COMMON ARGS "}\n");
	s.lost(s.ctx, 5, start, start + 1000000000);
	json_is("{'type':'lost','count':5,'from':'2024-11-25T02:40:38.123456789Z',"
		"'to':'2024-11-25T02:40:39.123456789Z'}\n");
}
END_TEST

START_TEST(first_and_last)
{
	struct end_facts e = {
		.calls = 12,
		.lost = 3,
		.sites = 24,
		.refused = 1,
		.engine = "inline",
		.stop_ns = 5250000,
		.elapsed_ns = 1204567890,
		.exited = true,
		.program_exit = 130,
	};

	fresh();
	sink_json_begin(&text, &facts);
	json_is("{'type':'begin','version':'" GOSHAWK_VERSION "','schema':1,'pid':42,"
		"'target':'./x'}\n");
	sink_json_end(&text, &e);
	json_is("{'type':'end','calls':12,'lost':3,'unreadable':0,'sites':24,'refused':1,"
		"'engine':'inline','stop_ns':5250000,'elapsed_ns':1204567890,"
		"'program_exit':130}\n");
	sink_text_end(&text, &e);
	json_is("12 calls in 1.204s by the inline engine at 24 sites; 1 site refused; "
		"3 records lost; the process stood still for 5.2 ms\n");
	e = (struct end_facts){ .calls = 1, .sites = 1, .engine = "inline", .elapsed_ns = 123456 };
	sink_text_end(&text, &e);
	json_is("1 call in 123µs by the inline engine at 1 site\n");
	sink_json_end(&text, &e);
	json_is("{'type':'end','calls':1,'lost':0,'unreadable':0,'sites':1,'refused':0,"
		"'engine':'inline','stop_ns':0,'elapsed_ns':123456,'program_exit':null}\n");
}
END_TEST

Suite *sinks_suite(void)
{
	Suite *s = suite_create("sinks");
	TCase *t = tcase_create("sinks");

	tcase_add_test(t, a_call_is_a_line);
	tcase_add_test(t, how_it_ended);
	tcase_add_test(t, what_is_not_known);
	tcase_add_test(t, durations_stand_in_a_column);
	tcase_add_test(t, entries_and_losses_are_lines);
	tcase_add_test(t, a_call_is_an_object);
	tcase_add_test(t, first_and_last);
	suite_add_tcase(s, t);
	return s;
}
