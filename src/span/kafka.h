/* kafka - franz-go, kafka-go and sarama: which of their functions are spans, and what is said of
 * messages that are sent and received, by the semantic conventions of OpenTelemetry.
 *
 * Keys, values and headers other than traceparent, and b3 where it is asked for, are never read.
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    what is not known is not said.
 * Threads  any.
 * Sources  OpenTelemetry semantic conventions 1.43, "Semantic conventions for messaging spans",
 *          "for Kafka"; github.com/twmb/franz-go/pkg/kgo: producer.go, consumer.go,
 *          record_and_fetch.go (1.0 to 1.22); github.com/segmentio/kafka-go: writer.go, reader.go,
 *          message.go (0.1 to 0.4.51); github.com/Shopify/sarama, github.com/IBM/sarama:
 *          async_producer.go, sync_producer.go, consumer.go (1.19 to 1.61). */
#ifndef SPAN_KAFKA_H
#define SPAN_KAFKA_H

#include "span/rules.h"

/* What the reads of rules are. */
enum {
	KAFKA_TOPIC,		/* of all messages... */
	KAFKA_TOPIC_OF,		/* ...or of each of the first ones */
	KAFKA_TOPIC_LAST = KAFKA_TOPIC_OF + MESSAGES_MOST - 1,
	KAFKA_COUNT,		/* of messages, where it may be more than one... */
	KAFKA_FETCHES, KAFKA_TOPICS, KAFKA_PARTITIONS,	/* ...if these are 1 */
	KAFKA_PARTITION, KAFKA_OFFSET, KAFKA_GROUP, KAFKA_ERROR, KAFKA_CODE, KAFKA_CODE_NAME,
	KAFKA_ACKS,		/* 0: the broker does not say which offset it gave */
	KAFKA_ALWAYS,		/* that of the first one, whatever the message has */
};

extern const struct library library_franz, library_kafka_go, library_sarama,
	library_sarama_shopify;

/* "UNKNOWN_TOPIC_OR_PARTITION"; empty: there is none of this number. */
struct str kafka_error_name(i64 code);
/* How many messages a call has sent or received; -1: not known. */
i64 kafka_messages(const struct field_value *f, const struct rule *rule);
void kafka_delivery(const struct field_value *f, struct delivery *to);
void kafka_say(struct saying *s, const struct field_value *f, const struct said *said);

#endif
