/* image - bytes at an address: an ELF file, a live process or a core file behind one door.
 *
 * The ELF file is mapped privately and its RELATIVE relocations are applied to that copy, so
 * pointers in the bytes of a PIE read as link-time addresses. A process or a core is its
 * executable's file (for code and tables) plus its memory (for what changes).
 *
 * Owns     the mapping, descriptors and tables, until image_release(); views die with it.
 * Units    _va is a link-time address of the file, _off an offset in the file, _rt an address in
 *          the process or core: rt = va + bias. For a file bias is 0.
 * Fails    ERR_FORMAT (not ELF, truncated), ERR_UNSUPPORTED (32 bit, another machine), ERR_DENIED,
 *          ERR_IO, ERR_GONE (no such process). "Not there" is an empty str or NULL.
 * Threads  immutable after open. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/str.h"

enum image_kind { IMAGE_FILE, IMAGE_PROCESS, IMAGE_CORE };

/* A PT_LOAD. */
struct segment {
	u64 va, size;		/* in memory */
	u64 off, filesz;	/* in the file, already checked against its end */
	bool read, write, exec;
};

struct section {
	struct str name;
	u64 va, off, size;	/* off and size are checked; size is 0 for SHT_NOBITS */
	u32 type;
	bool alloc;		/* SHF_ALLOC: without it va means nothing */
	bool compressed;	/* SHF_COMPRESSED: the bytes begin with an Elf64_Chdr */
};

/* A thread of a core file, or of a process that was looked at while it stood still. */
struct os_thread {
	int tid;
	u64 ip, sp, bp, fs_base;
	u64 ints[16];	/* by number: rax rcx rdx rbx rsp rbp rsi rdi r8 … r15 */
	int signal;	/* what stopped it, 0: nothing of its own */
	bool has_info;	/* the next two are known (NT_SIGINFO) */
	i32 code;
	u64 address;
};

struct memory;	/* process or core: how to read memory (proc.c, core.c) */

struct image {
	enum image_kind kind;
	struct str path;	/* as the user gave it, or the executable's path */
	const u8 *bytes;	/* the whole file */
	size_t size;
	bool relocated;		/* `bytes` are not quite the file's: addends were put in */
	struct segment *segs;
	size_t nsegs;
	struct section *secs;	/* none when the section headers are gone or lie */
	size_t nsecs;
	bool secs_outside;	/* their headers, or one, lie behind the end: the file was cut */
	u64 entry_va;
	u64 lo_va, hi_va; /* from the lowest to the highest byte of the PT_LOADs, page aligned */
	u64 phdrs_off, nphdrs;
	bool pie;		/* ET_DYN */
	bool interp;		/* has PT_INTERP: the dynamic loader runs first */
	u64 bias;
	int pid;		/* IMAGE_PROCESS */
	u64 exe_dev, exe_ino;	/* of its executable */
	struct memory *memory;
	struct os_thread *threads;	/* IMAGE_CORE: the first one is whose signal made it */
	size_t nthreads;
	const char *core_exe;	/* IMAGE_CORE: what the user says that it ran, or NULL */
	struct str core_path;	/* IMAGE_CORE: of the core, as the user gave it; else empty */
	bool cut;		/* IMAGE_CORE: it ends before the memory that it lists */
	u64 mapped_size;	/* for release */
	struct arena arena;
};

/* An ELF executable, or a core file (then its executable is opened too). */
bool image_open(struct image *img, const char *path, struct err *err) MUST_CHECK;
bool image_open_pid(struct image *img, int pid, struct err *err) MUST_CHECK;
/* A core file whose executable lies elsewhere now: `exe` instead of the name in the core. */
bool image_open_core(struct image *img, const char *path, const char *exe,
		     struct err *err) MUST_CHECK;
/* Without /proc (a chroot) every process seems to have ended; in that of another pid namespace the
 * same number is another process. ERR_DENIED. */
bool proc_is_mounted(struct err *err) MUST_CHECK;
/* The one process whose executable has this name. ERR_GONE: none; ERR_USAGE: several, listed. */
bool process_named(const char *name, int *pid, struct err *err) MUST_CHECK;
/* Has its first thread ended? Others may live on: nobody is told of its end before theirs. */
bool process_is_zombie(int pid);
/* Does the path lead to a file that the image was made of? Writing to it would change the image. */
bool image_is_made_of(const struct image *img, const char *path);
/* Is the process still what the image was made of? It may have become another program (exec), and
 * another process may have got its number. */
bool image_is_current(const struct image *img);
/* A number in /proc/PID/status ("TracerPid"), of one thread if `tid` is not 0. `base` as for
 * strtoull; `otherwise` where there is none. */
u64 process_status(int pid, int tid, const char *field, int base, u64 otherwise);
/* A variable of the environment that it was started with; empty: not there, or not to be seen. */
struct str process_variable(int pid, const char *name, struct arena *a);
void image_release(struct image *img);

/* File bytes at a link-time address; empty unless all n lie in the file part of one PT_LOAD. */
struct str image_bytes(const struct image *img, u64 va, u64 n);
/* How many file bytes there are from va to the end of its PT_LOAD's file part; 0 outside. */
u64 image_room(const struct image *img, u64 va);
/* A reader over them; bad from the start if they are not there. */
struct rd image_rd(const struct image *img, u64 va, u64 n, const char *what);
bool image_u64(const struct image *img, u64 va, u64 *to) MUST_CHECK;
/* What is there now: memory of the process or core, else the file (zero in .bss). By va. */
bool image_read(const struct image *img, u64 va, void *to, size_t n) MUST_CHECK;
/* Memory by run-time address (heap, stacks). False for files. */
bool image_read_rt(const struct image *img, u64 rt, void *to, size_t n) MUST_CHECK;
/* How many of the first bytes are there. */
size_t image_read_some(const struct image *img, u64 rt, void *to, size_t n);
/* Takes these pieces of a process's memory all at once: from here on image_read* gives what was in
 * them then. They must ascend and not overlap; of a core there is nothing to take. */
struct extent {
	u64 rt, size;
};
void image_keep(struct image *img, const struct extent *pieces, size_t n);
/* Has memory at hand for so many bytes, so that none is asked for while a process stands still. */
void image_keep_room(struct image *img, u64 bytes);
/* What the dynamic loader will write into the word at va: where a thread-local variable of the
 * program lies, counted from the thread pointer. False where no relocation says so. */
bool image_tls_word(const struct image *img, u64 va, i64 *off) MUST_CHECK;
const struct section *image_section(const struct image *img, const char *name);
struct str image_section_bytes(const struct image *img, const struct section *s);
/* The places whose RELATIVE relocation has this addend (finding moduledata in a PIE whose bytes
 * the linker left zero needs no more than image_u64, because relocations are applied). */
u64 image_off_of(const struct image *img, u64 va);	/* file offset, or ~0 */

#endif
