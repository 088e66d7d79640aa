#include "out/otlp.h"

#include <signal.h>
#include <sys/random.h>

#include "base/clock.h"
#include "out/otlp_http.h"
#include "out/otlp_queue.h"

#define SECOND ((i64)1000000000)
#define END_MOST (5 * SECOND)	/* what waits at the end may take so long */

struct otlp {
	struct otlp_config config;
	const struct otlp_encoding *as;
	struct otel_env env;
	i64 retry_first_ns;
	/* of who calls */
	struct out span;		/* one, being encoded */
	u64 given, full, dropped;
	bool started, no_thread;
	pthread_t thread;
	struct otlp_queue queue;
	/* under the queue's lock */
	u32 fresh, had;			/* bits of enum otlp_trouble: to be said; ever said */
	char why[TROUBLE_COUNT][sizeof(((struct otlp_answer *)0)->why)];
	/* of the thread */
	struct otlp_http *http;
	struct otlp_piece *batch;
	struct out resource, body;
	i64 not_before_ns;		/* the next request */
	bool unreachable;		/* as of the last one */
};

static void trouble(struct otlp *o, enum otlp_trouble kind, const char *why)
{
	u32 bit = 1u << kind;

	if (kind == TROUBLE_NONE)
		return;
	pthread_mutex_lock(&o->queue.lock);
	if (!(o->had & bit)) {
		o->had |= bit;
		o->fresh |= bit;
		snprintf(o->why[kind], sizeof(o->why[kind]), "%s", why);
	}
	pthread_mutex_unlock(&o->queue.lock);
}

/* The thread --------------------------------------------------------------------------------- */

static bool must_stop(void *ctx)
{
	struct otlp *o = ctx;

	return now_ns() > otlp_queue_limit(&o->queue);
}

static i64 backoff(const struct otlp *o, unsigned n)
{
	u32 random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = UINT32_MAX / 2;
	return otlp_backoff(o->retry_first_ns, n, random);
}

/* One request; false if it is of no use to send another one. */
static bool attempt(struct otlp *o, i64 give_up_ns, unsigned n, struct otlp_answer *a)
{
	i64 limit = MIN(give_up_ns, otlp_queue_limit(&o->queue)), left = limit - now_ns();
	struct otlp_reply r;
	i64 wait = backoff(o, n);

	if (left <= 0)
		return false;
	otlp_http_post(o->http, (struct str){ o->body.buf, o->body.n },
		       MIN(left, o->config.timeout_ns), &r);
	otlp_judge(a, &r);
	trouble(o, a->trouble, a->why);
	o->unreachable = !r.status;
	if (a->fate == FATE_AGAIN)
		o->not_before_ns = now_ns() + MAX(wait, a->not_before_ns);
	return a->fate == FATE_AGAIN && o->not_before_ns < give_up_ns;
}

/* How many of them are lost. A collector that can't be reached when all ends is tried once more,
 * and then no more. */
static u64 deliver(struct otlp *o, size_t n)
{
	struct otlp_answer a = { .fate = FATE_AGAIN };
	i64 give_up = MAX(now_ns(), o->not_before_ns) + o->config.export_ns;
	bool again = true;

	o->body.n = 0;
	o->as->request(&o->body, (struct str){ o->resource.buf, o->resource.n }, o->batch, n);
	for (unsigned tries = 0; again; tries++) {
		bool last = otlp_queue_limit(&o->queue) != INT64_MAX && o->unreachable && tries;

		if (last || !otlp_queue_sleep(&o->queue, o->not_before_ns, o->unreachable))
			break;
		again = attempt(o, give_up, tries, &a);
	}
	return a.fate == FATE_TAKEN ? MIN(a.rejected, (u64)n) : n;
}

static void *sender(void *ctx)
{
	struct otlp *o = ctx;
	bool gone = false;
	size_t n;

	while ((n = otlp_queue_take(&o->queue, o->batch))) {
		otlp_queue_done(&o->queue, n, gone ? n : deliver(o, n));
		gone = o->unreachable && otlp_queue_limit(&o->queue) != INT64_MAX;
	}
	return NULL;
}

/* Signals are for the thread that runs the session. */
static bool start(struct otlp *o)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	o->started = !pthread_create(&o->thread, NULL, sender, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (o->started)
		pthread_setname_np(o->thread, "goshawk-otlp");
	else
		trouble(o, TROUBLE_THREAD, "there can be no thread to send spans: they are lost");
	o->no_thread = !o->started;
	return o->started;
}

/* The exporter ------------------------------------------------------------------------------- */

static void say(const struct otlp *o, enum otlp_trouble kind, const char *why)
{
	bool failure = kind <= TROUBLE_TIME;

	otel_say(&o->env, "OTLP: %s%s %s%s%s", o->config.shown, failure ? ":" : "", why,
		 failure && kind != TROUBLE_TLS ? "; spans wait, and are sent again" : "",
		 failure && o->config.grpc_port ? " (4317 is usually the port of gRPC; HTTP has "
		 "4318)" : "");
}

static void on_tick(void *ctx, i64 now)
{
	struct otlp *o = ctx;
	u32 fresh;

	(void)now;
	pthread_mutex_lock(&o->queue.lock);
	fresh = o->fresh;
	o->fresh = 0;
	o->dropped = o->full + o->queue.lost;
	pthread_mutex_unlock(&o->queue.lock);
	/* a text is written once, before its bit is set */
	for (u32 i = 0; i < TROUBLE_COUNT; i++)
		if (fresh & 1u << i)
			say(o, i, o->why[i]);
}

static void on_span(void *ctx, const struct span *s)
{
	struct otlp *o = ctx;

	o->given++;
	o->span.n = 0;
	o->as->span(&o->span, s);
	if ((o->started || (!o->no_thread && start(o))) &&
	    otlp_queue_put(&o->queue, s->scope, (struct str){ o->span.buf, o->span.n }))
		return;
	o->full++;
	o->dropped++;
	if (o->started)
		trouble(o, TROUBLE_QUEUE, "does not keep up: the queue is full, and spans "
			"are lost");
}

static void on_end(void *ctx)
{
	struct otlp *o = ctx;

	if (o->started) {
		otlp_queue_end(&o->queue, now_ns() + MIN(END_MOST, o->config.export_ns));
		pthread_join(o->thread, NULL);
	}
	on_tick(o, 0);
	if (o->dropped)
		otel_say(&o->env, "OTLP: %s: %llu of %llu spans were not delivered",
			 o->config.shown, (unsigned long long)o->dropped,
			 (unsigned long long)o->given);
	otlp_http_free(o->http);
	otlp_queue_release(&o->queue);
	out_release(&o->span);
	out_release(&o->resource);
	out_release(&o->body);
	mem_free(o);
}

bool otlp_exporter(struct arena *a, const struct otlp_ask *ask, struct span_exporter *to,
		   struct err *err)
{
	struct otlp_config config;
	struct otlp *o;

	if (!otlp_config(&config, a, ask, err))
		return false;
	o = mem_resize(NULL, sizeof(*o));
	*o = (struct otlp){
		.config = config, .as = config.json ? &otlp_json : &otlp_protobuf,
		.env = ask->env,
		.retry_first_ns = ask->retry_first_ns ? ask->retry_first_ns : SECOND,
		.batch = ARENA_ARRAY(a, struct otlp_piece, config.batch),
	};
	if (!otlp_http_new(&o->http, &o->config, o->as->content_type, must_stop, o, err)) {
		mem_free(o);
		return false;
	}
	out_memory(&o->span);
	out_memory(&o->resource);
	out_memory(&o->body);
	o->as->resource(&o->resource, &ask->resource);
	otlp_queue_init(&o->queue, config.queue, config.batch, config.delay_ns);
	*to = (struct span_exporter){
		.ctx = o, .span = on_span, .tick = on_tick, .end = on_end, .dropped = &o->dropped
	};
	return true;
}
