/* store_queue - records of spans on their way to the thread that writes them.
 *
 * They stand behind each other in one buffer. The thread takes all of it and leaves its own, which
 * it has done with, so nothing is allocated for a span once both have grown.
 *
 * Owns     both buffers, until store_queue_release(). What was taken holds until the next take.
 * Units    ns of the monotonic clock.
 * Fails    put: false when it is full.
 * Threads  one puts and ends, one takes and pauses. */
#ifndef OUT_STORE_QUEUE_H
#define OUT_STORE_QUEUE_H

#include "base/out.h"
#include "out/handover.h"

enum { STORE_QUEUE_BYTES = 32 << 20 };

struct store_queue {
	i64 delay_ns;		/* how long a record waits for others */
	struct handover with;
	/* under its lock */
	struct out filling;
	i64 first_ns;		/* when the first of them came */
	size_t taken;		/* bytes that are being written */
	/* of the one who takes */
	struct out writing;
};

void store_queue_init(struct store_queue *q, i64 delay_ns);
bool store_queue_put(struct store_queue *q, struct str record);
/* Waits for some; none: it has ended. */
struct str store_queue_take(struct store_queue *q);
void store_queue_release(struct store_queue *q);

#endif
