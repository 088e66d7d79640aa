/* Where goroutines and threads go on, in this very process or a child of it. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "go/release.h"
#include "inline/busy.h"

Suite *busy_suite(void);

enum { PAGE = 4096, ALLGS = 64, G = 128, PC = 8 };

/* allgadd names all three words of allgs: mov rax, [rip+…]; mov rcx, …; mov rdx, …; ret */
static const u8 code[] = { 0x48, 0x8b, 0x05, ALLGS - 7, 0, 0, 0,
			   0x48, 0x8b, 0x0d, ALLGS + 8 - 14, 0, 0, 0,
			   0x48, 0x8b, 0x15, ALLGS + 16 - 21, 0, 0, 0, 0xc3 };

struct world {
	u8 *text;	/* a page; a page of stack follows, and behind that there is nothing */
	u64 all[1];
	u8 g[256];
	struct image image;
	struct segment segment;
	struct go_func func;
	struct go_program prog;
	struct plan plan;
	struct inline_session session;
};

static void begin(struct world *w)
{
	u8 *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u64 allgs[3] = { (u64)(uintptr_t)w->all, 1, 1 };

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(munmap(at + 2 * PAGE, PAGE), 0);
	memcpy(at, code, sizeof(code));
	memcpy(at + ALLGS, allgs, sizeof(allgs));
	w->text = at;
	w->all[0] = (u64)(uintptr_t)w->g;
	w->segment = (struct segment){ .va = (u64)(uintptr_t)at, .size = PAGE, .filesz = PAGE };
	w->image = (struct image){ .bytes = at, .size = PAGE, .segs = &w->segment, .nsegs = 1 };
	w->func = (struct go_func){ .name = STR("runtime.allgadd"), .size = sizeof(code),
				    .room = sizeof(code) };
	w->prog = (struct go_program){ .img = &w->image, .rel = release_of(27), .funcs = &w->func,
				       .nfuncs = 1, .md.text_va = w->segment.va,
				       .md.etext_va = w->segment.va + PAGE };
	w->plan.prog = &w->prog;
	w->session = (struct inline_session){ .plan = &w->plan, .pid = getpid(),
					      .mem_fd = open("/proc/self/mem", O_RDWR) };
	ck_assert_int_ge(w->session.mem_fd, 0);
}

static void end(struct world *w)
{
	close(w->session.mem_fd);
	munmap(w->text, 2 * PAGE);
	arena_release(&w->prog.arena);
}

/* A goroutine that asyncPreempt has parked `below` bytes below the end of what is mapped. */
static void park(struct world *w, u64 below)
{
	u64 sp = (u64)(uintptr_t)w->text + 2 * PAGE - below, pc = w->segment.va + PC;
	u32 preempted = 9;

	memcpy(w->g + G_SCHED_SP, &sp, 8);
	memcpy(w->g + w->prog.rel->g_atomicstatus, &preempted, 4);
	memcpy(w->text + 2 * PAGE - 8, &pc, 8);
}

static const struct {
	const char *why;
	u64 below;
	bool busy;
} rows[] = {
	{ "its frame is just so large", 1024, true },
	{ "behind its stack nothing is mapped", 480, true },
	{ "nor behind the word itself", 8, true },
	{ "the word is farther above than a frame reaches", 1032, false },
};

START_TEST(parked_goroutines)
{
	static struct world w;
	struct stopped nobody = { 0 };
	struct busy b = { 0 };
	struct err err = { 0 };

	begin(&w);
	park(&w, rows[_i].below);
	ck_assert_msg(busy_find(&b, &w.session, &nobody, &err), "%s: %s", rows[_i].why, err.msg);
	ck_assert_msg(busy_in(&b, w.segment.va + PC, w.segment.va + PC + 1) == rows[_i].busy, "%s",
		      rows[_i].why);
	busy_release(&b);
	end(&w);
}
END_TEST

/* A thread in a signal handler, on a stack of C's that is larger than Go's are. */
enum { STACK = 256 << 10, OURS = 1 << 20 };
static __thread u64 g_word;

static void in_handler(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	_exit(0);
}

static pid_t in_signal(const struct world *w, u8 *stack)
{
	static u64 g[32], m[64];
	const struct go_release *rel = w->prog.rel;
	ucontext_t context;
	pid_t pid;

	ck_assert_uint_lt(rel->m_gsignal, sizeof(m));
	g_word = (u64)(uintptr_t)g;
	g[G_M / 8] = (u64)(uintptr_t)m;
	m[rel->m_gsignal / 8] = (u64)(uintptr_t)g;
	g[G_STACK_LO / 8] = (u64)(uintptr_t)stack;
	g[G_STACK_HI / 8] = (u64)(uintptr_t)stack + STACK;
	*(u64 *)(void *)(stack + STACK - 512) = OURS + 100;	/* interrupted there */
	getcontext(&context);
	context.uc_stack = (stack_t){ .ss_sp = stack, .ss_size = STACK - 1024 };
	makecontext(&context, in_handler, 0);
	pid = fork();
	if (!pid)
		setcontext(&context);
	return pid;
}

START_TEST(a_large_signal_stack)
{
	static struct world w;
	u8 *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stopped_thread thread;
	struct stopped st = { .at = &thread, .n = 1 };
	struct busy b = { 0 };
	char path[64];
	u64 fs;
	int status;

	ck_assert_ptr_ne(stack, MAP_FAILED);
	begin(&w);
	__asm__("mov %%fs:0, %0" : "=r"(fs));
	w.session.layout.tls = (i32)((u64)(uintptr_t)&g_word - fs);
	w.session.old_code.lo = OURS;
	w.session.old_code.hi = OURS + 4096;
	thread = (struct stopped_thread){ .tid = in_signal(&w, stack) };
	ck_assert_int_eq(waitpid(thread.tid, &status, 0), thread.tid);
	ck_assert(WIFSTOPPED(status));
	snprintf(path, sizeof(path), "/proc/%d/mem", thread.tid);
	close(w.session.mem_fd);
	w.session.mem_fd = open(path, O_RDWR);
	ck_assert(busy_threads(&b, &w.session, &st));
	ck_assert(busy_inside(&b, OURS, OURS + 4096));
	kill(thread.tid, SIGKILL);
	waitpid(thread.tid, NULL, 0);
	busy_release(&b);
	munmap(stack, STACK);
	end(&w);
}
END_TEST

Suite *busy_suite(void)
{
	Suite *s = suite_create("busy");
	TCase *t = tcase_create("busy");

	tcase_add_loop_test(t, parked_goroutines, 0, ARRAY_LEN(rows));
	tcase_add_test(t, a_large_signal_stack);
	suite_add_tcase(s, t);
	return s;
}
