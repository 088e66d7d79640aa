/* Which functions of go-redis are spans: those that have all tries of a command, and the wait for
 * a connection. */
#include "span/redis.h"

static const char *const fields[FIELDS_MOST] = {
	[REDIS_ADDRESS] = "server.address", [REDIS_DB] = "db.namespace",
	[REDIS_ERROR] = "error.type", [REDIS_REFUSAL] = "db.response.status_code",
	[REDIS_COMMANDS] = "db.operation.batch.size",
};

/* Of the options nothing else is read: they hold the password. */
#define READS(package) \
	{ REDIS_ADDRESS, "recv.opt.Addr", 128, false }, { REDIS_DB, "recv.opt.DB", 0, false }, \
	{ REDIS_ERROR, "ret0.(type)", 0, false }, \
	{ REDIS_REFUSAL, "ret0.(" package "/internal/proto.RedisError)", 32, true }

/* All commands begin as baseCmd does: ctx, then args, of which the first is the name. In a
 * transaction the first command is MULTI. */
#define ARGS { 16, false }
#define FIRST { 0, true }
#define SECOND { 16, true }
#define TEXT { 0, false }

#define IS_SPAN(package, name, what) \
	.role = ROLE_SPAN, .func = package ".(*baseClient)." name, .kind = SPAN_CLIENT, \
	.scope = package, .gives = what, .ctx_in = CTX_IN(REG_BX)

/* (ctx context.Context, cmd Cmder, …) error */
#define COMMAND(package, name, more) { \
	IS_SPAN(package, name, "spans of Redis commands"), \
	.sig = "context.Context, interface" more " -> error", \
	.reads = { READS(package) }, .nreads = 4, \
	.extra = { .kind = EXTRA_CHAIN, .reg = REG_SI, .most = 32, \
		   .hops = { ARGS, FIRST, TEXT }, .nhops = 3 }, \
}

/* (ctx context.Context, cmds []Cmder, …) error */
#define BATCH(package, name, more, what, command) \
	IS_SPAN(package, name, "spans of Redis pipelines"), .operation = what, \
	.sig = "context.Context, slice" more " -> error", \
	.reads = { READS(package), { REDIS_COMMANDS, "len(arg1)", 0, false } }, .nreads = 5, \
	.extra = { .kind = EXTRA_CHAIN, .reg = REG_DI, .most = 32, \
		   .hops = { command, ARGS, FIRST, TEXT }, .nhops = 4 }
#define PIPELINE(package, name, more) BATCH(package, name, more, "PIPELINE", FIRST)

/* What is small is inlined by some releases of Go: then there is what it calls. Where there are
 * both the outer one is shown. */
#define REDIS(package) \
	COMMAND(package, "process", ""), \
	{ PIPELINE(package, "processPipeline", "") }, \
	{ BATCH(package, "processTxPipeline", "", "MULTI", SECOND) }

static const struct rule v9[] = {
	REDIS("github.com/redis/go-redis/v9"),
	COMMAND("github.com/redis/go-redis/v9", "processStartingAt", ", int, time.Time"),
	{
		PIPELINE("github.com/redis/go-redis/v9", "generalProcessPipeline", ", pointer"),
		.below = "9.16.0",
	},
};

static const struct rule v8[] = {
	REDIS("github.com/go-redis/redis/v8"),
	{ PIPELINE("github.com/go-redis/redis/v8", "generalProcessPipeline", ", pointer") },
};

const struct library library_redis9 = {
	.name = "redis", .package = "github.com/redis/go-redis/v9",
	.module = "github.com/redis/go-redis/v9", .rules = v9, .nrules = ARRAY_LEN(v9),
	.used = "github.com/redis/go-redis/v9.NewClient", .fields = fields, .database = true,
	.say = redis_say,
};

const struct library library_redis8 = {
	.name = "redis", .package = "github.com/go-redis/redis/v8",
	.module = "github.com/go-redis/redis/v8", .rules = v8, .nrules = ARRAY_LEN(v8),
	.used = "github.com/go-redis/redis/v8.NewClient", .fields = fields, .database = true,
	.say = redis_say,
};
