#include "cmd/children.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/out.h"

enum { EVERY_NS = 1000000000, SHARE = 1000, TEXT_MOST = 4096 };

/* A small file of proc: false if it is not there. */
static bool text_of(const char *path, char to[TEXT_MOST])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, TEXT_MOST - 1);

	if (fd >= 0)
		close(fd);
	to[MAX(n, (ssize_t)0)] = 0;
	return n >= 0;
}

/* Each thread has those that it has started. */
static u32 children_of(int pid, int to[CHILDREN_MOST])
{
	char path[64], text[TEXT_MOST];
	DIR *tasks;
	u32 n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	for (struct dirent *e; tasks && n < CHILDREN_MOST && (e = readdir(tasks));) {
		int tid = (int)strtol(e->d_name, NULL, 10);
		char *at = text, *next;
		long child;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tid);
		if (!tid || !text_of(path, text))
			continue;
		for (; n < CHILDREN_MOST && (child = strtol(at, &next, 10)) > 0; at = next)
			to[n++] = (int)child;
	}
	if (tasks)
		closedir(tasks);
	return n;
}

static void say(int pid, int child)
{
	char path[64], name[TEXT_MOST];
	OWN(out) o;

	snprintf(path, sizeof(path), "/proc/%d/comm", child);
	if (!text_of(path, name))
		return;
	name[strcspn(name, "\n")] = 0;
	out_open(&o, STDERR_FILENO);
	out_fmt(&o, TALK "process %d has started another one, ", pid);
	out_clean(&o, str_of(name));
	out_fmt(&o, ", which is not followed: -p %d looks into that", child);
	out_line(&o);
	out_flush(&o);
}

void children_look(struct children *c, int pid)
{
	i64 began = now_ns(), ended;
	int now[CHILDREN_MOST];
	u32 n;

	if (c->said || began < c->next_ns)
		return;
	n = children_of(pid, now);
	ended = now_ns();
	c->next_ns = ended + MAX(SHARE * (ended - began), (i64)EVERY_NS);
	for (u32 i = 0; i < n && !c->said; i++)
		for (u32 k = 0; k < c->nseen && !c->said; k++)
			if (now[i] == c->seen[k]) {
				say(pid, now[i]);
				c->said = true;
			}
	memcpy(c->seen, now, n * sizeof(now[0]));
	c->nseen = n;
}
