#include "inline/maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAT_START_BRK = 45 };	/* fields behind the name (proc_pid_stat(5)) */

/* A line is as long as its file's name: only its start is looked at, and never what follows as if
 * it were a line of its own. */
void maps_read(struct spans *to, pid_t pid)
{
	char path[64], line[512];
	bool whole = true;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		bool start = whole;
		struct span m = { 0 };
		int name = 0;
		char *end;

		whole = strchr(line, '\n') != NULL;
		m.lo = strtoull(line, &end, 16);
		m.hi = *end == '-' ? strtoull(end + 1, &end, 16) : 0;
		if (!start || m.hi <= m.lo)
			continue;
		sscanf(end, " %4s %*s %*s %*s %n", m.prot, &name);
		/* "[heap]" is no name: the kernel calls so whatever lies where brk() begins */
		m.named = name && end[name] && end[name] != '\n' &&
			  strncmp(end + name, "[heap]", 6) != 0;
		m.rings = m.named && (strstr(end + name, "/memfd:goshawk") == end + name ||
				      strstr(end + name, "/dev/zero") == end + name);
		*vec_push(to) = m;
	}
	if (f)
		fclose(f);
}

/* /proc/PID/stat: 45 numbers stand between the name, which may hold anything, and where brk()
 * begins. */
static u64 heap_start(pid_t pid)
{
	char path[64], line[1024];
	const char *at = NULL;
	u64 start = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f))
		at = strrchr(line, ')');
	if (f)
		fclose(f);
	for (int i = 0; at && i < STAT_START_BRK; i++)
		at = strchr(at + 1, ' ');
	if (at)
		start = strtoull(at, NULL, 10);
	return start;
}

void maps_keep_heap(struct spans *s, pid_t pid, u64 size)
{
	u64 start = heap_start(pid);
	size_t at = 0;

	if (!start)
		return;
	(void)vec_push(s);
	while (at < s->n - 1 && s->at[at].lo < start)
		at++;
	memmove(&s->at[at + 1], &s->at[at], (s->n - 1 - at) * sizeof(s->at[0]));
	s->at[at] = (struct span){ .lo = start, .hi = start + size };
}

void maps_release(struct spans *s)
{
	vec_release(s);
}

bool maps_has(const struct spans *s, u64 lo, u64 hi, const char *prot)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].lo == lo)
			return s->at[i].hi == hi && !s->at[i].named && !strcmp(s->at[i].prot, prot);
	return false;
}
