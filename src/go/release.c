#include "go/release.h"

#include "base/defs.h"

/* cmd/link/internal/ld/pcln.go (header, functab), runtime/symtab.go (pcHeader, _func, inlinedCall),
 * runtime/runtime2.go (_func), internal/abi/symtab.go. The magic of 1.20 serves up to 1.27. */
static const struct pcln_layout pcln_17 = {
	.since = "go1.16", .magic = 0xfffffffa, .offsets_at = 24, .header_size = 64,
	.functab_each = 16, .func_size = 44, .name = 8, .args = 12, .deferreturn = 16,
	.pcsp = 20, .npcdata = 32, .cu = 36, .func_id = 40, .funcdata_pointers = true,
	.tree_size = 20, .tree_func_id = 2, .tree_name = 12, .tree_parent_pc = 16,
	.tree_parents = true,
};
static const struct pcln_layout pcln_18 = {
	.since = "go1.18", .magic = 0xfffffff0, .offsets_at = 32, .header_size = 72,
	.functab_each = 8, .func_size = 40, .name = 4, .args = 8, .deferreturn = 12, .pcsp = 16,
	.npcdata = 28, .cu = 32, .func_id = 36, .tree_size = 20, .tree_func_id = 2, .tree_name = 12,
	.tree_parent_pc = 16, .tree_parents = true,
};
static const struct pcln_layout pcln_20 = {
	.since = "go1.20", .magic = 0xfffffff1, .offsets_at = 32, .header_size = 72,
	.functab_each = 8, .func_size = 44, .name = 4, .args = 8, .deferreturn = 12, .pcsp = 16,
	.npcdata = 28, .cu = 32, .start_line = 36, .func_id = 40, .tree_size = 16,
	.tree_name = 4, .tree_parent_pc = 8,
};

const struct pcln_layout *pcln_layout_at(size_t i)
{
	static const struct pcln_layout *const all[] = { &pcln_17, &pcln_18, &pcln_20 };

	return i < ARRAY_LEN(all) ? all[i] : NULL;
}

/* runtime/symtab.go (type moduledata), cmd/link/internal/ld/symtab.go (symtab). */
static const struct moduledata_layout md_17 = {
	.since = "go1.17", .end = 0x100, .types = 0x118, .etypes = 0x120, .textsectmap = 0x128,
	.typelinks = 0x140, .itablinks = 0x158, .hasmain = 0x1d8, .bad = 0x208, .next = 0x210,
	.size = 0x218, .cutab_unit = 1,
};
static const struct moduledata_layout md_18 = {
	.since = "go1.18", .end = 0x100, .types = 0x118, .etypes = 0x120, .rodata = 0x128,
	.gofunc = 0x130, .textsectmap = 0x138, .typelinks = 0x150, .itablinks = 0x168,
	.hasmain = 0x1e8, .bad = 0x218, .next = 0x220, .size = 0x228, .cutab_unit = 1,
};
static const struct moduledata_layout md_20 = {
	.since = "go1.20", .end = 0x110, .types = 0x128, .etypes = 0x130, .rodata = 0x138,
	.gofunc = 0x140, .textsectmap = 0x148, .typelinks = 0x160, .itablinks = 0x178,
	.hasmain = 0x1f8, .bad = 0x228, .next = 0x230, .size = 0x238, .cutab_unit = 1,
};
static const struct moduledata_layout md_21 = {
	.since = "go1.21", .end = 0x110, .types = 0x128, .etypes = 0x130, .rodata = 0x138,
	.gofunc = 0x140, .textsectmap = 0x148, .typelinks = 0x160, .itablinks = 0x178,
	.hasmain = 0x210, .bad = 0x240, .next = 0x248, .size = 0x250, .cutab_unit = 1,
};
static const struct moduledata_layout md_23 = {
	.since = "go1.23", .end = 0x110, .types = 0x128, .etypes = 0x130, .rodata = 0x138,
	.gofunc = 0x140, .textsectmap = 0x148, .typelinks = 0x160, .itablinks = 0x178,
	.hasmain = 0x210, .bad = 0x211, .next = 0x240, .size = 0x248, .cutab_unit = 1,
};
static const struct moduledata_layout md_26 = {
	.since = "go1.26", .end = 0x110, .types = 0x128, .etypes = 0x130, .rodata = 0x138,
	.gofunc = 0x140, .textsectmap = 0x150, .typelinks = 0x168, .itablinks = 0x180,
	.hasmain = 0x218, .bad = 0x219, .next = 0x248, .size = 0x250, .cutab_unit = 4,
};
static const struct moduledata_layout md_27 = {
	.since = "go1.27", .end = 0x110, .types = 0x128, .typedesclen = 0x130, .etypes = 0x138,
	.itaboffset = 0x140, .rodata = 0x150, .gofunc = 0x158, .textsectmap = 0x168,
	.hasmain = 0x200, .bad = 0x201, .next = 0x230, .size = 0x238, .cutab_unit = 4,
};

/* runtime/runtime2.go (type g, m), runtime/chan.go (hchan), internal/abi/symtab.go and before 1.20
 * internal/objabi/funcid.go (FuncID), internal/abi/map_*.go, cmd/compile/internal/noder. Offsets
 * were read from the DWARF of binaries built by the last patch release of each. */
static const struct go_release releases[] = {
	{ .minor = 17, .race_guard = 1, .g_sig = 240, .g_sigcode0 = 272, .panic_arg = 8,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .g_waitreason = 176, .wait_preempted = 25,
	  .g_goid = 152, .newproc1_caller = 3,
	  .g_atomicstatus = 144, .g_gopc = 296, .g_startpc = 312,
	  .g_racectx = 320, .g_sched_bp = 104, .m_procid = 72, .m_curg = 192, .m_gsignal = 80,
	  .m_alllink = 344, .wrapper_func_id = 22, .maps = GO_MAP_HMAP,
	  .dwarf_lacks_results = true, .dwarf_lacks_blanks = true, .lacks_arg_live = true,
	  .field_offset_shifted = true, .chan_elemtype = 32,
	  .pcln = &pcln_17, .moduledata = &md_17 },
	{ .minor = 18, .race_guard = 1, .g_sig = 240, .g_sigcode0 = 272, .panic_arg = 8,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .dwarf_lacks_blanks = true, .g_waitreason = 176, .wait_preempted = 25,
	  .g_goid = 152, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 296, .g_startpc = 312,
	  .g_racectx = 320, .g_sched_bp = 104, .m_procid = 72, .m_curg = 192, .m_gsignal = 80,
	  .m_alllink = 336, .wrapper_func_id = 21, .func_assembly_flag = 4, .maps = GO_MAP_HMAP,
	  .dict_before_receiver = true, .field_offset_shifted = true, .chan_elemtype = 32,
	  .pcln = &pcln_18, .moduledata = &md_18 },
	{ .minor = 19, .race_guard = 1, .g_sig = 240, .g_sigcode0 = 272, .panic_arg = 8,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .dwarf_lacks_blanks = true, .g_waitreason = 176, .wait_preempted = 25,
	  .g_goid = 152, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 296, .g_startpc = 312,
	  .g_racectx = 320, .g_sched_bp = 104, .m_procid = 72, .m_curg = 192, .m_gsignal = 80,
	  .m_alllink = 336, .wrapper_func_id = 21, .func_assembly_flag = 4, .maps = GO_MAP_HMAP,
	  .dict_before_receiver = true, .chan_elemtype = 32, .pcln = &pcln_18,
	  .moduledata = &md_18 },
	{ .minor = 20, .race_guard = 2, .g_sig = 240, .g_sigcode0 = 272, .panic_arg = 8,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .dwarf_lacks_blanks = true, .g_waitreason = 176, .wait_preempted = 28,
	  .g_goid = 152, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 296, .g_startpc = 312,
	  .g_racectx = 320, .g_sched_bp = 104, .m_procid = 72, .m_curg = 192, .m_gsignal = 80,
	  .m_alllink = 336, .wrapper_func_id = 21, .func_assembly_flag = 4, .maps = GO_MAP_HMAP,
	  .chan_elemtype = 32, .pcln = &pcln_20, .moduledata = &md_20 },
	{ .minor = 21, .race_guard = 2, .g_sig = 216, .g_sigcode0 = 248, .panic_arg = 8,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .dwarf_lacks_blanks = true, .g_waitreason = 176, .wait_preempted = 28,
	  .g_goid = 152, .asmcgocall_frame = true, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 280, .g_startpc = 296,
	  .g_racectx = 304, .g_parent_goid = 272, .g_sched_bp = 104, .m_procid = 72,
	  .m_curg = 192, .m_gsignal = 80, .m_alllink = 336, .wrapper_func_id = 21,
	  .func_assembly_flag = 4, .maps = GO_MAP_HMAP, .chan_elemtype = 32, .pcln = &pcln_20,
	  .moduledata = &md_21 },
	{ .minor = 22, .race_guard = 2, .g_sig = 216, .g_sigcode0 = 248, .panic_arg = 8,
	  .panic_sp = 48,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .g_waitreason = 176, .wait_preempted = 28,
	  .g_goid = 152, .asmcgocall_frame = true, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 280, .g_startpc = 296,
	  .g_racectx = 304, .g_parent_goid = 272, .g_sched_bp = 104, .m_procid = 72,
	  .m_curg = 192, .m_gsignal = 80, .m_alllink = 328, .wrapper_func_id = 22,
	  .func_assembly_flag = 4, .maps = GO_MAP_HMAP, .chan_elemtype = 32, .pcln = &pcln_20,
	  .moduledata = &md_21 },
	{ .minor = 23, .race_guard = 2, .g_sig = 224, .g_sigcode0 = 256,
	  .merges_locals = true, .panic_arg = 8, .panic_sp = 48,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .g_waitreason = 184, .wait_preempted = 28,
	  .g_goid = 160, .asmcgocall_frame = true, .newproc1_caller = 1,
	  .g_atomicstatus = 152, .g_gopc = 288, .g_startpc = 304,
	  .g_racectx = 312, .g_parent_goid = 280, .g_sched_bp = 104, .m_procid = 72,
	  .m_curg = 192, .m_gsignal = 80, .m_alllink = 352, .wrapper_func_id = 22,
	  .func_assembly_flag = 4, .maps = GO_MAP_HMAP, .chan_elemtype = 40, .pcln = &pcln_20,
	  .moduledata = &md_23 },
	{ .minor = 24, .race_guard = 2, .g_sig = 228, .g_sigcode0 = 256,
	  .merges_locals = true, .panic_arg = 8, .panic_sp = 48,
	  .g_syscallsp = 112, .sudog_waitlink = 64,
	  .sudog_c = 80, .g_waitreason = 184, .wait_preempted = 29,
	  .g_goid = 160, .asmcgocall_frame = true, .newproc1_caller = 1,
	  .g_atomicstatus = 152, .g_gopc = 288, .g_startpc = 304,
	  .g_racectx = 312, .g_parent_goid = 280, .g_sched_bp = 104, .m_procid = 72,
	  .m_curg = 192, .m_gsignal = 80, .m_alllink = 352, .wrapper_func_id = 22,
	  .func_assembly_flag = 4, .maps = GO_MAP_SWISS, .chan_elemtype = 40, .fipsinfo = true,
	  .pcln = &pcln_20, .moduledata = &md_23 },
	{ .minor = 25, .race_guard = 2, .g_sig = 220, .g_sigcode0 = 248,
	  .merges_locals = true, .panic_arg = 8, .panic_sp = 48,
	  .g_syscallsp = 104, .sudog_waitlink = 64,
	  .sudog_c = 80, .g_waitreason = 176, .wait_preempted = 30,
	  .g_goid = 152, .asmcgocall_frame = true, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 280, .g_startpc = 296,
	  .g_racectx = 304, .g_parent_goid = 272, .g_sched_bp = 96, .m_procid = 64,
	  .m_curg = 184, .m_gsignal = 72, .m_alllink = 344, .wrapper_func_id = 23,
	  .func_assembly_flag = 4, .maps = GO_MAP_SWISS, .chan_elemtype = 40, .fipsinfo = true,
	  .pcln = &pcln_20, .moduledata = &md_23 },
	{ .minor = 26, .race_guard = 2, .g_sig = 224, .g_sigcode0 = 256,
	  .merges_locals = true, .panic_arg = 0, .panic_sp = 40,
	  .g_syscallsp = 104, .sudog_waitlink = 72,
	  .sudog_c = 96, .g_waitreason = 176, .wait_preempted = 30,
	  .g_goid = 152, .asmcgocall_frame = true, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 288, .g_startpc = 304,
	  .g_racectx = 312, .g_parent_goid = 280, .g_sched_bp = 96, .m_procid = 64,
	  .m_curg = 184, .m_gsignal = 72, .m_alllink = 352, .wrapper_func_id = 23,
	  .func_assembly_flag = 4, .maps = GO_MAP_SWISS, .direct_iface_tflag = 32,
	  .chan_elemtype = 40, .fipsinfo = true, .pcln = &pcln_20, .moduledata = &md_26 },
	{ .minor = 27, .race_guard = 2, .g_sig = 224, .g_sigcode0 = 256,
	  .merges_locals = true, .panic_arg = 0, .panic_sp = 48,
	  .g_syscallsp = 104, .sudog_waitlink = 72,
	  .sudog_c = 96, .g_waitreason = 176, .wait_preempted = 30,
	  .g_goid = 152, .asmcgocall_frame = true, .newproc1_caller = 1,
	  .g_atomicstatus = 144, .g_gopc = 288, .g_startpc = 304,
	  .g_racectx = 312, .g_parent_goid = 280, .g_sched_bp = 96, .m_procid = 64,
	  .m_curg = 184, .m_gsignal = 72, .m_alllink = 352, .wrapper_func_id = 23,
	  .func_assembly_flag = 4, .maps = GO_MAP_SWISS_STRIDES, .direct_iface_tflag = 32,
	  .chan_elemtype = 40, .fipsinfo = true, .pcln = &pcln_20, .moduledata = &md_27 },
};

const struct go_release *release_of(unsigned minor)
{
	for (size_t i = 0; i < ARRAY_LEN(releases); i++)
		if (releases[i].minor == minor)
			return &releases[i];
	return NULL;
}

/* runtime/mheap.go; read from the DWARF of binaries built by the last patch release of each. */
const struct go_heap_layout *go_heap_layout(unsigned minor)
{
	static const struct go_heap_layout rows[] = {
		{ 22, 65864, 50, 2, 64, 99, 152 },
		{ 21, 65864, 56, 8, 72, 107, 0 },
		{ 20, 65824, 56, 8, 72, 99, 0 },
		{ 19, 65856, 56, 8, 72, 99, 0 },
		{ 17, 65848, 56, 8, 72, 99, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (minor >= rows[i].since)
			return minor <= RELEASE_LAST ? &rows[i] : NULL;
	return NULL;
}
