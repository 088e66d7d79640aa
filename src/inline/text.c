#include "inline/text.h"

#include <string.h>

#include "inline/session.h"

void text_begin(struct text *t, int mem_fd, pid_t pid)
{
	t->mem_fd = mem_fd;
	t->pid = pid;
	t->page_rt = 0;
	t->lo = t->hi = 0;
	t->gone = t->unwritten = false;
}

static void flush(struct text *t)
{
	if (t->lo < t->hi && !mem_write(t->mem_fd, t->pid, t->page_rt + t->lo, t->page + t->lo,
					t->hi - t->lo))
		t->unwritten = true;
	t->lo = t->hi = 0;
	t->page_rt = 0;
}

/* Jumps of ours never lie in two pages, but who looks for such in bytes of a process finds
 * anything. */
static bool change_alone(struct text *t, u64 rt, const u8 *from, const u8 *to)
{
	u8 now[TEXT_JUMP];

	flush(t);
	t->gone = !mem_read(t->mem_fd, rt, now, sizeof(now));
	if (t->gone || memcmp(now, from, sizeof(now)))
		return false;
	t->unwritten |= !mem_write(t->mem_fd, t->pid, rt, to, sizeof(now));
	return true;
}

bool text_change(struct text *t, u64 rt, const u8 from[TEXT_JUMP], const u8 to[TEXT_JUMP])
{
	u32 at = rt % TEXT_PAGE;

	if (at > TEXT_PAGE - TEXT_JUMP)
		return change_alone(t, rt, from, to);
	t->gone = false;
	if (rt - at != t->page_rt) {
		flush(t);
		t->gone = !mem_read(t->mem_fd, rt - at, t->page, TEXT_PAGE);
		if (t->gone)
			return false;
		t->page_rt = rt - at;
	}
	if (memcmp(t->page + at, from, TEXT_JUMP))
		return false;
	memcpy(t->page + at, to, TEXT_JUMP);
	t->lo = t->lo < t->hi ? MIN(t->lo, at) : at;
	t->hi = MAX(t->hi, at + TEXT_JUMP);
	return true;
}

bool text_end(struct text *t)
{
	flush(t);
	return !t->unwritten;
}
