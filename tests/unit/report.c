/* What is said of a hunt: text, JSON and Markdown. */
#include <check.h>
#include <stdlib.h>

#include "go/release.h"
#include "stress/report.h"

Suite *report_suite(void);

static struct go_func func = { .name = { "main.(*Log).set", 15 } };
static struct torn_store stores[2];
static const struct torn_store *sites[] = { &stores[0], &stores[1] };
static const u32 found[] = { 1 };
static struct crash_frame frames[] = {
	{ { "main.(*Log).show", 16 }, { "/src/log.go", 11 }, 31 },
	{ { "main.main", 9 }, { "/src/main.go", 12 }, 9 },
};
static struct crash_goroutine goroutine = { 7, { "running", 7 }, frames, 2 };
static struct hunt h;
static struct report r;

static void begin(void)
{
	stores[1] = (struct torn_store){
		.func = &func, .at = 0x4c, .kind = TORN_STRING, .first = 2, .then = 1,
		.object = STR("l.text"), .line = { STR("/src/log.go"), 12 },
	};
	h = (struct hunt){
		.found = true, .sites = found, .nsites = 1, .delay_ns = 100000,
		.shortest_ns = 1000, .confirmed = { 5, 4, 120000000, 1000000000, 1500000000 },
		.without = { 5, 0, 0, 2000000000, 10000000000 }, .runs = 3,
	};
	h.first = (struct trial){ .died = true, .number = 3, .time_ns = 310000000, .seed = 9,
				  .sites = found, .nsites = 1 };
	h.first.crash = (struct crash){
		.kind = CRASH_LENGTH, .goroutines = &goroutine, .ngoroutines = 1,
		.message = STR("panic: runtime error: slice bounds out of range [:3000] with "
			       "length 9"),
	};
	r = (struct report){ &h, sites, STR("./torn a b") };
}

static void ends(struct out *o, const char *what)
{
	out_c(o, '\0');
	ck_assert_str_eq(o->buf, what);
	out_release(o);
}

START_TEST(text)
{
	struct out o;

	out_memory(&o);
	report_died(&o, &h.first);
	report_text(&o, &r);
	ends(&o,
	     "died after 310.0ms in run 3: panic: runtime error: slice bounds out of range [:3000] "
	     "with length 9\n"
	     "what       a length that does not belong to its pointer was used\n"
	     "store      main.(*Log).set+0x4c  string l.text  /src/log.go:12\n"
	     "delay      100µs; 1µs is enough\n"
	     "with it    4 of 5 runs died, median 120.0ms; the others lived 1.000s\n"
	     "without    0 of 5 runs died, each for 2.000s or to its end\n"
	     "reader     main.(*Log).show  /src/log.go:31  goroutine 7\n"
	     "again      ./torn a b\n"
	     "advice     l.text is stored in main.(*Log).set while another goroutine reads it: let "
	     "both hold the same mutex, or publish a pointer to a value that never changes by "
	     "atomic.Pointer; a build with -race names the reader\n");
}
END_TEST

START_TEST(what_proves_nothing_says_so)
{
	struct out o;

	out_memory(&o);
	h.without = (struct series){ 5, 3, 120000000, 2000000000, 4400000000, { 0 } };
	report_text(&o, &r);
	out_c(&o, '\0');
	ck_assert_ptr_nonnull(strstr(o.buf, "advice     it dies without any delay, too: no proof"));
	ck_assert_msg(!strncmp(o.buf, "what       no proof of a torn value: it dies", 44), "%s",
		      o.buf);
	ck_assert(hunt_refutes(&h) && !hunt_proves(&h));
	out_release(&o);
	out_memory(&o);
	report_markdown(&o, &r);
	out_c(&o, '\0');
	ck_assert_msg(!strncmp(o.buf, "# No proof of a race on l.text", 30), "%s", o.buf);
	ck_assert_ptr_null(strstr(o.buf, "a length that does not belong to its pointer"));
	out_release(&o);
	h.without.died = h.confirmed.died = 0;
	out_memory(&o);
	report_text(&o, &r);
	out_c(&o, '\0');
	ck_assert_ptr_nonnull(strstr(o.buf, "advice     it died once, and not again"));
	out_release(&o);
	h.again = 3;
	out_memory(&o);
	report_text(&o, &r);
	out_c(&o, '\0');
	ck_assert_ptr_nonnull(strstr(o.buf, "advice     it died 4 times, but in none of the runs "
				     "that are counted: name these functions as the pattern"));
	ck_assert(!hunt_refutes(&h));
	out_release(&o);
	h.without.runs = h.confirmed.runs = 0;
	out_memory(&o);
	report_text(&o, &r);
	out_c(&o, '\0');
	ck_assert_ptr_nonnull(strstr(o.buf, "with it    not tried\nwithout    not tried\n"));
	ck_assert_ptr_nonnull(strstr(o.buf, "advice     it died, and was stopped before"));
	out_release(&o);
}
END_TEST

START_TEST(who_reads_is_not_known_after_a_collection)
{
	struct out o;

	h.first.crash.kind = CRASH_FREE_OBJECT;
	out_memory(&o);
	report_text(&o, &r);
	out_c(&o, '\0');
	ck_assert_ptr_nonnull(strstr(o.buf, "reader     not known: the collector found it later; "
				     "goroutines were in main.(*Log).show\n"));
	out_release(&o);
}
END_TEST

/* A register says nothing to a reader, nor does a type alone. */
START_TEST(what_has_no_name_is_called_by_its_line)
{
	static const struct {
		const char *object;
		enum torn_kind kind;
		const char *is;
	} names[] = {
		{ "[rcx+0x8]", TORN_STRING, "\nadvice     the string of log.go:12 is stored in " },
		{ "(string)", TORN_STRING, "\nadvice     the string of log.go:12 is stored in " },
		{ "[rdx]", TORN_APPEND, "\nadvice     the slice of log.go:12 is stored in " },
		{ "(main.page).body", TORN_STRING, "\nadvice     (main.page).body is stored in " },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct out o;

		stores[1].object = str_of(names[i].object);
		stores[1].kind = names[i].kind;
		out_memory(&o);
		report_text(&o, &r);
		out_c(&o, '\0');
		ck_assert_msg(strstr(o.buf, names[i].is), "%s", o.buf);
		out_release(&o);
	}
}
END_TEST

START_TEST(json)
{
	struct out o;
	struct json j;

	out_memory(&o);
	json_begin(&j, &o);
	report_died_json(&j, &h.first, sites);
	report_json(&j, &r);
	ends(&o,
	     "{\"type\":\"crash\",\"signature\":\"impossible_length\",\"message\":\"panic: runtime "
	     "error: slice bounds out of range [:3000] with length 9\",\"time_ns\":310000000,"
	     "\"run\":3,\"seed\":9,\"sites\":[\"main.(*Log).set+0x4c\"],\"goroutine\":7,\"stack\":"
	     "[{\"func\":\"main.(*Log).show\",\"file\":\"/src/log.go\",\"line\":31},{\"func\":"
	     "\"main.main\",\"file\":\"/src/main.go\",\"line\":9}]}\n"
	     "{\"type\":\"report\",\"signature\":\"impossible_length\",\"sites\":"
	     "[\"main.(*Log).set+0x4c\"],\"delay_ns\":100000,\"shortest_ns\":1000,\"one_in\":1,"
	     "\"runs\":5,\"crashed\":4,\"median_ns\":120000000,\"control_runs\":5,"
	     "\"control_crashed\":0,\"proof\":true,\"command\":\"./torn a b\","
	     "\"advice\":\"l.text is stored in "
	     "main.(*Log).set while another goroutine reads it: let both hold the same mutex, or "
	     "publish a pointer to a value that never changes by atomic.Pointer; a build with "
		 "-race "
	     "names the reader\"}\n");
}
END_TEST

START_TEST(markdown)
{
	struct out o;

	out_memory(&o);
	report_markdown(&o, &r);
	ends(&o,
	     "# A race on l.text: impossible_length\n\n"
	     "l.text is stored in main.(*Log).set while another goroutine reads it: let both hold "
	     "the same mutex, or publish a pointer to a value that never changes by "
		 "atomic.Pointer; "
	     "a build with -race names the reader.\n\n"
	     "## The store\n\n- `main.(*Log).set+0x4c  string l.text  /src/log.go:12`\n\n"
	     "Its words are stored one after the other; the delay between them was 100µs; 1µs is "
	     "enough.\n\n"
	     "## The crash\n\na length that does not belong to its pointer was used.\n\n```\n"
	     "panic: runtime error: slice bounds out of range [:3000] with length 9\n\n"
	     "goroutine 7 [running]:\nmain.(*Log).show\n\t/src/log.go:31\nmain.main\n"
	     "\t/src/main.go:9\n```\n\nReader: main.(*Log).show  /src/log.go:31  goroutine 7\n\n"
	     "## The proof\n\n"
		 "- with the delay: 4 of 5 runs died, median 120.0ms; the others lived 1.000s\n"
	     "- without: 0 of 5 runs died, each for 2.000s or to its end\n\n"
	     "## Again\n\n```sh\n./torn a b\n```\n");
}
END_TEST

Suite *report_suite(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("report");

	tcase_add_checked_fixture(t, begin, NULL);
	tcase_add_test(t, text);
	tcase_add_test(t, what_proves_nothing_says_so);
	tcase_add_test(t, who_reads_is_not_known_after_a_collection);
	tcase_add_test(t, what_has_no_name_is_called_by_its_line);
	tcase_add_test(t, json);
	tcase_add_test(t, markdown);
	suite_add_tcase(s, t);
	return s;
}
