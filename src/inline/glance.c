#include "inline/glance.h"

#include <sys/ptrace.h>
#include <sys/user.h>

#include "base/clock.h"
#include "go/sig.h"
#include "go/vars.h"
#include "inline/tracee.h"

bool thread_look(int tid, struct os_thread *t)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, 0, &r))
		return false;
	*t = (struct os_thread){
		.tid = tid, .ip = r.rip, .sp = r.rsp, .bp = r.rbp, .fs_base = r.fs_base,
		.ints = { r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
			  r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15 },
	};
	return true;
}

/* What can be known before it stands still: where things are, and about how much there will be. */
static void prepare(struct image *img, const struct go_program *prog)
{
	enum { EACH = 1200, MOST = 1 << 20 };	/* bytes of a goroutine; goroutines */
	u64 va, head[2];
	i32 off;

	(void)!go_tls_offset(prog, &off);	/* finds functions by their names: made once */
	if (go_allgs_va(prog, &va) && image_read(img, va, head, sizeof(head)))
		image_keep_room(img, MIN(head[1], (u64)MOST) * EACH);
}

bool glance(struct goroutines *gs, struct image *img, const struct go_program *prog, i64 *stop_ns,
	    struct err *err)
{
	VEC(struct os_thread) threads = { 0 };
	struct stopped st;
	i64 from;
	bool ok;

	prepare(img, prog);
	from = now_ns();
	if (!tracee_stop_all(img->pid, &st, err))
		return false;
	for (size_t i = 0; i < st.n; i++)
		if (!thread_look(st.at[i].tid, vec_push(&threads)))
			threads.n--;
	ok = image_is_current(img) ||
	     err_set(err, ERR_GONE, "process %d has become another program", img->pid);
	ok = ok && goroutines_gather(gs, img, prog, threads.at, threads.n, err);
	tracee_resume_all(&st);
	*stop_ns = now_ns() - from;
	vec_release(&threads);
	return ok;
}
