#include "out/otlp.h"

#include "out/otlp_metrics.h"
#include "out/otlp_send.h"

struct otlp {
	struct otlp_sender *sender;
	struct otlp_metrics *metrics;	/* NULL: none */
	struct out span;		/* one, being encoded */
};

static void on_tick(void *ctx, i64 now)
{
	struct otlp *o = ctx;

	(void)now;
	otlp_send_tick(o->sender);
	if (o->metrics)
		otlp_metrics_tick(o->metrics);
}

static void on_span(void *ctx, const struct span *s)
{
	struct otlp *o = ctx;
	struct otlp_piece piece;

	if (o->metrics)
		otlp_metrics_add(o->metrics, s);
	if (!s->self.sampled)
		return;
	o->span.n = 0;
	otlp_send_as(o->sender)->span(&o->span, s);
	piece = (struct otlp_piece){ s->scope, { o->span.buf, o->span.n } };
	(void)otlp_send(o->sender, &piece, 1);
}

/* Both ends go on at the same time. */
static u64 on_end(void *ctx)
{
	struct otlp *o = ctx;
	u64 dropped;

	otlp_send_ends(o->sender);
	if (o->metrics)
		otlp_metrics_ends(o->metrics);
	dropped = otlp_send_free(o->sender);
	if (o->metrics)
		otlp_metrics_free(o->metrics);
	out_release(&o->span);
	mem_free(o);
	return dropped;
}

bool otlp_exporter(struct arena *a, const struct otlp_ask *ask, struct span_exporter *to,
		   struct err *err)
{
	struct otlp_config config;
	struct otlp *o;

	if (!otlp_config(&config, &otlp_spans, a, ask, err))
		return false;
	o = mem_resize(NULL, sizeof(*o));
	*o = (struct otlp){ 0 };
	out_memory(&o->span);
	if (!otlp_send_new(&o->sender, a, &config, ask, err)) {
		mem_free(o);
		return false;
	}
	if (!otlp_metrics_new(&o->metrics, a, ask, err)) {
		(void)otlp_send_free(o->sender);
		mem_free(o);
		return false;
	}
	*to = (struct span_exporter){
		.ctx = o, .all = o->metrics != NULL, .span = on_span, .tick = on_tick,
		.end = on_end,
	};
	return true;
}
