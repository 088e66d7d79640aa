/* told - what a library says of a call, from fields that a test has set.
 *
 * Owns     static: one test at a time; `fresh` is its fixture.
 * Units    none.
 * Fails    never.
 * Threads  one. */
#ifndef TESTS_TOLD_H
#define TESTS_TOLD_H

#include <stdio.h>

#include "span/rules.h"

static struct saying saying;
static struct field_value fields[FIELDS_MOST];

static void fresh(void)
{
	memset(&saying, 0, sizeof(saying));
	memset(fields, 0, sizeof(fields));
}

static void text(u32 field, const char *s)
{
	fields[field].there = true;
	fields[field].text = str_of(s);
}

static void number(u32 field, i64 n)
{
	fields[field].there = true;
	fields[field].number = n;
}

/* "name key=value …" */
static const char *told(void)
{
	static char is[512];
	size_t n = (size_t)snprintf(is, sizeof(is), "%.*s", STR_F(saying.span.name));

	for (u32 i = 0; i < saying.span.nattrs; i++) {
		const struct span_attr *a = &saying.attrs[i];

		n += (size_t)snprintf(is + n, sizeof(is) - n, " %.*s=", STR_F(a->key));
		if (a->kind == ATTR_INT)
			n += (size_t)snprintf(is + n, sizeof(is) - n, "%ld", (long)a->number);
		else
			n += (size_t)snprintf(is + n, sizeof(is) - n, "%.*s", STR_F(a->text));
	}
	return is;
}

#endif
