#include "span/logs.h"

#include <stdio.h>

static bool name(char to[SEVERITY_MOST], const char *severity)
{
	snprintf(to, SEVERITY_MOST, "%s", severity);
	return true;
}

/* "INFO", "WARN+2", as slog itself has it: they stand at -4, 0, 4 and 8. */
bool logs_slog(const struct field_value *f, char to[SEVERITY_MOST])
{
	static const char *const names[] = { "DEBUG", "INFO", "WARN", "ERROR" };
	i64 level = f[LOG_LEVEL].number, from;
	size_t i;

	if (!f[LOG_LEVEL].there)
		return false;
	i = level < 0 ? 0 : level < 4 ? 1 : level < 8 ? 2 : 3;
	from = 4 * (i64)i - 4;
	if (level == from)
		return name(to, names[i]);
	snprintf(to, SEVERITY_MOST, "%s%+d", names[i], (int)(level - from));
	return true;
}

/* One that was used before, which zap refuses; one that nobody writes; one whose message somebody
 * may write another text for. */
bool logs_zap(const struct field_value *f, char to[SEVERITY_MOST])
{
	static const char *const names[] = {
		"DEBUG", "INFO", "WARN", "ERROR", "DPANIC", "PANIC", "FATAL",
	};
	i64 i = f[LOG_LEVEL].number + 1;

	if (!f[LOG_LEVEL].there || !f[LOG_USED].there || f[LOG_USED].number ||
	    !f[LOG_WRITERS].there || !f[LOG_WRITERS].number || f[LOG_REWRITERS].number)
		return false;
	return name(to, i >= 0 && i < (i64)ARRAY_LEN(names) ? names[i] : "");
}

bool logs_zerolog(const struct field_value *f, char to[SEVERITY_MOST])
{
	static const char *const names[] = {
		"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "PANIC", "",
	};
	enum { DISABLED = 7 };
	i64 i = f[LOG_LEVEL].number + 1;

	if (!f[LOG_LEVEL].there || f[LOG_LEVEL].number == DISABLED)
		return false;
	return name(to, i >= 0 && i < (i64)ARRAY_LEN(names) ? names[i] : "");
}

bool logs_logrus(const struct field_value *f, char to[SEVERITY_MOST])
{
	static const char *const names[] = {
		"PANIC", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE",
	};
	i64 i = f[LOG_LEVEL].number;

	if (!f[LOG_LEVEL].there || i < 0 || i >= (i64)ARRAY_LEN(names))
		return false;
	return name(to, names[i]);
}
