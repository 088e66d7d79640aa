#include "inline/listing.h"

#include <Zydis/Zydis.h>

void listing(struct out *o, const u8 *p, size_t n, u64 rt)
{
	ZydisDisassembledInstruction in;

	while (n &&
	       ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, rt, p, n, &in))) {
		out_fmt(o, "      %12llx  %s", (unsigned long long)rt, in.text);
		out_line(o);
		p += in.info.length;
		n -= in.info.length;
		rt += in.info.length;
	}
}
