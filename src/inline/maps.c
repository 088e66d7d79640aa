#include "inline/maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
		m.named = name && end[name] && end[name] != '\n';
		m.rings = m.named && (strstr(end + name, "/memfd:goshawk") == end + name ||
				      strstr(end + name, "/dev/zero") == end + name);
		*vec_push(to) = m;
	}
	if (f)
		fclose(f);
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
