/* Which homes of parameters hold them, at one instruction: what the compiler says for the runtime's
 * tracebacks.
 *
 *	ArgLiveInfo	OFFSET	SIZE	MEANING
 *			0	1	parameters below this offset are always there
 *			1		bitmaps, a bit for each word of ArgInfo from there on
 *	ArgLiveIndex	at pc		where its bitmap begins; -1: all are there
 *
 * Without ArgLiveInfo nothing came in registers, or all of it is kept from the beginning; so are
 * those below that offset. But where the optimiser finds that nobody reads what it keeps, it does
 * not store it, and the runtime prints what happens to lie there: so the code must have a store.
 * Source: cmd/compile/internal/liveness/arg.go, runtime/traceback.go (printArgs). */
#include "go/release.h"
#include "go/shape_impl.h"
#include "go/stored.h"

enum { TRACKED = 10, FARTHEST = 0xff };

/* Its number among the words that the bitmaps speak of; -1: it is not among them. */
static int slot_of(const struct shapes *s, u32 off, u32 from)
{
	int slot = 0;

	for (unsigned i = 0; i < s->nscalars; i++) {
		if (s->scalar[i].far || s->scalar[i].off < from)
			continue;
		if (s->scalar[i].off == off)
			return slot < TRACKED ? slot : -1;
		slot++;
	}
	return -1;
}

/* Did it come in a register, into a function that never stores it there? */
static bool is_never_stored(const struct go_program *prog, const struct go_func *f, i32 home)
{
	const struct go_sig *sig = go_sig_of(prog, f);
	const struct frame_stores *stores;
	bool in_register = false;

	for (size_t i = 0; i < sig->nparams; i++)
		for (size_t k = 0; k < sig->params[i].nplaces; k++)
			in_register |= sig->params[i].places[k].kind != PLACE_STACK &&
				       sig->params[i].places[k].home == home;
	if (!in_register)
		return false;
	stores = go_frame_stores(prog, f);
	for (u32 i = 0; i < stores->n; i++) {
		const struct frame_store *s = &stores->at[i];

		if (!s->size || (home >= s->off && home < s->off + s->size))
			return false;
	}
	return stores->known;
}

bool go_home_is_live(const struct go_program *prog, const struct go_func *f, u64 pc, i32 home)
{
	struct rd info = shape_funcdata(prog, f, FUNCDATA_ARG_INFO, "argument info"), live;
	u32 off = (u32)home - RETURN_ADDRESS, from;
	struct shapes s = { 0 };
	i32 index;
	int slot;

	if (home < RETURN_ADDRESS)
		return false;
	if (f->assembly)
		return true;	/* all came on the stack */
	if (prog->rel->lacks_arg_live)
		return false;
	if (!go_funcdata_va(prog, f, FUNCDATA_ARG_LIVE_INFO))
		return !is_never_stored(prog, f, home);
	live = shape_funcdata(prog, f, FUNCDATA_ARG_LIVE_INFO, "argument liveness");
	from = rd_u8(&live);
	if (live.bad)
		return false;
	if (off < from)
		return !is_never_stored(prog, f, home);
	/* generic functions have parameters that one of the two lists leaves out */
	if (off > FARTHEST || str_find(f->name, STR("[")) >= 0 || !shape_read(&info, &s))
		return false;
	slot = slot_of(&s, off, from);
	index = go_pcvalue(prog, f, go_pcdata(prog, f, PCDATA_ARG_LIVE), pc);
	if (slot < 0)
		return false;
	if (index <= 0)
		return index == -1;
	rd_seek(&live, (u64)index + (unsigned)slot / 8);
	return rd_u8(&live) >> slot % 8 & 1 && !live.bad;
}
