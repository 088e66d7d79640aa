/* each - kernel probes one by one, as kernels before 6.6 attach them: counts what comes.
 *
 *   each PID PATTERN…
 *
 * Says "watching" when the probes stand, and at the end of its input how many entries and exits
 * there were and what was lost: "entries 3 exits 3 lost 0". */
#include <stdio.h>
#include <stdlib.h>

#include "bpf/bpf.h"
#include "image/image.h"

struct seen {
	u64 entries, exits, lost;
};

static void record(void *ctx, const struct record *r)
{
	struct seen *s = ctx;

	s->entries += r->kind == SITE_ENTRY;
	s->exits += r->kind != SITE_ENTRY;
}

static void lost(void *ctx, u64 count, i64 from_ns, i64 to_ns)
{
	struct seen *s = ctx;

	(void)from_ns;
	(void)to_ns;
	s->lost += count;
}

static bool watch(struct source *src, struct plan *plan, struct seen *s, struct err *err)
{
	const struct image *img = plan->prog->img;
	struct bpf_options o = {
		.pid = img->pid, .bias = img->bias, .ring = 1 << 20, .each = true,
	};
	bool again;

	if (!bpf_attach(src, plan, &o, err))
		return false;
	puts("watching");
	fflush(stdout);
	while (getchar() != EOF)
		;
	if (!src->detach(src->session, &again, err))
		return false;
	src->poll(src->session, true, record, lost, s);
	return true;
}

int main(int argc, char **argv)
{
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };
	OWN(plan) plan = { 0 };
	struct source src = { 0 };
	struct seen s = { 0 };
	struct err err = { 0 };
	struct plan_request request = {
		.patterns = (const char **)argv + 2, .npatterns = (size_t)MAX(argc - 2, 0),
		.strings = 64, .elements = 8, .depth = 2, .probes = true,
	};
	bool ok;

	if (argc < 3)
		return 2;
	ok = image_open_pid(&img, (int)strtol(argv[1], NULL, 10), &err) &&
	     go_open(&prog, &img, &err) && plan_make(&plan, &prog, &request, &err) &&
	     watch(&src, &plan, &s, &err);
	source_release(&src);
	if (!ok) {
		fprintf(stderr, "each: %s\n", err.msg);
		return 1;
	}
	printf("entries %llu exits %llu lost %llu\n", (unsigned long long)s.entries,
	       (unsigned long long)s.exits, (unsigned long long)s.lost);
	return 0;
}
