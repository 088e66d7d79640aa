#include "span/resource.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/version.h"

enum { ATTRS_OF_OURS = 16, ID_BYTES = 16 };

struct making {
	struct span_attr *attrs;
	u32 n;
};

/* The first one to say a key wins. */
static struct span_attr *add(struct making *m, const char *key)
{
	for (u32 i = 0; i < m->n; i++)
		if (str_eq(m->attrs[i].key, str_of(key)))
			return NULL;
	m->attrs[m->n].key = str_of(key);
	return &m->attrs[m->n++];
}

static void add_text(struct making *m, const char *key, struct str text)
{
	struct span_attr *a = text.n ? add(m, key) : NULL;

	if (a) {
		a->kind = ATTR_TEXT;
		a->text = text;
	}
}

static bool read_file(const char *path, char *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, room - 1);

	if (fd >= 0)
		close(fd);
	to[MAX(n, (ssize_t)0)] = 0;
	return n > 0;
}

/* What no other process has had: the machine's boot, the pid, and when it started, in ticks (the
 * 22nd field of its stat; the 2nd is a name in parentheses, in which there may be anything). */
static bool identify(char *to, size_t room, pid_t pid)
{
	char boot[64], stat[1024], path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!pid || !read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) ||
	    !read_file(path, stat, sizeof(stat)))
		return false;
	at = strrchr(stat, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	snprintf(to, room, "%s/%d/%.*s", boot, (int)pid, (int)strcspn(at + 1, " "), at + 1);
	return true;
}

/* A UUID that a process keeps when it is looked at again (version 8 of RFC 9562); by chance, where
 * nothing is known of it. */
static struct str instance(struct arena *a, pid_t pid)
{
	u8 id[SHA256_SIZE];
	char what[256], *to = arena_alloc(a, 37);
	struct sha256 s;
	size_t n = 0;

	if (identify(what, sizeof(what), pid)) {
		sha256_begin(&s);
		sha256_add(&s, what, strlen(what));
		sha256_end(&s, id);
	} else if (getrandom(id, ID_BYTES, 0) != ID_BYTES) {
		return (struct str){ 0 };
	}
	id[6] = (u8)((id[6] & 0x0f) | 0x80);
	id[8] = (u8)((id[8] & 0x3f) | 0x80);
	for (u32 i = 0; i < ID_BYTES; i++)
		n += (size_t)snprintf(to + n, 37 - n, i == 4 || i == 6 || i == 8 || i == 10 ?
				      "-%02x" : "%02x", id[i]);
	return (struct str){ to, n };
}

static void from_environment(struct making *m, struct arena *a, const struct otel_env *e)
{
	const char *text = otel_env(e, "OTEL_RESOURCE_ATTRIBUTES");
	struct otel_pairs pairs = { 0 };

	add_text(m, "service.name", str_of(otel_env(e, "OTEL_SERVICE_NAME")));
	if (text && !otel_pairs(&pairs, a, text))
		otel_say(e, "OTEL_RESOURCE_ATTRIBUTES: not a list of KEY=VALUE with commas "
			 "between and %%XX for odd bytes: none of it is taken");
	for (u32 i = 0; i < pairs.n; i++)
		add_text(m, str_z(a, pairs.at[i].key), pairs.at[i].value);
}

struct span_resource resource_make(struct arena *a, const struct resource_facts *f)
{
	struct making m = {
		ARENA_ARRAY(a, struct span_attr, OTEL_PAIRS_MOST + ATTRS_OF_OURS), 0
	};
	struct str path = str_of(f->path), base;
	char host[256] = "";
	struct span_attr *pid;

	base = str_cut(path, (size_t)(str_find_last(path, '/') + 1), path.n);
	add_text(&m, "telemetry.sdk.name", STR("goshawk"));
	add_text(&m, "telemetry.sdk.language", STR("go"));
	add_text(&m, "telemetry.sdk.version", STR(GOSHAWK_VERSION));
	from_environment(&m, a, &f->env);
	add_text(&m, "service.name", base);
	add_text(&m, "service.instance.id", instance(a, f->pid));
	pid = f->pid ? add(&m, "process.pid") : NULL;
	if (pid) {
		pid->kind = ATTR_INT;
		pid->number = f->pid;
	}
	add_text(&m, "process.executable.name", base);
	add_text(&m, "process.runtime.name", STR("go"));
	add_text(&m, "process.runtime.version", f->go_version);
	if (!gethostname(host, sizeof(host) - 1))
		add_text(&m, "host.name", str_of(str_z(a, str_of(host))));
	return (struct span_resource){ m.attrs, m.n };
}
