#include "inline/session.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "go/sig.h"
#include "inline/tracee.h"

static void release(void *session)
{
	struct inline_session *s = session;

	code_release(&s->code);
	rings_give_back(s);
	rings_end(s);
	if (s->shared)
		munmap(s->shared, s->shared_bytes);
	if (s->mem_fd >= 0)
		close(s->mem_fd);
	if (s->memfd >= 0)
		close(s->memfd);
	arena_release(&s->arena);
	mem_free(s);
}

static bool read_rt(void *session, u64 rt, void *to, size_t n)
{
	const struct inline_session *s = session;

	return s->mem_fd >= 0 && mem_read(s->mem_fd, rt, to, n);
}

static u32 sites(void *session)
{
	return ((struct inline_session *)session)->code.sites;
}

static i64 stop_ns(void *session)
{
	return ((struct inline_session *)session)->stop_ns;
}

/* Counts in the place of records need a word for each function. */
static u64 bytes_for_counts(const struct plan *plan)
{
	u64 bytes = 4 << 10;

	while (bytes < 8 * (u64)plan->nfuncs)
		bytes *= 2;
	return bytes;
}

static u32 held(void *session, u32 *example)
{
	const struct inline_session *s = session;

	for (size_t i = 0; i < s->code.jumps.n; i++)
		if (s->code.jumps.at[i].state == JUMP_BUSY)
			*example = s->code.jumps.at[i].func;
	return s->stuck;
}

u64 session_poll(void *session, bool all, source_record_fn *record, source_lost_fn *lost,
		 void *ctx)
{
	tracee_let_late_go();
	if (!all)
		rings_reuse(session);
	return rings_poll(session, all, record, lost, ctx);
}

struct inline_session *session_new(struct source *src, const struct plan *plan, u64 buffer,
				   bool lossless, const struct delay_ask *ask)
{
	struct inline_session *s = mem_resize(NULL, sizeof(*s));

	*s = (struct inline_session){ .plan = plan, .mem_fd = -1, .memfd = -1 };
	s->layout.buffer = plan->request.count_only ? bytes_for_counts(plan) : buffer;
	s->layout.lossless = lossless;
	if (plan->delays) {
		s->layout.delays = plan->nfuncs;
		s->ask = *ask;
	}
	tsc_start(&s->clock);
	if (getrandom(&s->cookie, sizeof(s->cookie), 0) != sizeof(s->cookie))
		s->cookie = __rdtsc();
	*src = (struct source){
		.session = s,
		.engine = "inline",
		.ahead_ns = s->clock.ahead_ns,
		.propagates = s->plan->request.propagate,
		.poll = session_poll,
		.fullest = rings_fullest,
		.unreadable = rings_unreadable,
		.counts = plan->request.count_only ? rings_counts : NULL,
		.output_blocks = rings_output_blocks,
		.detach = session_restore,
		.was_replaced = session_was_replaced,
		.read_rt = read_rt,
		.sites = sites,
		.stop_ns = stop_ns,
		.held = held,
		.release = release,
	};
	return s;
}

bool session_check(struct inline_session *s, struct err *err)
{
	const struct image *img = s->plan->prog->img;

	if (!s->plan->prog->md.hasmain)
		return err_set(err, ERR_UNSUPPORTED,
			       "%.*s: a library (%.*s), not a program that starts by itself",
			       STR_F(img->path), STR_F(s->plan->prog->buildmode));
	return go_tls_offset(s->plan->prog, &s->layout.tls) ||
	       err_set(err, ERR_UNSUPPORTED,
		       "%.*s: where it keeps the current goroutine was not found",
		       STR_F(img->path));
}
