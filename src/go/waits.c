#include "go/waits.h"

#include <string.h>

#include "go/release.h"
#include "go/sig.h"

enum { CALLERS = 4, COND_NOTIFY = 16 /* sync.Cond.notify */ };

const char *wait_kind_name(enum wait_kind k)
{
	static const char *const names[] = {
		"", "channel", "select", "sync.Mutex", "sync.RWMutex", "sync.WaitGroup",
		"sync.Cond", "semaphore",
	};

	return names[k];
}

static u64 word_at(const struct image *img, u64 rt)
{
	u64 v = 0;

	return rt && image_read_rt(img, rt, &v, 8) ? v : 0;
}

/*	hchan	OFFSET	SIZE	MEANING
 *		0	8	elements in it
 *		8	8	room for so many
 *		28	4	closed
 *		32, 40	8	type of its elements (release.h: chan_elemtype) */
static struct wait_channel channel(const struct unwinder *u, u64 rt)
{
	struct wait_channel c = { .address = rt };
	u64 words[6];

	if (!image_read_rt(u->img, rt, words, sizeof(words)))
		return c;
	c.readable = true;
	c.len = words[0];
	c.cap = words[1];
	c.closed = words[3] >> 32;
	c.elem_va = words[u->prog->rel->chan_elemtype / 8] - u->img->bias;
	return c;
}

/* The list of those that it queues in; of a select there are several. */
static void channels(struct wait *w, const struct unwinder *u, const struct goroutine *g)
{
	const struct go_release *rel = u->prog->rel;
	u64 sudog = g->waiting;

	while (sudog && w->n < WAIT_CHANNELS && word_at(u->img, sudog + SUDOG_G) == g->g_rt) {
		u64 c = word_at(u->img, sudog + rel->sudog_c);

		if (!c)		/* memory that lies: a ring of such would have no end */
			break;
		w->at[w->n++] = channel(u, c);
		sudog = word_at(u->img, sudog + rel->sudog_waitlink);
	}
	w->more = sudog && w->n == WAIT_CHANNELS;
	if (!w->n)
		return;
	w->kind = str_starts(str_of(goroutine_reason(u->prog, g)), STR("select")) ? WAIT_SELECT
										 : WAIT_CHANNEL;
	w->address = w->at[0].address;
}

/* A semaphore by who waits there. The first row that one of the callers has; a Mutex may be the
 * one in a RWMutex. */
static const struct {
	const char *func;
	enum wait_kind kind;
	u8 before;	/* bytes from the lock to the semaphore */
} users[] = {
	{ "sync.(*Mutex).lockSlow", WAIT_MUTEX, 4 },
	{ "internal/sync.(*Mutex).lockSlow", WAIT_MUTEX, 4 },
	{ "sync.(*RWMutex).RLock", WAIT_RWMUTEX, 12 },
	{ "sync.(*RWMutex).Lock", WAIT_RWMUTEX, 8 },
	{ "sync.(*WaitGroup).Wait", WAIT_WAITGROUP, 8 },
};

static void read_lock(struct wait *w, const struct image *img)
{
	u32 words[6];

	w->known = image_read_rt(img, w->address, words, w->kind == WAIT_MUTEX ? 8 : 24);
	if (!w->known)
		return;
	switch (w->kind) {
	case WAIT_MUTEX:
		w->locked = words[0] & 1;
		w->waiters = words[0] >> 3;
		break;
	case WAIT_RWMUTEX:
		w->locked = (i32)words[4] < 0;
		w->count = (u32)(w->locked ? (i32)words[4] + (1 << 30) : (i32)words[4]);
		break;
	case WAIT_WAITGROUP:	/* waiters below, the counter above */
		w->count = words[1];
		w->waiters = words[0] & 0x7fffffff;
		break;
	default:
		w->known = false;
	}
}

static void semaphore(struct wait *w, const struct unwinder *u, u64 address,
		      const struct go_level *above, size_t n)
{
	struct go_frame frames[GO_FRAMES];

	w->kind = WAIT_SEMAPHORE;
	w->address = address;
	for (size_t i = 0; i < MIN(n, (size_t)CALLERS); i++) {
		size_t k = above[i].func ? go_frames_at(u->prog, above[i].func,
							above[i].pc_rt - u->text_rt - 1, frames)
					 : 0;

		for (size_t f = 0; f < k; f++)
			for (size_t row = 0; row < ARRAY_LEN(users); row++) {
				if (!str_eq(frames[f].name, str_of(users[row].func)))
					continue;
				if (w->kind == WAIT_SEMAPHORE) {
					w->kind = users[row].kind;
					w->address = address - users[row].before;
				} else if (w->kind == WAIT_MUTEX &&
					   users[row].kind == WAIT_RWMUTEX) {
					w->kind = WAIT_RWMUTEX;	/* whose first field it is */
				}
			}
	}
	/* up to 1.17 the semaphore lies before the state where that aligns it */
	if (w->kind == WAIT_WAITGROUP && w->address % 8) {
		w->kind = WAIT_SEMAPHORE;
		w->address = address;
	}
	read_lock(w, u->img);
}

void wait_of(struct wait *to, struct unwinder *u, const struct goroutine *g,
	     const struct go_level *levels, size_t n)
{
	u64 address;

	*to = (struct wait){ 0 };
	if (g->status != GO_WAITING && g->status != GO_LEAKED)
		return;
	if (g->waiting)
		channels(to, u, g);
	for (size_t i = 0; i < n && !to->kind; i++) {
		const struct go_level *l = &levels[i];

		if (!l->func || !l->return_at)
			return;
		/* it keeps its first parameter, because it needs it when it goes on */
		if (str_eq(l->func->name, STR("runtime.semacquire1")) &&
		    unwind_word(u, l->return_at + 8, &address) && address) {
			semaphore(to, u, address, levels + i + 1, n - i - 1);
		} else if (str_eq(l->func->name, STR("sync.runtime_notifyListWait")) &&
			   go_home_is_live(u->prog, l->func, l->pc_rt - u->text_rt - 1, 8) &&
			   unwind_word(u, l->return_at + 8, &address) && address) {
			to->kind = WAIT_COND;
			to->address = address - COND_NOTIFY;
		}
	}
}
