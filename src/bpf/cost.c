/* What probes cost here: a function of our own is probed as any other, at a jump that the kernel
 * emulates and at a RET that it steps over, and called some times. In it R14 points to bytes that
 * pass for a g. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bpf/session.h"

enum { CALLS = 200, RING = 1 << 16, FAKE_GOID = 152, G_BYTES = 256 };

__asm__(".pushsection .text\n"
	"bpf_cost_call:\n"
	"	push %r14\n"
	"	mov %rdi, %r14\n"
	"	call 2f\n"
	"	pop %r14\n"
	"	ret\n"
	"2:	test %rdi, %rdi\n"
	"bpf_cost_jcc:\n"
	"	jbe bpf_cost_ret\n"
	"bpf_cost_ret:\n"
	"	ret\n"
	".popsection\n");
extern void bpf_cost_call(const u8 *g);
extern const char bpf_cost_jcc[], bpf_cost_ret[];

/* Where in our own file a byte of our code lies. */
static u64 own_offset(const char *at)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	u64 off = 0;

	while (f && !off && fgets(line, sizeof(line), f)) {
		char *end;
		u64 lo = strtoull(line, &end, 16), hi, from;

		hi = *end == '-' ? strtoull(end + 1, &end, 16) : 0;
		from = strlen(end) > 6 ? strtoull(end + 6, NULL, 16) : 0;
		if ((u64)(uintptr_t)at >= lo && (u64)(uintptr_t)at < hi)
			off = (u64)(uintptr_t)at - lo + from;
	}
	if (f)
		fclose(f);
	return off;
}

static void add(struct bpf_session *s, enum site_kind kind, u16 mask, const char *at)
{
	*vec_push(&s->probes.sites) = (struct bpf_site){
		.site = kind, .size = RECORD_HEAD, .mask = mask,
	};
	*vec_push(&s->probes.at) = (struct probe){
		.row = (u32)s->probes.sites.n - 1, .va = (u64)(uintptr_t)at, .off = own_offset(at),
	};
}

static u64 calls_ns(void)
{
	static const u8 g[G_BYTES];
	i64 from = now_ns();

	for (u32 i = 0; i < CALLS; i++)
		bpf_cost_call(g);
	return (u64)(now_ns() - from);
}

bool bpf_cost(u64 *ns, struct err *err)
{
	struct bpf_options o = { .pid = getpid(), .ring = RING };
	struct bpf_session s;
	u64 without = calls_ns(), with = without;
	bool ok;

	bpf_session_new(&s, &o, FAKE_GOID);
	add(&s, SITE_ENTRY, FLAGS_BE, bpf_cost_jcc);
	add(&s, SITE_EXIT, 0, bpf_cost_ret);
	ok = bpf_session_open(&s, err);
	if (ok) {
		(void)calls_ns();	/* the first hit of each page costs more */
		with = calls_ns();
	}
	bpf_session_close(&s);
	*ns = with > without ? (with - without) / CALLS : 0;
	return ok;
}
