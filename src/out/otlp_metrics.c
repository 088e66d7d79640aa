#include "out/otlp_metrics.h"

#include "base/clock.h"
#include "out/otlp_send.h"
#include "span/metrics.h"

struct otlp_metrics {
	struct otlp_sender *sender;
	struct metrics metrics;
	struct otel_env env;
	bool delta;		/* what is sent was counted since the last ones were */
	bool told;		/* what is not sent */
	i64 from_ns;		/* Unix ns */
	i64 every_ns, next_ns;
	struct out out[METRICS];
};

bool otlp_metrics_new(struct otlp_metrics **to, struct arena *a, const struct otlp_ask *ask,
		      struct err *err)
{
	struct otlp_config config;
	struct otlp_sender *sender;
	struct otlp_metrics *m;

	*to = NULL;
	if (!otlp_config(&config, &otlp_metrics, a, ask, err))
		return false;
	if (!config.url)
		return true;
	if (!otlp_send_new(&sender, a, &config, ask, err))
		return false;
	m = mem_resize(NULL, sizeof(*m));
	*m = (struct otlp_metrics){
		.sender = sender, .env = ask->env, .delta = !config.cumulative,
		.metrics = { .exemplars = config.exemplars },
		.from_ns = clock_ns(CLOCK_REALTIME),
		.every_ns = config.every_ns, .next_ns = now_ns() + config.every_ns,
	};
	for (u32 i = 0; i < METRICS; i++)
		out_memory(&m->out[i]);
	*to = m;
	return true;
}

void otlp_metrics_add(struct otlp_metrics *m, const struct span *s)
{
	metrics_add(&m->metrics, s);
}

/* A sum that some messages are missing from would be taken for all of them. */
static bool is_whole(struct otlp_metrics *m, u32 metric)
{
	if (!m->metrics.of[metric].unknown)
		return true;
	if (!m->told)
		otel_say(&m->env, "OTLP: %s is not sent: of some calls it is not known how many "
			 "messages they are of", metric_about(metric).name);
	m->told = true;
	return false;
}

static void put(struct otlp_metrics *m)
{
	const struct otlp_encoding *as = otlp_send_as(m->sender);
	struct otlp_counted when = {
		.from_ns = m->from_ns, .to_ns = MAX(clock_ns(CLOCK_REALTIME), m->from_ns),
		.temporality = m->delta ? TEMPORALITY_DELTA : TEMPORALITY_CUMULATIVE,
	};
	struct otlp_piece pieces[METRICS];
	size_t n = 0;

	if (otlp_send_refused(m->sender))
		return;
	for (u32 i = 0; i < METRICS; i++) {
		const struct metric *of = &m->metrics.of[i];

		if (!is_whole(m, i) || !of->series.n)
			continue;
		m->out[i].n = 0;
		as->metric(&m->out[i], of, metric_about(i), when);
		pieces[n++] = (struct otlp_piece){
			STR("goshawk"), { m->out[i].buf, m->out[i].n } };
	}
	if ((n && !otlp_send(m->sender, pieces, n)) || !m->delta)
		return;
	metrics_reset(&m->metrics);
	m->from_ns = when.to_ns;
}

/* While some are under way no more are put: there is room for the last ones then. */
void otlp_metrics_tick(struct otlp_metrics *m)
{
	if (now_ns() >= m->next_ns && otlp_send_idle(m->sender)) {
		m->next_ns = MAX(m->next_ns + m->every_ns, now_ns());
		put(m);
	}
	otlp_send_tick(m->sender);
}

void otlp_metrics_ends(struct otlp_metrics *m)
{
	put(m);
	otlp_send_ends(m->sender);
}

void otlp_metrics_free(struct otlp_metrics *m)
{
	(void)otlp_send_free(m->sender);
	metrics_release(&m->metrics);
	for (u32 i = 0; i < METRICS; i++)
		out_release(&m->out[i]);
	mem_free(m);
}
