#include "span/url_path.h"

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, struct str all)
{
	return memchr(all.p, c, all.n);
}

/* Is never written otherwise. */
static bool is_plain(char c)
{
	return is_alnum(c) || is_one_of(c, STR("-_.~$&+,/:;=@"));
}

/* May be written so. */
static bool is_allowed(char c)
{
	return is_plain(c) || is_one_of(c, STR("!'()*[]"));
}

/* Does this mean that path? Where they go on it is what was read of them that must agree. */
static bool means(const struct field_value *raw, const struct field_value *path)
{
	struct str r = raw->text, p = path->text;
	size_t at = 0, i = 0;

	while (i < r.n && at < p.n) {
		char c = r.p[i++];
		int hi, lo;

		if (c == '%') {
			if (r.n - i < 2)
				return raw->cut;
			hi = hex_digit((char)(r.p[i] | 0x20));
			lo = hex_digit((char)(r.p[i + 1] | 0x20));
			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (!is_allowed(c)) {
			return false;
		}
		if (c != p.p[at++])
			return false;
	}
	return (i == r.n || path->cut) && (at == p.n || raw->cut);
}

struct str url_path(const struct field_value *path, const struct field_value *raw,
		    char room[URL_PATH_ROOM])
{
	static const char digits[] = "0123456789ABCDEF";
	struct str p = str_cut(path->text, 0, MIN(path->text.n, (size_t)PATH_MOST));
	size_t n = 0;

	if (raw->there && raw->text.n && means(raw, path))
		return raw->text;
	if (str_eq(p, STR("*")))
		return p;
	if (p.n && p.p[0] != '/')
		room[n++] = '/';
	for (size_t i = 0; i < p.n; i++) {
		if (is_plain(p.p[i])) {
			room[n++] = p.p[i];
			continue;
		}
		room[n++] = '%';
		room[n++] = digits[(u8)p.p[i] >> 4];
		room[n++] = digits[(u8)p.p[i] & 15];
	}
	return (struct str){ room, n };
}
