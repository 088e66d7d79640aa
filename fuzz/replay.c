/* Runs a fuzz target on files and on the files of folders, without a fuzzer: replay PATH….
 * `make check` gives it the corpus: what once was found stays found. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

static bool replay_file(const char *path, const struct stat *st)
{
	size_t n = (size_t)st->st_size, got = 0;
	u8 *data = mem_resize(NULL, n);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	for (ssize_t more = 1; fd >= 0 && got < n && more > 0; got += (size_t)more)
		if ((more = read(fd, data + got, n - got)) < 0)
			break;
	if (fd >= 0)
		close(fd);
	if (got == n)
		LLVMFuzzerTestOneInput(data, n);
	mem_free(data);
	return got == n;
}

/* How many files were run; 0 when there is none. */
static unsigned replay(const char *path)
{
	struct dirent *entry;
	unsigned count = 0;
	struct stat st;
	DIR *dir;

	if (!stat(path, &st) && S_ISREG(st.st_mode))
		return replay_file(path, &st);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char below[4096];

		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			count += replay(below);
	}
	if (dir)
		closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++)
		count += replay(argv[i]);
	if (!count)
		die("%s: no file to replay in %s", argv[0], argc > 1 ? argv[1] : "nothing");
	printf("%s: %u inputs\n", argv[0], count);
	return 0;
}
