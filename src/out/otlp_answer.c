#include "out/otlp_answer.h"

#include "base/out.h"
#include "base/rd.h"

enum { MESSAGE_MOST = 160 };

/* What an answer says by itself. */
struct said {
	u64 rejected;
	struct str message;
};

/* A varint, or the bytes of a field; others are skipped. 0 at the end. */
static u32 next_field(struct rd *r, u64 *number, struct str *bytes)
{
	u64 tag = rd_left(r) ? rd_uvarint(r) : 0;

	*number = 0;
	*bytes = (struct str){ 0 };
	switch (tag & 7) {
	case 0:
		*number = tag ? rd_uvarint(r) : 0;
		break;
	case 1:
		rd_skip(r, 8);
		break;
	case 2:
		*bytes = rd_bytes(r, rd_count(r, rd_uvarint(r), 1));
		break;
	case 5:
		rd_skip(r, 4);
		break;
	default:
		rd_fail(r, "a field of no known wire type");
	}
	return r->bad ? 0 : (u32)(tag >> 3);
}

/* Export…ServiceResponse: 1 partial_success { 1 rejected_…, 2 error_message } */
static void read_partial(struct said *s, struct str body)
{
	struct rd r = rd_of(body.p, body.n, "answer");
	struct str bytes, text;
	u64 number;
	u32 field;

	while ((field = next_field(&r, &number, &bytes))) {
		struct rd in = rd_of(bytes.p, bytes.n, "answer");

		while (field == 1 && (field = next_field(&in, &number, &text))) {
			if (field == 1)
				s->rejected = number;
			if (field == 2)
				s->message = text;
			field = 1;
		}
	}
	if (r.bad)
		*s = (struct said){ 0 };
}

/* google.rpc.Status: 1 code, 2 message */
static void read_status(struct said *s, struct str body)
{
	struct rd r = rd_of(body.p, body.n, "answer");
	struct str text;
	u64 number;
	u32 field;

	while ((field = next_field(&r, &number, &text)))
		if (field == 2)
			s->message = text;
	if (r.bad)
		s->message = (struct str){ 0 };
}

/* The text or number behind "key": of JSON, as it stands there; empty without one. A key inside
 * a text would be found as well: it is only shown. */
static struct str json_find(struct str body, struct str key)
{
	ptrdiff_t at = str_find(body, key);
	size_t n = 0;
	bool text;

	if (at < 0)
		return (struct str){ 0 };
	body = str_cut(body, (size_t)at + key.n, body.n);
	while (body.n && strchr(" \t\r\n:", *body.p))
		body = str_cut(body, 1, body.n);
	text = body.n && *body.p == '"';
	body = str_cut(body, text, body.n);
	while (n < body.n && (text ? body.p[n] != '"' : body.p[n] >= '0' && body.p[n] <= '9'))
		n += text && body.p[n] == '\\' ? 2 : 1;
	return str_cut(body, 0, n);
}

static void read_json(struct said *s, struct str body, const struct otlp_signal *of,
		      struct str message)
{
	struct str n = json_find(body, str_of(of->rejected));

	for (size_t i = 0; i < n.n && n.p[i] >= '0' && n.p[i] <= '9' && i < 18; i++)
		s->rejected = s->rejected * 10 + (u64)(n.p[i] - '0');
	s->message = json_find(body, message);
}

static void explain(struct otlp_answer *a, const char *what, struct str message)
{
	OWN(out) o;

	out_memory(&o);
	out_clean(&o, str_of(what));	/* of a certificate, too */
	if (message.n) {
		out_z(&o, ": ");
		out_clean(&o, str_cut(message, 0, MESSAGE_MOST));
	}
	out_c(&o, 0);
	snprintf(a->why, sizeof(a->why), "%s", o.buf);
}

static void judge_taken(struct otlp_answer *a, const struct otlp_reply *r,
			const struct otlp_signal *of)
{
	struct said s = { 0 };
	char what[80];

	if (r->json)
		read_json(&s, r->body, of, STR("\"errorMessage\""));
	else
		read_partial(&s, r->body);
	a->fate = FATE_TAKEN;
	a->rejected = s.rejected;
	if (s.rejected) {
		a->trouble = TROUBLE_PARTIAL;
		snprintf(what, sizeof(what), "took a batch but for %llu %s",
			 (unsigned long long)s.rejected, of->counted);
		explain(a, what, s.message);
	} else if (s.message.n) {
		a->trouble = TROUBLE_WARNING;
		snprintf(what, sizeof(what), "took the %s and says", of->things);
		explain(a, what, s.message);
	} else if (r->too_long) {
		a->trouble = TROUBLE_LONG;
		snprintf(what, sizeof(what), "took the %s, with an answer that is too long to be "
			 "read", of->things);
		explain(a, what, (struct str){ 0 });
	}
}

static bool is_again(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static void judge_refused(struct otlp_answer *a, const struct otlp_reply *r,
			  const struct otlp_signal *of)
{
	struct said s = { 0 };
	char what[80];

	if (r->json)
		read_json(&s, r->body, of, STR("\"message\""));
	else
		read_status(&s, r->body);
	a->fate = is_again(r->status) ? FATE_AGAIN : FATE_NEVER;
	a->trouble = a->fate == FATE_AGAIN ? TROUBLE_BUSY : TROUBLE_REFUSED;
	a->absent = of->optional && r->status == 404;
	snprintf(what, sizeof(what), "answers %ld", r->status);
	if (a->fate == FATE_AGAIN)
		snprintf(what, sizeof(what), "answers %ld: %s are sent again, later", r->status,
			 of->things);
	if (a->absent)
		snprintf(what, sizeof(what), "answers %ld: it takes no %s, and none are sent any "
			 "more", r->status, of->things);
	if (r->status >= 300 && r->status < 400) {
		a->trouble = TROUBLE_REDIRECT;
		snprintf(what, sizeof(what), "answers %ld: redirects are not followed; give the "
			 "URL that it leads to", r->status);
		s.message.n = 0;
	}
	explain(a, what, s.message);
	if (a->fate == FATE_AGAIN && r->retry_after_ns > 0)
		a->not_before_ns = MIN(r->retry_after_ns, RETRY_AFTER_MOST);
}

void otlp_judge(struct otlp_answer *a, const struct otlp_reply *r, const struct otlp_signal *of)
{
	*a = (struct otlp_answer){ 0 };
	if (r->status >= 200 && r->status < 300) {
		judge_taken(a, r, of);
	} else if (r->status) {
		judge_refused(a, r, of);
	} else {
		a->fate = r->trouble == TROUBLE_TLS ? FATE_NEVER : FATE_AGAIN;
		a->trouble = r->trouble;
		explain(a, r->failure, (struct str){ 0 });
	}
}

i64 otlp_backoff(i64 first_ns, unsigned n, u32 random)
{
	i64 half = (first_ns << MIN(n, 4u)) / 2;

	return half + (i64)((double)half * random / UINT32_MAX);
}
