#include "go/bans.h"

#include "base/defs.h"
#include "go/release.h"

struct row {
	struct str name;
	u8 bans, since;
};

/* What the runtime's source marks so, in functions that are not always inlined. */
static const struct row rows[] = {
#define R(lit, b) FROM(lit, b, RELEASE_FIRST)
#define FROM(lit, b, m) { { lit, sizeof(lit) - 1 }, BAN_##b, m }
	/* runtime/proc.go */
	R("runtime.sysmon", BARRIER), R("runtime.templateThread", BARRIER),
	R("runtime.mstart0", BARRIER), R("runtime.startm", BARRIER),
	R("runtime.handoffp", BARRIER), R("runtime.newm", BARRIER),
	R("runtime.startlockedm", BARRIER), R("runtime.exitsyscall", BARRIER),
	R("runtime.exitsyscall0", BARRIER), FROM("runtime.exitsyscallNoP", BARRIER, 26),
	R("runtime.save", BARRIER), R("runtime.wirep", BARRIER),
	R("runtime.pidleget", BARRIER), R("runtime.pidlegetSpinning", BARRIER),
	R("runtime.pidleput", BARRIER), R("runtime.mget", BARRIER), R("runtime.mput", BARRIER),
	R("runtime.globrunqput", BARRIER), R("runtime.globrunqputhead", BARRIER),
	R("runtime.globrunqputbatch", BARRIER), R("runtime.sigprof", BARRIER),
	FROM("runtime.dropm", BARRIER, 21), R("runtime.cgoBindM", BARRIER),
	R("runtime.badmorestackg0", BARRIER), R("runtime.badmorestackgsignal", BARRIER),
	R("syscall.runtime_AfterForkInChild", BARRIER),
	R("runtime.acquirep", BARRIER_LIFTED), R("runtime.acquirepNoTrace", BARRIER_LIFTED),
	R("runtime.allocm", BARRIER_LIFTED), R("runtime.execute", BARRIER_LIFTED),
	R("runtime.mexit", BARRIER_LIFTED), R("runtime.mstartm0", BARRIER_LIFTED),
	R("runtime.checkTimers", BARRIER_LIFTED),
	R("runtime.(*m).snapshotAllp", BARRIER_LIFTED),
	R("runtime.(*m).clearAllpSnapshot", BARRIER_LIFTED),
	/* runtime/time.go, mgcpacer.go, mprof.go */
	R("runtime.(*timers).check", BARRIER_LIFTED), R("runtime.(*timers).wakeTime", BARRIER),
	R("runtime.nobarrierWakeTime", BARRIER),
	R("runtime.(*gcControllerState).findRunnableGCWorker", BARRIER_LIFTED),
	R("runtime.(*gcControllerState).releaseNextGCMarkWorker", BARRIER_LIFTED),
	R("runtime.tryRecordGoroutineProfileWB", BARRIER_LIFTED),
	R("runtime.(*mLockProfile).recordUnlock", BARRIER),
	/* runtime/stack.go, panic.go */
	R("runtime.newstack", BARRIER), R("runtime.startpanic_m", BARRIER),
	/* runtime/signal_unix.go, os_linux.go, cpuprof.go */
	R("runtime.sigtrampgo", BARRIER), R("runtime.sighandler", BARRIER),
	R("runtime.sigfwdgo", BARRIER), R("runtime.badsignal", BARRIER),
	R("runtime.sigprofNonGo", BARRIER), R("runtime.sigprofNonGoPC", BARRIER),
	R("runtime.dieFromSignal", BARRIER), R("runtime.initsig", BARRIER),
	R("runtime.clearSignalHandlers", BARRIER), R("runtime.setsig", BARRIER),
	R("runtime.libpreinit", BARRIER), FROM("runtime.mdestroy", BARRIER, 24),
	R("runtime.(*cpuProfile).add", BARRIER), R("runtime.(*cpuProfile).addNonGo", BARRIER),
	/* runtime/mgcwork.go, mgcmark.go, mwbbuf.go, mheap.go */
	R("runtime.(*gcWork).put", BARRIER), R("runtime.(*gcWork).putBatch", BARRIER),
	R("runtime.(*gcWork).tryGet", BARRIER), R("runtime.(*gcWork).putObj", BARRIER),
	R("runtime.(*gcWork).putObjBatch", BARRIER), R("runtime.(*gcWork).tryGetObj", BARRIER),
	R("runtime.(*gcWork).dispose", BARRIER), R("runtime.(*gcWork).balance", BARRIER),
	R("runtime.gcFlushBgCredit", BARRIER), R("runtime.greyobject", BARRIER),
	R("runtime.wbBufFlush", BARRIER), R("runtime.wbBufFlush1", BARRIER),
	R("runtime.recordspan", BARRIER),
	/* runtime/proc.go: entersyscall poisons the stack guard; and it is poisoned between fork
	 * and exec */
	R("runtime.reentersyscall", STACK_CHECK), R("runtime.exitsyscallfast", STACK_CHECK),
	R("syscall.runtime_AfterForkInChild", STACK_CHECK),
#undef R
#undef FROM
};

unsigned go_bans_of(struct str name, unsigned minor)
{
	unsigned bans = 0;

	if (!str_starts(name, STR("runtime.")) && !str_starts(name, STR("syscall.")))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (release_in(minor, rows[i].since, RELEASE_LAST) &&
		    str_eq(name, rows[i].name))
			bans |= rows[i].bans;
	return bans;
}
