/* otlp_queue - encoded spans or metrics between who makes them and the thread that sends them.
 *
 * What comes is put behind each other in one buffer; who sends takes the whole buffer and leaves
 * its own empty one, so nothing is allocated per span once both have grown.
 *
 * Owns     both buffers, until otlp_queue_release(). Pieces that were taken hold until the next
 *          take.
 * Units    nanoseconds of the monotonic clock.
 * Fails    put: false when it is full, by number or by bytes. First it waits for room, for a
 *          tenth of a second and a fifth of all time at most: spans are made from buffers that
 *          hold more, and where processors are short who sends gets on when who makes them waits.
 * Threads  one puts and ends, one takes, sleeps and says what it is done with. */
#ifndef OUT_OTLP_QUEUE_H
#define OUT_OTLP_QUEUE_H

#include "base/out.h"
#include "base/vec.h"
#include "out/handover.h"
#include "out/otlp_encode.h"

enum { QUEUE_BYTES_MOST = 32 << 20, BATCH_BYTES_MOST = 4 << 20,
       ROOM_WAIT_NS = 100000000, ROOM_WAIT_LEAST_NS = 1000000, ROOM_WAIT_SHARE = 4 };

struct otlp_place {
	size_t at, nscope, nitem;
};

struct otlp_pieces {
	struct out bytes;
	VEC(struct otlp_place) at;
};

struct otlp_queue {
	size_t most, batch;	/* pieces: that wait, and that are taken at once */
	i64 delay_ns;		/* how long one waits for others */
	struct handover with;
	/* under its lock */
	struct otlp_pieces filling;
	i64 first_ns;		/* when the first of them came */
	size_t held, held_bytes;	/* taken, and not done with */
	i64 waited_ns;		/* until when one has waited for room; 0: never */
	/* of the one who takes */
	struct otlp_pieces sending;
	size_t next;
};

void otlp_queue_init(struct otlp_queue *q, size_t most, size_t batch, i64 delay_ns);
/* All of them, or none. */
bool otlp_queue_put(struct otlp_queue *q, const struct otlp_piece *p, size_t n);
/* Waits for a whole batch, or until one has waited long enough; 0: it has ended, and is empty.
 * `to` has room for a batch. */
size_t otlp_queue_take(struct otlp_queue *q, struct otlp_piece *to);
/* The last n that were taken are gone, `lost` of them for ever. */
void otlp_queue_done(struct otlp_queue *q, size_t n, u64 lost);
void otlp_queue_release(struct otlp_queue *q);

#endif
