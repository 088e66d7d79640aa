#include "out/troubles.h"

#include <stdarg.h>
#include <stdio.h>

void trouble(struct troubles *t, struct handover *with, unsigned kind, const char *fmt, ...)
{
	u32 bit = 1u << kind;
	va_list ap;

	va_start(ap, fmt);
	handover_lock(with);
	if (!(t->had & bit)) {
		t->had |= bit;
		t->fresh |= bit;
		vsnprintf(t->why[kind], sizeof(t->why[kind]), fmt, ap);
	}
	handover_unlock(with);
	va_end(ap);
}

u32 troubles_take(struct troubles *t)
{
	u32 fresh = t->fresh;

	t->fresh = 0;
	return fresh;
}
