#include "span/kafka.h"

#include <string.h>

static bool is_read(const struct rule *rule, u8 field)
{
	for (u32 i = 0; i < rule->nreads; i++)
		if (rule->reads[i].field == field)
			return true;
	return false;
}

i64 kafka_messages(const struct field_value *f, const struct rule *rule)
{
	if (!is_read(rule, KAFKA_COUNT))
		return 1;
	for (u32 i = KAFKA_FETCHES; i <= KAFKA_PARTITIONS; i++)
		if (is_read(rule, (u8)i) && !(f[i].there && f[i].number == 1))
			return f[i].there && !f[i].number ? 0 : -1;
	return f[KAFKA_COUNT].there ? f[KAFKA_COUNT].number : -1;
}

/* What the broker says, or the type of what was returned. */
static struct str failure_of(const struct field_value *f)
{
	struct str none = { 0 };

	if (f[KAFKA_CODE_NAME].there)
		return f[KAFKA_CODE_NAME].text;
	if (f[KAFKA_CODE].there && kafka_error_name(f[KAFKA_CODE].number).n)
		return kafka_error_name(f[KAFKA_CODE].number);
	if (!f[KAFKA_ERROR].there || str_eq(f[KAFKA_ERROR].text, STR("nil")))
		return none;
	return f[KAFKA_ERROR].text;
}

/* -1: it is not known. */
static i64 offset_of(const struct field_value *f)
{
	bool told = !f[KAFKA_ACKS].there || f[KAFKA_ACKS].number;

	return f[KAFKA_OFFSET].there && told ? f[KAFKA_OFFSET].number : -1;
}

void kafka_delivery(const struct field_value *f, struct delivery *to)
{
	struct str failure = failure_of(f);

	*to = (struct delivery){ .placed = f[KAFKA_PARTITION].there && !failure.n,
				 .partition = f[KAFKA_PARTITION].number,
				 .offset = offset_of(f) };
	to->nfailure = (u32)MIN(failure.n, sizeof(to->failure));
	if (to->nfailure)
		memcpy(to->failure, failure.p, to->nfailure);
}

/* Of all messages, or empty. */
static struct str topic_of(const struct field_value *f, i64 count)
{
	struct str none = { 0 }, first = f[KAFKA_TOPIC_OF].text;

	for (u32 i = KAFKA_FETCHES; i <= KAFKA_TOPICS; i++)
		if (f[i].there && f[i].number != 1)
			return none;
	if (f[KAFKA_ALWAYS].there && f[KAFKA_ALWAYS].number)
		return first;
	if (f[KAFKA_TOPIC].there && f[KAFKA_TOPIC].text.n)
		return f[KAFKA_TOPIC].text;
	if (count < 1 || count > MESSAGES_MOST)
		return none;
	for (i64 i = 0; i < count; i++)
		if (!f[KAFKA_TOPIC_OF + i].there || !str_eq(f[KAFKA_TOPIC_OF + i].text, first))
			return none;
	return first;
}

/* It was asked, and there was nothing to come: the program does not wait longer, or is about to
 * end. */
static bool is_no_answer(struct str failure)
{
	return str_starts(failure, STR("context.")) || str_eq(failure, STR("*errors.errorString"));
}

static void say_place(struct saying *s, i64 partition, i64 offset)
{
	say_text(s, "messaging.destination.partition.id",
		 say_fmt(s, "%lld", (long long)partition));
	if (offset >= 0)
		say_int(s, "messaging.kafka.offset", offset);
}

void kafka_say(struct saying *s, const struct field_value *f, const struct said *said)
{
	struct str what = str_of(said->rule->operation), failure = failure_of(f), topic;
	const struct delivery *d = said->delivery;
	bool receives = str_eq(what, STR("receive"));
	i64 count = kafka_messages(f, said->rule);

	if (d && d->nfailure)
		failure = (struct str){ d->failure, d->nfailure };
	if (receives && failure.n && is_no_answer(failure))
		s->nothing = true;
	else if (receives && !failure.n && !count)
		s->nothing = true;
	s->span.messages = receives && failure.n && !is_read(said->rule, KAFKA_COUNT) ? 0 : count;
	topic = topic_of(f, receives && failure.n ? 0 : count);
	if (!said->rule->own)
		s->span.name = topic.n ? say_fmt(s, "%.*s %.*s", STR_F(what), STR_F(topic)) : what;
	say_text(s, "messaging.system", STR("kafka"));
	say_text(s, "messaging.operation.name", what);
	say_text(s, "messaging.operation.type", what);
	if (topic.n)
		say_text(s, "messaging.destination.name", topic);
	if (is_read(said->rule, KAFKA_COUNT) && count > 0)
		say_int(s, "messaging.batch.message_count", count);
	if (f[KAFKA_GROUP].there && f[KAFKA_GROUP].text.n)
		say_text(s, "messaging.consumer.group.name", f[KAFKA_GROUP].text);
	if (d && d->placed)
		say_place(s, d->partition, d->offset);
	else if (!failure.n && f[KAFKA_PARTITION].there && count == 1)
		say_place(s, f[KAFKA_PARTITION].number, offset_of(f));
	else if (!failure.n && f[KAFKA_PARTITION].there && count > 1)
		say_place(s, f[KAFKA_PARTITION].number, -1);
	if (failure.n)
		say_error(s, say_copy(s, failure), (struct str){ 0 });
}
