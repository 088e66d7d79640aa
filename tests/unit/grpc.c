/* What is said of gRPC calls; requests and streams that are told by numbers. */
#include <check.h>

#include "span/grpc.h"
#include "span/streams.h"
#include "told.h"

Suite *grpc_suite(void);

static const char *server(i64 code, bool answered)
{
	struct said said = { .answer.status = code, .answered = answered };

	grpc_say_server(&saying, fields, &said);
	return told();
}

static const char *client(i64 code, bool answered)
{
	struct said said = { .answer.status = code, .answered = answered };

	grpc_say_client(&saying, fields, &said);
	return told();
}

#define GRPC "a.B/C rpc.system.name=grpc rpc.method=a.B/C "

START_TEST(a_server_fails_by_some_codes_only)
{
	text(GRPC_METHOD, "/a.B/C");
	ck_assert_str_eq(server(5, true), GRPC "rpc.response.status_code=NOT_FOUND");
	ck_assert_int_eq(saying.span.status, STATUS_UNSET);
	fresh();
	text(GRPC_METHOD, "a.B/C");
	ck_assert_str_eq(server(13, true),
			 GRPC "rpc.response.status_code=INTERNAL error.type=INTERNAL");
	ck_assert_int_eq(saying.span.status, STATUS_ERROR);
	fresh();
	text(GRPC_METHOD, "/nothing");
	ck_assert_str_eq(server(0, false), "nothing rpc.system.name=grpc rpc.method=nothing");
	fresh();
	ck_assert_str_eq(server(0, false), "grpc rpc.system.name=grpc");
}
END_TEST

START_TEST(a_client_fails_by_all_of_them)
{
	text(GRPC_METHOD, "/a.B/C");
	text(GRPC_ERROR, "*status.Error");
	number(GRPC_CODE, 5);
	ck_assert_str_eq(client(0, true),
			 GRPC "rpc.response.status_code=NOT_FOUND error.type=NOT_FOUND");
	fresh();
	text(GRPC_METHOD, "/a.B/C");
	text(GRPC_ERROR, "nil");
	ck_assert_str_eq(client(0, false), GRPC "rpc.response.status_code=OK");
	fresh();	/* an interceptor has made another error of it */
	text(GRPC_METHOD, "/a.B/C");
	text(GRPC_ERROR, "*main.Mine");
	ck_assert_str_eq(client(14, true),
			 GRPC "rpc.response.status_code=UNAVAILABLE error.type=UNAVAILABLE");
	fresh();
	text(GRPC_METHOD, "/a.B/C");
	text(GRPC_ERROR, "*main.Mine");
	ck_assert_str_eq(client(0, true), GRPC "error.type=*main.Mine");
	fresh();	/* a stream */
	text(GRPC_METHOD, "/a.B/C");
	ck_assert_str_eq(client(99, true), GRPC "rpc.response.status_code=99 error.type=99");
}
END_TEST

static const struct { const char *target, *is; } targets[] = {
	{ "shop:443", " server.address=shop server.port=443" },
	{ "dns:///shop:443", " server.address=shop server.port=443" },
	{ "dns://8.8.8.8/shop:443", " server.address=shop server.port=443" },
	{ "dns:shop:443", " server.address=shop server.port=443" },
	{ "passthrough:///[::1]:80", " server.address=::1 server.port=80" },
	{ "xds:///shop.lb", " server.address=shop.lb" }, { "unix:///run/x", "" },
	{ "unix-abstract:x", "" }, { "dns://", "" }, { "", "" },
	{ "unixhost:443", " server.address=unixhost server.port=443" },
	/* those of other resolvers have secrets in them */
	{ "consul://u:p@h:1/shop?wait=14s&token=x", " server.address=shop" },
	{ "etcd://u:p@h:2379", " server.address=h server.port=2379" },
	{ "etcd://u:p/w@h:2379", " server.address=h server.port=2379" },
	{ "etcd://u:p?w@h:2379", "" }, { "etcd://u:p#w@h:2379", "" },
	{ "etcd://h:1?token=/x", " server.address=h server.port=1" }, { "zk://h/token=x", "" },
	{ "zk://h/a/b", "" }, { "u:p@shop:443#x", " server.address=shop server.port=443" },
};

START_TEST(a_target_is_an_address)
{
	char is[128];

	text(GRPC_TARGET, targets[_i].target);
	snprintf(is, sizeof(is), "grpc rpc.system.name=grpc%s", targets[_i].is);
	ck_assert_str_eq(client(0, false), is);
	fresh();
	text(GRPC_TARGET, targets[_i].target);
	fields[GRPC_TARGET].cut = true;
	ck_assert_str_eq(client(0, false), "grpc rpc.system.name=grpc");
}
END_TEST

START_TEST(addresses_are_written_as_people_do)
{
	static const char v4[] = "\x7f\0\0\1", v6[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2";

	fields[GRPC_OWN_IP] = (struct field_value){ .there = true, .text = { v4, 4 } };
	number(GRPC_OWN_PORT, 443);
	ck_assert_str_eq(server(0, false),
			 "grpc rpc.system.name=grpc server.address=127.0.0.1 server.port=443");
	fresh();
	number(GRPC_PEER_PORT, 80);
	fields[GRPC_PEER_IP] = (struct field_value){ .there = true, .text = { v4, 4 } };
	ck_assert_str_eq(server(0, false), "grpc rpc.system.name=grpc client.address=127.0.0.1 "
			 "network.peer.address=127.0.0.1 network.peer.port=80");
	fields[GRPC_PEER_IP].text = (struct str){ mapped, 16 };
	saying.span.nattrs = 0;
	ck_assert_ptr_nonnull(strstr(server(0, false), "client.address=10.0.0.2 "));
	fields[GRPC_PEER_IP].text = (struct str){ "\xff\x63\x09\x64", 4 };
	saying.span.nattrs = 0;
	ck_assert_ptr_nonnull(strstr(server(0, false), "client.address=255.99.9.100 "));
	fields[GRPC_PEER_IP].text = (struct str){ v6, 16 };
	saying.span.nattrs = 0;
	ck_assert_ptr_nonnull(strstr(server(0, false), "client.address=::1 "));
	fields[GRPC_PEER_IP].text.n = 5;
	saying.span.nattrs = 0;
	ck_assert_str_eq(server(0, false), "grpc rpc.system.name=grpc");
}
END_TEST

START_TEST(the_end_of_a_stream_is_no_error)
{
	struct answer a = { .status = -1 };

	text(GRPC_ERROR, "*errors.errorString");
	ck_assert(grpc_answer(fields, &a) && !a.status);
	text(GRPC_ERROR, "nil");
	ck_assert(grpc_answer(fields, &a) && !a.status);
	text(GRPC_ERROR, "*main.Mine");
	ck_assert(!grpc_answer(fields, &a));
	number(GRPC_CODE, 7);
	ck_assert(grpc_answer(fields, &a) && a.status == 7);
	fresh();
	ck_assert(!grpc_answer(fields, &a));
}
END_TEST

START_TEST(streams_are_told_by_address_and_bounded)
{
	struct plan_func fn = { .entry.size = 8 };
	u64 record = 7;
	struct call call = { .fn = &fn, .entry = (const u8 *)&record };
	struct open_span span = { .goid = 3 };
	struct streams s = { 0 };

	ck_assert_uint_eq(streams_put(&s, 0x10, &call, NULL, &span), 0);
	record = 8;
	ck_assert_uint_eq(streams_put(&s, 0x20, &call, NULL, &span), 0);
	ck_assert_uint_eq(*streams_get(&s, 0x10)->entry, 7);
	ck_assert_uint_eq(*streams_get(&s, 0x20)->call.entry, 8);
	ck_assert_uint_eq(streams_put(&s, 0x10, &call, NULL, &span), 1);
	streams_drop(&s, 0x10);
	ck_assert_ptr_null(streams_get(&s, 0x10));
	for (u64 i = 1; i < STREAMS_MOST; i++)
		ck_assert_uint_eq(streams_put(&s, i << 8, &call, NULL, &span), 0);
	ck_assert_ptr_nonnull(streams_get(&s, 0x20));	/* the oldest */
	ck_assert_uint_eq(streams_put(&s, 8, &call, NULL, &span), 1);
	ck_assert_ptr_null(streams_get(&s, 0x20));
	ck_assert_uint_eq(streams_put(&s, 1 << 8, &call, NULL, &span), 1);	/* once more */
	ck_assert_uint_eq(streams_put(&s, 9, &call, NULL, &span), 1);
	ck_assert_ptr_null(streams_get(&s, 2 << 8));
	ck_assert_ptr_nonnull(streams_get(&s, 1 << 8));
	ck_assert_uint_eq(s.by_address.n, STREAMS_MOST);
	streams_release(&s);
}
END_TEST

/* What was dropped leaves its place to the next. */
START_TEST(a_stream_has_room_for_its_record_and_its_texts)
{
	struct plan_func small = { .entry.size = 8 }, large = { .entry.size = 64 };
	const u8 record[64] = { [63] = 9 };
	struct call call = { .fn = &small, .entry = record };
	struct open_span span = { .nroute = 2, .route = "/a", .nlast = 2, .last = "/b" };
	struct streams s = { 0 };
	const struct stream *of;

	ck_assert_uint_eq(streams_put(&s, 0x10, &call, NULL, &span), 0);
	streams_drop(&s, 0x10);
	call.fn = &large;
	span.nasked = span.ninner = span.nstate = 1;
	span.asked[0] = span.inner[0] = span.state[0] = 'c';
	ck_assert_uint_eq(streams_put(&s, 0x20, &call, NULL, &span), 0);
	of = streams_get(&s, 0x20);
	ck_assert_uint_ge(of->room, sizeof(record));
	ck_assert_uint_eq(of->entry[63], 9);
	ck_assert(!memcmp(of->span.route, "/a", of->span.nroute) && of->span.nroute == 2);
	ck_assert(!memcmp(of->span.last, "/b", of->span.nlast) && of->span.nlast == 2);
	ck_assert(of->span.asked[0] == 'c' && of->span.inner[0] == 'c' && of->span.state[0] == 'c');
	streams_drop(&s, 0x20);
	call.fn = &small;
	ck_assert_uint_eq(streams_put(&s, 0x30, &call, NULL, &span), 0);
	ck_assert_ptr_eq(streams_get(&s, 0x30), of);
	ck_assert_uint_eq(s.by_address.n, 1);
	streams_release(&s);
}
END_TEST

Suite *grpc_suite(void)
{
	Suite *s = suite_create("grpc");
	TCase *t = tcase_create("said");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, fresh, NULL);
	tcase_add_test(t, a_server_fails_by_some_codes_only);
	tcase_add_test(t, a_client_fails_by_all_of_them);
	tcase_add_loop_test(t, a_target_is_an_address, 0, ARRAY_LEN(targets));
	tcase_add_test(t, addresses_are_written_as_people_do);
	tcase_add_test(t, the_end_of_a_stream_is_no_error);
	tcase_add_test(t, streams_are_told_by_address_and_bounded);
	tcase_add_test(t, a_stream_has_room_for_its_record_and_its_texts);
	return s;
}
