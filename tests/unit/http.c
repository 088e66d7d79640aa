/* What is said of HTTP requests: the route that counts, and the URL as it is sent. */
#include <check.h>

#include "span/http.h"
#include "told.h"

#include "span/routers.h"
#include "span/url_path.h"

Suite *http_suite(void);

static const struct {
	const char *pattern, *path;
	bool fits;
} patterns[] = {
	{ "/", "/", true },
	{ "/", "/users/7", true },
	{ "/users/7", "/users/7", true },
	{ "/users/7", "/users/77", false },
	{ "/users/7", "/users/", false },
	{ "/users/", "/users/7/x", true },
	{ "/users/", "/users", false },
	{ "/users/{id}", "/users/7", true },
	{ "/users/{id}", "/users/", false },
	{ "/users/{id}", "/users/7/x", false },
	{ "/users/{id}/", "/users/7/x", true },
	{ "/users/{id}/x", "/users/7/x", true },
	{ "/users/{id}/x", "/users/7/y", false },
	{ "/files/{path...}", "/files/a/b", true },
	{ "/files/{path...}", "/files/", true },
	{ "/files/{path...}", "/file/a", false },
	{ "/{$}", "/", true },
	{ "/{$}", "/x", false },
	{ "/odd{", "/odd{", true },
};

START_TEST(patterns_of_a_servemux)
{
	ck_assert_msg(mux_fits(str_of(patterns[_i].pattern), str_of(patterns[_i].path)) ==
		      patterns[_i].fits, "%s, %s", patterns[_i].pattern, patterns[_i].path);
}
END_TEST

static const char *named(const char *path, const char *first, const char *last)
{
	struct said said = { .route = str_of(first), .last = str_of(last) };

	fresh();
	text(FIELD_METHOD, "GET");
	text(FIELD_PATH, path);
	http_say_server(&saying, fields, &said);
	return told();
}

#define GOT(route, path) "GET " route " http.request.method=GET url.path=" path " http.route=" route

/* Where the first one's handler cuts a prefix off, the patterns of the second one are of what is
 * left. */
START_TEST(a_servemux_behind_another)
{
	ck_assert_str_eq(named("/users/list", "/users/", ""), GOT("/users/", "/users/list"));
	ck_assert_str_eq(named("/users/list", "/users/", "/list"), GOT("/users/", "/users/list"));
	ck_assert_str_eq(named("/users/list", "/users/", "/"), GOT("/users/", "/users/list"));
	ck_assert_str_eq(named("/users/7", "/users/", "/users/{id}"),
			 GOT("/users/{id}", "/users/7"));
	ck_assert_str_eq(named("/users/7/x", "/", "/users/"), GOT("/users/", "/users/7/x"));
}
END_TEST

static const struct {
	const char *peer, *is;
} peers[] = {
	{ "10.0.0.2:80", " client.address=10.0.0.2 network.peer.address=10.0.0.2 "
	  "network.peer.port=80" },
	{ "[::1]:80", " client.address=::1 network.peer.address=::1 network.peer.port=80" },
	{ "@", "" }, { "@name", "" }, { "/run/x.sock", "" }, { "", "" },
};

START_TEST(who_is_served_has_an_address_or_none)
{
	struct said said = { 0 };
	char is[128];

	fresh();
	text(FIELD_METHOD, "GET");
	text(FIELD_PEER, peers[_i].peer);
	http_say_server(&saying, fields, &said);
	snprintf(is, sizeof(is), "GET http.request.method=GET%s", peers[_i].is);
	ck_assert_str_eq(told(), is);
}
END_TEST

START_TEST(query_is_a_method)
{
	struct said said = { 0 };

	fresh();
	text(FIELD_METHOD, "QUERY");
	http_say_server(&saying, fields, &said);
	ck_assert_str_eq(told(), "QUERY http.request.method=QUERY");
	fresh();
	text(FIELD_METHOD, "QUERYS");
	http_say_server(&saying, fields, &said);
	ck_assert_str_eq(told(), "HTTP http.request.method=_OTHER "
			 "http.request.method_original=QUERYS");
}
END_TEST

START_TEST(a_url_is_whole_but_for_its_query)
{
	struct said said = { 0 };

	fresh();
	text(FIELD_SCHEME, "http");
	text(FIELD_HOST, "a:81");
	text(FIELD_PATH, "/b?token=c");
	number(FIELD_QUERY, 1);
	http_say_client(&saying, fields, &said);
	ck_assert_str_eq(told(), "HTTP url.full=http://a:81/b%3Ftoken=c?REDACTED server.address=a "
			 "server.port=81");
}
END_TEST

START_TEST(a_status_that_nobody_has_set_is_200)
{
	struct answer a = { 0 };

	fresh();
	ck_assert(!http_answer(fields, &a));
	number(FIELD_STATUS, 0);
	ck_assert(http_answer(fields, &a));
	ck_assert(a.status == 200 && !a.size);
	number(FIELD_STATUS, 503);
	number(FIELD_SIZE, 1 << 20);
	ck_assert(http_answer(fields, &a));
	ck_assert(a.status == 503 && a.size == 1 << 20);
	number(FIELD_STATUS, 101);
	ck_assert(http_answer(fields, &a));
	number(FIELD_STATUS, 103);
	ck_assert(!http_answer(fields, &a));
	number(FIELD_STATUS, 12345);
	ck_assert(!http_answer(fields, &a));
}
END_TEST

/* That a body is empty says no more than that there is none; -1 is of one whose end comes. */
START_TEST(sizes_are_those_of_bodies)
{
	struct said said = { .answer = { 201, 30 }, .answered = true };

	fresh();
	number(FIELD_ASKED_SIZE, 5);
	http_say_server(&saying, fields, &said);
	ck_assert_str_eq(told(), "HTTP http.response.status_code=201 http.request.body.size=5 "
			 "http.response.body.size=30");
	fresh();
	number(FIELD_ASKED_SIZE, -1);
	said.answer.size = 0;
	http_say_server(&saying, fields, &said);
	ck_assert_str_eq(told(), "HTTP http.response.status_code=201");
	fresh();
	text(FIELD_METHOD, "GET");
	number(FIELD_STATUS, 200);
	number(FIELD_ASKED_SIZE, 0);
	number(FIELD_SIZE, 9);
	http_say_client(&saying, fields, &said);
	ck_assert_str_eq(told(), "GET http.request.method=GET http.response.status_code=200 "
			 "http.response.body.size=9");
	fresh();
	text(FIELD_METHOD, "HEAD");
	number(FIELD_SIZE, 9);
	http_say_client(&saying, fields, &said);
	ck_assert_str_eq(told(), "HEAD http.request.method=HEAD");
}
END_TEST

/* As net/url's EscapedPath has them. */
static const struct {
	const char *path, *raw, *is;
} paths[] = {
	{ "/a/b", "", "/a/b" },
	{ "/a?token=x", "", "/a%3Ftoken=x" },
	{ "/a#b", "", "/a%23b" },
	{ "/a b%", "", "/a%20b%25" },
	{ "/caf\xc3\xa9", "", "/caf%C3%A9" },
	{ "/$&+,/:;=@-_.~", "", "/$&+,/:;=@-_.~" },
	{ "/a!", "", "/a%21" },
	{ "/a!", "/a!", "/a!" },
	{ "/a/b", "/a%2Fb", "/a%2Fb" },
	{ "/a/b", "/a%2fb", "/a%2fb" },
	{ "/a/b", "/a%2Fc", "/a/b" },		/* somebody has changed it since */
	{ "/a/b", "/a%2Fbc", "/a/b" },
	{ "/a/bc", "/a%2Fb", "/a/bc" },
	{ "/a/b", "/a%2", "/a/b" },
	{ "/a/b", "/a%zzb", "/a/b" },
	{ "/a b", "/a b", "/a%20b" },
	{ "*", "", "*" },
	{ "a", "", "/a" },
	{ "", "", "" },
};

static struct field_value value(const char *s)
{
	return (struct field_value){ .there = true, .text = str_of(s) };
}

START_TEST(paths_are_as_they_are_sent)
{
	struct field_value path = value(paths[_i].path), raw = value(paths[_i].raw);
	char room[URL_PATH_ROOM];
	struct str is = url_path(&path, &raw, room);

	ck_assert_msg(str_eq(is, str_of(paths[_i].is)), "%.*s", STR_F(is));
}
END_TEST

START_TEST(long_paths_are_cut)
{
	static char text[PATH_MOST + 200];
	char room[URL_PATH_ROOM];
	struct field_value path, raw = value(""), cut = value("/a%2");

	memset(text, '#', sizeof(text) - 1);
	path = value(text);
	ck_assert_uint_eq(url_path(&path, &raw, room).n, URL_PATH_ROOM);
	path = value("/a/b");
	path.cut = cut.cut = true;
	ck_assert(str_eq(url_path(&path, &cut, room), STR("/a%2")));
	cut = value("/a%2Fb/and/on");
	ck_assert(str_eq(url_path(&path, &cut, room), STR("/a%2Fb/and/on")));
}
END_TEST

Suite *http_suite(void)
{
	Suite *s = suite_create("http");
	TCase *c = tcase_create("said");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, patterns_of_a_servemux, 0, ARRAY_LEN(patterns));
	tcase_add_test(c, a_servemux_behind_another);
	tcase_add_loop_test(c, who_is_served_has_an_address_or_none, 0, ARRAY_LEN(peers));
	tcase_add_test(c, query_is_a_method);
	tcase_add_test(c, a_status_that_nobody_has_set_is_200);
	tcase_add_test(c, sizes_are_those_of_bodies);
	tcase_add_test(c, a_url_is_whole_but_for_its_query);
	tcase_add_loop_test(c, paths_are_as_they_are_sent, 0, ARRAY_LEN(paths));
	tcase_add_test(c, long_paths_are_cut);
	return s;
}
