/* logs - lines of log/slog, zap, zerolog and logrus: which functions write one, and how severe it
 * is.
 *
 * What a line has besides its message and level (attributes, fields) is never read.
 *
 * Owns     nothing: constants.
 * Units    as rules.h.
 * Fails    a line whose message or level is not known for sure is none.
 * Threads  any.
 * Sources  log/slog/{logger,record,level}.go (go1.21 to go1.27); go.uber.org/zap/zapcore/{entry,
 *          level}.go (1.15 to 1.28); github.com/rs/zerolog/{event,log}.go (1.15 to 1.35);
 *          github.com/sirupsen/logrus/{entry,logrus}.go (1.4 to 1.10). */
#ifndef SPAN_LOGS_H
#define SPAN_LOGS_H

#include "span/rules.h"

/* What the reads of rules are. */
enum { LOG_LEVEL, LOG_TEXT, LOG_WRITERS, LOG_USED, LOG_REWRITERS };

extern const struct library library_slog, library_zap, library_zerolog, library_logrus;

bool logs_slog(const struct field_value *f, char to[SEVERITY_MOST]);
bool logs_zap(const struct field_value *f, char to[SEVERITY_MOST]);
bool logs_zerolog(const struct field_value *f, char to[SEVERITY_MOST]);
bool logs_logrus(const struct field_value *f, char to[SEVERITY_MOST]);

#endif
