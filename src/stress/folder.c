#include "stress/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define NAME "goshawk-stress-"
enum { RANDOM = 6, FDS = 16 };	/* letters that mkdtemp puts behind the name; nftw's own */

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)st, (void)what, (void)at;
	return remove(path) && errno != ENOENT;
}

void folder_remove(const char *path)
{
	/* nothing but this is looked at: no link is followed, no other file system entered */
	nftw(path, remove_one, FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Is it still there? */
static bool is_at(int fd, const char *path)
{
	struct stat st, now;

	return !fstat(fd, &st) && !lstat(path, &now) && st.st_dev == now.st_dev &&
	       st.st_ino == now.st_ino;
}

static bool is_ours(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_uid == geteuid();
}

static void remove_left(const char *tmp, struct arena *a)
{
	DIR *d = opendir(tmp);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct str name = str_of(e->d_name);
		char *path;
		int fd;

		if (name.n != strlen(NAME) + RANDOM || !str_starts(name, STR(NAME)))
			continue;
		path = str_z(a, str_fmt(a, "%s/%s", tmp, e->d_name));
		fd = open_folder(path);
		if (fd < 0)
			continue;
		if (!flock(fd, LOCK_EX | LOCK_NB) && is_ours(fd) && is_at(fd, path))
			folder_remove(path);
		close(fd);
	}
	if (d)
		closedir(d);
}

bool folder_make(struct folder *f, struct arena *a, struct err *err)
{
	const char *tmp = getenv("TMPDIR");

	tmp = tmp && *tmp ? tmp : "/tmp";
	remove_left(tmp, a);
	for (;;) {
		char *path = str_z(a, str_fmt(a, "%s/" NAME "XXXXXX", tmp));
		bool made = mkdtemp(path);

		*f = (struct folder){ path, made ? open_folder(path) : -1 };
		if (f->fd < 0)
			return err_set(err, ERR_IO, "%s: cannot make a folder for the copies: %s "
				       "(TMPDIR says where)", path, strerror(errno));
		/* before it is held, another goshawk may take it for one that was left; a file
		 * system without locks can't tell, and there nobody removes what others left */
		if ((!flock(f->fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) &&
		    is_at(f->fd, path))
			return true;
		close(f->fd);
	}
}

void folder_release(struct folder *f)
{
	if (!f->path)
		return;
	folder_remove(f->path);
	close(f->fd);
	*f = (struct folder){ 0 };
}
