/* release - facts that differ between Go releases, as rows (style.md 8).
 *
 * Owns     nothing: constant tables.  Units  bytes.
 * Fails    release_of: NULL for a release without a row.  Threads  any.
 * Sources  named beside each table in release.c. */
#ifndef GO_RELEASE_H
#define GO_RELEASE_H

#include "base/defs.h"

enum go_map_layout { GO_MAP_HMAP, GO_MAP_SWISS, GO_MAP_SWISS_STRIDES /* 1.27 */ };

/* runtime.g, runtime.m: offsets. What no release moved is in go-runtime's constants below. */
struct go_release {
	unsigned minor;			/* first release with this row's facts: 1.minor */
	u16 g_goid, g_atomicstatus, g_gopc, g_startpc, g_racectx, g_parent_goid /* 0: none */;
	u16 g_sched_bp;
	u16 m_procid, m_curg, m_gsignal, m_alllink;
	u8 wrapper_func_id;
	u8 func_assembly_flag;		/* 0: the release has none */
	enum go_map_layout maps;
	bool dict_before_receiver;	/* shape methods: 1.18, 1.19 */
	u16 chan_elemtype;
	bool field_offset_shifted;	/* a struct field's offset word is offset << 1 | embedded: up to 1.18 */
	u8 direct_iface_tflag;		/* 0: it is bit 5 of the kind byte (up to 1.25) */
	bool dwarf_lacks_results;	/* of optimised functions: 1.17 */
};

enum {	/* the same in 1.17 to 1.27 (runtime/runtime2.go) */
	G_STACK_LO = 0, G_STACK_HI = 8, G_STACKGUARD0 = 16, G_M = 48,
	M_G0 = 0,
};

const struct go_release *release_of(unsigned minor);
enum { RELEASE_FIRST = 17, RELEASE_LAST = 27 };

#endif
