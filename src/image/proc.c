/* A live process: its executable by /proc/PID/exe (also when the file was deleted), its load bias
 * by the auxiliary vector that the kernel gave it, its memory by /proc/PID/mem. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "image/memory.h"

enum { AUXV_MOST = 64 };
/* Of /proc/PID/stat's flags (sched.h): made by fork, and no program was begun since. */
enum { FORKNOEXEC = 0x40, BEGINS_MS = 500 };

struct path {
	char z[96];
};

static struct path proc_path(int pid, const char *file)
{
	struct path p;

	snprintf(p.z, sizeof(p.z), "/proc/%d/%s", pid, file);
	return p;
}

static bool failed(int e, const char *what, struct err *err)
{
	if (e == EACCES || e == EPERM)
		return err_set(err, ERR_DENIED,
			       "no permission to look into the process (%s): it takes the same "
			       "user or root, and a program that is neither set-uid nor undumpable",
			       what);
	if (e == ENOENT || e == ESRCH)
		return err_set(err, ERR_GONE, "no such process, or it has ended");
	return err_set(err, ERR_IO, "can't read its %s (%s)", what, strerror(e));
}

bool proc_is_mounted(struct err *err)
{
	char self[16] = "";

	if (readlink("/proc/self", self, sizeof(self) - 1) < 0)
		return err_set(err, ERR_DENIED, "/proc is not mounted here, and without it nothing "
			       "is known of a process: mount -t proc proc /proc");
	return strtol(self, NULL, 10) == getpid() ||
	       err_set(err, ERR_DENIED, "/proc is that of another pid namespace, where the same "
		       "numbers are other processes: mount -t proc proc /proc");
}

static ssize_t read_proc(int pid, const char *file, void *to, size_t n)
{
	int fd = open(proc_path(pid, file).z, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, to, n);
	int e = errno;

	if (fd >= 0)
		close(fd);
	errno = e;
	return got;
}

struct state {
	char letter;	/* 0: no such process */
	int parent;
	unsigned flags;
};

/* What stands behind the name in /proc/PID/stat ("1 (a name) Z …"). */
static struct state state_of(int pid)
{
	struct state s = { 0 };
	char text[128] = "";
	char *at = read_proc(pid, "stat", text, sizeof(text) - 1) > 0 ? strrchr(text, ')') : NULL;

	if (at)
		sscanf(at + 1, " %c %d %*d %*d %*d %*d %u", &s.letter, &s.parent, &s.flags);
	return s;
}

static void pause_ms(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* `program & goshawk … -p $!`: who started us may have made the process, which does not run its
 * program yet. */
static void await_program(int pid)
{
	struct state s = state_of(pid);

	for (int i = 0; i < BEGINS_MS && s.letter && s.parent == getppid() &&
			s.flags & FORKNOEXEC; i++) {
		pause_ms();
		s = state_of(pid);
	}
}

static bool is_over(char letter)
{
	return letter == 'Z' || letter == 'X';
}

bool process_is_zombie(int pid)
{
	return is_over(state_of(pid).letter);
}

/* The name behind /proc/PID/exe. A kernel thread has none, nor has a process that has ended. */
static bool exe_name(struct image *img, struct err *err)
{
	char name[PATH_MAX];
	ssize_t n = readlink(proc_path(img->pid, "exe").z, name, sizeof(name));
	char state = n < 0 && errno == ENOENT ? state_of(img->pid).letter : 0;

	if (is_over(state))
		return err_set(err, ERR_GONE,
			       "has ended, and its parent has not yet asked for its status");
	if (state)
		return err_set(err, ERR_FORMAT, "a kernel thread, not a program");
	if (n < 0)
		return failed(errno, "exe", err);
	img->path = str_of(str_z(&img->arena, (struct str){ name, (size_t)n }));
	return true;
}

static bool read_auxv(int pid, u64 *entry, u64 *phdr)
{
	u64 pairs[AUXV_MOST][2];
	ssize_t n = read_proc(pid, "auxv", pairs, sizeof(pairs));

	*entry = *phdr = 0;
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(pairs[0]); i++) {
		if (pairs[i][0] == AT_ENTRY)
			*entry = pairs[i][1];
		if (pairs[i][0] == AT_PHDR)
			*phdr = pairs[i][1];
	}
	return n >= 0;
}

/* While the kernel begins a program (execve), this has its file, and not yet its entry. */
static bool is_beginning(int pid)
{
	char letter = state_of(pid).letter;

	return letter && !is_over(letter);
}

static bool place_by_auxv(struct image *img, struct err *err)
{
	u64 entry, phdr;

	if (!read_auxv(img->pid, &entry, &phdr))
		return failed(errno, "auxv", err);
	for (int i = 0; i < BEGINS_MS && !entry && is_beginning(img->pid); i++) {
		pause_ms();
		(void)read_auxv(img->pid, &entry, &phdr);
	}
	if (!entry)
		return err_set(err, ERR_GONE, "no such process, or it has ended");
	return image_place(img, entry, phdr, err);
}

/* It is there as long as the process is, also when the file was removed. */
static bool map_exe(struct image *img, struct err *err)
{
	struct path path = proc_path(img->pid, "exe");
	struct stat st;

	return file_map(path.z, &img->bytes, &img->size, err) ||
	       (stat(path.z, &st) && errno == ENOENT ? failed(errno, "exe", err) : false);
}

static void note_exe(struct image *img)
{
	struct stat st = { 0 };

	if (stat(proc_path(img->pid, "exe").z, &st))
		return;
	img->exe_dev = st.st_dev;
	img->exe_ino = st.st_ino;
}

bool image_is_current(const struct image *img)
{
	struct image now = { .pid = img->pid };
	u64 entry, phdr;

	note_exe(&now);
	return now.exe_ino == img->exe_ino && now.exe_dev == img->exe_dev &&
	       read_auxv(img->pid, &entry, &phdr) && entry == img->entry_va + img->bias;
}

static bool open_pid(struct image *img, struct err *err)
{
	if (!exe_name(img, err) || !map_exe(img, err))
		return false;
	img->mapped_size = img->size;
	note_exe(img);
	if (!elf_parse(img, err) || !place_by_auxv(img, err))
		return false;
	img->memory = ARENA_NEW(&img->arena, struct memory);
	img->memory->pid = img->pid;
	img->memory->fd = open(proc_path(img->pid, "mem").z, O_RDONLY | O_CLOEXEC);
	return img->memory->fd >= 0 || failed(errno, "mem", err);
}

bool image_open_pid(struct image *img, int pid, struct err *err)
{
	*img = (struct image){ .kind = IMAGE_PROCESS, .pid = pid };
	if (!proc_is_mounted(err))
		return false;
	if (pid <= 0)
		return err_set(err, ERR_GONE, "process %d: no such process", pid);
	await_program(pid);
	return open_pid(img, err) || err_in(err, "process %d", pid);
}

/* To be read to where the field is: a user may be in thousands of groups, which come first. */
u64 process_status(int pid, int tid, const char *field, int base, u64 otherwise)
{
	size_t n = strlen(field), room = 0;
	char name[64], *line = NULL;
	FILE *f;

	snprintf(name, sizeof(name), "task/%d/status", tid);
	f = fopen(proc_path(pid, tid ? name : "status").z, "re");
	while (f && getline(&line, &room, f) > 0)
		if (!strncmp(line, field, n) && line[n] == ':') {
			otherwise = strtoull(line + n + 1, NULL, base);
			break;
		}
	mem_free(line);
	if (f)
		fclose(f);
	return otherwise;
}

struct str process_variable(int pid, const char *name, struct arena *a)
{
	FILE *f = fopen(proc_path(pid, "environ").z, "re");
	struct str found = STR(""), s;
	char *line = NULL;
	size_t room = 0, n = strlen(name);

	while (f && !found.n && getdelim(&line, &room, 0, f) > 0) {
		s = str_of(line);
		if (str_starts(s, str_of(name)) && s.n > n && s.p[n] == '=')
			found = str_of(str_z(a, str_cut(s, n + 1, s.n)));
	}
	mem_free(line);
	if (f)
		fclose(f);
	return found;
}

/* Is this the name of the process's executable, or what it calls itself? */
static bool has_name(int pid, const char *name)
{
	char text[PATH_MAX];
	ssize_t n = readlink(proc_path(pid, "exe").z, text, sizeof(text) - 1);
	const char *slash;

	text[MAX(n, 0)] = 0;
	slash = strrchr(text, '/');
	if (slash && !strcmp(slash + 1, name))
		return true;
	n = read_proc(pid, "comm", text, sizeof(text) - 1);
	return n > 1 && (size_t)n - 1 == strlen(name) && !strncmp(text, name, (size_t)n - 1);
}

bool process_named(const char *name, int *pid, struct err *err)
{
	char list[256] = "";
	size_t found = 0, n = 0;
	struct dirent *e;
	DIR *dir;

	if (!proc_is_mounted(err))
		return false;
	dir = opendir("/proc");
	while (dir && (e = readdir(dir))) {
		long one = strtol(e->d_name, NULL, 10);

		if (one <= 0 || one == getpid() || !has_name((int)one, name))
			continue;
		*pid = (int)one;
		if (found++ < 16)
			n += (size_t)snprintf(list + n, sizeof(list) - n, " %ld", one);
	}
	if (dir)
		closedir(dir);
	if (!found)
		return err_set(err, ERR_GONE, "%s: no process has this name", name);
	if (found > 1)
		return err_set(err, ERR_USAGE,
			       "%s: several processes have this name, give one of:%s", name, list);
	return true;
}

static size_t read_fd(int fd, u64 rt, u8 *to, size_t n)
{
	size_t had = 0;

	while (had < n && rt + had <= LONG_MAX) {
		ssize_t k = pread(fd, to + had, n - had, (off_t)(rt + had));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		had += (size_t)k;
	}
	return had;
}

static size_t read_dumped(const struct memory *m, u64 rt, u8 *to, size_t n)
{
	const struct dumped *d;
	size_t had = 0;

	while (had < n && (d = dumped_at(m->dumped, m->ndumped, rt + had))) {
		u64 in = rt + had - d->rt;

		memcpy(to + had, m->bytes + d->off + in, (size_t)MIN(n - had, d->size - in));
		had += (size_t)MIN(n - had, d->size - in);
	}
	return had;
}

size_t memory_read(const struct memory *m, u64 rt, void *to, size_t n)
{
	size_t had = 0, more, gap;

	if (m->bytes)
		return read_dumped(m, rt, to, n);
	while (had < n) {
		more = kept_read(m, rt + had, (u8 *)to + had, n - had);
		if (!more) {
			gap = kept_gap(m, rt + had, n - had);
			more = read_fd(m->fd, rt + had, (u8 *)to + had, gap);
			if (more < gap)
				return had + more;
		}
		had += more;
	}
	return had;
}

void memory_release(struct memory *m)
{
	if (m->fd >= 0)
		close(m->fd);
	file_unmap(m->bytes, m->size);
	kept_release(m);
	m->bytes = NULL;
	m->fd = -1;
}
