#include "span/redis.h"

#include <string.h>
#include <strings.h>

/* The name of a command is a word. What else stands in its place is not shown. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
		      (i && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.' || s.p[i] == '_'))))
			return false;
	return s.n;
}

/* "WRONGTYPE Operation against…": its first word. */
static struct str code_of(struct str message)
{
	size_t n = 0;

	while (n < message.n && ((message.p[n] >= 'A' && message.p[n] <= 'Z')))
		n++;
	return str_cut(message, 0, n < message.n && message.p[n] == ' ' ? n : 0);
}

static void say_failure(struct saying *s, const struct field_value *f)
{
	struct str type = f[REDIS_ERROR].text, code;

	if (!f[REDIS_ERROR].there || str_eq(type, STR("nil")))
		return;
	if (f[REDIS_REFUSAL].there && str_eq(f[REDIS_REFUSAL].text, STR("redis: nil")))
		return;		/* there is no such key */
	code = f[REDIS_REFUSAL].there ? code_of(f[REDIS_REFUSAL].text) : STR("");
	if (code.n)
		say_text(s, "db.response.status_code", code);
	say_error(s, code.n ? code : type, (struct str){ 0 });
}

/* MULTI and EXEC stand around what is done at once. `first` is what is done first, or MULTI. A
 * pipeline of one command is no batch: it is that command. */
static void say_pipeline(struct saying *s, const struct field_value *f, bool transaction,
			 struct str first)
{
	bool multi = transaction || (first.n == 5 && !strncasecmp(first.p, "multi", 5));
	i64 n = f[REDIS_COMMANDS].there ? f[REDIS_COMMANDS].number - (multi ? 2 : 0) : 0;
	struct str name = multi ? STR("MULTI") : STR("PIPELINE");

	if (n == 1 && is_name(first) && !multi)
		name = first;
	else if (n == 1 && is_name(first) && transaction)
		name = say_joined(s, name, STR(" "), first);
	s->span.name = name;
	say_text(s, "db.operation.name", name);
	if (n > 1)
		say_int(s, "db.operation.batch.size", n);
}

void redis_say(struct saying *s, const struct field_value *f, const struct said *said)
{
	struct str address = f[REDIS_ADDRESS].text;

	s->span.name = STR("redis");
	say_text(s, "db.system.name", STR("redis"));
	if (said->rule->operation) {
		say_pipeline(s, f, !strcmp(said->rule->operation, "MULTI"), said->chained);
	} else if (is_name(said->chained)) {
		s->span.name = said->chained;
		say_text(s, "db.operation.name", said->chained);
	}
	if (f[REDIS_DB].there)
		say_text(s, "db.namespace", say_fmt(s, "%lld", (long long)f[REDIS_DB].number));
	/* sentinels' clients have a word there */
	if (f[REDIS_ADDRESS].there && str_find(address, STR(":")) >= 0)
		(void)say_address(s, "server.address", "server.port", address);
	say_failure(s, f);
}
