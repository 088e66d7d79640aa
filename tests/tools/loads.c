/* loads - does the kernel's verifier accept the program of kernel probes in every form that it has?
 *
 * A line for each: "multi, sleeps, leaves, decides: 512 instructions", or what the kernel said. */
#include <stdio.h>

#include "bpf/session.h"

enum { TURNS = 200 };	/* links.c, where the kernel verifies each */

static bool maps(struct bpf_facts *f, struct err *err)
{
	static const struct kernel_map made[] = {
		{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct bpf_site), 8, 0, "sites" },
		{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct bpf_step), 8, 0, "steps" },
		{ BPF_MAP_TYPE_ARRAY, 4, SLOT_BYTES, SLOTS_EACH, 0, "slots" },
		{ BPF_MAP_TYPE_ARRAY, 4, 8, COUNTS_ROOM, 0, "counts" },
		{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, "ring" },
		{ BPF_MAP_TYPE_ARRAY, 4, 8, 1 << MARKS_LOG2, 0, "marks" },
	};
	int *fds[] = { &f->sites_fd, &f->steps_fd, &f->slots_fd, &f->counts_fd, &f->ring_fd,
		       &f->marks_fd };

	for (u32 i = 0; i < ARRAY_LEN(made); i++)
		if (!kernel_map_make(&made[i], fds[i], err))
			return false;
	return true;
}

static bool load(enum kernel_way way, const struct bpf_facts *f)
{
	static const char *const ways[] = { "multi", "each", "each awake" };
	static struct bpf_insn code[PROGRAM_ROOM];
	struct err err = { 0 };
	struct bpf_code c;
	int fd;
	bool ok;

	bpf_code_start(&c, code, ARRAY_LEN(code));
	bpf_program(&c, f);
	ok = bpf_code_ok(&c, &err) && kernel_load(way, code, c.n, &fd, &err);
	printf("%s%s%s%s%s%s: ", ways[way], f->may_leave ? ", leaves" : "",
	       f->goes_back ? ", goes back" : "", f->decides ? ", decides" : "",
	       f->bare ? ", stacks" : "", f->count_only ? ", counts" : "");
	if (ok)
		printf("%u instructions\n", c.n);
	else
		printf("%s\n", err.msg);
	return ok;
}

int main(void)
{
	struct bpf_facts f = {
		.tgid = 1, .nslots = SLOTS_EACH, .most_turns = TURNS, .g_goid = 152,
	};
	struct go_bare_call calls[] = { { .return_pc = 100 }, { .return_pc = 200, .up = 16 } };
	struct go_bare_calls bare = { calls, ARRAY_LEN(calls) };
	struct err err = { 0 };
	bool ok = true;

	if (!maps(&f, &err)) {
		printf("%s\n", err.msg);
		return 1;
	}
	for (u32 i = 0; i < WAYS * 32; i++) {
		enum kernel_way way = (enum kernel_way)(i / 32);

		f.may_leave = i & 1;
		f.decides = i & 2;
		f.bare = i & 4 ? &bare : NULL;
		f.sigpanic_size = i & 4 ? 100 : 0;
		f.count_only = i & 8;
		f.goes_back = i & 16;
		f.sleeps = way != WAY_EACH_AWAKE;
		ok &= load(way, &f);
	}
	return !ok;
}
