/* Lines that are more than lines to who keeps them.
 *
 *	__CURSOR=s=0f1c…			the journal (journalctl -o export): a field a
 *	SYSLOG_IDENTIFIER=api			line, an empty line behind each record. A text
 *	_PID=7					of several lines has its length before it, of
 *	MESSAGE=panic: boom			eight bytes, instead of the sign of equality
 *
 *	2026-11-30T10:09:07.1Z stderr P {"log":"a lo	containers (CRI): P is a part of a
 *	2026-11-30T10:09:07.1Z stderr F ng line"}	line, F is the end of one, or all of it */
#include "diag/death.h"

#include "base/out.h"

static struct str kept(struct out *o, struct arena *a)
{
	struct str s = { arena_copy(a, o->buf, o->n), o->n };

	out_release(o);
	return s;
}

/* One field of a record; false: the record ends. */
static bool take_journal_field(struct str *s, struct str *name, struct str *text)
{
	struct str line = str_next_line(s);
	ptrdiff_t sign = str_find(line, STR("="));
	u64 n = 0;

	*name = sign < 0 ? line : str_cut(line, 0, (size_t)sign);
	*text = sign < 0 ? STR("") : str_cut(line, (size_t)sign + 1, line.n);
	if (sign < 0 && line.n && s->n >= 8) {
		for (int i = 8; i-- > 0;)
			n = n << 8 | (u8)s->p[i];
		n = MIN(n, s->n - 8);
		*text = str_cut(*s, 8, 8 + n);
		*s = str_cut(*s, 8 + n + 1, s->n);
	}
	return line.n;
}

enum { WHO_MOST = 64 };

/* As journalctl shows it: whose line it is stands before it. */
static void put_record(struct out *o, struct str who, struct str pid, struct str text)
{
	do {
		out_str(o, who);
		out_c(o, '[');
		out_str(o, pid);
		out_z(o, "]: ");
		out_str(o, str_next_line(&text));
		out_c(o, '\n');
	} while (text.n);
}

static struct str from_journal(struct str log, struct arena *a)
{
	struct out o;

	if (!str_starts(log, STR("__CURSOR=")))
		return log;
	out_memory(&o);
	while (log.n) {
		struct str who = STR("?"), pid = STR("0"), name, text, message = { 0 };

		while (log.n && take_journal_field(&log, &name, &text))
			if (str_eq(name, STR("MESSAGE")))
				message = text;
			else if (str_eq(name, STR("SYSLOG_IDENTIFIER")))
				who = str_cut(text, 0, WHO_MOST);
			else if (str_eq(name, STR("_PID")))
				pid = str_cut(text, 0, WHO_MOST);
		if (message.p)
			put_record(&o, who, pid, message);
	}
	return kept(&o, a);
}

enum { STREAMS = 2 };

/* "2026-11-30T10:09:07.1Z stderr P …": what stands before the P, and which stream it is. */
static bool is_container_line(struct str line, struct str *head, int *stream)
{
	static const char *const names[STREAMS] = { " stdout ", " stderr " };
	ptrdiff_t blank = str_find(line, STR(" "));

	if (blank <= 0 || line.p[0] < '0' || line.p[0] > '9')
		return false;
	for (*stream = 0; *stream < STREAMS; ++*stream) {
		struct str rest = str_cut(line, (size_t)blank, line.n);

		if (!str_starts(rest, str_of(names[*stream])) || rest.n < 10 ||
		    (rest.p[8] != 'P' && rest.p[8] != 'F') || rest.p[9] != ' ')
			continue;
		*head = str_cut(line, 0, (size_t)blank + 8);
		return true;
	}
	return false;
}

static struct str from_container(struct str log, struct arena *a)
{
	struct out all, parts[STREAMS];
	ptrdiff_t part = str_find(log, STR(" stderr P "));

	if (part < 0 && str_find(log, STR(" stdout P ")) < 0)
		return log;
	out_memory(&all);
	for (int i = 0; i < STREAMS; i++)
		out_memory(&parts[i]);
	while (log.n) {
		struct str line = str_next_line(&log), head;
		int stream;
		struct out *to;

		if (!is_container_line(line, &head, &stream)) {
			out_str(&all, line);
			out_c(&all, '\n');
			continue;
		}
		to = &parts[stream];
		if (!to->n) {
			out_str(to, head);
			out_z(to, "F ");
		}
		out_str(to, str_cut(line, head.n + 2, line.n));
		if (line.p[head.n] == 'P' && log.n)
			continue;
		out_str(&all, (struct str){ to->buf, to->n });
		out_c(&all, '\n');
		to->n = 0;
	}
	for (int i = 0; i < STREAMS; i++) {
		out_str(&all, (struct str){ parts[i].buf, parts[i].n });
		out_release(&parts[i]);
	}
	return kept(&all, a);
}

struct str death_from_records(struct str log, struct arena *a)
{
	return from_container(from_journal(log, a), a);
}
