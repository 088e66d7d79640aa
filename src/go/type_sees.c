/* Which words of a value the collector follows: a bit for each, at the address that the descriptor
 * has. A large type has a program that makes these bits instead (KindGCProg, up to 1.23), or makes
 * them when they are needed (TFlagGCMaskOnDemand, since). Source: internal/abi/type.go. */
#include "go/types_impl.h"

enum { GCDATA = 32, GC_PROGRAM = 64, MASK_ON_DEMAND = 16 };

static bool descriptor_of(const struct go_program *prog, const struct go_type *t,
			  struct descriptor *d)
{
	return t->va >= prog->md.types_va &&
	       descriptor_read(types_of(prog), t->va - prog->md.types_va, d);
}

u64 go_type_ptrdata(const struct go_program *prog, const struct go_type *t)
{
	struct descriptor d;

	return descriptor_of(prog, t, &d) ? d.ptrdata : 0;
}

enum sees go_type_sees(const struct go_program *prog, const struct go_type *t, u64 off)
{
	struct descriptor d;
	struct str byte;
	u64 mask;

	if (!descriptor_of(prog, t, &d))
		return CANT_TELL;
	if (off >= d.ptrdata)
		return NO_POINTER;
	if (d.kind & GC_PROGRAM || d.tflag & MASK_ON_DEMAND ||
	    !image_u64(prog->img, t->va + GCDATA, &mask))
		return CANT_TELL;
	byte = image_bytes(prog->img, mask + off / 64, 1);
	if (!byte.n)
		return CANT_TELL;
	return (u8)byte.p[0] >> off / 8 % 8 & 1 ? POINTER : NO_POINTER;
}
