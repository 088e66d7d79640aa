#include "span/mongo.h"

/* description.TopologyKind: of these one seed is all that the driver talks to. Of a replica set it
 * finds others. */
enum { SINGLE = 1, SHARDED = 256, LOAD_BALANCED = 512 };

/* As far as it can be one of MongoDB's: what else stands in its place is not shown. */
static bool is_command(const struct field_value *f)
{
	struct str s = f->text;

	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z')))
			return false;
	return f->there && s.n && !f->cut;
}

/* Cursors over what is in no collection have "$cmd.aggregate" there. */
static bool is_collection(const struct field_value *f)
{
	return f->there && f->text.n && !f->cut && f->text.p[0] != '$';
}

static void say_server(struct saying *s, const struct field_value *f)
{
	i64 kind = f[MONGO_KIND].number;

	if (f[MONGO_SERVER].there)
		(void)say_address(s, "server.address", "server.port", f[MONGO_SERVER].text);
	else if (f[MONGO_KIND].there && f[MONGO_SERVERS].there && f[MONGO_ADDRESS].there &&
		 (kind == SINGLE || kind == SHARDED || kind == LOAD_BALANCED) &&
		 f[MONGO_SERVERS].number == 1)
		(void)say_address(s, "server.address", "server.port", f[MONGO_ADDRESS].text);
}

/* What the server calls the error; else its type. v1 returns an error where the program wants no
 * answer. */
static void say_failure(struct saying *s, const struct field_value *f)
{
	struct str type = f[MONGO_ERROR].text;

	if (!f[MONGO_ERROR].there || str_eq(type, STR("nil")))
		return;
	if (f[MONGO_MESSAGE].there && str_eq(f[MONGO_MESSAGE].text, STR("unacknowledged write")))
		return;
	if (f[MONGO_CODE].there && f[MONGO_CODE].number) {
		type = say_fmt(s, "%lld", (long long)f[MONGO_CODE].number);
		say_text(s, "db.response.status_code", type);
	}
	say_error(s, type, (struct str){ 0 });
}

void mongo_say(struct saying *s, const struct field_value *f, const struct said *said)
{
	struct str operation = str_of(said->rule->operation), of = { 0 };

	for (u32 i = 0; i < said->rule->nreads; i++)
		if (said->rule->reads[i].field == MONGO_ASKS)
			s->nothing = !f[MONGO_ASKS].number;	/* nor where that is not known */
	if (is_command(&f[MONGO_COMMAND]))
		operation = f[MONGO_COMMAND].text;
	say_text(s, "db.system.name", STR("mongodb"));
	say_text(s, "db.operation.name", operation);
	if (f[MONGO_DATABASE].there && f[MONGO_DATABASE].text.n) {
		of = f[MONGO_DATABASE].text;
		say_text(s, "db.namespace", of);
	}
	if (is_collection(&f[MONGO_COLLECTION])) {
		of = f[MONGO_COLLECTION].text;
		say_text(s, "db.collection.name", of);
	}
	s->span.name = of.n ? say_fmt(s, "%.*s %.*s", STR_F(operation), STR_F(of)) : operation;
	if (f[MONGO_BATCH].there && f[MONGO_BATCH].number > 1)
		say_int(s, "db.operation.batch.size", f[MONGO_BATCH].number);
	say_server(s, f);
	say_failure(s, f);
}
