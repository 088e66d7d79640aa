/* Which functions of go.mongodb.org/mongo-driver are spans: those that its callers call, which have
 * all tries of an operation, and the wait for a server and a connection. What is small is inlined
 * by some releases of Go: then there is what it calls. Where there are both the outer one is shown.
 *
 * What the driver does by itself (hello, killCursors, endSessions) comes through none of them. */
#include "span/mongo.h"

#define V1 "go.mongodb.org/mongo-driver"
#define V2 "go.mongodb.org/mongo-driver/v2"

static const char *const fields[FIELDS_MOST] = {
	[MONGO_DATABASE] = "db.namespace", [MONGO_COLLECTION] = "db.collection.name",
	[MONGO_COMMAND] = "db.operation.name", [MONGO_BATCH] = "db.operation.batch.size",
	[MONGO_KIND] = "server.address", [MONGO_SERVERS] = "server.address",
	[MONGO_ADDRESS] = "server.address", [MONGO_SERVER] = "server.address",
	[MONGO_ASKS] = "whether a server is asked", [MONGO_ERROR] = "error.type",
	[MONGO_CODE] = "db.response.status_code", [MONGO_MESSAGE] = "error.type",
};

#define READS(...) \
	.reads = { __VA_ARGS__ }, \
	.nreads = sizeof((const struct rule_read[]){ __VA_ARGS__ }) / sizeof(struct rule_read)

/* What the driver knows of the servers. Of the client nothing else is read: it holds passwords. */
#define DEPLOYMENT(description) \
	{ MONGO_KIND, description ".Kind", 0, false, NULL }, \
	{ MONGO_SERVERS, "len(" description ".Servers)", 0, false, NULL }, \
	{ MONGO_ADDRESS, description ".Servers[0].Addr", 128, false, NULL }

#define TOPOLOGY(version) ".deployment.(*" version "/x/mongo/driver/topology.Topology)"

/* Each version has the type of its own. */
#define TYPE_10 V1 "/x/network/description.Topology"
#define TYPE_11 V1 "/x/mongo/driver/description.Topology"
#define TYPE_15 V1 "/mongo/description.Topology"
#define TYPE_20 V2 "/x/mongo/driver/description.Topology"

#define CLIENT_10(client) DEPLOYMENT(client ".topology.desc.v.(" TYPE_10 ")")
#define CLIENT_11(client) \
	DEPLOYMENT(client ".topology.desc.v.(" TYPE_11 ")"), \
	DEPLOYMENT(client TOPOLOGY(V1) ".desc.v.(" TYPE_11 ")")		/* from 1.2 on */
#define CLIENT_15(client) DEPLOYMENT(client TOPOLOGY(V1) ".desc.v.(" TYPE_15 ")")
#define CLIENT_20(client) DEPLOYMENT(client TOPOLOGY(V2) ".desc.v.(" TYPE_20 ")")

#define FAILURE(v, error) \
	{ MONGO_ERROR, error ".(type)", 0, false, NULL }, \
	{ MONGO_CODE, error ".(" v "/mongo.CommandError).Code", 0, true, NULL }

/* Of several documents that were refused, the first one's; else that of the write concern. */
#define REFUSED(v, error, type, write) \
	{ MONGO_CODE, error ".(" v "/mongo." type ").WriteErrors[0]" write ".Code", 0, true, \
	  NULL }, \
	{ MONGO_CODE, error ".(" v "/mongo." type ").WriteConcernError.Code", 0, true, NULL }

#define WRITE_FAILURE(v, error) \
	FAILURE(v, error), REFUSED(v, error, "WriteException", ""), \
	{ MONGO_MESSAGE, error ".(*errors.errorString).s", 24, true, NULL }

#define BULK_FAILURE(v, error) \
	FAILURE(v, error), REFUSED(v, error, "BulkWriteException", ".WriteError"), \
	{ MONGO_MESSAGE, error ".(*errors.errorString).s", 24, true, NULL }

#define CTX "context.Context"

/* `g`: of which generation, as TYPE_ and CLIENT_ have it; all of them take a context.Context. */
#define IS_SPAN(v, g, name, what, types) \
	.role = ROLE_SPAN, .func = v "/mongo." name, .has = TYPE_##g, .kind = SPAN_CLIENT, \
	.scope = v "/mongo", .gives = "spans of MongoDB's " what, .operation = what, \
	.ctx_in = CTX_IN(REG_BX), .sig = types

#define OF_COLLECTION(coll) \
	{ MONGO_DATABASE, coll ".db.name", 64, false, NULL }, \
	{ MONGO_COLLECTION, coll ".name", 128, false, NULL }

#define COLLECTION(v, g, name, what, types, ...) { \
	IS_SPAN(v, g, "(*Collection)." name, what, CTX types), \
	READS(OF_COLLECTION("recv"), CLIENT_##g("recv.client"), __VA_ARGS__) }

/* A view is a struct of one pointer; of the struct many programs have no descriptor. */
#define INDEX(v, g, name, what, types, error) { \
	IS_SPAN(v, g, name, what, "(*" v "/mongo.Collection) " CTX types), \
	READS(OF_COLLECTION("recv.coll"), OF_COLLECTION("recv"), \
	      CLIENT_##g("recv.coll.client"), CLIENT_##g("recv.client"), FAILURE(v, error)) }

#define DATABASE(v, g, name, what, types, ...) { \
	IS_SPAN(v, g, "(*Database)." name, what, CTX types), \
	READS({ MONGO_DATABASE, "recv.name", 64, false, NULL }, CLIENT_##g("recv.client"), \
	      __VA_ARGS__) }

#define CLIENT(v, g, name, what, types, ...) { \
	IS_SPAN(v, g, "(*Client)." name, what, CTX types), \
	READS({ MONGO_DATABASE, "\"admin\"", 8, false, NULL }, CLIENT_##g("recv"), __VA_ARGS__) }

/* When it has done nothing, or has ended, the server is not asked. */
#define TRANSACTION(v, g, type, name, what, client, ...) { \
	IS_SPAN(v, g, "(*" type ")." name, what, CTX " -> error"), \
	READS({ MONGO_DATABASE, "\"admin\"", 8, false, NULL }, client, \
	      FAILURE(v, "ret0"), __VA_ARGS__) }

/* session.TransactionState: 1 Starting, 2 InProgress, 3 Committed. */
#define COMMITS(state) { MONGO_ASKS, \
	"!recv.didCommitAfterStart && (" state " == 2 || " state " == 3)", 0, false, NULL }
#define ABORTS(state) { MONGO_ASKS, "!recv.didCommitAfterStart && " state " == 2", 0, false, NULL }

/* What a cursor asks for when what came is used up; its error is kept and not returned. With a
 * limit that was reached it is closed instead. */
#define CURSOR(v, g, database, collection, ...) { \
	.role = ROLE_SPAN, .func = v "/x/mongo/driver.(*BatchCursor).getMore", .has = TYPE_##g, \
	.kind = SPAN_CLIENT, .scope = v "/mongo", .gives = "spans of MongoDB's getMore", \
	.operation = "getMore", .ctx_in = CTX_IN(REG_BX), .sig = CTX, \
	READS({ MONGO_DATABASE, database, 64, false, NULL }, \
	      { MONGO_COLLECTION, collection, 128, false, NULL }, \
	      { MONGO_ASKS, "recv.id != 0 && (recv.limit == 0 || " \
			    "recv.numReturned < recv.limit)", 0, false, NULL }, __VA_ARGS__) }

#define SERVER(server) { MONGO_SERVER, server ".address", 128, false, NULL }
#define SERVER_OF(v) SERVER("recv.server.(*" v "/x/mongo/driver/topology.SelectedServer).Server")

#define BATCH_OF(list) { MONGO_BATCH, "len(" list ")", 0, true, NULL }
#define BATCH BATCH_OF("arg1")

/* Of what RunCommand was given: the name of its first element, where that is sure to be first. */
#define COMMAND(d) { MONGO_COMMAND, "arg1.(" d ")[0].Key", 32, true, NULL }

#define LIST_RESULT "slice, int64"	/* the fields of a struct */
#define CURSOR_RESULT "pointer, error"
#define SINGLE(v) "*" v "/mongo.SingleResult"

#define WRITE(v, g, name, types) \
	COLLECTION(v, g, name, "update", types " -> pointer, error", WRITE_FAILURE(v, "ret1"))

#define READ(v, g, name, what, types) \
	COLLECTION(v, g, name, what, types ", slice -> " CURSOR_RESULT, FAILURE(v, "ret1"))

#define DROP_10 ""
#define DROP_11 ""
#define DROP_15 ""
#define DROP_20 ", slice"

/* What all versions have. `many`: what InsertMany takes; `distinct`: what it returns; `d`: the type
 * of bson.D. */
#define COMMON(v, g, many, of_many, distinct, distinct_error, d) \
	COLLECTION(v, g, "InsertOne", "insert", ", interface {}, slice -> pointer, error", \
		   WRITE_FAILURE(v, "ret1")), \
	COLLECTION(v, g, "InsertMany", "insert", ", " many ", slice -> pointer, error", \
		   BULK_FAILURE(v, "ret1"), BATCH_OF(of_many)), \
	COLLECTION(v, g, "BulkWrite", "bulkWrite", ", slice, slice -> pointer, error", \
		   BULK_FAILURE(v, "ret1"), BATCH), \
	WRITE(v, g, "UpdateOne", ", interface {}, interface {}, slice"), \
	WRITE(v, g, "UpdateMany", ", interface {}, interface {}, slice"), \
	WRITE(v, g, "ReplaceOne", ", interface {}, interface {}, slice"), \
	READ(v, g, "Find", "find", ", interface {}"), \
	READ(v, g, "Aggregate", "aggregate", ", interface {}"), \
	COLLECTION(v, g, "Distinct", "distinct", ", string, interface {}, slice -> " distinct, \
		   FAILURE(v, distinct_error)), \
	COLLECTION(v, g, "CountDocuments", "aggregate", ", interface {}, slice -> int64, error", \
		   FAILURE(v, "ret1")), \
	COLLECTION(v, g, "EstimatedDocumentCount", "count", ", slice -> int64, error", \
		   FAILURE(v, "ret1")), \
	COLLECTION(v, g, "Drop", "drop", DROP_##g " -> error", WRITE_FAILURE(v, "ret0")), \
	INDEX(v, g, "IndexView.CreateMany", "createIndexes", ", slice, slice -> slice, error", \
	      "ret1"), \
	INDEX(v, g, "IndexView.List", "listIndexes", ", slice -> " CURSOR_RESULT, "ret1"), \
	DATABASE(v, g, "RunCommand", "runCommand", ", interface {}, slice -> " SINGLE(v), \
		 FAILURE(v, "ret0.err"), COMMAND(d)), \
	DATABASE(v, g, "RunCommandCursor", "runCommand", \
		 ", interface {}, slice -> " CURSOR_RESULT, FAILURE(v, "ret1"), COMMAND(d)), \
	DATABASE(v, g, "ListCollections", "listCollections", \
		 ", interface {}, slice -> " CURSOR_RESULT, FAILURE(v, "ret1")), \
	DATABASE(v, g, "Drop", "dropDatabase", " -> error", WRITE_FAILURE(v, "ret0")), \
	CLIENT(v, g, "ListDatabases", "listDatabases", \
	       ", interface {}, slice -> " LIST_RESULT ", error", FAILURE(v, "ret1"), \
	       FAILURE(v, "ret2")), \
	CLIENT(v, g, "Ping", "ping", ", pointer -> error", FAILURE(v, "ret0"))

/* From 1.1 on. `last`: how its own functions hand options on. */
#define LATER(v, g, last, drop, drop_error) \
	COLLECTION(v, g, "delete", "delete", \
		   ", interface {}, bool, int, " last " -> pointer, error", \
		   WRITE_FAILURE(v, "ret1")), \
	COLLECTION(v, g, "find", "find", ", interface {}, bool, " last " -> " CURSOR_RESULT, \
		   FAILURE(v, "ret1")), \
	COLLECTION(v, g, "findAndModify", "findAndModify", ", pointer -> " SINGLE(v), \
		   WRITE_FAILURE(v, "ret0.err")), \
	READ(v, g, "Watch", "aggregate", ", interface {}"), \
	INDEX(v, g, "IndexView.drop", "dropIndexes", ", interface {}, slice -> " drop, \
	      drop_error), \
	DATABASE(v, g, "Aggregate", "aggregate", ", interface {}, slice -> " CURSOR_RESULT, \
		 FAILURE(v, "ret1")), \
	DATABASE(v, g, "Watch", "aggregate", ", interface {}, slice -> " CURSOR_RESULT, \
		 FAILURE(v, "ret1")), \
	DATABASE(v, g, "CreateCollection", "create", ", string, slice -> error", \
		 { MONGO_COLLECTION, "arg1", 128, false, NULL }, WRITE_FAILURE(v, "ret0")), \
	DATABASE(v, g, "CreateView", "create", ", string, string, interface {}, slice -> error", \
		 { MONGO_COLLECTION, "arg1", 128, false, NULL }, WRITE_FAILURE(v, "ret0")), \
	CLIENT(v, g, "Watch", "aggregate", ", interface {}, slice -> " CURSOR_RESULT, \
	       FAILURE(v, "ret1")), \
	CURSOR(v, g, "recv.database", "recv.collection", SERVER_OF(v))

#define SEARCH_INDEXES(v, g, list) \
	INDEX(v, g, "SearchIndexView.CreateMany", "createSearchIndexes", \
	      ", slice, slice -> slice, error", "ret1"), \
	INDEX(v, g, "SearchIndexView.List", "aggregate", \
	      ", " list ", slice -> " CURSOR_RESULT, "ret1"), \
	INDEX(v, g, "SearchIndexView.DropOne", "dropSearchIndex", ", string, slice -> error", \
	      "ret0"), \
	INDEX(v, g, "SearchIndexView.UpdateOne", "updateSearchIndex", \
	      ", string, interface {}, slice -> error", "ret0")

#define SESSION(v, g, type) \
	TRANSACTION(v, g, type, "CommitTransaction", "commitTransaction", \
		    CLIENT_##g("recv.client"), COMMITS("recv.clientSession.state"), \
		    COMMITS("recv.clientSession.TransactionState")), \
	TRANSACTION(v, g, type, "AbortTransaction", "abortTransaction", \
		    CLIENT_##g("recv.client"), ABORTS("recv.clientSession.state"), \
		    ABORTS("recv.clientSession.TransactionState"))

#define FIND_AND_MODIFY_10(name, types) \
	COLLECTION(V1, 10, name, "findAndModify", types ", slice -> " SINGLE(V1), \
		   WRITE_FAILURE(V1, "ret0.err"))

#define DELETE_10(name) \
	COLLECTION(V1, 10, name, "delete", ", interface {}, slice -> pointer, error", \
		   WRITE_FAILURE(V1, "ret1"))

static const struct rule v1[] = {
	COMMON(V1, 15, "slice", "arg1", "slice, error", "ret1", V1 "/bson/primitive.D"),
	LATER(V1, 15, "slice", "slice, error", "ret1"),
	SESSION(V1, 15, "sessionImpl"),
	SEARCH_INDEXES(V1, 15, "pointer"),

	COMMON(V1, 11, "slice", "arg1", "slice, error", "ret1", V1 "/bson/primitive.D"),
	LATER(V1, 11, "slice", "slice, error", "ret1"),
	SESSION(V1, 11, "sessionImpl"),

	COMMON(V1, 10, "slice", "arg1", "slice, error", "ret1", V1 "/bson/primitive.D"),
	COLLECTION(V1, 10, "FindOne", "find", ", interface {}, slice -> " SINGLE(V1),
		   FAILURE(V1, "ret0.err")),
	FIND_AND_MODIFY_10("FindOneAndDelete", ", interface {}"),
	FIND_AND_MODIFY_10("FindOneAndUpdate", ", interface {}, interface {}"),
	FIND_AND_MODIFY_10("FindOneAndReplace", ", interface {}, interface {}"),
	DELETE_10("DeleteOne"),
	DELETE_10("DeleteMany"),
	{
		IS_SPAN(V1, 10, "newChangeStream", "aggregate",
			CTX ", *" V1 "/mongo.Collection, interface {}, slice -> " CURSOR_RESULT),
		READS(OF_COLLECTION("arg1"), CLIENT_10("arg1.client"), FAILURE(V1, "ret1")),
	},
	INDEX(V1, 10, "IndexView.DropOne", "dropIndexes", ", string, slice -> slice, error",
	      "ret1"),
	INDEX(V1, 10, "IndexView.DropAll", "dropIndexes", ", slice -> slice, error", "ret1"),
	TRANSACTION(V1, 10, "sessionImpl", "CommitTransaction", "commitTransaction",
		    DEPLOYMENT("recv.topo.desc.v.(" TYPE_10 ")"), COMMITS("recv.Client.state")),
	TRANSACTION(V1, 10, "sessionImpl", "AbortTransaction", "abortTransaction",
		    DEPLOYMENT("recv.topo.desc.v.(" TYPE_10 ")"), ABORTS("recv.Client.state")),
	CURSOR(V1, 10, "recv.namespace.DB", "recv.namespace.Collection", SERVER("recv.server")),
};

static const struct rule v2[] = {
	COMMON(V2, 20, "interface {}", "arg1.([]interface {})", "*" V2 "/mongo.DistinctResult",
	       "ret0.err", V2 "/bson.D"),
	LATER(V2, 20, "pointer", "error", "ret0"),
	SESSION(V2, 20, "Session"),
	SEARCH_INDEXES(V2, 20, "interface"),
	CLIENT(V2, 20, "BulkWrite", "bulkWrite", ", slice, slice -> pointer, error",
	       FAILURE(V2, "ret1"),
	       { MONGO_CODE, "ret1.(" V2 "/mongo.ClientBulkWriteException).WriteError.Code", 0,
		 true, NULL }, BATCH),
};

const struct library library_mongo1 = {
	.name = "mongo", .package = V1, .module = V1, .rules = v1, .nrules = ARRAY_LEN(v1),
	.used = V1 "/mongo.newDatabase", .fields = fields, .database = true, .say = mongo_say,
};

const struct library library_mongo2 = {
	.name = "mongo", .package = V2, .module = V2, .rules = v2, .nrules = ARRAY_LEN(v2),
	.used = V2 "/mongo.newDatabase", .fields = fields, .database = true, .say = mongo_say,
};
