/* otlp_send - what waits for a collector is sent in batches, by a thread of its own.
 *
 * Who puts never waits for the network. What a collector can't take now is sent again, later and
 * later, for a bounded time. What is lost is counted.
 *
 * The thread begins with what is put first: before that, the process may fork. A child that does
 * not exec has no such thread and must not use the sender.
 *
 * Owns     queue, thread and connection until otlp_send_free(). The configuration lies in the
 *          arena, which has to outlive that.
 * Units    nanoseconds.
 * Fails    otlp_send_new: ERR_UNSUPPORTED without libcurl. Later: what goes wrong is said once of
 *          each kind.
 * Threads  all functions are called by one thread, and `say` only from within otlp_send_tick and
 *          otlp_send_free; the thread that sends blocks all signals. */
#ifndef OUT_OTLP_SEND_H
#define OUT_OTLP_SEND_H

#include "out/otlp_config.h"
#include "out/otlp_encode.h"

struct otlp_sender;
/* `c` is copied. */
bool otlp_send_new(struct otlp_sender **to, struct arena *a, const struct otlp_config *c,
		   const struct otlp_ask *ask, struct err *err) MUST_CHECK;
const struct otlp_encoding *otlp_send_as(const struct otlp_sender *s);
/* All of them or none; they are copied. False: there is no room, or no thread. */
bool otlp_send(struct otlp_sender *s, const struct otlp_piece *p, size_t n);
/* Does nothing wait, and is nothing under way? */
bool otlp_send_idle(struct otlp_sender *s);
/* Has the collector said that it takes nothing of the kind? */
bool otlp_send_refused(struct otlp_sender *s);
/* What has gone wrong is said. */
void otlp_send_tick(struct otlp_sender *s);
/* What waits has to go within a bounded time; no more is put. */
void otlp_send_ends(struct otlp_sender *s);
/* Waits for that. Gives how many of those that were put are lost. */
u64 otlp_send_free(struct otlp_sender *s);

#endif
