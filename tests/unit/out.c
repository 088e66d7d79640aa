#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/out.h"

Suite *out_suite(void);

/* What a call wrote, as a C string that the next one frees. */
static struct out memory;

static void fresh(void)
{
	out_release(&memory);
	out_memory(&memory);
}

static const char *written(void)
{
	out_c(&memory, 0);
	return memory.buf;
}

#define PRINTS(call, want) do { fresh(); call; ck_assert_str_eq(written(), want); } while (0)

START_TEST(numbers)
{
	PRINTS(out_u64(&memory, 0), "0");
	PRINTS(out_u64(&memory, UINT64_MAX), "18446744073709551615");
	PRINTS(out_i64(&memory, INT64_MIN), "-9223372036854775808");
	PRINTS(out_i64(&memory, -7), "-7");
	PRINTS(out_hex(&memory, 0), "0x0");
	PRINTS(out_hex(&memory, UINT64_MAX), "0xffffffffffffffff");
	PRINTS(out_fmt(&memory, "%d-%s", 5, "x"), "5-x");
	fresh();
	out_fmt(&memory, "%0*d", 3000, 7);
	ck_assert_uint_eq(memory.n, 3000);
	ck_assert_int_eq(memory.buf[2999], '7');
}
END_TEST

static const struct { double v; int bits; const char *want; } floats[] = {
	{ 0, 64, "0" }, { -0.0, 64, "-0" }, { 1, 64, "1" }, { -1.5, 64, "-1.5" },
	{ 0.1, 64, "0.1" },
	{ 1.0 / 3, 64, "0.3333333333333333" }, { 0.1 + 0.2, 64, "0.30000000000000004" },
	{ 1e5, 64, "100000" }, { 1e6, 64, "1e+06" }, { 1e21, 64, "1e+21" }, { 1e-4, 64, "0.0001" },
	{ 1e-5, 64, "1e-05" }, { 1.25e-7, 64, "1.25e-07" },
	{ 123456789.125, 64, "1.23456789125e+08" },
	{ 5e-324, 64, "5e-324" }, { 1.7976931348623157e308, 64, "1.7976931348623157e+308" },
	{ 2.2250738585072014e-308, 64, "2.2250738585072014e-308" },
	{ (double)0.1f, 32, "0.1" }, { 16777216, 32, "1.6777216e+07" }, { 999999, 32, "999999" },
	{ (double)3.4028235e38f, 32, "3.4028235e+38" }, { (double)1e-45f, 32, "1e-45" },
	{ NAN, 64, "NaN" }, { INFINITY, 64, "+Inf" }, { -INFINITY, 32, "-Inf" },
};

START_TEST(floats_are_the_shortest_that_read_back)
{
	for (size_t i = 0; i < ARRAY_LEN(floats); i++)
		PRINTS(out_float(&memory, floats[i].v, floats[i].bits), floats[i].want);
}
END_TEST

START_TEST(every_float_reads_back)
{
	srandom(7);
	for (int i = 0; i < 20000; i++) {
		u64 bits = (u64)random() << 42 ^ (u64)random() << 21 ^ (u64)random();
		double v;

		memcpy(&v, &bits, 8);
		if (v - v != 0)
			continue;
		fresh();
		out_float(&memory, v, 64);
		ck_assert_msg(strtod(written(), NULL) == v, "%a became %s", v, memory.buf);
	}
}
END_TEST

START_TEST(durations_are_go_s)
{
	PRINTS(out_duration(&memory, 0), "0s");
	PRINTS(out_duration(&memory, 800), "800ns");
	PRINTS(out_duration(&memory, 13250), "13.25µs");
	PRINTS(out_duration(&memory, 999999), "999.999µs");
	PRINTS(out_duration(&memory, 1000000), "1ms");
	PRINTS(out_duration(&memory, 1500000000), "1.5s");
	PRINTS(out_duration(&memory, 123500000000), "2m3.5s");
	PRINTS(out_duration(&memory, 3600000000000), "1h0m0s");
	PRINTS(out_duration(&memory, -1), "-1ns");
	PRINTS(out_duration(&memory, INT64_MIN), "-2562047h47m16.854775808s");
}
END_TEST

START_TEST(times_are_rfc_3339)
{
	PRINTS(out_time(&memory, 0), "1970-01-01T00:00:00.000000000Z");
	PRINTS(out_time(&memory, -1), "1969-12-31T23:59:59.999999999Z");
	PRINTS(out_time(&memory, 951782400000000001), "2000-02-29T00:00:00.000000001Z");
	PRINTS(out_date(&memory, -62135596800, 0), "0001-01-01T00:00:00Z");
	PRINTS(out_date(&memory, 1732502438, 120000000), "2024-11-25T02:40:38.12Z");
	PRINTS(out_date(&memory, 4107542400, 5), "2100-03-01T00:00:00.000000005Z");
}
END_TEST

START_TEST(a_terminal_gets_no_control_bytes)
{
	PRINTS(out_clean(&memory, STR("plain é 世")), "plain é 世");
	PRINTS(out_clean(&memory, STR("\x1b[31m\n")), "\\x1b[31m\\x0a");
	PRINTS(out_clean(&memory, STR("a\xffz\xc3")), "a\\xffz\\xc3");
	PRINTS(out_clean(&memory, STR("\xc2\x9b")), "\\xc2\\x9b");		/* C1 CSI */
	PRINTS(out_clean(&memory, STR("\xe2\x80\xae")), "\\xe2\\x80\\xae");	/* right to left */
}
END_TEST

START_TEST(quoting_is_go_s)
{
	PRINTS(out_quoted(&memory, STR("a\"b\\c")), "\"a\\\"b\\\\c\"");
	PRINTS(out_quoted(&memory, STR("\a\b\t\n\v\f\r")), "\"\\a\\b\\t\\n\\v\\f\\r\"");
	PRINTS(out_quoted(&memory, STR("\x1b\x7f\x01")), "\"\\x1b\\x7f\\x01\"");
	PRINTS(out_quoted(&memory, STR("é世\xff")), "\"é世\\xff\"");
	PRINTS(out_quoted(&memory, STR("\xc2\x9b\xe2\x80\xae")), "\"\\u009b\\u202e\"");
	PRINTS(out_quoted(&memory, STR("")), "\"\"");
}
END_TEST

START_TEST(utf8_is_checked_strictly)
{
	ck_assert(str_is_utf8(STR("aé世\xf0\x9f\x98\x80")));
	ck_assert(!str_is_utf8(STR("\xc0\x80")));		/* overlong */
	ck_assert(!str_is_utf8(STR("\xe0\x80\x80")));
	ck_assert(!str_is_utf8(STR("\xed\xa0\x80")));		/* a surrogate */
	ck_assert(!str_is_utf8(STR("\xf4\x90\x80\x80")));	/* beyond U+10FFFF */
	ck_assert(!str_is_utf8(STR("\xe4\xb8")));		/* cut */
}
END_TEST

START_TEST(colours_only_where_asked)
{
	PRINTS((out_color(&memory, "1;31"), out_plain(&memory)), "");
	fresh();
	memory.color = true;
	out_color(&memory, "1;31");
	out_plain(&memory);
	ck_assert_str_eq(written(), "\x1b[1;31m\x1b[0m");
}
END_TEST

START_TEST(a_line_is_one_write)
{
	OWN(out) o;
	char text[64];
	int ends[2];

	ck_assert(pipe(ends) == 0);
	out_open(&o, ends[1]);
	o.lines = true;
	out_z(&o, "one");
	out_z(&o, " line");
	ck_assert_uint_eq(o.n, 8);
	out_line(&o);
	ck_assert_uint_eq(o.n, 0);
	ck_assert_int_eq(read(ends[0], text, sizeof(text)), 9);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* A socket of packets keeps apart what was written apart. */
static void writes(struct out *o, ssize_t first, ssize_t second)
{
	char text[64 * 1024];
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	o->fd = ends[1];
	ck_assert(out_flush(o));
	ck_assert_int_eq(recv(ends[0], text, sizeof(text), 0), first);
	ck_assert_int_eq(recv(ends[0], text, sizeof(text), MSG_DONTWAIT), second);
	close(ends[0]);
	close(ends[1]);
	o->fd = -1;
	o->n = 0;
}

START_TEST(lines_that_were_held_are_written_one_by_one)
{
	OWN(out) o;

	out_memory(&o);
	o.held = o.lines = true;
	out_z(&o, "one\nand two\n");
	writes(&o, 4, 8);
	for (int i = 0; i < 3000; i++)	/* they have come together */
		out_z(&o, "another one\n");
	writes(&o, 36000, -1);
}
END_TEST

START_TEST(what_is_written_through_keeps_its_place)
{
	int ends[2];
	char got[8] = "";
	struct out o;

	ck_assert_int_eq(pipe(ends), 0);
	out_open(&o, ends[1]);
	out_z(&o, "a");
	out_through(&o, STR("bc"));
	out_z(&o, "d");
	ck_assert(out_flush(&o));
	ck_assert_int_eq(read(ends[0], got, sizeof(got)), 4);
	ck_assert_str_eq(got, "abcd");
	out_release(&o);
	close(ends[0]);
	close(ends[1]);
	PRINTS((out_z(&memory, "a"), out_through(&memory, STR("b"))), "ab");
}
END_TEST

START_TEST(a_failed_write_sticks)
{
	OWN(out) o;
	struct err err = { 0 };
	int fd = open("/dev/full", 1);

	ck_assert_int_ge(fd, 0);
	out_open(&o, fd);
	out_z(&o, "x");
	ck_assert(out_ok(&o, &err));
	ck_assert(!out_flush(&o));
	out_z(&o, "y");
	ck_assert(!out_flush(&o));
	ck_assert(!out_ok(&o, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	close(fd);
}
END_TEST

START_TEST(much_text_is_written_in_between)
{
	OWN(out) o;
	int fd = open("/dev/null", 1);

	ck_assert_int_ge(fd, 0);
	out_open(&o, fd);
	for (int i = 0; i < 1000000; i++)
		out_z(&o, "0123456789");
	ck_assert_uint_le(o.room, 1 << 20);
	close(fd);
}
END_TEST

struct asked {
	unsigned times;
	bool answer;
};

static bool go_on(void *ctx)
{
	struct asked *a = ctx;

	a->times++;
	return a->answer;
}

/* Nobody reads: what the pipe takes is written, in whole lines, and the rest stays. */
START_TEST(a_reader_that_stands_still_can_be_left)
{
	enum { LINES = 3000 };
	static char text[LINES * 100 + 1];
	struct asked a = { 0 };
	OWN(out) o;
	size_t got = 0;
	ssize_t n;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	out_open(&o, ends[1]);
	o.held = true;
	for (int i = 0; i < LINES; i++) {
		out_fmt(&o, "%099d", i);
		out_line(&o);
	}
	ck_assert(out_flush_while(&o, go_on, &a));
	ck_assert_uint_eq(a.times, 1);
	ck_assert_uint_gt(o.n, 0);
	ck_assert_uint_lt(o.n, LINES * 100);
	ck_assert_uint_eq(o.n % 100, 0);
	while (o.n) {	/* somebody reads on */
		n = read(ends[0], text + got, 4096);
		ck_assert_int_gt(n, 0);
		got += (size_t)n;
		ck_assert(out_flush_while(&o, go_on, &a));
	}
	close(ends[1]);
	while ((n = read(ends[0], text + got, sizeof(text) - got)) > 0)
		got += (size_t)n;
	ck_assert_uint_eq(got, LINES * 100);
	for (int i = 0; i < LINES; i++)
		ck_assert_int_eq(strtol(text + (size_t)i * 100, NULL, 10), i);
	close(ends[0]);
}
END_TEST

START_TEST(a_reader_who_went_away_is_seen)
{
	struct asked a = { .answer = true };
	OWN(out) o;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	out_open(&o, ends[1]);
	out_z(&o, "x");
	ck_assert(!out_flush_while(&o, go_on, &a));
	ck_assert_int_eq(o.failed, EPIPE);
	ck_assert_uint_eq(o.n, 0);
	close(ends[1]);
}
END_TEST

/* Wherever the odd byte stands, and however long the text is. */
START_TEST(one_byte_makes_it_no_utf8)
{
	char text[40];

	for (size_t n = 0; n <= sizeof(text); n++) {
		memset(text, 'a', sizeof(text));
		ck_assert(str_is_utf8((struct str){ text, n }));
		for (size_t i = 0; i < n; i++) {
			text[i] = (char)0x80;
			ck_assert(!str_is_utf8((struct str){ text, n }));
			text[i] = 'a';
		}
		for (size_t i = 0; i + 1 < n; i++) {
			memcpy(text + i, "\xc3\xa4", 2);
			ck_assert(str_is_utf8((struct str){ text, n }));
			memset(text, 'a', sizeof(text));
		}
	}
}
END_TEST

Suite *out_suite(void)
{
	Suite *s = suite_create("out");
	TCase *t = tcase_create("out");

	tcase_add_test(t, one_byte_makes_it_no_utf8);
	tcase_add_test(t, numbers);
	tcase_add_test(t, floats_are_the_shortest_that_read_back);
	tcase_add_test(t, every_float_reads_back);
	tcase_add_test(t, durations_are_go_s);
	tcase_add_test(t, times_are_rfc_3339);
	tcase_add_test(t, a_terminal_gets_no_control_bytes);
	tcase_add_test(t, quoting_is_go_s);
	tcase_add_test(t, utf8_is_checked_strictly);
	tcase_add_test(t, colours_only_where_asked);
	tcase_add_test(t, a_line_is_one_write);
	tcase_add_test(t, lines_that_were_held_are_written_one_by_one);
	tcase_add_test(t, what_is_written_through_keeps_its_place);
	tcase_add_test(t, a_failed_write_sticks);
	tcase_add_test(t, much_text_is_written_in_between);
	tcase_add_test(t, a_reader_that_stands_still_can_be_left);
	tcase_add_test(t, a_reader_who_went_away_is_seen);
	suite_add_tcase(s, t);
	return s;
}
