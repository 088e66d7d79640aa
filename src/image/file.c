/* Opening: which of the three kinds of image a path or a PID is, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "image/memory.h"

static bool open_failed(int e, struct err *err)
{
	if (e == EACCES || e == EPERM)
		return err_set(err, ERR_DENIED, "no permission to read it");
	if (e == ENOENT || e == ENOTDIR)
		return err_set(err, ERR_IO, "no such file");
	return err_set(err, ERR_IO, "can't be opened (%s)", strerror(e));
}

static bool map_fd(int fd, const u8 **bytes, size_t *size, struct err *err)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		return open_failed(errno, err);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_FORMAT, "a directory, not a program");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_FORMAT, "not a regular file");
	if (!st.st_size)
		return err_set(err, ERR_FORMAT, "an empty file");
	/* Writable, because relocations go into our copy of the pages. */
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd,
		 0);
	if (p == MAP_FAILED)
		return err_set(err, ERR_IO, "can't be mapped (%s)", strerror(errno));
	*bytes = p;
	*size = (size_t)st.st_size;
	return true;
}

bool file_map(const char *path, const u8 **bytes, size_t *size, struct err *err)
{
	/* O_NONBLOCK: opening a pipe must not wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool ok;

	if (fd < 0)
		return open_failed(errno, err);
	ok = map_fd(fd, bytes, size, err);
	close(fd);
	return ok;
}

void file_unmap(const u8 *bytes, size_t size)
{
	if (bytes)
		munmap((void *)(uintptr_t)bytes, size);
}

/* `exe`: of a core, or NULL. */
static bool open_file(struct image *img, const char *path, const char *exe, struct err *err)
{
	*img = (struct image){ .kind = IMAGE_FILE };
	img->path = str_of(str_z(&img->arena, str_of(path)));
	img->core_exe = exe;
	if (!file_map(path, &img->bytes, &img->size, err))
		return err_in(err, "%s", path);
	img->mapped_size = img->size;
	return elf_parse(img, err) || err_in(err, "%s", path);
}

bool image_open(struct image *img, const char *path, struct err *err)
{
	return open_file(img, path, NULL, err);
}

bool image_open_core(struct image *img, const char *path, const char *exe, struct err *err)
{
	return open_file(img, path, exe, err) &&
	       (!exe || img->kind == IMAGE_CORE ||
		err_set(err, ERR_USAGE, "%s: not a core file, so %s is one file too many", path,
			exe));
}

bool image_is_made_of(const struct image *img, const char *path)
{
	struct stat st;

	if (img->kind == IMAGE_PROCESS)	/* its path may lead elsewhere by now */
		return !stat(path, &st) && st.st_dev == img->exe_dev && st.st_ino == img->exe_ino;
	return (img->path.n && file_is_same(path, img->path.p)) ||
	       (img->core_path.n && file_is_same(path, img->core_path.p));
}

bool image_place(struct image *img, u64 entry_rt, u64 phdr_rt, struct err *err)
{
	u64 phdr_va = ~(u64)0;

	for (size_t i = 0; i < img->nsegs; i++)
		if (img->phdrs_off - img->segs[i].off < img->segs[i].filesz)
			phdr_va = img->segs[i].va + (img->phdrs_off - img->segs[i].off);
	img->bias = entry_rt - img->entry_va;
	if (img->bias % 4096 || (!img->pie && img->bias)
	    || (phdr_rt && phdr_va != ~(u64)0 && phdr_rt != phdr_va + img->bias))
		return err_set(err, ERR_FORMAT,
			       "does not run %.*s (the entry point lies elsewhere)",
			       STR_F(img->path));
	return true;
}

void image_release(struct image *img)
{
	if (img->memory)
		memory_release(img->memory);
	file_unmap(img->bytes, img->mapped_size);
	arena_release(&img->arena);
	*img = (struct image){ 0 };
}
