/* valued - values in hand-made records: each test puts words where the program's plan would have
 * put them, and says what is shown, as text and as JSON.
 *
 * Owns     the record and what is said of it, until the next fresh().
 * Units    offsets in the record; VALUE_AT is where the value itself lies.
 * Fails    a test.
 * Threads  one. */
#ifndef TESTS_VALUED_H
#define TESTS_VALUED_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "out/value.h"

enum { TYPES = 0x500000, TEXT = 0x400000, VALUE_AT = 32 };
static const u64 bias = 0x10000;

static u8 zeros[0x1000];
static struct segment segment = {
	.va = TYPES, .size = sizeof(zeros), .filesz = sizeof(zeros), .read = true,
};
static struct image image = { .bytes = zeros, .size = sizeof(zeros), .segs = &segment, .nsegs = 1 };
static struct go_func code = { .pc = 0x100, .size = 16, .room = 32 };
static struct go_program prog = { .img = &image, .funcs = &code, .nfuncs = 1 };
static struct plan plan;

static union { u8 bytes[1024]; u64 words[128]; } record;
static struct read reads[64];
static struct reading reading;
static struct value_view view;
static struct out text;

#define TYPE(...) { .loaded = true, __VA_ARGS__ }
#define NAMED(n) .name = { n, sizeof(n) - 1 }
#define BASIC(id, n, k, s) static struct go_type id = TYPE(NAMED(n), .kind = k, .size = s)
BASIC(t_int, "int", GO_INT, 8);
BASIC(t_string, "string", GO_STRING, 16);

static inline void fresh(void)
{
	memset(&record, 0, sizeof(record));
	memset(reads, 0, sizeof(reads));
	reading = (struct reading){ .reads = reads, .size = sizeof(record) };
	view = (struct value_view){
		.prog = &prog, .plan = &plan, .reading = &reading, .record = record.bytes,
		.bias = bias, .strings = 64, .elements = 8,
	};
	plan.redact.n = 0;
	code.name = STR("main.work.func1");
	prog.md = (struct moduledata){ .types_va = TYPES, .etypes_va = TYPES + sizeof(zeros),
				       .text_va = TEXT, .etext_va = TEXT + 0x1000 };
}

static inline void put(u32 at, u64 v)
{
	memcpy(record.bytes + at, &v, 8);
}

/* A capture with its status in the word before it; n bytes were copied. */
static inline struct read *lead(enum read_kind kind, u32 from, u32 at, u32 size, u32 n)
{
	struct read *r = &reads[reading.nreads++];

	*r = (struct read){
		.kind = (u8)kind, .size = (u16)size, .from = from, .at = at, .status = at - 8,
	};
	if (kind == READ_BYTES)
		r->len_at = from + 8;
	put(at - 8, n);
	return r;
}

static inline void put_string(u32 header, u32 at, const char *s)
{
	put(header, 0x1000);
	put(header + 8, strlen(s));
	lead(READ_BYTES, header, at, 64, (u32)strlen(s));
	memcpy(record.bytes + at, s, strlen(s));
}

/* What was written, with ' for ". */
static inline void is_json(const char *want)
{
	out_c(&text, 0);
	for (char *p = text.buf; *p; p++)
		if (*p == '"' && (p == text.buf || p[-1] != '\\'))
			*p = '\'';
	ck_assert_str_eq(text.buf, want);
}

static struct go_param param;
static struct slot slot;

static inline void shows(struct go_type *t, u32 size, const char *want_text, const char *want_json)
{
	struct json j;

	param = (struct go_param){ .name = STR("x"), .type = t, .size = size };
	slot = (struct slot){ .param = &param, .at = VALUE_AT, .taken = true };
	out_release(&text);
	out_memory(&text);
	value_begin(&view);
	value_text(&text, &view, &slot);
	out_c(&text, 0);
	ck_assert_str_eq(text.buf, want_text);
	text.n = 0;
	json_begin(&j, &text);
	value_begin(&view);
	value_json(&j, &view, &slot);
	is_json(want_json);
}

/* JSON is written with ' for " here, to be readable. */
#define TYPED(type, value) "{'name':'x','type':'" type "'," value "}"

#endif
