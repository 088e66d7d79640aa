/* What is said of operations of MongoDB. */
#include <check.h>

#include "span/mongo.h"
#include "told.h"

Suite *mongo_suite(void);

enum { SINGLE = 1, REPLICA_SET_WITH_PRIMARY = 10, SHARDED = 256, LOAD_BALANCED = 512 };

/* By a rule that reads whether a server is asked, or does not. */
static const char *by(const char *operation, bool asks)
{
	struct rule rule = { .operation = operation, .reads = { { .field = MONGO_ASKS } },
			     .nreads = asks };
	struct said said = { .rule = &rule };

	mongo_say(&saying, fields, &said);
	return told();
}

static const char *said_of(const char *operation)
{
	return by(operation, false);
}

#define SAYS(operation) " db.system.name=mongodb db.operation.name=" operation

START_TEST(a_span_is_called_by_what_is_asked_of_what)
{
	ck_assert_str_eq(said_of("find"), "find" SAYS("find"));
	fresh();
	text(MONGO_DATABASE, "shop");
	ck_assert_str_eq(said_of("drop"), "drop shop" SAYS("drop") " db.namespace=shop");
	fresh();
	text(MONGO_DATABASE, "shop");
	text(MONGO_COLLECTION, "orders");
	number(MONGO_BATCH, 3);
	ck_assert_str_eq(said_of("insert"), "insert orders" SAYS("insert") " db.namespace=shop "
			 "db.collection.name=orders db.operation.batch.size=3");
	fresh();	/* one is no batch, and this is no collection */
	text(MONGO_DATABASE, "shop");
	text(MONGO_COLLECTION, "$cmd.aggregate");
	number(MONGO_BATCH, 1);
	ck_assert_str_eq(said_of("getMore"),
			 "getMore shop" SAYS("getMore") " db.namespace=shop");
}
END_TEST

START_TEST(half_a_collection_is_none)
{
	text(MONGO_COLLECTION, "orders");
	fields[MONGO_COLLECTION].cut = true;
	ck_assert_str_eq(said_of("find"), "find" SAYS("find"));
}
END_TEST

static const char *const commands[][2] = {
	{ "dbStats", "dbStats" SAYS("dbStats") }, { "", "runCommand" SAYS("runCommand") },
	{ "card 4711", "runCommand" SAYS("runCommand") },
	{ "$secret", "runCommand" SAYS("runCommand") },
};

START_TEST(what_is_no_command_is_not_shown)
{
	text(MONGO_COMMAND, commands[_i][0]);
	ck_assert_str_eq(said_of("runCommand"), commands[_i][1]);
	fresh();
	text(MONGO_COMMAND, commands[_i][0]);
	fields[MONGO_COMMAND].cut = true;
	ck_assert_str_eq(said_of("runCommand"), "runCommand" SAYS("runCommand"));
}
END_TEST

static const struct { i64 kind, servers; bool certain; } deployments[] = {
	{ SINGLE, 1, true }, { SHARDED, 1, true }, { LOAD_BALANCED, 1, true },
	{ SHARDED, 2, false }, { REPLICA_SET_WITH_PRIMARY, 1, false }, { 0, 1, false },
};

START_TEST(a_server_is_named_where_there_is_no_other)
{
	number(MONGO_KIND, deployments[_i].kind);
	number(MONGO_SERVERS, deployments[_i].servers);
	text(MONGO_ADDRESS, "db:27017");
	ck_assert_str_eq(said_of("ping"), deployments[_i].certain ?
			 "ping" SAYS("ping") " server.address=db server.port=27017" :
			 "ping" SAYS("ping"));
	fresh();	/* a cursor knows its own */
	number(MONGO_KIND, deployments[_i].kind);
	text(MONGO_SERVER, "[::1]:1");
	ck_assert_str_eq(said_of("getMore"),
			 "getMore" SAYS("getMore") " server.address=::1 server.port=1");
}
END_TEST

START_TEST(an_error_is_a_code_or_a_type)
{
	text(MONGO_ERROR, "nil");
	ck_assert_str_eq(said_of("find"), "find" SAYS("find"));
	ck_assert_int_eq(saying.span.status, STATUS_UNSET);
	fresh();
	text(MONGO_ERROR, "mongo.WriteException");
	number(MONGO_CODE, 11000);
	ck_assert_str_eq(said_of("insert"), "insert" SAYS("insert")
			 " db.response.status_code=11000 error.type=11000");
	ck_assert_int_eq(saying.span.status, STATUS_ERROR);
	fresh();	/* of the network */
	text(MONGO_ERROR, "mongo.CommandError");
	number(MONGO_CODE, 0);
	ck_assert_str_eq(said_of("find"), "find" SAYS("find") " error.type=mongo.CommandError");
}
END_TEST

START_TEST(no_answer_that_was_wanted_is_no_error)
{
	text(MONGO_ERROR, "*errors.errorString");
	text(MONGO_MESSAGE, "unacknowledged write");
	ck_assert_str_eq(said_of("insert"), "insert" SAYS("insert"));
	ck_assert_int_eq(saying.span.status, STATUS_UNSET);
	fresh();
	text(MONGO_ERROR, "*errors.errorString");
	text(MONGO_MESSAGE, "unacknowledged write card");
	ck_assert_str_eq(said_of("insert"),
			 "insert" SAYS("insert") " error.type=*errors.errorString");
}
END_TEST

START_TEST(where_no_server_is_asked_there_is_no_span)
{
	(void)by("commitTransaction", false);
	ck_assert(!saying.nothing);
	(void)by("commitTransaction", true);	/* it is not known */
	ck_assert(saying.nothing);
	fresh();
	number(MONGO_ASKS, 0);
	(void)by("commitTransaction", true);
	ck_assert(saying.nothing);
	fresh();
	number(MONGO_ASKS, 1);
	(void)by("commitTransaction", true);
	ck_assert(!saying.nothing);
}
END_TEST

Suite *mongo_suite(void)
{
	Suite *s = suite_create("mongo");
	TCase *t = tcase_create("said");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, fresh, NULL);
	tcase_add_test(t, a_span_is_called_by_what_is_asked_of_what);
	tcase_add_test(t, half_a_collection_is_none);
	tcase_add_loop_test(t, what_is_no_command_is_not_shown, 0, ARRAY_LEN(commands));
	tcase_add_loop_test(t, a_server_is_named_where_there_is_no_other, 0,
			    ARRAY_LEN(deployments));
	tcase_add_test(t, an_error_is_a_code_or_a_type);
	tcase_add_test(t, no_answer_that_was_wanted_is_no_error);
	tcase_add_test(t, where_no_server_is_asked_there_is_no_span);
	return s;
}
