#include "out/store_write.h"

#include <signal.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "out/store_bound.h"
#include "out/store_queue.h"
#include "out/store_rows.h"
#include "out/troubles.h"

#define SECOND ((i64)1000000000)
#define WAITS (SECOND / 2)	/* a span, for others */
#define PAUSE (SECOND / 5)	/* before it is tried again */
#define END_MOST (5 * SECOND)

enum {
	BATCH = 1000,	/* spans in one transaction... */
	SHARE = 32,	/* ...or this part of the store */
	TRIES = 3,
};

enum store_trouble { TROUBLE_DISK, TROUBLE_KEEP_UP, TROUBLE_NO_THREAD };

struct writer {
	const char *path;
	u64 bytes;
	i64 age_ns;
	struct otel_env env;
	/* of who calls */
	struct out record;	/* one, being copied */
	u64 given, full, dropped;
	bool started, no_thread;
	pthread_t thread;
	struct store_queue queue;
	/* under the queue's lock */
	struct troubles troubles;	/* enum store_trouble */
	/* of the thread, once it runs */
	struct store_rows rows;
	struct store_bounds bounds;
};

/* The thread --------------------------------------------------------------------------------- */

static bool is_late(struct writer *w)
{
	return now_ns() > handover_limit(&w->queue.with);
}

/* Another writes: how long do we wait? */
static int on_busy(void *ctx, int times)
{
	struct writer *w = ctx;

	if (times > STORE_BUSY_MS / 5 || is_late(w))
		return 0;
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	return 1;
}

static bool open_it(struct writer *w, struct err *err)
{
	struct sqlite3 *db;

	if (!store_open(&db, w->path, err))
		return false;
	if (!store_bounds_set(&w->bounds, db, w->path, w->bytes, w->age_ns, err) ||
	    !store_rows_open(&w->rows, db, w->path, err)) {
		store_close(&db);
		return false;
	}
	sqlite3_busy_handler(db, on_busy, w);
	return true;
}

/* Where it was moved away, or deleted, the path is begun anew. */
static bool is_there(struct writer *w, struct err *err)
{
	int moved = 0;

	if (w->rows.db)
		sqlite3_file_control(w->rows.db, NULL, SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved)
		store_rows_close(&w->rows);
	return w->rows.db || open_it(w, err);
}

/* Is there room in this transaction for one more, behind `n` that began with `all` bytes to go? A
 * store keeps a tenth of itself free (store_bound.h), and indexes double what is written. */
static bool has_room(const struct writer *w, int n, size_t all, struct str rest)
{
	return rest.n && n < BATCH && all - rest.n <= w->bytes / SHARE;
}

/* `rest` moves behind what was written. */
static bool write_some(struct writer *w, struct str *rest, struct err *err)
{
	struct sqlite3 *db = w->rows.db;
	size_t all = rest->n;

	if (!store_run(db, w->path, "BEGIN IMMEDIATE", err) ||
	    !store_rows_resource(&w->rows, unix_ns(), err))
		return false;
	for (int i = 0; has_room(w, i, all, *rest); i++)
		if (!store_rows_span(&w->rows, store_record_next(rest), err))
			return false;
	return store_run(db, w->path, "COMMIT", err);
}

static bool attempt(struct writer *w, struct str *rest, struct err *err)
{
	struct str from = *rest;

	if (is_there(w, err) &&
	    store_bound(&w->bounds, w->rows.db, w->path, unix_ns(), err) &&
	    write_some(w, rest, err))
		return true;
	if (w->rows.db && !sqlite3_get_autocommit(w->rows.db))
		sqlite3_exec(w->rows.db, "ROLLBACK", NULL, NULL, NULL);
	*rest = from;
	return false;
}

static void give_up(struct writer *w, struct str *rest)
{
	size_t all = rest->n;
	int n = 0;

	for (; has_room(w, n, all, *rest); n++)
		store_record_next(rest);
	handover_lock(&w->queue.with);
	w->queue.with.lost += (u64)n;
	handover_unlock(&w->queue.with);
}

static void deliver(struct writer *w, struct str rest)
{
	struct err err;
	int tries = 0;

	while (rest.n) {
		if (tries < TRIES && !is_late(w) &&
		    (!tries || handover_sleep(&w->queue.with, now_ns() + PAUSE, false))) {
			tries++;
			if (attempt(w, &rest, &err))
				tries = 0;
			else
				trouble(&w->troubles, &w->queue.with, TROUBLE_DISK, "%s",
					err.msg);
			continue;
		}
		give_up(w, &rest);
		tries = TRIES - 1;	/* nor is the disk better yet */
	}
}

static void *write_thread(void *ctx)
{
	struct writer *w = ctx;
	struct str all;

	while ((all = store_queue_take(&w->queue)).n)
		deliver(w, all);
	return NULL;
}

/* Signals are for the thread that runs the session. */
static bool start(struct writer *w)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	w->started = !pthread_create(&w->thread, NULL, write_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->no_thread = !w->started;
	if (w->started)
		pthread_setname_np(w->thread, "goshawk-store");
	else
		trouble(&w->troubles, &w->queue.with, TROUBLE_NO_THREAD,
			"there can be no thread to write it: spans are lost");
	return w->started;
}

/* The exporter ------------------------------------------------------------------------------- */

static void on_tick(void *ctx, i64 now)
{
	struct writer *w = ctx;
	u32 fresh;

	(void)now;
	handover_lock(&w->queue.with);
	fresh = troubles_take(&w->troubles);
	w->dropped = w->full + w->queue.with.lost;
	handover_unlock(&w->queue.with);
	for (u32 i = 0; i < TROUBLES_MOST; i++)
		if (fresh & 1u << i)
			otel_say(&w->env, "--store %s%s%s", i == TROUBLE_DISK ? "" : w->path,
				 i == TROUBLE_DISK ? "" : ": ", w->troubles.why[i]);
}

static void on_span(void *ctx, const struct span *s)
{
	struct writer *w = ctx;

	w->given++;
	w->record.n = 0;
	store_record(&w->record, s);
	if ((w->started || (!w->no_thread && start(w))) &&
	    store_queue_put(&w->queue, (struct str){ w->record.buf, w->record.n }))
		return;
	w->full++;
	w->dropped++;
	if (w->started)
		trouble(&w->troubles, &w->queue.with, TROUBLE_KEEP_UP,
			"does not keep up: the queue is full, and spans are lost");
}

static u64 on_end(void *ctx)
{
	struct writer *w = ctx;
	u64 dropped;

	if (w->started) {
		handover_end(&w->queue.with, now_ns() + END_MOST);
		pthread_join(w->thread, NULL);
	}
	on_tick(w, 0);
	if (w->dropped)
		otel_say(&w->env, "--store %s: %llu of %llu spans were not stored", w->path,
			 (unsigned long long)w->dropped, (unsigned long long)w->given);
	dropped = w->dropped;
	store_rows_close(&w->rows);
	store_rows_release(&w->rows);
	store_queue_release(&w->queue);
	out_release(&w->record);
	mem_free(w);
	return dropped;
}

bool store_exporter(const struct store_ask *ask, struct span_exporter *to, struct err *err)
{
	struct writer *w = mem_resize(NULL, sizeof(*w));

	*w = (struct writer){
		.path = ask->path, .bytes = ask->bytes, .age_ns = ask->age_ns, .env = ask->env,
	};
	store_queue_init(&w->queue, WAITS);
	store_rows_init(&w->rows, &ask->resource);
	out_memory(&w->record);
	*to = (struct span_exporter){
		.ctx = w, .span = on_span, .tick = on_tick, .end = on_end,
	};
	if (open_it(w, err))
		return true;
	on_end(w);
	return false;
}
