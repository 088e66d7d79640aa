/* What loggers, and those who keep logs, have made of what a program printed: undone. */
#include <check.h>
#include <string.h>

#include "diag/death.h"

Suite *undressed_suite(void);

#define LOKI "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":["

static const struct {
	const char *log, *is;
} logs[] = {
	{ "panic: boom\n\n", "panic: boom\n\n" },
	{ "panic: boom", "panic: boom\n" },
	{ "x\r\npanic: boom\r\n", "x\npanic: boom\n" },
	{ "{\"log\":\"panic: boom\\n\"}\n{\"a\":1, \"log\" : \"\\tx\\u0041\\\"\"}\n",
	  "panic: boom\n\txA\"\n" },
	{ "{\"log\":\"cut \\u00", "cut u00\n" },
	{ "{\"n\":1}\n", "{\"n\":1}\n" },
	{ "a | up\na | panic: boom\na | \na | goroutine 1\n",
	  "a | up\npanic: boom\n\ngoroutine 1\n" },
	{ "Nov 28 20:01:09 h a[7]: panic: boom\nNov 28 20:01:10 h a[7]: next\n",
	  "panic: boom\nnext\n" },
	{ "2026/11/30 06:20:42 panic: boom\ngoroutine 12 [running]:\n",
	  "panic: boom\ngoroutine 12 [running]:\n" },
	{ "a | panic: one\na | \tpanic: two\na | next\n", "panic: one\n\tpanic: two\nnext\n" },
	{ "INFO: panic: off\npanic: boom\n\n", "INFO: panic: off\npanic: boom\n\n" },
	{ "\x1b[36mapp_1  |\x1b[0m panic: boom\n\x1b[36mapp_1  |\x1b[0m \n", "panic: boom\n\n" },
	{ "{\"log\":\"\\u001b[1;31mpanic: boom\\u001b[0m\\n\"}\n", "panic: boom\n" },
	{ "\x1b[31", "\n" },
	{ "\x1b[31\n\x1b[\x1b[mpanic: boom\n", "\npanic: boom\n" },
	{ "app | ====\napp | WARNING: DATA RACE\napp | Write at 0x1 by goroutine 7:\n",
	  "app | ====\nWARNING: DATA RACE\nWrite at 0x1 by goroutine 7:\n" },
	{ "12:00:09 [w-9]: panic: boom\n12:00:10 [w-10]: next\n", "panic: boom\nnext\n" },
	{ "", "" },
	/* JSON: behind a prefix, of many objects, over several lines, in JSON */
	{ "api-1 | {\"msg\":\"panic: a\"}\n{\"msg\":\"\"}\n", "panic: a\n\n" },
	{ "[{\"message\":\"panic: a\",\"k\":{\"message\":\"b\"}},{\"message\":\"c\"}]\n",
	  "panic: a\nc\n" },
	{ "{\n  \"events\": [\n    {\n      \"t\": 1,\n      \"message\" : \"panic: a\",\n"
	  "      \"id\": \"7\"\n    },\n    {\n      \"message\": \"c\"\n    }\n  ]\n}\nend\n",
	  "{\n  \"events\": [\n    {\n      \"t\": 1,\npanic: a\nc\nend\n" },
	{ "{\"log\":\"{\\\"msg\\\":\\\"panic: a\\\\n\\\"}\\n\",\"stream\":\"x\"}\n", "panic: a\n" },
	{ "{\"Action\":\"output\",\"Output\":\"panic: a\\n\"}\n", "panic: a\n" },
	{ "{\"msg\":\"child died\",\"why\":\"panic: a\\n\\ngoroutine 1 [running]:\\n\"}\n",
	  "panic: a\n\ngoroutine 1 [running]:\n" },
	{ "panic: {\"error\":\"no\"}\n", "panic: {\"error\":\"no\"}\n" },
	/* slog, logrus, go-kit */
	{ "time=1 level=ERROR msg=\"panic: a b\" pid=4\nlevel=x msg=f() pid=4\nlevel=x msg=\"\"\n",
	  "panic: a b\nf()\n\n" },
	{ "api | time=1 level=x msg=gone err=\"panic: a\\n\\ngoroutine 1 [running]:\\n\"\n",
	  "panic: a\n\ngoroutine 1 [running]:\n" },
	{ "panic: level=x msg=y\n", "panic: level=x msg=y\n" },
	{ "x level=1\n", "x level=1\n" },
	/* %q; zap's console with fields */
	{ "9:19 \"c\" died: \"panic: a\\n\\ngoroutine 1 [running]:\\n\\x\" 3\n",
	  "panic: a\n\ngoroutine 1 [running]:\nx\n" },
	{ "9:19 ERROR a.go:1 panic: a\t{\"pid\": 7}\n", "9:19 ERROR a.go:1 panic: a\n" },
	/* other programs' lines between them; the next death may be another one's */
	{ "a-1  | panic: a\ndb-1 | ready\na-1  | \na-2  | panic: b\na-1  | c\na-2  | d\n",
	  "panic: a\n\npanic: b\nd\n" },
	{ "Nov 30 09:19:31 h a[7]: panic: a\nNov 30 09:19:31 h sshd[8]: x\n"
	  "Nov 30 09:19:31 h a[9]: y\nNov 30 09:19:32 h a[7]: b\n", "panic: a\nb\n" },
	{ "[pod/a-1/a] panic: a\n[pod/a-2/a] x\n[pod/a-1/a] \n", "panic: a\n\n" },
	/* tabs that are blanks now, or gone */
	{ "panic: a [recovered]\n        panic: b\n\nmain.f()\n        /a.go:9 +0x1\ncreated by x\n"
	  "  /a.go:3\n", "panic: a [recovered]\n\tpanic: b\n\nmain.f()\n\t/a.go:9 +0x1\n"
	  "created by x\n\t/a.go:3\n" },
	{ "h | panic: a\nh | main.f()\nh | /a.go:9 +0x1 fp=0x1\nh | main.g()\nh | #011/a.go:3\n",
	  "panic: a\nmain.f()\n\t/a.go:9 +0x1 fp=0x1\nmain.g()\n\t/a.go:3\n" },
	{ "f()\n/a.go:9 is wrong\n/a.go:9\n  f()\n    /a.go:9\n", "f()\n/a.go:9 is wrong\n"
	  "/a.go:9\n  f()\n    /a.go:9\n" },
	{ "09:19:31Z app[91] ams [info]panic: a\n09:19:32Z app[91] ams [info]b\n",
	  "panic: a\nb\n" },
	/* what files are made of */
	{ "\xef\xbb\xbfpanic: a\r\nb\r\n", "panic: a\nb\n" },
	{ "Time,\"Line\"\n1,\"panic: \"\"a\"\"\"\r\n2,\r\n3,\""
	  "goroutine 1 [x]:\nf(1, 2)\"\n4,g()\nh\n",
	  "panic: \"a\"\n\ngoroutine 1 [x]:\nf(1, 2)\ng()\nh\n" },
	{ "a,b\npanic: a,b\n", "a,b\npanic: a,b\n" },
	{ "message,b\n\"cut", "cut\n" },
	{ "09:19:31 | panic: a\n09:19:32 | b\n", "panic: a\nb\n" },
	/* what stands behind each line: zerolog's console, logrus on a terminal */
	{ "9:19AM ERR panic: x=1 app=a n=1\n9:19AM ERR app=a n=2\n"
	  "9:19AM ERR \t/a.go:9 +0x1 app=a n=3\n9:20AM ERR f() app=\"a \\\" b\" n=\n"
	  "9:20AM ERR g() n=3\n9:20AM ERR goes on a=b app=a n=4\n",
	  "panic: x=1\n\n\t/a.go:9 +0x1\nf()\ng() n=3\ngoes on a=b\n" },
	{ "\x1b[31mERRO\x1b[0m[0000] panic: a     \x1b[31mapp\x1b[0m=a\n"
	  "\x1b[31mERRO\x1b[0m[0001]              \x1b[31mapp\x1b[0m=a\n"
	  "\x1b[31mERRO\x1b[0m[0001] f()          \x1b[31mapp\x1b[0m=a\n", "panic: a\n\nf()\n" },
	{ "9:19AM ERR panic: x=1\n9:19AM ERR goroutine 1 [running]:\n",
	  "panic: x=1\ngoroutine 1 [running]:\n" },
	{ "9:19AM ERR panic: x=1 y=\"2\n9:19AM ERR y=\"3\n", "panic: x=1 y=\"2\ny=\"3\n" },
	{ "panic: x=1\ny x=1\n", "panic: x=1\ny x=1\n" },
	/* logrus leaves out a text that is empty */
	{ "level=x msg=\"panic: a\" n=1\nlevel=x n=1\nlevel=x n=1 and so on\n",
	  "panic: a\n\nlevel=x n=1 and so on\n" },
	/* parts of lines: containers (CRI) */
	{ "2026-11-30T10:09:07.1Z stderr P panic\n2026-11-30T10:09:07.2Z stdout P a\n"
	  "2026-11-30T10:09:07.1Z stderr P : \nx\n2026-11-30T10:09:07.1Z stderr F boom\n"
	  "2026-11-30T10:09:07.1Z stderr F f()\n2026-11-30T10:09:07.3Z stdout P b\n",
	  "x\npanic: boom\nf()\n" },
	{ "2026-11-30T10:09:07.1Z stderr P", "2026-11-30T10:09:07.1Z stderr P\n" },
	{ "x stderr P \n2026-11-30T10:09:07.1Z stderr F\n1 stderr P panic: a\n1 stderr P ",
	  "x stderr P \n2026-11-30T10:09:07.1Z stderr F\n1 stderr F panic: a\n" },
	/* the journal, as it is exported */
	{ "__CURSOR=s=1;i=2\n_PID=7\nSYSLOG_IDENTIFIER=api\nMESSAGE=panic: a=b\n\n"
	  "__CURSOR=s=1;i=3\n_PID=8\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=x\n\n"
	  "__CURSOR=s=1;i=4\n_PID=7\n_COMM=api\n\n"
	  "__CURSOR=s=1;i=5\nMESSAGE=\n_PID=7\nSYSLOG_IDENTIFIER=api\n\n"
	  "__CURSOR=s=1;i=6\nMESSAGE=f()\n_PID=7\nSYSLOG_IDENTIFIER=api", "panic: a=b\n\nf()\n" },
	{ "__CURSOR=\nMESSAGE=x\n\n\n__CURSOR=\nMESSAGE=panic: a\n\n__CURSOR=\nMESSAGE=\n",
	  "?[0]: x\npanic: a\n\n" },
	{ "__CURSOR=\nMESSAGE\n1234", "?[0]: \n" },
	/* Loki's answer: labels of the level, metadata, and the newest line first */
	{ LOKI "\n{\"stream\":{\"app\":\"a\",\"level\":\"x\"},\n"
	  "\"values\":[[\"12\",\"f(\\\"]\\\")\"],\n"
	  "[\"11\",\"\",{\"structuredMetadata\":{\"k\":\"]\",\"l\":\"[\"}}],[\"9\",\"up\"]]},\n"
	  "{\"stream\": { \"app\" : \"a\", \"level\" : \"y\"},\n"
	  "\"values\": [ [ \"10\", \"panic: a\" ] ] } ], \"stats\": {\"x\":[\"1\",\"2\"]}}}",
	  "up\npanic: a\n\nf(\"]\")\n" },
	{ LOKI "{\"stream\":{\"app\":\"a\"},\"values\":[[\"5\",\"a2\"],[\"7\",\"panic: a\"]]},"
	  "{\"stream\":{\"app\":\"b\"},\"values\":[[\"6\",\"b\"]]}]}}", "b\na2\npanic: a\n" },
	{ LOKI "]}}", LOKI "]}}\n" },
	{ LOKI "{\"stream\":{\"app\":\"a\"},\"values\":[[\"5\",\"a2\"],[\"7\",\"pan", "a2\npan\n" },
	/* the newest line first */
	{ "x | end\nx | \t/a.go:3 +0x1\nx | main.main()\nx | \t/a.go:9 +0x1\nx | f(1)\n"
	  "x | goroutine 1 [running]:\nx | \nx | panic: a\nx | up",
	  "x | up\npanic: a\n\ngoroutine 1 [running]:\nf(1)\n\t/a.go:9 +0x1\nmain.main()\n"
	  "\t/a.go:3 +0x1\nend\n" },
	{ "\t/a.go:9 +0x1\nf(1)\ngoroutine 1 [running] {\"a b\": \"c\"}:\n\npanic: a\n",
	  "panic: a\n\ngoroutine 1 [running] {\"a b\": \"c\"}:\nf(1)\n\t/a.go:9 +0x1\n" },
	{ "f(1)\n\t/a.go:9 +0x1\n\ngoroutine 1 [running]:\nf(1)\n\t/a.go:9 +0x1\n",
	  "f(1)\n\t/a.go:9 +0x1\n\ngoroutine 1 [running]:\nf(1)\n\t/a.go:9 +0x1\n" },
};

START_TEST(utf_16_is_read)
{
	static const char little[] = "\xff\xfep\0a\0\r\0\n\0\xac\x20" "b";
	static const char big[] = "\xfe\xff\0p\0\n\1\2";
	OWN(arena) a = { 0 };

	ck_assert(str_eq(death_clean((struct str){ little, sizeof(little) }, &a), STR("pa\n?b\n")));
	ck_assert(str_eq(death_clean((struct str){ big, sizeof(big) - 1 }, &a), STR("p\n?\n")));
}
END_TEST

/* A text of several lines has its length before it. */
START_TEST(a_journal_s_long_text_is_read)
{
	static const char log[] = "__CURSOR=\n_PID=7\nSYSLOG_IDENTIFIER=api\nMESSAGE\n"
				  "\14\0\0\0\0\0\0\0panic: a\nf()\n\n"
				  "__CURSOR=\nMESSAGE\n\377\377\377\377\377\377\377\377x";
	OWN(arena) a = { 0 };
	struct str is = death_clean((struct str){ log, sizeof(log) - 1 }, &a);

	ck_assert_msg(str_eq(is, STR("panic: a\nf()\n")), "%.*s", STR_F(is));
}
END_TEST

/* docker's own, of 16 KiB. */
START_TEST(what_docker_cuts_is_one_line)
{
	OWN(arena) a = { 0 };
	char *long_text = arena_alloc(&a, (16 << 10) + 1);
	struct str log, is;

	memset(long_text, 'x', 16 << 10);
	log = str_fmt(&a, "{\"log\":\"panic: %s\",\"stream\":\"stderr\"}\n{\"log\":\"y\\n\"}\n"
		      "{\"log\":\"short\"}\n{\"log\":\"z\\n\"}\n", long_text);
	is = death_clean(log, &a);
	ck_assert_msg(str_ends(is, STR("xxy\nshort\nz\n")), "%.*s", STR_F(is));
}
END_TEST

START_TEST(any_part_of_it_is_safe)
{
	const char *text = logs[_i].log;
	OWN(arena) a = { 0 };

	for (size_t n = 0; n <= strlen(text); n++)
		death_clean((struct str){ arena_copy(&a, text, n), n }, &a);
}
END_TEST

START_TEST(logs_are_undressed)
{
	OWN(arena) a = { 0 };
	struct str is = death_clean(str_of(logs[_i].log), &a);

	ck_assert_msg(str_eq(is, str_of(logs[_i].is)), "%s gives %.*s", logs[_i].log, STR_F(is));
}
END_TEST

Suite *undressed_suite(void)
{
	Suite *s = suite_create("undressed");
	TCase *t = tcase_create("logs");

	tcase_add_loop_test(t, logs_are_undressed, 0, ARRAY_LEN(logs));
	tcase_add_loop_test(t, any_part_of_it_is_safe, 0, ARRAY_LEN(logs));
	tcase_add_test(t, utf_16_is_read);
	tcase_add_test(t, a_journal_s_long_text_is_read);
	tcase_add_test(t, what_docker_cuts_is_one_line);
	suite_add_tcase(s, t);
	return s;
}
