/* exports - sends made spans by OTLP, as the tests ask for them line by line on stdin.
 *
 *   exports [-u URL] [-r MILLISECONDS]        (before the first repetition)
 *
 *   spans N    N spans, numbered on from those before
 *   fill N     N spans with 1 KiB of text each
 *   calls N    N spans of HTTP requests, numbered from 0, of which each takes 4 ms longer than the
 *              one before, every second one is not sampled, and every third one fails
 *   polls N    N spans of calls that receive two messages each, but for the third, of which that is
 *              not known
 *
 * What the exporter says goes to stderr; at the end of stdin it is ended, and stdout has one line
 * of JSON: how long that took, what was dropped, and how much memory it had at most. The
 * status is 2 if it can't be made.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "out/otlp.h"
#include "span/resource.h"

enum { TICK_MS = 10, TEXT = 1024 };

static const char *get(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name);
}

static void say(void *ctx, const char *sentence)
{
	(void)ctx;
	fprintf(stderr, "%s\n", sentence);
}

static void make(const struct span_exporter *to, u64 n, bool fill)
{
	static char text[TEXT + 1];
	struct span_attr attrs[] = {
		{ .key = STR("number"), .kind = ATTR_INT, .number = (i64)n },
		{ .key = STR("least"), .kind = ATTR_INT, .number = INT64_MIN },
		{ .key = STR("half"), .kind = ATTR_FLOAT, .real = 0.5 },
		{ .key = STR("truth"), .kind = ATTR_BOOL, .truth = true },
		{ .key = STR("text"), .text = STR("a\xff\"\n\xc3\xa4") },
		{ .key = STR("fill"), .text = { text, fill ? TEXT : 0 } },
	};
	struct span_event event = {
		.time_ns = 1700000000000000001, .name = STR("log"), .attrs = attrs, .nattrs = 1
	};
	struct span_context link = { .trace = { 9 }, .span = { 8 }, .sampled = true };
	struct span s = {
		.self = { .trace = { 1, 2 }, .span = { 0xab }, .sampled = true,
			  .state = STR("a=b") },
		.parent = { (u8)(n % 2) }, .parent_remote = n % 2, .kind = SPAN_SERVER,
		.name = STR("GET /item/{id}"), .start_ns = 1700000000123456789,
		.end_ns = 1700000000123456789 + (i64)n, .attrs = attrs, .nattrs = ARRAY_LEN(attrs),
		.events = &event, .nevents = 1, .links = &link, .nlinks = 1,
		.status = n % 3 ? STATUS_UNSET : STATUS_ERROR, .message = STR("broken"),
		.scope = n % 2 ? STR("net/http") : STR("main"),
	};

	memset(text, 'x', TEXT);
	memcpy(s.self.span + 1, &n, 7);
	to->span(to->ctx, &s);
}

static void call(const struct span_exporter *to, u64 n)
{
	struct span_attr attrs[] = {
		{ .key = STR("http.request.method"), .text = STR("GET") },
		{ .key = STR("url.path"), .text = STR("/item/canary") },
		{ .key = STR("http.route"), .text = STR("/item/{id}") },
		{ .key = STR("http.response.status_code"), .kind = ATTR_INT,
		  .number = n % 3 ? 200 : 500 },
		{ .key = STR("error.type"), .text = STR("500") },
	};
	struct span s = {
		.self = { .trace = { 1 }, .span = { 2, (u8)n }, .sampled = n % 2 == 0 },
		.kind = SPAN_SERVER, .name = STR("GET /item/{id}"), .start_ns = 1700000000000000000,
		.end_ns = 1700000000000000000 + (i64)n * 4000000, .attrs = attrs,
		.nattrs = ARRAY_LEN(attrs) - (n % 3 > 0), .scope = STR("net/http"),
	};

	if (s.self.sampled || to->all)
		to->span(to->ctx, &s);
}

static void poll_of(const struct span_exporter *to, u64 n)
{
	struct span_attr attrs[] = {
		{ .key = STR("messaging.system"), .text = STR("kafka") },
		{ .key = STR("messaging.operation.name"), .text = STR("receive") },
	};
	struct span s = {
		.self = { .trace = { 3 }, .span = { 4, (u8)n } }, .kind = SPAN_CLIENT,
		.name = STR("receive"), .attrs = attrs, .nattrs = ARRAY_LEN(attrs),
		.messages = n == 2 ? -1 : 2, .scope = STR("kgo"),
	};

	to->span(to->ctx, &s);
}

static void obey(const struct span_exporter *to, const char *line, u64 *made)
{
	u64 n = strtoull(strchr(line, ' ') ? strchr(line, ' ') : "0", NULL, 10);

	for (u64 i = 0; i < n; i++)
		if (*line == 'c')
			call(to, i);
		else if (*line == 'p')
			poll_of(to, i);
		else
			make(to, (*made)++, *line == 'f');
}

/* Lines as they come; the exporter is told of the time in between. */
static void serve(const struct span_exporter *to)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[256];
	size_t n = 0;
	u64 made = 0;

	for (;;) {
		to->tick(to->ctx, clock_ns(CLOCK_REALTIME));
		if (!poll(&in, 1, TICK_MS))
			continue;
		if (n + 1 >= sizeof(line) || read(STDIN_FILENO, line + n, 1) != 1)
			return;
		if (line[n++] != '\n')
			continue;
		line[n] = 0;
		n = 0;
		obey(to, line, &made);
	}
}

/* KiB. Not what wait4 says, which counts the process that this one was forked from, too. */
static unsigned peak(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	unsigned kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %u", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

int main(int argc, char **argv)
{
	struct otlp_ask ask = { .env = { .get = get, .say = say } };
	struct resource_facts facts = {
		.env = ask.env, .path = "/srv/shop", .pid = getpid(), .go_version = STR("go1.24.3")
	};
	struct span_exporter to;
	OWN(arena) a = { 0 };
	struct err err = { 0 };
	u64 dropped;
	i64 from;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "-u"))
			ask.url = argv[i + 1];
		if (!strcmp(argv[i], "-r"))
			ask.retry_first_ns = strtoll(argv[i + 1], NULL, 10) * 1000000;
	}
	ask.resource = resource_make(&a, &facts);
	if (!otlp_exporter(&a, &ask, &to, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		return 2;
	}
	serve(&to);
	from = now_ns();
	dropped = to.end(to.ctx);
	printf("{\"end_ns\":%lld,\"dropped\":%llu,\"peak_kb\":%u}\n",
	       (long long)(now_ns() - from), (unsigned long long)dropped, peak());
	return 0;
}
