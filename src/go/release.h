/* release - facts that differ between Go releases, as rows (style.md 8).
 *
 * Owns     nothing: constant tables.  Units  bytes.
 * Fails    release_of: NULL for a release without a row.  Threads  any.
 * Sources  named beside each table in release.c. */
#ifndef GO_RELEASE_H
#define GO_RELEASE_H

#include "base/defs.h"

enum go_map_layout { GO_MAP_HMAP, GO_MAP_SWISS, GO_MAP_SWISS_STRIDES /* 1.27 */ };

/* pclntab: its header, functab, _func and the records of an inline tree. Offsets within each. */
struct pcln_layout {
	const char *since;
	u32 magic;
	u8 offsets_at;		/* in the header: funcname, cu, filetab, pctab, pcln (u64 each) */
	u8 header_size;
	u8 functab_each;	/* 16: {u64 pc, u64 funcoff}; 8: {u32 pc - text, u32 funcoff} */
	u8 func_size;		/* of _func, up to pcdata[] */
	u8 name, args, deferreturn, pcsp, npcdata, cu, start_line /* 0: none */, func_id;
	bool funcdata_pointers;	/* absolute pointers; else u32 from gofunc */
	u8 tree_size, tree_func_id, tree_name, tree_parent_pc;
	bool tree_parents;	/* i16 parent at 0, file and line of the call at 4 and 8 */
};

/* runtime.moduledata. What stands before `end` moved only once (covctrs), and up to etext never. */
struct moduledata_layout {
	const char *since;
	u16 end;
	u16 types, typedesclen /* 0: none, as below */, etypes, itaboffset, rodata, gofunc;
	u16 textsectmap, typelinks, itablinks;
	u16 hasmain, bad, next, size;
	u8 cutab_unit;		/* cutab.len counts this many bytes */
};

/* runtime.g, runtime.m: offsets. What no release moved is in go-runtime's constants below. */
struct go_release {
	unsigned minor;			/* 1.minor */
	u16 g_goid, g_atomicstatus, g_gopc, g_startpc, g_racectx, g_parent_goid /* 0: none */;
	u16 g_sched_bp, g_waitreason;
	u16 g_syscallsp;	/* and the pc behind it */
	u8 wait_preempted;	/* the value of waitReasonPreempted */
	u16 m_procid, m_curg, m_gsignal, m_alllink;
	u8 wrapper_func_id;		/* the highest funcID of its release */
	u8 func_assembly_flag;		/* 0: the release has none */
	enum go_map_layout maps;
	bool dict_before_receiver;	/* shape methods: 1.18, 1.19 */
	u16 chan_elemtype;
	u8 sudog_waitlink, sudog_c;
	u16 g_sig;		/* u32; of the fault that sigpanic is about */
	u16 g_sigcode0;		/* code, address, pc */
	u8 panic_arg;		/* _panic.arg: an interface */
	u8 panic_sp;		/* _panic.sp; 0: who recovers is in g.sigcode0 */
	/* a struct field's offset word is offset << 1 | embedded: up to 1.18 */
	bool field_offset_shifted;
	u8 direct_iface_tflag;		/* 0: it is bit 5 of the kind byte (up to 1.25) */
	bool dwarf_lacks_results;	/* of optimised functions: 1.17 */
	bool dwarf_lacks_blanks;	/* parameters without a name: up to 1.21 */
	bool lacks_arg_live;		/* FUNCDATA ArgLiveInfo: 1.17 */
	bool merges_locals;		/* over three words may share a place: 1.23 on */
	bool fipsinfo;			/* every binary has .go.fipsinfo */
	u8 race_guard;			/* stack guards of -race builds: so many times as large */
	u8 newproc1_caller;		/* its argument callergp: index of the register */
	bool asmcgocall_frame;		/* asmcgocall saves BP */
	const struct pcln_layout *pcln;
	const struct moduledata_layout *moduledata;
};

enum {	/* the same in 1.17 to 1.27 (runtime/runtime2.go) */
	G_STACK_LO = 0, G_STACK_HI = 8, G_STACKGUARD0 = 16, G_PANIC = 32, G_M = 48,
	G_SCHED_SP = 56, G_SCHED_PC = 64, M_G0 = 0,
	G_WAITSINCE_BEFORE_REASON = 8, G_WAITING_AFTER_RACECTX = 8,
	SUDOG_G = 0,
};

enum {
	/* what a stack check leaves below SP, less what the linker keeps for a call of morestack:
	 * cmd/internal/objabi/stack.go, internal/abi/stack.go */
	STACK_NOSPLIT = 800,
};

enum {	/* moduledata's head, the same in 1.17 to 1.27: slices of 24 bytes, then pointers */
	MD_PCHEADER = 0, MD_FUNCNAMETAB = 8, MD_CUTAB = 0x20, MD_FILETAB = 0x38, MD_PCTAB = 0x50,
	MD_PCLNTABLE = 0x68, MD_FTAB = 0x80, MD_FINDFUNCTAB = 0x98, MD_MINPC = 0xa0,
	MD_MAXPC = 0xa8, MD_TEXT = 0xb0, MD_ETEXT = 0xb8, MD_NOPTRDATA = 0xc0,
};

enum {	/* pcdata and funcdata indexes that we read (internal/abi/symtab.go) */
	PCDATA_UNSAFE_POINT = 0, PCDATA_STACK_MAP = 1, PCDATA_INL_TREE = 2, PCDATA_ARG_LIVE = 3,
	FUNCDATA_INL_TREE = 3, FUNCDATA_ARG_INFO = 5, FUNCDATA_ARG_LIVE_INFO = 6,
	FUNCDATA_WRAP_INFO = 7,
};

/* runtime.mheap, runtime.mspan: what heap.c needs of them. */
struct go_heap_layout {
	unsigned since;		/* 1.since */
	u32 allspans;		/* in mheap */
	u8 nelems, count_size;	/* in mspan; count_size: of nelems and freeindex */
	u8 alloc_bits;		/* the pointer to the marks lies behind it */
	u8 state;
	u8 large_type;		/* 0: objects have no types */
};
const struct go_heap_layout *go_heap_layout(unsigned minor);

const struct go_release *release_of(unsigned minor);
/* "chan receive", of g.waitreason; "" for no reason. */
const char *go_wait_reason(const struct go_release *rel, u8 value);
size_t go_wait_reasons(const struct go_release *rel);	/* how many there are */
/* Layouts of pclntab in order of release; NULL after the last. */
const struct pcln_layout *pcln_layout_at(size_t i);
enum { RELEASE_FIRST = 17, RELEASE_LAST = 27 };
/* Is a row of `since` to `until` (0: whatever) for Go 1.minor? */
static inline bool release_in(unsigned minor, unsigned since, unsigned until)
{
	return minor >= since && (!until || minor <= until);
}

#endif
