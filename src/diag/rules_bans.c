/* What must not be reached from some functions of the runtime: a stack check where the stack cannot
 * grow, write barriers where there may be no P, the heap and locks in a signal handler. */
#include "diag/height.h"
#include "diag/rules.h"
#include "go/bans.h"
#include "go/release.h"

static unsigned bans_of(const struct callgraph *g, u32 func)
{
	return go_bans_of(g->prog->funcs[func].name, g->prog->rel->minor);
}

static bool bans_check(const struct callgraph *g, u32 func)
{
	return bans_of(g, func) & BAN_STACK_CHECK;
}

/* What prints ends the program next. */
static bool prints(const struct callgraph *g, u32 func)
{
	return str_starts(g->prog->funcs[func].name, STR("runtime.print"));
}

static bool bans_barrier(const struct callgraph *g, u32 func)
{
	return bans_of(g, func) & BAN_BARRIER;
}

static bool lifts_barrier(const struct callgraph *g, u32 func)
{
	return bans_of(g, func) & BAN_BARRIER_LIFTED;
}

static bool handles_signals(const struct callgraph *g, u32 func)
{
	return g->roles[func] == ROLE_GSIGNAL;
}

static struct str name_of(const struct check *c, u32 func)
{
	return c->prog->funcs[func].name;
}

/* Is there a stack check on the way to it already? Not at its beginning: there the ban begins. */
static bool checked_before(const struct check *c, const struct reach *r, u32 func)
{
	struct path_step path[REACH_PATH];
	size_t n = reach_path(r, func, path);

	for (size_t i = 1; i + 1 < n; i++)
		if (func_checks_stack(c->prog, &c->prog->funcs[path[i].func]))
			return true;
	return false;
}

static void look_stacksplit(struct check *c, const struct rule *self)
{
	static const struct reach_from how = { .begins = bans_check, .avoids = prints,
					       .stack = STACK_ANY };
	struct path_step path[REACH_PATH];
	struct reach r;

	reach_from(&r, &c->graph, &how);
	for (size_t i = 0; i < r.order.n; i++) {
		u32 func = r.order.at[i];
		const struct go_func *fn = &c->prog->funcs[func];
		struct finding *f;

		if (bans_check(&c->graph, func) || !func_checks_stack(c->prog, fn) ||
		    checked_before(c, &r, func))
			continue;
		f = check_found(c, self, go_func_va(c->prog, fn));
		rule_path(c, &r, f, func, UINT32_MAX, 0);
		reach_path(&r, func, path);
		f->message = str_fmt(&c->arena,
			"%.*s checks its stack, and %.*s calls it where the stack cannot grow: the "
			"check fails there and ends the program (\"stack split at bad time\", or "
			"without a word)", STR_F(fn->name), STR_F(name_of(c, path[0].func)));
		f->advice = STR("mark it and all that it calls there //go:nosplit, or call it "
				"elsewhere");
	}
	reach_release(&r);
}

/* A finding for each function that is reached and calls one that has this role. */
static void each_blamed(struct check *c, const struct rule *self, const struct reach_from *how,
			enum go_role role, const char *does, const char *ends, struct str advice)
{
	struct reach r;

	reach_from(&r, &c->graph, how);
	for (size_t i = 0; i < r.order.n; i++) {
		u32 func = r.order.at[i];
		const struct call *e = rule_call_of(c, func, role);
		struct str who, gets_to;
		struct path_step path[REACH_PATH];
		struct finding *f = NULL;
		bool itself;

		if (e)
			f = rule_blame(c, &r, self, OWNER_USER, func, e, &who, &gets_to);
		if (!f)
			continue;
		itself = str_eq(gets_to, name_of(c, e->to));
		reach_path(&r, func, path);
		f->message = str_fmt(&c->arena, "%.*s runs below %.*s and %s%.*s%s%s: %s",
				     STR_F(who), STR_F(name_of(c, path[0].func)),
				     itself ? "" : "gets to ", itself ? 0 : (int)gets_to.n,
				     gets_to.p, itself ? "" : ", which ", does, ends);
		f->advice = advice;
	}
	reach_release(&r);
}

static void look_barrier(struct check *c, const struct rule *self)
{
	static const struct reach_from how = {
		.begins = bans_barrier, .avoids = lifts_barrier, .stack = STACK_ANY,
		.candidates = true, .handed = true,
	};

	each_blamed(c, self, &how, ROLE_WRITE_BARRIER, "stores pointers by write barriers",
		    "there may be no P that keeps them, and while garbage is collected it dies of "
		    "SIGSEGV, or an object is lost",
		    STR("store no pointers there: keep what is needed in integers, or leave it to "
			"a goroutine"));
}

static void look_sigalloc(struct check *c, const struct rule *self)
{
	static const struct reach_from how = {
		.begins = handles_signals, .stack = STACK_GSIGNAL, .candidates = true,
	};

	each_blamed(c, self, &how, ROLE_ALLOCATES, "allocates",
		    "in a signal handler that is fatal (\"malloc during signal\"), and from 1.24 "
		    "on, where nothing looks, it spoils an allocation that the signal interrupted",
		    STR("allocate nothing there: no new, append, closures, strings or interfaces "
			"made from values"));
	each_blamed(c, self, &how, ROLE_LOCKS, "takes a lock of the runtime's",
		    "the code that the signal interrupted may hold it, and then the thread waits "
		    "forever",
		    STR("use no channels, timers, maps or locks there"));
}

const struct rule rule_stacksplit = {
	.id = "STACKSPLIT",
	.level = LEVEL_ERROR,
	.what = "a function with a stack check is called where the stack cannot grow",
	.page =
	"A function's stack check compares SP with the guard in g, and where there is too little "
	"room it calls runtime.morestack, which moves the stack. In some places that must not "
	"happen, and the runtime poisons the guard, so that each check fails and ends the program: "
	"from entersyscall on, while a goroutine leaves for a system call and others may look at "
	"its stack (\"runtime: stack split at bad time\"), while it comes back, and in a new "
	"process between fork and exec, which shares its parent's memory.\n\n"
	"The runtime's own functions there are //go:nosplit. Code that a tool puts there at build "
	"time, or that is reached by go:linkname, has a stack check unless it says otherwise. "
	"Followed are calls that are certain. What prints is left out: the program ends behind "
	"it.\n\n"
	"Cure: //go:nosplit before the function and before all that it calls there, and little "
	"frames (NOSPLIT); or call it before entersyscall.",
	.look = look_stacksplit,
};

const struct rule rule_barrier = {
	.id = "BARRIER",
	.level = LEVEL_ERROR,
	.what = "write barriers where the runtime allows none",
	.page =
	"While garbage is collected, each store of a pointer to the heap or to a global variable "
	"goes through a write barrier, which keeps the pointer in a buffer of the current P. The "
	"monitor (runtime.sysmon), signal handlers, threads that start or give their P away and "
	"the collector itself run without one, or hold what the barrier would need. The runtime "
	"marks such functions //go:nowritebarrierrec, and the compiler refuses a pointer store "
	"in all that they call; but it looks at package runtime only. Code of another package "
	"that gets there by go:linkname, a func variable or an interface is not looked at.\n\n"
	"It goes well until a collection is running just then: a nil dereference in "
	"gcWriteBarrier, or an object that is freed while it is in use.\n\n"
	"Reported is the last of your functions on the way from a marked function; the way ends "
	"at those that are marked //go:yeswritebarrierrec.\n\n"
	"Cure: store no pointers there. Count in integers, or hand the work to a goroutine.",
	.look = look_barrier,
};

const struct rule rule_sigalloc = {
	.id = "SIGALLOC",
	.level = LEVEL_ERROR,
	.what = "code in a signal handler allocates or waits for a lock of the runtime's",
	.page =
	"A signal comes between any two instructions: in the midst of an allocation, or while "
	"the thread holds a lock of the runtime's. Its handler runs on gsignal, on that thread. "
	"If it allocates, up to Go 1.23 the program dies (\"malloc during signal\"); later "
	"releases do not look, and two allocations at once spoil the heap. If it takes a lock "
	"(of the heap, a channel, a timer) that the interrupted code holds, the thread waits for "
	"itself.\n\n"
	"os/signal hands signals to a goroutine: what that does is not meant. Reported is your "
	"code that runs below runtime.sighandler itself, where a tool or go:linkname put it; also "
	"by interfaces and func variables (candidate).\n\n"
	"Cure: do what a handler may do (count, set a flag), and let a goroutine see to the rest.",
	.look = look_sigalloc,
};
