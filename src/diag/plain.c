/* Logs as files and pages have them, made lines again.
 *
 *	FF FE 70 00 61 00 …		UTF-16, as PowerShell writes it; or UTF-8 behind a mark
 *	timestamp,message		CSV, as CloudWatch, Grafana and Datadog give it: one column
 *	17329583,"panic: ""boom"""	of it; a text in quotes may have many lines */
#include "diag/death.h"

enum { COLUMNS_MOST = 64, HEADER_MOST = 1000 };

static struct str from_utf16(struct str log, struct arena *a)
{
	bool little = str_starts(log, STR("\xff\xfe")), big = str_starts(log, STR("\xfe\xff"));
	char *to;
	size_t n = 0;

	if (!little && !big)
		return log;
	to = arena_alloc(a, log.n / 2);
	for (size_t i = 2; i + 1 < log.n; i += 2) {
		u8 low = (u8)log.p[i + big], high = (u8)log.p[i + little];

		to[n++] = high || low >= 0x80 ? '?' : (char)low;
	}
	return (struct str){ to, n };
}

/* Takes a cell, and says whether another one of its row follows. Its text is put to `to`. */
static bool take_cell(struct str *s, char *to, size_t *n)
{
	bool quoted = str_starts(*s, STR("\""));
	size_t i = quoted;

	*n = 0;
	for (; i < s->n; i++) {
		if (quoted && s->p[i] == '"') {
			i++;
			quoted = i < s->n && s->p[i] == '"';
			if (!quoted)
				break;
		} else if (!quoted && (s->p[i] == ',' || s->p[i] == '\n')) {
			break;
		}
		to[(*n)++] = s->p[i];
	}
	while (i < s->n && s->p[i] != ',' && s->p[i] != '\n')
		i++;
	quoted = i < s->n && s->p[i] == ',';
	*s = str_cut(*s, i + 1, s->n);
	return quoted;
}

/* Which column of CSV has the lines; -1: it is none. */
static int column_of(struct str log)
{
	static const char *const names[] = {
		"message", "@message", "msg", "log", "line", "content", "textpayload", "body",
	};
	struct str head = str_next_line(&log);
	int found = -1, columns = 0;
	bool more = head.n && head.n < HEADER_MOST && str_find(head, STR(",")) > 0;

	while (more && columns < COLUMNS_MOST) {
		char name[HEADER_MOST];
		size_t n;

		more = take_cell(&head, name, &n);
		for (size_t i = 0; i < n; i++)
			if (name[i] >= 'A' && name[i] <= 'Z')
				name[i] = (char)(name[i] - 'A' + 'a');
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (str_eq((struct str){ name, n }, str_of(names[i])))
				found = columns;
		columns++;
	}
	return found;
}

static struct str from_csv(struct str log, struct arena *a)
{
	int column = column_of(log);
	char *to;
	size_t n = 0;

	if (column < 0)
		return log;
	str_next_line(&log);
	to = arena_alloc(a, log.n + 1);
	while (log.n) {
		bool more = true;

		/* a row of fewer columns is taken for a line: its last cell is */
		for (int i = 0; more; i++) {
			size_t cell;

			more = take_cell(&log, to + n, &cell);
			if (cell && to[n + cell - 1] == '\r' && !more)
				cell--;
			if (i == column || (i < column && !more)) {
				n += cell;
				to[n++] = '\n';
			}
		}
	}
	return (struct str){ to, n };
}

struct str death_plain(struct str log, struct arena *a)
{
	log = from_utf16(log, a);
	if (str_starts(log, STR("\xef\xbb\xbf")))
		log = str_cut(log, 3, log.n);
	log = death_from_records(death_from_loki(from_csv(log, a), a), a);
	return death_oldest_first(log, a);
}
