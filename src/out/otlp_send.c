#include "out/otlp_send.h"

#include <signal.h>
#include <sys/random.h>

#include "base/clock.h"
#include "out/otlp_http.h"
#include "out/otlp_queue.h"
#include "out/troubles.h"

#define SECOND ((i64)1000000000)
/* What waits at the end may take five seconds, of which one is libcurl's, who asks no more often
 * whether to go on with what was begun before. */
#define END_MOST (4 * SECOND)

struct otlp_sender {
	struct otlp_config config;
	const struct otlp_encoding *as;
	struct otel_env env;
	i64 retry_first_ns;
	/* of who calls */
	u64 given, full, dropped;
	bool started, no_thread;
	pthread_t thread;
	struct otlp_queue queue;
	/* under the queue's lock */
	struct troubles troubles;	/* enum otlp_trouble */
	bool refused;
	/* of the thread */
	struct otlp_http *http;
	struct otlp_piece *batch;
	struct out resource, body;
	i64 not_before_ns;		/* the next request */
	bool unreachable;		/* as of the last one */
	bool failed;			/* that batch did not arrive */
};

/* The thread --------------------------------------------------------------------------------- */

static bool must_stop(void *ctx)
{
	struct otlp_sender *o = ctx;

	return now_ns() > handover_limit(&o->queue.with);
}

static i64 backoff(const struct otlp_sender *o, unsigned n)
{
	u32 random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = UINT32_MAX / 2;
	return otlp_backoff(o->retry_first_ns, n, random);
}

/* One request; false if it is of no use to send another one. */
static bool attempt(struct otlp_sender *o, i64 give_up_ns, unsigned n, struct otlp_answer *a)
{
	i64 limit = MIN(give_up_ns, handover_limit(&o->queue.with)), left = limit - now_ns();
	struct otlp_reply r;

	if (left <= 0)
		return false;
	otlp_http_post(o->http, (struct str){ o->body.buf, o->body.n },
		       MIN(left, o->config.timeout_ns), &r);
	otlp_judge(a, &r, o->config.signal);
	if (a->trouble != TROUBLE_NONE)
		trouble(&o->troubles, &o->queue.with, a->trouble, "%s", a->why);
	o->unreachable = !r.status;
	if (a->fate == FATE_AGAIN)
		o->not_before_ns = now_ns() + MAX(backoff(o, n), a->not_before_ns);
	return a->fate == FATE_AGAIN && o->not_before_ns < give_up_ns;
}

static void refuse(struct otlp_sender *o)
{
	handover_lock(&o->queue.with);
	o->refused = true;
	handover_unlock(&o->queue.with);
}

/* How many of them are lost. A collector that can't be reached when all ends is tried once more,
 * and then no more. */
static u64 deliver(struct otlp_sender *o, size_t n)
{
	struct otlp_answer a = { .fate = FATE_AGAIN };
	i64 give_up = MAX(now_ns(), o->not_before_ns) + o->config.export_ns;
	bool again = true;

	o->body.n = 0;
	o->as->request(&o->body, o->config.signal,
		       (struct str){ o->resource.buf, o->resource.n }, o->batch, n);
	for (unsigned tries = 0; again; tries++) {
		bool last = handover_limit(&o->queue.with) != INT64_MAX && o->unreachable && tries;

		if (last || !handover_sleep(&o->queue.with, o->not_before_ns, o->unreachable))
			break;
		again = attempt(o, give_up, tries, &a);
	}
	o->failed = a.fate != FATE_TAKEN;
	if (a.absent)
		refuse(o);
	return o->failed ? n : MIN(a.rejected, (u64)n);
}

static void *sender(void *ctx)
{
	struct otlp_sender *o = ctx;
	bool gone = false;
	size_t n;

	while ((n = otlp_queue_take(&o->queue, o->batch))) {
		otlp_queue_done(&o->queue, n, gone ? n : deliver(o, n));
		o->failed |= gone;
		gone = o->unreachable && handover_limit(&o->queue.with) != INT64_MAX;
	}
	return NULL;
}

/* Signals are for the thread that runs the session. */
static bool start(struct otlp_sender *o)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	o->started = !pthread_create(&o->thread, NULL, sender, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (o->started)
		pthread_setname_np(o->thread, "goshawk-otlp");
	else
		trouble(&o->troubles, &o->queue.with, TROUBLE_THREAD, "there can be no thread to "
			"send %s: they are lost", o->config.signal->things);
	o->no_thread = !o->started;
	return o->started;
}

/* Who calls ---------------------------------------------------------------------------------- */

static void say(const struct otlp_sender *o, enum otlp_trouble kind, const char *why)
{
	bool failure = kind <= TROUBLE_TIME, waits = failure && kind != TROUBLE_TLS &&
						     !o->queue.with.ending;

	otel_say(&o->env, "OTLP: %s%s %s%s%s%s%s", o->config.shown, failure ? ":" : "", why,
		 waits ? "; " : "", waits ? o->config.signal->things : "",
		 waits ? " wait, and are sent again" : "",
		 failure && o->config.grpc_port ? " (4317 is usually the port of gRPC; HTTP has "
		 "4318)" : "");
}

void otlp_send_tick(struct otlp_sender *o)
{
	u32 fresh;

	handover_lock(&o->queue.with);
	fresh = troubles_take(&o->troubles);
	o->dropped = o->full + o->queue.with.lost;
	handover_unlock(&o->queue.with);
	_Static_assert((u32)TROUBLE_COUNT <= (u32)TROUBLES_MOST, "a bit for each");
	for (u32 i = 0; i < TROUBLE_COUNT; i++)
		if (fresh & 1u << i)
			say(o, i, o->troubles.why[i]);
}

const struct otlp_encoding *otlp_send_as(const struct otlp_sender *o)
{
	return o->as;
}

bool otlp_send(struct otlp_sender *o, const struct otlp_piece *p, size_t n)
{
	o->given += n;
	if ((o->started || (!o->no_thread && start(o))) && otlp_queue_put(&o->queue, p, n))
		return true;
	o->full += n;
	o->dropped += n;
	if (o->started)
		trouble(&o->troubles, &o->queue.with, TROUBLE_QUEUE, "does not keep up: the queue "
			"is full, and %s are lost", o->config.signal->things);
	return false;
}

bool otlp_send_idle(struct otlp_sender *o)
{
	bool idle;

	handover_lock(&o->queue.with);
	idle = !o->queue.filling.at.n && !o->queue.held;
	handover_unlock(&o->queue.with);
	return idle;
}

bool otlp_send_refused(struct otlp_sender *o)
{
	bool refused;

	handover_lock(&o->queue.with);
	refused = o->refused;
	handover_unlock(&o->queue.with);
	return refused;
}

void otlp_send_ends(struct otlp_sender *o)
{
	if (o->started)
		handover_end(&o->queue.with, now_ns() + MIN(END_MOST, o->config.export_ns));
}

/* Of what is cumulative only the last counts. */
static void say_lost(const struct otlp_sender *o)
{
	const struct otlp_signal *of = o->config.signal;

	if (o->config.cumulative && !o->refused && (o->failed || o->no_thread))
		otel_say(&o->env, "OTLP: %s: the last %s were not delivered", o->config.shown,
			 of->things);
	else if (!o->config.cumulative && o->dropped && !o->refused)
		otel_say(&o->env, "OTLP: %s: %llu of %llu %s were not delivered",
			 o->config.shown, (unsigned long long)o->dropped,
			 (unsigned long long)o->given, of->things);
}

u64 otlp_send_free(struct otlp_sender *o)
{
	u64 dropped;

	if (o->started)
		pthread_join(o->thread, NULL);
	otlp_send_tick(o);
	say_lost(o);
	dropped = o->dropped;
	otlp_http_free(o->http);
	otlp_queue_release(&o->queue);
	out_release(&o->resource);
	out_release(&o->body);
	mem_free(o);
	return dropped;
}

bool otlp_send_new(struct otlp_sender **to, struct arena *a, const struct otlp_config *c,
		   const struct otlp_ask *ask, struct err *err)
{
	struct otlp_sender *o = mem_resize(NULL, sizeof(*o));

	*o = (struct otlp_sender){
		.config = *c, .as = c->json ? &otlp_json : &otlp_protobuf, .env = ask->env,
		.retry_first_ns = ask->retry_first_ns ? ask->retry_first_ns : SECOND,
		.batch = ARENA_ARRAY(a, struct otlp_piece, c->batch),
	};
	if (!otlp_http_new(&o->http, &o->config, o->as->content_type, must_stop, o, err)) {
		mem_free(o);
		return false;
	}
	out_memory(&o->resource);
	out_memory(&o->body);
	o->as->resource(&o->resource, &ask->resource);
	otlp_queue_init(&o->queue, c->queue, c->batch, c->delay_ns);
	*to = o;
	return true;
}
