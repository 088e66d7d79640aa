#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"

/* Names and texts of programs are in it, which no terminal has to obey. Lines stay lines. */
static void clean(char *to, size_t room, const char *text)
{
	OWN(out) o;

	out_memory(&o);
	for (size_t n;; text += n + 1) {
		n = strcspn(text, "\n");
		out_clean(&o, (struct str){ text, n });
		out_c(&o, text[n]);
		if (!text[n])
			break;
	}
	snprintf(to, room, "%s", o.buf);
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list ap;

	err->kind = kind;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean(err->msg, sizeof(err->msg), text);
	return false;
}

bool err_in(struct err *err, const char *fmt, ...)
{
	char where[sizeof(err->msg)], whole[2 * sizeof(err->msg) + 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "%s: %s", where, err->msg);
	clean(err->msg, sizeof(err->msg), whole);
	return false;
}

void talk(const char *fmt, ...)
{
	char text[1024], said[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean(said, sizeof(said), text);
	fprintf(stderr, TALK "%s\n", said);
}

int err_exit_status(const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE: return 0;
	case ERR_USAGE: return 2;
	case ERR_FORMAT: return 3;
	case ERR_UNSUPPORTED: return 4;
	case ERR_REFUSED: return 5;
	case ERR_DENIED: return 6;
	case ERR_GONE: return 7;
	case ERR_IO: return 8;
	case ERR_CLOSED: return 0;
	}
	return 8;
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("goshawk: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(8);
}
