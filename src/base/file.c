#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot(struct err *err, const char *path, const char *what)
{
	bool denied = errno == EACCES || errno == EPERM || errno == EROFS;

	return err_set(err, denied ? ERR_DENIED : ERR_IO, "%s: cannot %s: %s", path, what,
		       strerror(errno));
}

static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash + 1 - path) : 0;
}

/* "dir/name" -> "dir/.name.XXXXXX": in the same folder, so that rename() stays in a file system. */
static char *temporary_name(const char *path)
{
	size_t dir = folder_length(path), room = strlen(path) + sizeof("..XXXXXX");
	char *temp = mem_resize(NULL, room);

	snprintf(temp, room, "%.*s.%s.XXXXXX", (int)dir, path, path + dir);
	return temp;
}

/* A file that gets a name when it is whole: whoever kills us, nothing is left of it. -1: it takes
 * /proc to name it, and not all file systems can. */
static int open_unnamed(const char *path)
{
	int n = (int)folder_length(path);
	char *folder = NULL;
	int fd = -1;

	if (!access("/proc/self/fd", X_OK) && asprintf(&folder, "%.*s.", n, path) > 0)
		fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	free(folder);
	return fd;
}

/* A name that is free, or the temporary one. */
static bool give_name(struct out_file *f)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", f->out.fd);
	if (!linkat(AT_FDCWD, self, AT_FDCWD, f->final, AT_SYMLINK_FOLLOW)) {
		mem_free(f->temp);
		f->temp = NULL;
		return true;
	}
	if (errno != EEXIST)
		return false;
	snprintf(strrchr(f->temp, '.'), sizeof(".XXXXXX"), ".%06u", (u32)getpid() % 1000000);
	unlink(f->temp);	/* of one who was killed here, and had our number */
	return !linkat(AT_FDCWD, self, AT_FDCWD, f->temp, AT_SYMLINK_FOLLOW);
}

static bool open_temporary(struct out_file *f, const char *path, int *fd, struct err *err)
{
	/* a symbolic link stays, and what it names is replaced */
	char *real = realpath(path, NULL);

	f->final = real ? real : strdup(path);
	if (!f->final)
		die("out of memory");
	f->temp = temporary_name(f->final);
	*fd = open_unnamed(f->final);
	f->unnamed = *fd >= 0;
	if (!f->unnamed)
		*fd = mkostemp(f->temp, O_CLOEXEC);
	if (*fd >= 0)
		return true;
	mem_free(f->temp);
	f->temp = NULL;
	return cannot(err, path, errno == EACCES ? "create a file beside it" : "create");
}

/* Our own descriptors, not opened anew: that would truncate a log that they lead to, and write to
 * it from its start. -1: a file. */
static int own_descriptor(const char *path)
{
	if (!path || !strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	return strcmp(path, "/dev/stderr") ? -1 : STDERR_FILENO;
}

bool out_file_open(struct out_file *f, const char *path, bool stream, struct err *err)
{
	int fd = own_descriptor(path);
	struct stat st;

	*f = (struct out_file){ .path = path ? path : "stdout" };
	if (path && !*path)
		return err_set(err, ERR_USAGE, "which file is to be written? Its name is empty");
	if (fd < 0) {
		bool exists = !stat(path, &st);

		if (exists && S_ISDIR(st.st_mode))
			return err_set(err, ERR_USAGE, "%s: is a directory; name a file", path);
		if (!stream && (!exists || S_ISREG(st.st_mode))) {
			if (!open_temporary(f, path, &fd, err))
				return false;
		} else {
			fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
			if (fd < 0)
				return cannot(err, path, "open");
		}
		f->own_fd = true;
	}
	out_open(&f->out, fd);
	return true;
}

bool out_file_commit(struct out_file *f, struct err *err)
{
	int closed = 0;

	out_flush(&f->out);
	if (!out_ok(&f->out, err))
		return f->own_fd ? err_in(err, "%s", f->path) : false;
	if (f->unnamed && !give_name(f))
		return cannot(err, f->path, "name the finished file");
	f->unnamed = false;
	if (f->own_fd)	/* a full disk may be known only now (NFS) */
		closed = close(f->out.fd);
	f->own_fd = false;
	f->out.fd = -1;
	if (closed < 0)
		return cannot(err, f->path, "write");
	if (f->temp && rename(f->temp, f->final) < 0)
		return cannot(err, f->path, "rename the finished file");
	mem_free(f->temp);
	f->temp = NULL;
	return true;
}

void out_file_release(struct out_file *f)
{
	if (f->temp && !f->unnamed)
		unlink(f->temp);
	if (f->own_fd)
		close(f->out.fd);
	mem_free(f->temp);
	mem_free(f->final);
	out_release(&f->out);
	*f = (struct out_file){ .out.fd = -1 };
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

bool file_is_same(const char *a, const char *b)
{
	struct stat x, y;

	return !strcmp(a, b) ||
	       (!stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

bool file_is_set_uid(const char *path)
{
	struct stat st;

	return !stat(path, &st) && (st.st_mode & (S_ISUID | S_ISGID));
}

static bool is_program(const char *path)
{
	return is_file(path) && !access(path, X_OK);
}

bool find_program(struct arena *a, const char *name, const char **path, struct err *err)
{
	const char *dirs = getenv("PATH");

	*path = name;
	if (!*name)
		return err_set(err, ERR_USAGE, "which program? Its name is empty");
	if (strchr(name, '/')) {
		if (is_program(name))
			return true;
		if (access(name, F_OK))
			return err_set(err, errno == EACCES ? ERR_DENIED : ERR_IO, "%s: %s", name,
				       strerror(errno));
		/* of directories and devices whoever opens it says more */
		return !is_file(name) ||
		       err_set(err, ERR_DENIED, "%s: no permission to execute it (chmod +x)", name);
	}
	for (dirs = dirs ? dirs : "/usr/bin:/bin"; dirs;) {
		size_t n = strcspn(dirs, ":");

		/* an empty part of PATH is the working directory */
		*path = str_fmt(a, "%.*s%s%s", (int)n, dirs, n ? "/" : "./", name).p;
		if (is_program(*path))
			return true;
		dirs = dirs[n] ? dirs + n + 1 : NULL;
	}
	return err_set(err, ERR_IO, "%s: no such program in PATH", name);
}
