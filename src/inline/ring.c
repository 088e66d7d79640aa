/* The reader's side of the rings. All rings are merged by time, up to a horizon: a record that is
 * older than the horizon can no longer appear. A writer reserves, then takes the time, so what is
 * reserved after we looked is younger than the moment before we looked; MARGIN covers that
 * processors reorder. A slot that is reserved and not yet committed holds everything back that is
 * not older than the record before it, or than the last moment when nothing was reserved. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inline/session.h"

enum {
	MARGIN_NS = 5000,
	PUBLISH = 1 << 12,
	SPARE = 24, /* rings that are ready and have no thread yet: threads come in bursts */
	LINE = 64,
	AHEAD = 1024,
	ROUND = 8192, /* records in one poll: output is written between polls */
	WAIT_WORKING_NS = 1000000000,
	WAIT_BLOCKED_NS = 10000000,
	FUTURE_NS = 1000000000,
};

/* What the kernel marks when we die (set_robust_list(2)). The list is in our own memory and the
 * word alone in the shared: a mutex of the C library keeps its list's pointers beside the word,
 * where the target may write, and follows them when it is given back. A list has one distance to
 * its words, so a process holds one. */
static struct {
	struct robust_list_head head;
	struct robust_list entry;
} robust;
static u64 *word(const struct inline_session *s, u64 off)
{
	return (u64 *)(void *)(s->shared + off);
}

static u8 *ring_at(const struct inline_session *s, u32 i)
{
	return s->shared + SHARED_RINGS + i * ring_stride(s->layout.buffer);
}

static u64 *ring_word(const struct inline_session *s, u32 i, u64 off)
{
	return (u64 *)(void *)(ring_at(s, i) + off);
}

static u64 ticks(const struct inline_session *s, u64 ns)
{
	return (u64)(((unsigned __int128)ns << 32) / s->clock.mult);
}

static void may_wait(struct inline_session *s, u64 ns)
{
	__atomic_store_n(word(s, SHARED_WAIT), ticks(s, ns), __ATOMIC_RELEASE);
}

/* Those who wait for us see that we get on, whoever's records these are. Only what was taken
 * counts: a slot that is never committed may hold everything back. */
static void beat(struct inline_session *s)
{
	__atomic_store_n(word(s, SHARED_BEAT), ++s->beat, __ATOMIC_RELEASE);
}

void rings_output_blocks(void *session, bool blocks)
{
	struct inline_session *s = session;

	if (s->took)	/* writing is the rest of that work */
		beat(s);
	s->took &= blocks;
	may_wait(s, blocks ? WAIT_BLOCKED_NS : WAIT_WORKING_NS);
}

static u32 *lock_word(const struct inline_session *s)
{
	return (u32 *)(void *)(s->shared + SHARED_READER);
}

bool rings_hold(struct inline_session *s, struct err *err)
{
	robust.head = (struct robust_list_head){
		.list.next = &robust.entry,
		.futex_offset = (long)((uintptr_t)lock_word(s) - (uintptr_t)&robust.entry),
	};
	robust.entry.next = &robust.head.list;
	if (syscall(SYS_set_robust_list, &robust.head, sizeof(robust.head)))
		return err_set(err, ERR_IO, "no robust lock in the shared memory: %s",
			       strerror(errno));
	__atomic_store_n(lock_word(s), (u32)syscall(SYS_gettid), __ATOMIC_RELEASE);
	s->holds_lock = true;
	return true;
}

void rings_end(struct inline_session *s)
{
	if (!s->holds_lock)
		return;
	__atomic_store_n(lock_word(s), 0, __ATOMIC_RELEASE);
	robust.head.list.next = &robust.head.list;
	s->holds_lock = false;
}

/* Nobody reads them any more, and nobody stands where they are written: the mapping stays, without
 * the memory. (A thread inside would look for its scratch there.) */
void rings_give_back(struct inline_session *s)
{
	if (s->restored && !s->layout.delays && s->memfd >= 0)
		(void)fallocate(s->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, SHARED_RINGS,
				(off_t)(s->shared_bytes - SHARED_RINGS));
}

bool rings_grow(struct inline_session *s, u32 ready, struct err *err)
{
	u64 size = s->layout.delays ? s->shared_bytes : shared_size(s->layout.buffer, ready);

	if (ftruncate(s->memfd, (off_t)size))
		return err_set(err, ERR_IO, "no shared memory for the rings: %s%s", strerror(errno),
			       errno == EFBIG ? " (a limit on the size of files, ulimit -f)" : "");
	s->ready = ready;
	return true;
}

static struct ring_site site_begin(struct inline_session *s, u32 i)
{
	const struct reading *r = site_reads(s->plan, i);
	u16 *statuses = r->texts ? ARENA_ARRAY(&s->arena, u16, r->nreads) : NULL;
	struct ring_site site = {
		.most = (u16)site_size(s->plan, i), .least = (u16)r->size, .statuses = statuses,
	};

	for (u32 k = 0; statuses && k < r->nreads; k++)
		if (r->reads[k].packed)
			statuses[site.nstatuses++] = (u16)r->reads[k].status;
	return site;
}

void rings_start(struct inline_session *s)
{
	may_wait(s, WAIT_WORKING_NS);
	*word(s, SHARED_READY) = s->ready;
	s->nsites = 4 * s->plan->nfuncs;
	s->sites = ARENA_ARRAY(&s->arena, struct ring_site, s->nsites + 1);
	for (u32 i = 0; i < s->nsites; i++)
		if (!s->plan->funcs[i / 4].refusal)
			s->sites[i] = site_begin(s, i);
	s->lost_since_ns = tsc_to_ns(&s->clock, __rdtsc());
}

/* All that a ring holds up to its end was consumed when the thread went on at the ring's beginning,
 * so what it said of that holds until there is something to consume. */
static void load_head(struct inline_session *s, u32 i)
{
	struct ring_state *r = &s->ring[i];
	u64 to = (r->tail | (s->layout.buffer - 1)) + 1;

	r->head = __atomic_load_n(ring_word(s, i, RING_HEAD), __ATOMIC_ACQUIRE);
	if (__atomic_load_n(ring_word(s, i, RING_AGAIN), __ATOMIC_RELAXED) == r->tail + 1 &&
	    (i64)(r->head - to) >= 0)
		r->tail = to;
}

/* The site of a record with this first word, and its size; nsites: it is none. */
static u32 site_of(const struct inline_session *s, u64 word, u32 *size)
{
	u32 site = ((u32)word & ~RECORD_VOID) - 1;

	*size = (u32)(word >> 32);
	if (site >= s->nsites || !s->sites[site].most)
		return s->nsites;
	if (!*size)
		*size = s->sites[site].most;
	return *size < RECORD_HEAD || *size % 8 || *size > s->sites[site].most ? s->nsites : site;
}

/* When a record was made. One that has yet to be made is from before a suspension of the machine,
 * after which time stamps began anew: it must not wait until they are that far again, and others
 * behind it. */
static u64 made_at(const struct inline_session *s, const u8 *slot)
{
	u64 time;

	memcpy(&time, slot + offsetof(struct record_head, tsc), 8);
	return time > s->looked && time > __rdtsc() + ticks(s, FUTURE_NS) ? 0 : time;
}

/* The slot at the ring's tail, or NULL: nothing there, or not committed yet. The head that was
 * loaded may be old: what a record did not need was given back, and may be another one's now. */
static u8 *peek(struct inline_session *s, u32 i, bool *waiting)
{
	struct ring_state *r = &s->ring[i];
	u8 *slot = ring_at(s, i) + RING_DATA + (r->tail & (s->layout.buffer - 1));
	u64 commit;
	u32 site, size;

	*waiting = false;
	if ((i64)(r->head - r->tail) <= 0)
		return NULL;
	commit = __atomic_load_n((u64 *)(void *)slot, __ATOMIC_ACQUIRE);
	if (!commit) {
		load_head(s, i);
		*waiting = (i64)(r->head - r->tail) > 0;
		return NULL;
	}
	site = site_of(s, commit, &size);
	if (site == s->nsites || size > r->head - r->tail)
		load_head(s, i);
	if (site == s->nsites || size > r->head - r->tail) {
		/* somebody else wrote here: nothing in this ring can be trusted up to its head */
		s->bad++;
		memset(ring_at(s, i) + RING_DATA, 0, s->layout.buffer + RING_ROOM);
		r->tail = r->head;
		__atomic_store_n(ring_word(s, i, RING_TAIL), r->tail, __ATOMIC_RELEASE);
		return NULL;
	}
	r->word = commit;
	r->site = site;
	r->size = size;
	r->time = made_at(s, slot);
	return slot;
}

static bool earlier(const struct inline_session *s, u32 a, u32 b)
{
	return s->ring[s->heap[a]].time < s->ring[s->heap[b]].time;
}

static void swap(struct inline_session *s, u32 a, u32 b)
{
	u16 t = s->heap[a];

	s->heap[a] = s->heap[b];
	s->heap[b] = t;
}

static void sink(struct inline_session *s, u32 at)
{
	for (;;) {
		u32 child = 2 * at + 1;

		if (child >= s->nheap)
			return;
		if (child + 1 < s->nheap && earlier(s, child + 1, child))
			child++;
		if (!earlier(s, child, at))
			return;
		swap(s, child, at);
		at = child;
	}
}

static void publish(struct inline_session *s, u32 i)
{
	__atomic_store_n(ring_word(s, i, RING_TAIL), s->ring[i].tail, __ATOMIC_RELEASE);
}

/* The thread's next record looks at our tail, and finds that it may begin again. */
static void offer_beginning(struct inline_session *s, u32 i)
{
	const struct ring_state *r = &s->ring[i];

	if (r->head == r->tail && (r->tail & (s->layout.buffer - 1)) >= RING_AGAIN_FROM)
		__atomic_store_n(ring_word(s, i, RING_LIMIT), 0, __ATOMIC_RELEASE);
}

/* What it ends before is zero, and packed texts lie in it or can't be read. Gives its size. */
static u32 whole(const struct ring_site *site, u8 *copy, u32 size)
{
	u32 status;

	if (size < site->least) {
		memset(copy + size, 0, site->least - size);
		size = site->least;
	}
	memcpy(copy + RECORD_BYTES, &size, sizeof(size));
	for (u32 i = 0; i < site->nstatuses; i++) {
		memcpy(&status, copy + site->statuses[i], sizeof(status));
		if (!status || (record_text(status, 0) >= site->least &&
				record_text(status, 0) + record_captured(status) <= size))
			continue;
		status = CAPTURE_UNREADABLE;
		memcpy(copy + site->statuses[i], &status, sizeof(status));
	}
	return size;
}

/* What comes next is in the cache of the processor that wrote it, and we are to write it as well,
 * after the work on this one. Nothing is asked for that may not be written yet. */
static void ask_ahead(struct inline_session *s, u32 i)
{
	struct ring_state *r = &s->ring[i];
	const u8 *data = ring_at(s, i) + RING_DATA;
	u64 to = MIN(r->head, r->tail + AHEAD), from = r->asked;

	if (from - r->tail > AHEAD)	/* it is elsewhere by now */
		from = r->tail;
	for (; from < to; from += LINE)
		__asm__ volatile("prefetchw %0" : : "m"(data[from & (s->layout.buffer - 1)]));
	r->asked = from;
}

/* Copies the record out, checks it, hands it over, and leaves zeros for the next lap. */
static void take(struct inline_session *s, u32 i, u8 *slot, source_record_fn *fn, void *ctx)
{
	struct ring_state *r = &s->ring[i];
	_Alignas(16) u8 copy[RECORD_MAX];
	struct record_head h;
	struct record rec;
	u32 size = r->size, site = r->site;

	if (*(u64 *)(void *)slot != r->word)
		return;		/* changed since we looked; the next peek sees it */
	memcpy(copy, slot, size);
	memset(slot, 0, size);
	r->last = r->time;
	r->tail += size;
	ask_ahead(s, i);
	if (r->word & RECORD_VOID)
		return;
	size = whole(&s->sites[site], copy, size);
	memcpy(&h, copy, sizeof(h));
	rec = (struct record){
		.func = site / 4,
		.kind = site % 4,
		.time_ns = tsc_to_ns(&s->clock, r->time),
		.goid = h.goid ? h.goid : (u64)1 << 63 | h.g,
		.depth = h.depth,
		.bytes = copy,
		.size = size,
	};
	fn(ctx, &rec);
}

/* More rings before the last is handed out. When there is no memory for them, records are lost and
 * counted as always. */
static void find_rings(struct inline_session *s)
{
	u64 next = __atomic_load_n(word(s, SHARED_NEXT), __ATOMIC_ACQUIRE);
	struct err err;

	s->nrings = MAX(s->nrings, (u32)MIN(next, (u64)s->ready));
	if (next + SPARE > s->ready && s->ready < s->rings_most &&
	    rings_grow(s, MIN(2 * s->ready, s->rings_most), &err))
		__atomic_store_n(word(s, SHARED_READY), s->ready, __ATOMIC_RELEASE);
}

void rings_counts(void *session, u64 *totals)
{
	struct inline_session *s = session;

	find_rings(s);
	for (u32 i = 0; i < s->nrings; i++)
		for (u32 f = 0; f < s->plan->nfuncs; f++)
			totals[f] += __atomic_load_n(ring_word(s, i, ring_count_at(f)),
						     __ATOMIC_RELAXED);
}

static void count_lost(struct inline_session *s, source_lost_fn *lost, void *ctx)
{
	u64 n = __atomic_load_n(word(s, SHARED_LOST), __ATOMIC_RELAXED), more = n - s->lost_no_ring;
	i64 now = tsc_to_ns(&s->clock, __rdtsc());

	s->lost_no_ring = n;
	for (u32 i = 0; i < s->nrings; i++) {
		n = __atomic_load_n(ring_word(s, i, RING_LOST), __ATOMIC_RELAXED);
		more += n - s->ring[i].lost;
		s->ring[i].lost = n;
	}
	more += s->bad;
	s->bad = 0;
	if (more)
		lost(ctx, more, s->lost_since_ns, now);
	s->lost_since_ns = now;
}

static void count_unreadable(struct inline_session *s)
{
	for (u32 i = 0; i < s->nrings; i++) {
		u64 n = __atomic_load_n(ring_word(s, i, RING_UNREADABLE), __ATOMIC_RELAXED);

		s->unreadable += n - s->ring[i].unreadable;
		s->ring[i].unreadable = n;
	}
}

u64 rings_unreadable(void *session)
{
	return ((struct inline_session *)session)->unreadable;
}

u64 rings_fullest(void *session)
{
	return ((struct inline_session *)session)->fullest;
}

u64 rings_poll(void *session, bool all, source_record_fn *record, source_lost_fn *lost, void *ctx)
{
	struct inline_session *s = session;
	u64 looked = __rdtsc() - ticks(s, MARGIN_NS), horizon = all ? UINT64_MAX : looked;
	u64 got = 0;
	bool waiting;

	s->looked = looked;
	tsc_measure(&s->clock);
	find_rings(s);
	s->nheap = 0;
	s->fullest = 0;
	for (u32 i = 0; i < s->nrings; i++) {
		struct ring_state *r = &s->ring[i];

		load_head(s, i);
		if (r->head - r->tail > s->layout.buffer + RING_SLACK) {	/* garbage */
			r->tail = r->head;
			s->bad++;
			publish(s, i);
		}
		s->fullest = MAX(s->fullest, r->head - r->tail);
		if (r->head == r->tail && !all)
			r->last = MAX(r->last, looked);
		if (peek(s, i, &waiting))
			s->heap[s->nheap++] = (u16)i;
		else if (waiting && !all)
			horizon = MIN(horizon, r->last);
	}
	for (u32 i = s->nheap; i-- > 0;)
		sink(s, i);
	while (s->nheap && (all || got < ROUND)) {
		u32 i = s->heap[0];
		struct ring_state *r = &s->ring[i];
		u64 before = r->tail;

		if (r->time > horizon)
			break;
		take(s, i, ring_at(s, i) + RING_DATA + (r->tail & (s->layout.buffer - 1)), record,
		     ctx);
		got++;
		s->took = true;
		if ((before ^ r->tail) & ~(u64)(PUBLISH - 1)) {
			publish(s, i);
			beat(s);
		}
		if (!peek(s, i, &waiting)) {
			if (waiting && !all)
				horizon = MIN(horizon, r->last);
			publish(s, i);
			s->heap[0] = s->heap[--s->nheap];
		}
		sink(s, 0);
	}
	for (u32 i = 0; i < s->nrings; i++) {
		publish(s, i);
		offer_beginning(s, i);
	}
	if (got)
		beat(s);
	count_lost(s, lost, ctx);
	count_unreadable(s);
	return got;
}
