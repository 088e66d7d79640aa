#include "go/roles.h"

#include "base/defs.h"
#include "go/release.h"

struct row {
	struct str name;	/* behind "runtime."; a star at its end stands for anything */
	u8 role, since, until;
};

/* All of them are there, by these names, from 1.17 to 1.27 unless the row says otherwise. */
static const struct row rows[] = {
#define R(lit, r) { { lit, sizeof(lit) - 1 }, ROLE_##r, RELEASE_FIRST, RELEASE_LAST }
#define FROM(lit, r, m) { { lit, sizeof(lit) - 1 }, ROLE_##r, m, RELEASE_LAST }
#define UNTIL(lit, r, m) { { lit, sizeof(lit) - 1 }, ROLE_##r, RELEASE_FIRST, m }
	/* runtime/asm_amd64.s, stubs.go */
	R("systemstack", SYSTEMSTACK), R("mcall", MCALL),
	/* runtime/proc.go, panic.go */
	R("newproc", GO), R("deferproc", DEFER), FROM("deferprocat", DEFER, 22),
	/* runtime/iface.go, internal/abi/switch.go */
	R("getitab", ASSERT), R("assertE2I", ASSERT), R("assertE2I2", ASSERT),
	R("convI2I", ASSERT), FROM("typeAssert", TYPE_ASSERT, 22),
	FROM("interfaceSwitch", INTERFACE_SWITCH, 22),
	/* runtime/proc.go: what a thread runs first, and the scheduler */
	R("mstart0", G0), R("mstart1", G0), R("schedule", G0), R("sysmon", G0),
	R("templateThread", G0), R("dropm", G0), R("needm", G0),
	FROM("needAndBindM", G0, 22),
	R("newstack", G0),			/* runtime/stack.go, by morestack */
	R("sigtrampgo", GSIGNAL), R("sighandler", GSIGNAL),	/* runtime/signal_unix.go */
	/* runtime/panic.go: gopanic throws on a system stack, the rest gets there or ends it all */
	R("gopanic", ENDS), R("throw", ENDS), FROM("fatal", ENDS, 19), R("fatalthrow", ENDS),
	R("fatalpanic", ENDS), R("goPanic*", ENDS), R("panic*", ENDS), R("sigpanic", ENDS),
	R("sigpanic0", ENDS), R("Goexit", ENDS),
	/* runtime/asm_amd64.s: a switch to another stack, or fatal on a system stack */
	R("gogo", ENDS), R("morestack*", ENDS), R("cgocallback", ENDS), R("cgocallbackg", ENDS),
	R("asyncPreempt", ENDS), R("goexit", ENDS), R("goexit1", ENDS), R("badmcall*", ENDS),
	R("badsystemstack", ENDS),	/* runtime/stubs.go */
	R("gopark", PARKS),			/* runtime/proc.go, by mcall */
	/* runtime/panic.go: they throw there, and so nothing is left for deferreturn */
	R("deferprocStack", ENDS), R("deferreturn", ENDS),
	/* runtime/mgc.go, mgcmark.go: on g0 they return at once */
	R("gcStart", ENDS), R("gcAssistAlloc", ENDS),
	/* runtime/race.go, race_amd64.s */
	R("racefuncenter", RACE_CODE), R("racefuncenterfp", RACE_CODE),
	R("racefuncexit", RACE_CODE), R("raceread", RACE_CODE), R("racewrite", RACE_CODE),
	R("racereadrange", RACE_CODE), R("racewriterange", RACE_CODE),
	R("racereadpc", RACE_HAND), R("racewritepc", RACE_HAND), R("racereadrangepc1", RACE_HAND),
	R("racewriterangepc1", RACE_HAND), R("raceacquire", RACE_HAND),
	R("racerelease", RACE_HAND), R("racereleaseacquire", RACE_HAND),
	R("racereleasemerge", RACE_HAND), R("racereadrangepc", RACE_SAFE),
	R("racewriterangepc", RACE_SAFE), R("raceacquireg", RACE_SAFE),
	R("racereleaseg", RACE_SAFE), R("racereleaseacquireg", RACE_SAFE),
	R("racereleasemergeg", RACE_SAFE), R("raceacquirectx", RACE_SAFE),
	/* runtime/time.go */
	UNTIL("runOneTimer", RACE_CONTEXT, 22), FROM("(*timer).unlockAndRun", RACE_CONTEXT, 23),
	/* runtime/malloc.go, lock_futex.go, lock_spinbit.go */
	R("mallocgc*", ALLOCATES), R("lock2", LOCKS),
	/* runtime/asm_amd64.s, mbitmap.go */
	R("gcWriteBarrier*", WRITE_BARRIER),
	FROM("wbZero", WRITE_BARRIER, 21), FROM("wbMove", WRITE_BARRIER, 21),
#undef R
#undef FROM
#undef UNTIL
};

static bool fits(const struct row *r, struct str name)
{
	size_t n = r->name.n - 1;

	if (r->name.p[n] == '*')
		return str_starts(name, str_cut(r->name, 0, n));
	return str_eq(name, r->name);
}

enum go_role go_role_of(struct str name, unsigned minor)
{
	const struct str runtime = STR("runtime.");
	struct str rest;

	/* local to race_amd64.s, gcWriteBarrier1… of 1.21 and later: without a package */
	if (str_eq(name, STR("racecallatomic")))
		return ROLE_RACE_HAND;
	if (str_starts(name, STR("gcWriteBarrier")))
		return ROLE_WRITE_BARRIER;
	if (!str_starts(name, runtime))
		return ROLE_NONE;
	rest = str_cut(name, runtime.n, name.n);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (release_in(minor, rows[i].since, rows[i].until) && fits(&rows[i], rest))
			return rows[i].role;
	return ROLE_NONE;
}
