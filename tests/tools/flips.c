/* flips - opens a binary again and again with one byte changed, and reads everything in it.
 *
 *   flips FILE COUNT SEED
 *
 * Bytes are changed where the tables lie: the headers of the ELF file, the function table, types,
 * module data, build information, DWARF. Each variant is opened, and its functions with their
 * lines, inlined calls, signatures, patches and types are read. What a lie leads to must be an
 * error or another answer; never a crash, a hang (10 s by the alarm), or a finding of the
 * sanitizers. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "go/sig.h"
#include "plan/plan.h"

enum { HANG_S = 10 };

struct region {
	u64 off, n;
};
struct regions {
	struct region at[32];
	size_t n;
};

static volatile u64 at_off;
static volatile unsigned at_value;

static void died(int sig)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "flips: signal %d with byte %#llx set to %#x\n", sig,
			 (unsigned long long)at_off, at_value);

	if (write(2, text, (size_t)n) != n)
		_exit(2);
	_exit(1);
}

static u64 seed;

static u64 chance(u64 below)	/* xorshift64*, which is random enough and the same everywhere */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dull % below;
}

static void add(struct regions *r, u64 off, u64 n)
{
	if (off == ~0ull || !n || r->n == ARRAY_LEN(r->at))
		return;
	r->at[r->n].off = off;
	r->at[r->n++].n = n;
}

/* Headers count as much as tables that are a thousand times as long: a region is chosen first. */
static void find_regions(struct regions *r, const struct image *img, const struct go_program *prog)
{
	static const char *const sections[] = {
		".gopclntab",	    ".typelink",    ".itablink",      ".go.buildinfo",
		".note.go.buildid", ".go.module",   ".debug_info",    ".debug_abbrev",
		".debug_line",	    ".zdebug_info", ".zdebug_abbrev",
	};
	struct str bytes[] = {
		prog->funcnametab, prog->cutab, prog->filetab, prog->pctab, prog->pclntable,
	};

	add(r, 0, 64);
	add(r, img->phdrs_off, img->nphdrs * 56);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct section *s = image_section(img, sections[i]);

		if (s)
			add(r, s->off, s->size);
	}
	for (size_t i = 0; i < ARRAY_LEN(bytes); i++)
		if (bytes[i].n)
			add(r, (u64)((const u8 *)bytes[i].p - img->bytes), bytes[i].n);
	add(r, image_off_of(img, prog->pclntab_va), 128);
	add(r, image_off_of(img, prog->md.va), 640);
	add(r, image_off_of(img, prog->md.types_va), prog->md.etypes_va - prog->md.types_va);
	if (prog->md.gofunc_va)
		add(r, image_off_of(img, prog->md.gofunc_va), 65536);
	add(r, img->size - MIN(img->size, 4096), MIN(img->size, 4096));
}

static void read_func(const struct go_program *prog, const struct go_func *f)
{
	struct arena scratch = { 0 };
	struct patches patches;
	struct go_frame frames[GO_FRAMES];
	const struct go_sig *sig = go_sig_of(prog, f);

	for (size_t i = 0; i < sig->nparams; i++)
		if (sig->params[i].type)
			go_type_load(prog, sig->params[i].type);
	go_line_at(prog, f, f->pc);
	go_frames_at(prog, f, f->pc + f->size / 2, frames);
	go_method_of(prog, f, &(struct go_type *){ NULL });
	plan_probe(prog, f, false, &scratch, &patches);
	arena_release(&scratch);
}

static bool read_all(const char *path, struct err *err)
{
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };
	struct go_type **types;
	size_t n;

	if (!image_open(&img, path, err) || !go_open(&prog, &img, err))
		return false;
	for (size_t i = 0; i < prog.nfuncs; i += 1 + chance(8))
		read_func(&prog, &prog.funcs[i]);
	n = go_types_all(&prog, &types);
	for (size_t i = 0; i < n; i++)
		go_type_load(&prog, types[i]);
	return true;
}

static bool regions_of(struct regions *r, const char *path, struct err *err)
{
	OWN(image) img = { 0 };
	OWN(go_program) prog = { 0 };

	if (!image_open(&img, path, err) || !go_open(&prog, &img, err))
		return false;
	find_regions(r, &img, &prog);
	return true;
}

/* A copy that is opened by its path, as any file is. */
static bool copy_of(const char *path, char *to, size_t room, int *fd)
{
	struct stat st;
	int from = open(path, O_RDONLY | O_CLOEXEC);
	void *bytes;

	if (from < 0 || fstat(from, &st))
		return false;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, from, 0);
	*fd = memfd_create("flips", MFD_CLOEXEC);
	if (bytes == MAP_FAILED || *fd < 0 || write(*fd, bytes, (size_t)st.st_size) != st.st_size)
		return false;
	munmap(bytes, (size_t)st.st_size);
	close(from);
	snprintf(to, room, "/proc/self/fd/%d", *fd);
	return true;
}

int main(int argc, char **argv)
{
	struct regions regions = { 0 };
	struct err err = { 0 };
	unsigned long opened = 0, refused = 0;
	char path[64];
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: flips FILE COUNT SEED\n");
		return 2;
	}
	if (!regions_of(&regions, argv[1], &err) || !copy_of(argv[1], path, sizeof(path), &fd)) {
		fprintf(stderr, "flips: %s\n", err.msg);
		return 2;
	}
	for (int sig = 1; sig < 32; sig++)
		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGABRT || sig == SIGALRM ||
		    sig == SIGFPE || sig == SIGILL)
			signal(sig, died);
	seed = strtoull(argv[3], NULL, 0) * 2 + 1;
	for (unsigned long i = 0, n = strtoul(argv[2], NULL, 0); i < n; i++) {
		const struct region *r = &regions.at[chance(regions.n)];
		u8 was, now;

		at_off = r->off + chance(r->n);
		if (pread(fd, &was, 1, (off_t)at_off) != 1)
			continue;
		now = (u8)(chance(2) ? was ^ 1u << chance(8) : chance(256));
		at_value = now;
		alarm(HANG_S);
		if (pwrite(fd, &now, 1, (off_t)at_off) != 1)
			return 2;
		if (read_all(path, &err))
			opened++;
		else
			refused++;
		if (pwrite(fd, &was, 1, (off_t)at_off) != 1)
			return 2;
	}
	printf("flips: %lu opened, %lu refused\n", opened, refused);
	return 0;
}
