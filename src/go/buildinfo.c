/* Build information: which Go, which modules, which settings.
 *
 *   OFFSET SIZE MEANING                                   (32 bytes, 16-aligned, in writable data)
 *        0   14 "\xff Go buildinf:"
 *       14    1 pointer size
 *       15    1 flags: 1 big endian; 2 (from 1.18): both texts follow inline
 *       16    8 without 2: address of the version's string header {ptr, len}
 *       24    8 without 2: address of the module text's string header
 *       32      with 2: uvarint length, version, uvarint length, module text
 *
 * The module text has 16 bytes of frame on each side. Its lines are `path\tP`, `mod\tP\tV\tSUM`,
 * `dep\tP\tV\tSUM`, `=>\tP\tV\tSUM` (replaces the one before) and `build\tKEY=VALUE`.
 * Source: debug/buildinfo/buildinfo.go, runtime/debug/mod.go, cmd/go/internal/modload/build.go. */
#include <elf.h>
#include <string.h>

#include "base/vec.h"
#include "go/tables.h"

enum {
	BLOB = 32, ALIGN = 16, FRAME = 16, PTR_SIZE = 8, INLINE_TEXTS = 2, LONGEST = 1 << 20,
	PHDR = 56,
};

static const char magic[14] = "\xff Go buildinf:";

struct texts {
	struct str version, modules;
};

static bool digits(struct str *s, unsigned *to)
{
	size_t n = 0;

	for (*to = 0; n < s->n && s->p[n] >= '0' && s->p[n] <= '9' && *to < 100000; n++)
		*to = *to * 10 + (unsigned)(s->p[n] - '0');
	*s = str_cut(*s, n, s->n);
	return n;
}

/* go1.26.8, go1.27rc1, go1.26.0-X:nogreenteagc, devel go1.28-c2097c7c…, and what vendors append. */
struct go_version version_parse(struct str text)
{
	struct go_version v = { .text = text };
	struct str s = text;

	if (str_starts(s, STR("devel ")))
		s = str_cut(s, 6, s.n);
	if (!str_starts(s, STR("go1.")))
		return v;
	s = str_cut(s, 4, s.n);
	v.known = digits(&s, &v.minor);
	if (str_starts(s, STR("."))) {
		s = str_cut(s, 1, s.n);
		digits(&s, &v.patch);
	}
	return v;
}

static struct str string_at(const struct image *img, u64 header_va)
{
	u64 p, n;

	if (!image_u64(img, header_va, &p) || !image_u64(img, header_va + 8, &n) || n > LONGEST)
		return STR("");
	return image_bytes(img, p, n);
}

static struct str inline_text(struct rd *r)
{
	u64 n = rd_count(r, rd_uvarint(r), 1);

	return n <= LONGEST ? rd_bytes(r, n) : STR("");
}

static bool blob_at(const struct image *img, u64 va, struct texts *to)
{
	struct rd r = image_rd(img, va, image_room(img, va), "build information");
	struct str start = rd_bytes(&r, sizeof(magic));
	u8 ptr_size = rd_u8(&r), flags = rd_u8(&r);

	if (start.n != sizeof(magic) || memcmp(start.p, magic, sizeof(magic)))
		return false;
	if (flags & INLINE_TEXTS) {
		rd_seek(&r, BLOB);
		to->version = inline_text(&r);
		to->modules = inline_text(&r);
	} else {
		to->version = string_at(img, rd_u64(&r));
		to->modules = string_at(img, rd_u64(&r));
		if (ptr_size != PTR_SIZE)
			return false;
	}
	return !r.bad && to->version.n;
}

/* Programs that read build information carry the magic as a constant: writable segments first. */
static bool search(const struct image *img, bool writable, struct texts *to)
{
	for (size_t i = 0; i < img->nsegs; i++) {
		const struct segment *s = &img->segs[i];

		if (s->write != writable)
			continue;
		for (u64 at = round_up(s->va, ALIGN) - s->va; at + BLOB <= s->filesz; at += ALIGN)
			if (img->bytes[s->off + at] == 0xff && blob_at(img, s->va + at, to))
				return true;
	}
	return false;
}

static bool find_blob(const struct image *img, struct texts *to)
{
	const struct section *s = image_section(img, ".go.buildinfo");

	return (s && s->alloc && blob_at(img, s->va, to)) || search(img, true, to)
	       || search(img, false, to);
}

/* Up to the separator, which is skipped. */
static struct str field(struct str *s, char sep)
{
	const char *end = s->n ? memchr(s->p, sep, s->n) : NULL;
	struct str head = end ? (struct str){ s->p, (size_t)(end - s->p) } : *s;

	*s = str_cut(*s, head.n + (end != NULL), s->n);
	return head;
}

static char unescaped(char c)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : c;
}

/* A Go string literal; what is not one stays as it is. \x and \u do not occur: strconv.Quote writes
 * them for control bytes only, which flags and settings do not hold. */
static struct str unquote(struct arena *a, struct str s)
{
	char *to;
	size_t n = 0;

	if (s.n < 2 || (s.p[0] != '"' && s.p[0] != '`') || s.p[s.n - 1] != s.p[0])
		return s;
	if (s.p[0] == '`')
		return str_cut(s, 1, s.n - 1);
	to = arena_alloc(a, s.n);
	for (size_t i = 1; i + 1 < s.n; i++) {
		bool escape = s.p[i] == '\\' && i + 2 < s.n;

		i += escape;
		to[n++] = escape ? unescaped(s.p[i]) : s.p[i];
	}
	return (struct str){ to, n };
}

/* The = between key and value; a quoted key may hold others. */
static size_t equals_sign(struct str s)
{
	size_t i = 0;

	if (s.n && (s.p[0] == '"' || s.p[0] == '`'))
		for (i = 1; i < s.n && s.p[i] != s.p[0]; i++)
			i += s.p[i] == '\\';
	while (i < s.n && s.p[i] != '=')
		i++;
	return MIN(i, s.n);
}

static void read_modules(struct go_program *prog, struct str text)
{
	VEC(struct go_module) deps = { 0 };
	VEC(struct go_setting) settings = { 0 };

	while (text.n) {
		struct str line = field(&text, '\n'), what = field(&line, '\t');
		struct go_module m;
		size_t eq;

		if (str_eq(what, STR("build"))) {
			eq = equals_sign(line);
			*vec_push(&settings) = (struct go_setting){
				unquote(&prog->arena, str_cut(line, 0, eq)),
				unquote(&prog->arena, str_cut(line, eq + 1, line.n)),
			};
			continue;
		}
		m.path = m.required = field(&line, '\t');
		m.version = field(&line, '\t');
		if (str_eq(what, STR("path")))
			prog->main_path = m.path;
		if (str_eq(what, STR("mod")))
			prog->main_module = m;
		if (str_eq(what, STR("dep")))
			*vec_push(&deps) = m;
		if (str_eq(what, STR("=>")) && deps.n) {
			m.required = deps.at[deps.n - 1].required;
			deps.at[deps.n - 1] = m;
		}
	}
	prog->ndeps = deps.n;
	prog->deps = arena_copy(&prog->arena, deps.at, deps.n * sizeof(*deps.at));
	prog->nsettings = settings.n;
	prog->settings = arena_copy(&prog->arena, settings.at, settings.n * sizeof(*settings.at));
	vec_release(&deps);
	vec_release(&settings);
}

static struct str note_in(struct rd r)
{
	enum { GO_BUILD_ID = 4 };

	while (!r.bad && rd_left(&r) >= 12) {
		u32 nname = rd_u32(&r), n = rd_u32(&r), type = rd_u32(&r);
		struct str name = rd_bytes(&r, round_up(nname, 4)), content = rd_bytes(&r, n);

		if (type == GO_BUILD_ID && str_eq(name, (struct str){ "Go\0\0", 4 }))
			return content;
		if (rd_left(&r))
			rd_skip(&r, round_up(n, 4) - n);
	}
	return STR("");
}

static struct str read_build_id(const struct image *img)
{
	struct rd file = rd_of(img->bytes, img->size, "notes");
	struct rd r = rd_sub(&file, img->phdrs_off, img->nphdrs * PHDR);
	struct str id = STR("");

	for (u64 i = 0; i < img->nphdrs && !id.n; i++) {
		u32 type = rd_u32(&r);
		u64 off, size;

		rd_skip(&r, 4);
		off = rd_u64(&r);
		rd_skip(&r, 16);
		size = rd_u64(&r);
		rd_skip(&r, 16);
		if (type == PT_NOTE)
			id = note_in(rd_sub(&file, off, size));
	}
	return id;
}

bool buildinfo_read(struct go_program *prog)
{
	struct texts t = { 0 };

	prog->build_id = read_build_id(prog->img);
	if (!find_blob(prog->img, &t))
		return false;
	prog->version = version_parse(t.version);
	if (t.modules.n > 2 * FRAME && t.modules.p[t.modules.n - FRAME - 1] == '\n')
		read_modules(prog, str_cut(t.modules, FRAME, t.modules.n - FRAME));
	return true;
}

/* String headers in the data whose text is a release. Programs may hold other releases' names
 * (tools that compare versions do): then the answer is only what all that fit agree on. */
struct go_version version_in_data(const struct go_program *prog, u32 minors)
{
	struct str data = image_bytes(prog->img, prog->md.data_va,
				      prog->md.edata_va - prog->md.data_va);
	struct go_version found = { 0 };

	for (size_t at = 0; at + 16 <= data.n; at += 8) {
		struct go_version v;
		u64 p, n;

		memcpy(&p, data.p + at, 8);
		memcpy(&n, data.p + at + 8, 8);
		if (n < sizeof("go1.0") - 1 || n > 64)
			continue;
		v = version_parse(image_bytes(prog->img, p, n));
		if (!v.known || v.minor > RELEASE_LAST || !(minors & 1u << v.minor))
			continue;
		if (found.known && found.minor != v.minor)
			return (struct go_version){ 0 };
		if (!found.known)
			found = v;
	}
	return found;
}
