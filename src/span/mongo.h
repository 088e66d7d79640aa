/* mongo - MongoDB's driver: which of its functions are spans, and what is said of an operation.
 *
 * No document, filter or value is shown. They are not read either, but for RunCommand's: what lies
 * where the name of the command is in a bson.D is dropped where it is of another type.
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    what is not known is not said.
 * Threads  any.
 * Sources  OpenTelemetry semantic conventions 1.33, "Semantic conventions for MongoDB client
 *          operations"; go.mongodb.org/mongo-driver v1, v2: mongo/collection.go, database.go,
 *          client.go, index_view.go, session.go, errors.go, x/mongo/driver/batch_cursor.go,
 *          topology/topology.go. */
#ifndef SPAN_MONGO_H
#define SPAN_MONGO_H

#include "span/rules.h"

/* What the reads of rules are. */
enum {
	MONGO_DATABASE, MONGO_COLLECTION, MONGO_COMMAND, MONGO_BATCH,
	MONGO_KIND, MONGO_SERVERS, MONGO_ADDRESS,	/* what is known of the deployment */
	MONGO_SERVER,		/* the address of the one that is asked */
	MONGO_ASKS,		/* false: nothing is asked of a server */
	MONGO_ERROR, MONGO_CODE, MONGO_MESSAGE,
};

extern const struct library library_mongo1, library_mongo2;

void mongo_say(struct saying *s, const struct field_value *f, const struct said *said);

#endif
