/* otlp_answer - what a collector's answer means: taken, send it again, or never.
 *
 * Owns     nothing: `why` lies in the struct.
 * Units    nanoseconds.
 * Fails    never: a body that is none of OTLP's says nothing.
 * Threads  any.
 * Source   OpenTelemetry protocol specification, "OTLP/HTTP response", "Failures", "Retryable
 *          response codes"; collector/{trace,metrics}/v1; google/rpc/status.proto. */
#ifndef OUT_OTLP_ANSWER_H
#define OUT_OTLP_ANSWER_H

#include "base/str.h"
#include "out/otlp_signal.h"

enum otlp_fate { FATE_TAKEN, FATE_AGAIN, FATE_NEVER };

/* What is said once. */
enum otlp_trouble {
	TROUBLE_NONE, TROUBLE_REACH, TROUBLE_TLS, TROUBLE_TIME, TROUBLE_BUSY, TROUBLE_REFUSED,
	TROUBLE_REDIRECT, TROUBLE_PARTIAL, TROUBLE_WARNING, TROUBLE_LONG, TROUBLE_QUEUE,
	TROUBLE_THREAD, TROUBLE_COUNT
};

/* Of a request, as it came. */
struct otlp_reply {
	long status;		/* 0: no answer */
	char failure[320];	/* why there was none, or not all of it; may be empty */
	enum otlp_trouble trouble;	/* of what kind that failure is */
	bool too_long;		/* the rest was not read */
	i64 retry_after_ns;	/* 0: not said */
	struct str body;
	bool json;
};

struct otlp_answer {
	enum otlp_fate fate;
	enum otlp_trouble trouble;
	bool absent;		/* it takes nothing of the kind */
	u64 rejected;		/* of what was taken */
	i64 not_before_ns;	/* from now: as the collector asks, at most RETRY_AFTER_MOST */
	char why[320];
};

#define RETRY_AFTER_MOST ((i64)300 * 1000000000)

void otlp_judge(struct otlp_answer *a, const struct otlp_reply *r, const struct otlp_signal *of);
/* The n-th wait before a repetition (from 0): twice as long each time, at most 16 times as long,
 * of which half is left to chance. */
i64 otlp_backoff(i64 first_ns, unsigned n, u32 random);

#endif
