/* Where a thread keeps its g, read from code that loads it: ABI0 functions do so first thing, since
 * R14 is not set for them (cmd/internal/obj/x86/obj6.go).
 *
 *	mov r14, fs:[disp32]			64 4c 8b 34 25 disp32
 *	mov r14, imm32; mov r14, fs:[r14]	49 c7 c6 imm32 64 4d 8b 36	in a PIE
 *	mov r14, [rip+disp32]; the same		4c 8b 35 disp32 64 4d 8b 36	in one that may load
 *									plugins */
#include "go/sig.h"

/* Each is made by the linker in every program: an ABI0 way into compiled code. */
static const char *const candidates[] = {
	"runtime.sigtramp", "runtime.cgocallback", "runtime.asyncPreempt", "runtime.systemstack",
	"runtime.mcall", "runtime.goexit", "runtime.rt0_go",
};

/* The relocations are searched for each word, so not for any number of words. */
enum { LOOKUPS = 16 };

static bool offset_in(const struct go_program *prog, const struct go_func *f, u32 *lookups,
		      i32 *off)
{
	static const struct {
		struct str before;	/* the four bytes of the offset follow */
		struct str after;
		bool indirect;		/* or of where a word lies that will hold it */
	} forms[] = {
		{ { "\x64\x4c\x8b\x34\x25", 5 }, { "", 0 }, false },
		{ { "\x49\xc7\xc6", 3 }, { "\x64\x4d\x8b\x36", 4 }, false },
		{ { "\x4c\x8b\x35", 3 }, { "\x64\x4d\x8b\x36", 4 }, true },
	};
	struct str code = go_func_bytes(prog, f);

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		ptrdiff_t at = str_find(code, forms[i].before);
		struct rd r;
		u64 next_va;
		i64 v;

		if (at < 0)
			continue;
		r = rd_of(code.p, code.n, "code");
		rd_seek(&r, (u64)at + forms[i].before.n);
		v = (i32)rd_u32(&r);
		next_va = go_func_va(prog, f) + (u64)at + forms[i].before.n + 4;
		if (!str_eq(rd_bytes(&r, forms[i].after.n), forms[i].after) || r.bad ||
		    (forms[i].indirect && (++*lookups > LOOKUPS ||
		     !image_tls_word(prog->img, next_va + (u64)v, &v))) ||
		    v >= 0 || v % 8)
			continue;
		*off = (i32)v;
		return true;
	}
	return false;
}

bool go_tls_offset(const struct go_program *prog, i32 *off)
{
	u32 lookups = 0;

	for (size_t i = 0; i < ARRAY_LEN(candidates); i++)
		for (size_t k = 0; k < prog->nfuncs; k++)
			if (str_eq(prog->funcs[k].name, str_of(candidates[i])) &&
			    offset_in(prog, &prog->funcs[k], &lookups, off))
				return true;
	for (size_t k = 0; k < prog->nfuncs; k++)
		if (prog->funcs[k].wrapper &&
		    offset_in(prog, &prog->funcs[k], &lookups, off))
			return true;
	return false;
}
