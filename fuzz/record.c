/* Records as a target may have written them: paired to calls, and printed as text and as JSON. */
#include "edited.h"
#include "out/sinks.h"

struct both {
	struct sink text, json;
};

static void call(void *ctx, const struct call *c)
{
	struct both *b = ctx;

	b->text.call(b->text.ctx, c);
	b->json.call(b->json.ctx, c);
}

static void entry(void *ctx, const struct call *c)
{
	struct both *b = ctx;

	b->text.entry(b->text.ctx, c);
	b->json.entry(b->json.ctx, c);
}

static void lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	struct both *b = ctx;

	b->text.lost(b->text.ctx, count, from_ns, to_ns);
	b->json.lost(b->json.ctx, count, from_ns, to_ns);
}

static const struct plan *plan_of_base(struct target_facts *facts)
{
	static struct image img;
	static struct go_program prog;
	static struct plan plan;
	static const char *patterns[] = { "main.*", "errors.*", "internal/..." };
	const char *base = getenv("GOSHAWK_FUZZ_BASE");
	struct plan_request request = {
		.patterns = patterns,
		.npatterns = ARRAY_LEN(patterns),
		.strings = 64,
		.elements = 8,
		.depth = 2,
	};
	struct err err = {0};

	if (!plan.prog && (!base || !image_open(&img, base, &err) || !go_open(&prog, &img, &err) ||
			   !plan_make(&plan, &prog, &request, &err)))
		die("fuzz: GOSHAWK_FUZZ_BASE must name a Go binary: %s", err.msg);
	*facts = (struct target_facts){ .prog = &prog, .plan = &plan, .path = base };
	return &plan;
}

/* Input: records, each with function (2 bytes), kind, goroutine, depth, then its bytes. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	struct target_facts facts;
	const struct plan *plan = plan_of_base(&facts);
	OWN(arena) arena = {0};
	OWN(out) text, json;
	struct both both;
	struct sink sink = { .ctx = &both, .call = call, .entry = entry, .lost = lost };
	struct calls *calls = calls_new(plan, &sink);
	enum { HEAD = 5 };

	out_memory(&text);
	out_memory(&json);
	both = (struct both){ sink_text_new(&arena, &text, &facts),
			      sink_json_new(&arena, &json, &facts) };
	for (i64 time = 0; n > HEAD; time += 1000) {
		u32 func = (data[0] | (u32)data[1] << 8) % plan->nfuncs, kind = data[2] % 4;
		const struct plan_func *f = &plan->funcs[func];
		u32 size = kind == SITE_ENTRY ? f->entry.size :
			   kind == SITE_TAIL ? RECORD_HEAD : f->exit.size;
		u8 *bytes = arena_alloc(&arena, size);
		u32 got = (u32)MIN((size_t)size, n - HEAD);

		memcpy(bytes, data + HEAD, got);
		calls_record(calls, &(struct record){ func, kind, time, data[3], data[4] * 8, bytes,
						      size });
		if (data[4] == 255)
			calls_lost(calls, data[3], time, time + 1);
		data += HEAD + got;
		n -= HEAD + got;
	}
	calls_finish(calls, false);
	calls_release(&calls);
	return 0;
}
