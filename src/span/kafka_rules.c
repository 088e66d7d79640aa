/* Which functions of Kafka's clients are spans: those by which programs hand messages over, and
 * ask for them. A record of franz-go is on its way until its promise is kept, a message of sarama's
 * asynchronous producer until it is given back. sarama's consumers hand messages over by a channel,
 * of which nobody is told: theirs is the moment at which they come out of what the broker
 * answered. */
#include "span/kafka.h"

#define KGO "github.com/twmb/franz-go/pkg/kgo"
#define KAFKA_GO "github.com/segmentio/kafka-go"
#define KERR ".(*github.com/twmb/franz-go/pkg/kerr.Error).Message"

static const char *const fields[FIELDS_MOST] = {
	[KAFKA_TOPIC] = "messaging.destination.name",
	[KAFKA_TOPIC_OF] = "messaging.destination.name",
	[KAFKA_COUNT] = "messaging.batch.message_count",
	[KAFKA_FETCHES] = "messaging.batch.message_count",
	[KAFKA_TOPICS] = "messaging.batch.message_count",
	[KAFKA_PARTITIONS] = "messaging.batch.message_count",
	[KAFKA_PARTITION] = "messaging.destination.partition.id",
	[KAFKA_OFFSET] = "messaging.kafka.offset", [KAFKA_GROUP] = "messaging.consumer.group.name",
	[KAFKA_ERROR] = "error.type", [KAFKA_CODE] = "error.type", [KAFKA_CODE_NAME] = "error.type",
	[KAFKA_ACKS] = "messaging.kafka.offset", [KAFKA_ALWAYS] = "messaging.destination.name",
	[FIELD_WRITER] = "when messages are delivered",
};

static const char *const traceparent[] = { "tracepar" };

#define RECORDS(where) \
	{ .kind = EXTRA_RECORDS, .headers = where, .only = traceparent, .nonly = 1 }
#define RECORDS_BACK(where) \
	{ .kind = EXTRA_RECORDS, .headers = where, .only = traceparent, .nonly = 1, .exit = true }

#define SENDS(package, name, what) \
	.role = ROLE_SPAN, .func = package name, .kind = SPAN_PRODUCER, .scope = package, \
	.gives = what, .operation = "send"
#define RECEIVES(package, name, what) \
	.role = ROLE_SPAN, .func = package name, .kind = SPAN_CLIENT, .scope = package, \
	.gives = what, .operation = "receive"

/* Of each of the first messages in a list. */
#define EACH(list, what) { list "[0]" what, list "[1]" what, list "[2]" what, list "[3]" what }
#define TOPICS(list) \
	{ KAFKA_TOPIC_OF, list "[0].Topic", 128, false }, \
	{ KAFKA_TOPIC_OF + 1, list "[1].Topic", 128, true }, \
	{ KAFKA_TOPIC_OF + 2, list "[2].Topic", 128, true }, \
	{ KAFKA_TOPIC_OF + 3, list "[3].Topic", 128, true }

/* (ctx context.Context, r *Record, promise func(*Record, error), …) */
#define PRODUCED(name, more) { \
	SENDS(KGO, ".(*Client)." name, "spans of records that franz-go sends"), \
	.sig = "context.Context, *" KGO ".Record, pointer" more, .stream = STREAM_GOES_ON, \
	.reads = { \
		{ KAFKA_TOPIC, "arg1.Topic", 128, false }, \
		{ KAFKA_TOPIC_OF, "recv.cfg.defaultProduceTopic", 128, false }, \
		{ KAFKA_ALWAYS, "recv.cfg.defaultProduceTopicAlways", 0, true }, \
		{ FIELD_WRITER, "arg1", 0, false }, \
	}, \
	.nreads = 4, .ctx_in = CTX_IN(REG_BX), \
	.messages = { "arg1.Headers" }, .nmessages = 1, .extra = RECORDS(HEADERS_TEXT), \
}

/* (pr promisedRec, err error, …) */
#define PROMISED(more, first, last) { \
	.role = ROLE_DELIVERY, .func = KGO ".(*Client).finishRecordPromise", \
	.gives = "when records that franz-go sends are delivered", \
	.sig = KGO ".promisedRec, error" more, .from = first, .below = last, \
	.reads = { \
		{ FIELD_WRITER, "arg0.Record", 0, false }, \
		{ KAFKA_PARTITION, "arg0.Record.Partition", 0, false }, \
		{ KAFKA_OFFSET, "arg0.Record.Offset", 0, false }, \
		{ KAFKA_CODE_NAME, "arg1" KERR, 64, true }, \
		{ KAFKA_CODE_NAME, "arg1.(*fmt.wrapError).err" KERR, 64, true }, \
		{ KAFKA_ERROR, "arg1.(type)", 64, false }, \
		{ KAFKA_ACKS, "recv.cfg.acks.val", 0, false }, \
	}, \
	.nreads = 7, \
}

#define FETCHED "ret0[0].Topics[0].Partitions[0]"
static const struct rule franz[] = {
	PRODUCED("Produce", ""),	/* where it is not inlined */
	PRODUCED("produce", ", bool"),
	PROMISED("", NULL, "1.18.0"),
	PROMISED(", bool", "1.18.0", NULL),
	{
		/* (ctx context.Context, maxPollRecords int) Fetches */
		RECEIVES(KGO, ".(*Client).PollRecords", "spans of records that franz-go receives"),
		.sig = "context.Context, int -> []" KGO ".Fetch",
		.reads = {
			{ KAFKA_TOPIC, "ret0[0].Topics[0].Topic", 128, false },
			{ KAFKA_FETCHES, "len(ret0)", 0, false },
			{ KAFKA_TOPICS, "len(ret0[0].Topics)", 0, false },
			{ KAFKA_PARTITIONS, "len(ret0[0].Topics[0].Partitions)", 0, false },
			{ KAFKA_COUNT, "len(" FETCHED ".Records)", 0, false },
			{ KAFKA_PARTITION, FETCHED ".Partition", 0, false },
			{ KAFKA_OFFSET, FETCHED ".Records[0].Offset", 0, false },
			{ KAFKA_CODE_NAME, FETCHED ".Err" KERR, 64, true },
			{ KAFKA_ERROR, FETCHED ".Err.(type)", 64, false },
			{ KAFKA_GROUP, "recv.cfg.group", 64, true },
		},
		.nreads = 10, .ctx_in = CTX_IN(REG_BX),
		.messages = EACH(FETCHED ".Records", ".Headers"), .nmessages = 4,
		.extra = RECORDS_BACK(HEADERS_TEXT),
	},
};

/* Errors of kafka-go are numbers, and a writer's a list of one for each message. */
#define KAFKA_GO_ERROR "ret0.(kafka.WriteErrors)[0]"
static const struct rule kafka_go[] = {
	{
		/* (ctx context.Context, msgs ...Message) error */
		SENDS(KAFKA_GO, ".(*Writer).WriteMessages",
		      "spans of messages that kafka-go sends"),
		.sig = "context.Context, []" KAFKA_GO ".Message -> error",
		.reads = {
			{ KAFKA_TOPIC, "recv.Topic", 128, true },
			{ KAFKA_TOPIC, "recv.config.Topic", 128, true },
			TOPICS("arg1"),
			{ KAFKA_COUNT, "len(arg1)", 0, false },
			{ KAFKA_CODE, "ret0.(kafka.Error)", 0, true },
			{ KAFKA_CODE, KAFKA_GO_ERROR ".(kafka.Error)", 0, true },
			{ KAFKA_CODE, "ret0.(*kafka.writerError).err.(kafka.Error)", 0, true },
			{ KAFKA_ERROR, "ret0.(type)", 64, false },
		},
		.nreads = 11, .ctx_in = CTX_IN(REG_BX), .messages = EACH("arg1", ".Headers"),
		.nmessages = 4, .extra = RECORDS(HEADERS_TEXT),
	}, {
		/* (ctx context.Context) (Message, error) */
		RECEIVES(KAFKA_GO, ".(*Reader).FetchMessage",
			 "spans of messages that kafka-go receives"),
		.sig = "context.Context -> " KAFKA_GO ".Message, error",
		.reads = {
			{ KAFKA_TOPIC, "ret0.Topic", 128, false },
			{ KAFKA_PARTITION, "ret0.Partition", 0, false },
			{ KAFKA_OFFSET, "ret0.Offset", 0, false },
			{ KAFKA_CODE, "ret1.(kafka.Error)", 0, true },
			{ KAFKA_ERROR, "ret1.(type)", 64, false },
			{ KAFKA_GROUP, "recv.config.GroupID", 64, false },
		},
		.nreads = 6, .ctx_in = CTX_IN(REG_BX), .messages = { "ret0.Headers" },
		.nmessages = 1, .extra = RECORDS_BACK(HEADERS_TEXT),
	},
};

#define MESSAGE(package) "*" package ".ProducerMessage"
/* A number, or what is said of the topic by one. */
#define CODE(package, error) \
	{ KAFKA_CODE, error ".(" package ".KError)", 0, true }, \
	{ KAFKA_CODE, error ".(*errors.joinError).errs[0].(*fmt.wrapError).err.(" package \
		      ".KError)", 0, true }, \
	{ KAFKA_ERROR, error ".(type)", 64, false }

#define SARAMA(package) \
	{ \
		/* (msg *ProducerMessage) (partition int32, offset int64, err error) */ \
		SENDS(package, ".(*syncProducer).SendMessage", \
		      "spans of messages that sarama sends"), \
		.sig = MESSAGE(package) " -> int32, int64, error", \
		.reads = { \
			{ KAFKA_TOPIC, "arg0.Topic", 128, false }, \
			{ KAFKA_PARTITION, "ret0", 0, false }, { KAFKA_OFFSET, "ret1", 0, false }, \
			CODE(package, "ret2"), \
			{ KAFKA_ACKS, "recv.producer.conf.Producer.RequiredAcks", 0, false }, \
		}, \
		.nreads = 7, .messages = { "arg0.Headers" }, .nmessages = 1, \
		.extra = RECORDS(HEADERS_BYTES), \
	}, { \
		/* (msgs []*ProducerMessage) error */ \
		SENDS(package, ".(*syncProducer).SendMessages", \
		      "spans of messages that sarama sends"), \
		.sig = "[]" MESSAGE(package) " -> error", \
		.reads = { \
			TOPICS("arg0"), { KAFKA_COUNT, "len(arg0)", 0, false }, \
			CODE(package, "ret0.(" package ".ProducerErrors)[0].Err"), \
			{ KAFKA_ERROR, "ret0.(type)", 64, false }, \
		}, \
		.nreads = 9, .messages = EACH("arg0", ".Headers"), .nmessages = 4, \
		.extra = RECORDS(HEADERS_BYTES), \
	}, { \
		/* (msg *ProducerMessage) error; for who waits for it there is a span already */ \
		SENDS(package, ".(*topicProducer).partitionMessage", \
		      "spans of messages that sarama sends by itself"), \
		.sig = MESSAGE(package) " -> error", .stream = STREAM_GOES_ON, \
		.when = "arg0.expectation == nil", .apart = true, \
		.reads = { \
			{ KAFKA_TOPIC, "arg0.Topic", 128, false }, \
			{ FIELD_WRITER, "arg0", 0, false }, CODE(package, "ret0"), \
		}, \
		.nreads = 5, .messages = { "arg0.Headers" }, .nmessages = 1, \
		.extra = RECORDS(HEADERS_BYTES), \
	}, { \
		/* (msg *ProducerMessage, err error) */ \
		.role = ROLE_DELIVERY, .func = package ".(*asyncProducer).returnError", \
		.gives = "when messages that sarama sends by itself have failed", \
		.sig = MESSAGE(package) ", error", \
		.reads = { { FIELD_WRITER, "arg0", 0, false }, CODE(package, "arg1") }, \
		.nreads = 4, \
	}, { \
		/* (batch []*ProducerMessage) */ \
		.role = ROLE_DELIVERY, .func = package ".(*asyncProducer).returnSuccesses", \
		.gives = "when messages that sarama sends by itself are delivered", \
		.extra = { .kind = EXTRA_LIST, .reg = REG_BX, .most = DELIVERED_MOST }, \
	}, { \
		/* (response *FetchResponse) ([]*ConsumerMessage, error) */ \
		RECEIVES(package, ".(*partitionConsumer).parseResponse", \
			 "spans of messages that sarama receives"), \
		.sig = "pointer -> []*" package ".ConsumerMessage, error", .apart = true, \
		.reads = { \
			{ KAFKA_TOPIC, "recv.topic", 128, false }, \
			{ KAFKA_PARTITION, "recv.partition", 0, false }, \
			{ KAFKA_COUNT, "len(ret0)", 0, false }, \
			{ KAFKA_OFFSET, "ret0[0].Offset", 0, false }, \
			CODE(package, "ret1"), \
		}, \
		.nreads = 7, .messages = EACH("ret0", ".Headers"), .nmessages = 4, \
		.extra = RECORDS_BACK(HEADERS_BYTES_BEHIND), \
	},

static const struct rule sarama[] = { SARAMA("github.com/IBM/sarama") };
static const struct rule shopify[] = { SARAMA("github.com/Shopify/sarama") };

#define KAFKA(path, list, constructor) { \
	.name = "kafka", .package = path, .module = path, .rules = list, \
	.nrules = ARRAY_LEN(list), .used = constructor, .fields = fields, \
	.messages = kafka_messages, .delivery = kafka_delivery, .say = kafka_say, \
}

const struct library library_franz = {
	.name = "kafka", .package = KGO, .module = "github.com/twmb/franz-go", .rules = franz,
	.nrules = ARRAY_LEN(franz), .used = KGO ".NewClient", .fields = fields,
	.messages = kafka_messages, .delivery = kafka_delivery, .say = kafka_say,
};
const struct library library_kafka_go = KAFKA(KAFKA_GO, kafka_go, NULL);
const struct library library_sarama = KAFKA("github.com/IBM/sarama", sarama, NULL);
const struct library library_sarama_shopify = KAFKA("github.com/Shopify/sarama", shopify, NULL);
