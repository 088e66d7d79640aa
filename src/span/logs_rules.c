/* Which functions write a line of a log. */
#include "span/logs.h"

static const char *const fields[FIELDS_MOST] = {
	[LOG_LEVEL] = "log.severity", [LOG_TEXT] = "log.message",
	[LOG_WRITERS] = "that a line is written", [LOG_USED] = "that a line is written",
	[LOG_REWRITERS] = "that a line's message is rewritten",
};

/* (ctx context.Context, level Level, msg string, args ...) asks whether the level is enabled, and
 * then puts args into the record. */
#define SLOG(name, then) { \
	.role = ROLE_LOG, .since = 21, .func = "log/slog.(*Logger)." name, \
	.gives = "log lines of log/slog", .sig = "context.Context, int, string, slice", \
	.reads = { { LOG_LEVEL, "arg1", 0 }, { LOG_TEXT, "arg2", LINE_MOST } }, .nreads = 2, \
	.ctx_in = CTX_IN(REG_BX), .only_with = "log/slog.(*Record)." then, \
	.written_by = "log/slog.(*Record)." then, \
}, { \
	.role = ROLE_LOGGED, .since = 21, .func = "log/slog.(*Record)." then, \
	.gives = "log lines of log/slog", \
}

static const struct rule slog[] = { SLOG("log", "Add"), SLOG("logAttrs", "AddAttrs") };

#define ENTRY "recv.Entry."

/* Of what is enabled, and not left out by a sampler, there is a CheckedEntry. */
static const struct rule zap[] = {
	{
		.role = ROLE_LOG, .func = "go.uber.org/zap/zapcore.(*CheckedEntry).Write",
		.gives = "log lines of zap", .sig = "slice",
		.reads = {
			{ LOG_LEVEL, ENTRY "Level", 0 }, { LOG_TEXT, ENTRY "Message", LINE_MOST },
			{ LOG_WRITERS, "len(recv.cores)", 0 }, { LOG_USED, "recv.dirty", 0 },
			{ LOG_REWRITERS, "len(recv.before)", 0, .quiet = true },
		},
		.nreads = 5,
	},
};

#define WRITE "github.com/rs/zerolog.(*Event).write"

/* Hooks, which run between them, may discard an event. */
static const struct rule zerolog[] = {
	{
		.role = ROLE_LOG, .func = "github.com/rs/zerolog.(*Event).msg",
		.gives = "log lines of zerolog", .sig = "string",
		.reads = { { LOG_LEVEL, "recv.level", 0 }, { LOG_TEXT, "arg0", LINE_MOST } },
		.nreads = 2, .only_with = WRITE, .written_by = WRITE,
	}, {
		.role = ROLE_LOGGED, .func = WRITE,
		.gives = "log lines of zerolog", .sig = " -> error",
		.reads = { { LOG_LEVEL, "recv.level", 0 } }, .nreads = 1,
	},
};

#define LOGRUS(receiver, parameters, message) \
	.role = ROLE_LOG, .func = "github.com/sirupsen/logrus." receiver ".log", \
	.gives = "log lines of logrus", .sig = "github.com/sirupsen/logrus.Level, " parameters, \
	.reads = { { LOG_LEVEL, "arg0", 0 }, { LOG_TEXT, message, LINE_MOST } }, .nreads = 2

/* Called for what is enabled: (level Level, msg string), or with a bool between them. */
static const struct rule logrus[] = {
	{ LOGRUS("Entry", "string", "arg1"), .below = "1.8.0" },
	{ LOGRUS("(*Entry)", "string", "arg1"), .from = "1.8.0", .below = "1.10.0" },
	{ LOGRUS("(*Entry)", "bool, string", "arg2"), .from = "1.10.0" },
};

#define LIBRARY(of, path, go_mod, func) { \
	.name = "logs", .package = path, .module = go_mod, .rules = of, .nrules = ARRAY_LEN(of), \
	.used = path "." func, .fields = fields, .severity = logs_##of, \
}

const struct library library_slog = LIBRARY(slog, "log/slog", NULL, "(*Logger).log");
const struct library library_zap = LIBRARY(zap, "go.uber.org/zap", "go.uber.org/zap", "New");
const struct library library_zerolog =
	LIBRARY(zerolog, "github.com/rs/zerolog", "github.com/rs/zerolog", "(*Event).msg");
const struct library library_logrus = LIBRARY(logrus, "github.com/sirupsen/logrus",
					      "github.com/sirupsen/logrus", "(*Entry).write");
