/* Lines, frames of inlined calls, and the other tables by pc.
 *
 *   inline tree record   1.17 to 1.19 (20 bytes)       1.20 and later (16 bytes)
 *     parent             i16 at 0, -1: the function     found by parentPc
 *     call               file i32 at 4, line i32 at 8   the tables' file and line at parentPc
 *     funcID             u8 at 2                        u8 at 0
 *     name               i32 at 12                      i32 at 4
 *     parentPc           i32 at 16                      i32 at 8
 *
 * The tree has no length: InlTreeIndex values count into it.
 * Source: runtime/symtab.go (pcvalue, funcline1), runtime/symtabinl.go,
 * cmd/link/internal/ld/pcln.go. */
#include "base/vec.h"
#include "go/tables.h"

/* Tables as far as the last questions needed them: most are about one function, forth and back. */
struct run {
	u32 to;
	i32 value;
};

struct go_recent {
	struct {
		u32 table;
		struct runs runs;
		VEC(struct run) seen;
	} at[64];
};

void go_recent_release(struct go_program *prog)
{
	for (size_t i = 0; prog->recent && i < ARRAY_LEN(prog->recent->at); i++)
		vec_release(&prog->recent->at[i].seen);
	prog->recent = NULL;
}

static i32 seen_at(const struct run *seen, size_t n, u64 off)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {	/* the first that ends behind it */
		size_t mid = lo + (hi - lo) / 2;

		if (seen[mid].to <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return seen[lo].value;
}

i32 go_pcvalue(const struct go_program *prog, const struct go_func *f, u32 table, u64 pc)
{
	struct go_program *p = (struct go_program *)prog;	/* a cache */
	u32 slot = (table * 0x9e3779b9u) >> 26;
	struct runs *r;
	u64 off = pc - f->pc;

	if (off >= f->room)
		return -1;
	if (!p->recent)
		p->recent = ARENA_NEW(&p->arena, struct go_recent);
	r = &p->recent->at[slot].runs;
	if (p->recent->at[slot].table != table || !r->at) {
		p->recent->at[slot].table = table;
		p->recent->at[slot].seen.n = 0;
		*r = runs_of(prog, table);
	}
	if (off < r->to)
		return off >= r->from ? r->value : seen_at(p->recent->at[slot].seen.at,
							   p->recent->at[slot].seen.n, off);
	while (off >= r->to) {
		if (!runs_next(r))
			return -1;
		*vec_push(&p->recent->at[slot].seen) = (struct run){ r->to, r->value };
	}
	return r->value;
}

static struct go_line line_of(const struct go_program *prog, const struct go_func *f, i32 file,
			      i32 line)
{
	struct go_line l = { pclntab_file(prog, f, file), line };

	return l.file.n && line > 0 ? l : (struct go_line){ STR(""), 0 };
}

/* Linker-made functions and C have no tables, so no line. */
struct go_line go_line_at(const struct go_program *prog, const struct go_func *f, u64 pc)
{
	return line_of(prog, f, go_pcvalue(prog, f, f->pcfile, pc),
		       go_pcvalue(prog, f, f->pcln, pc));
}

/* Its code may begin with that of a call that is inlined. */
struct go_line go_func_line(const struct go_program *prog, const struct go_func *f)
{
	struct go_frame frames[GO_FRAMES];
	struct go_line at = frames[go_frames_at(prog, f, f->pc, frames) - 1].at;

	if (at.file.n && f->start_line > 0)
		at.line = f->start_line;
	return at;
}

/* Both tables are walked side by side: line counts only where the file is the right one. */
bool go_func_has_line(const struct go_program *prog, const struct go_func *f, struct str file,
		      i32 line, bool (*ends)(struct str path, struct str end))
{
	struct runs files = runs_of(prog, f->pcfile), lines = runs_of(prog, f->pcln);
	struct str path;
	bool right = false;
	i32 last = -1;

	while (runs_next(&files)) {
		if (files.value != last) {
			path = pclntab_file(prog, f, files.value);
			right = path.n && ends(path, file);
			last = files.value;
		}
		while (right && lines.to < files.to && runs_next(&lines))
			if (lines.value == line && lines.to > files.from)
				return true;
	}
	return false;
}

bool inlined_call_at(const struct go_program *prog, const struct go_func *f, i32 index,
		     struct inlined_call *to)
{
	const struct pcln_layout *at;
	struct rd r;
	u64 tree;

	if (index < 0 || !(tree = go_funcdata_va(prog, f, FUNCDATA_INL_TREE)))
		return false;
	at = prog->rel->pcln;
	r = image_rd(prog->img, tree + (u64)index * at->tree_size, at->tree_size, "inline tree");
	*to = (struct inlined_call){ .parent = -1, .file = -1 };
	if (at->tree_parents) {
		to->parent = (i16)rd_u16(&r);
		rd_seek(&r, 4);
		to->file = (i32)rd_u32(&r);
		to->line = (i32)rd_u32(&r);
	}
	rd_seek(&r, at->tree_func_id);
	to->wrapper = rd_u8(&r) == prog->rel->wrapper_func_id;
	rd_seek(&r, at->tree_name);
	to->name = pclntab_name(prog, rd_u32(&r));
	rd_seek(&r, at->tree_parent_pc);
	to->parent_pc = rd_u32(&r);
	return !r.bad;
}

size_t go_frames_at(const struct go_program *prog, const struct go_func *f, u64 pc,
		    struct go_frame *to)
{
	u32 indexes = go_pcdata(prog, f, PCDATA_INL_TREE);
	i32 index = go_pcvalue(prog, f, indexes, pc);
	struct go_line line = go_line_at(prog, f, pc);
	struct inlined_call c;
	size_t n = 0;
	i32 last;

	while (n + 1 < GO_FRAMES && inlined_call_at(prog, f, index, &c)) {
		to[n++] = (struct go_frame){ c.name, line, true, c.wrapper, index };
		last = index;
		if (prog->rel->pcln->tree_parents) {
			line = line_of(prog, f, c.file, c.line);
			index = c.parent;
		} else {
			pc = (u64)f->pc + c.parent_pc;
			line = go_line_at(prog, f, pc);
			index = go_pcvalue(prog, f, indexes, pc);
		}
		/* parents come first; a function with no instruction of its own leads to itself */
		if (index >= last) {
			line = (struct go_line){ STR(""), 0 };
			break;
		}
	}
	to[n++] = (struct go_frame){ f->name, line, false, f->wrapper, -1 };
	return n;
}

/* The tree of one function. Its entries are numbered parents first, so all lie below the largest
 * index; `pc` is where the body of each (or of a call inlined into it) first appears. */
struct entry {
	struct str name;
	i32 parent;
	u32 pc;
	bool seen;
};

struct tree {
	struct entry *at;
	u32 n;
};

/* A tree can't have more entries than the function has bytes of code: nothing larger is made. */
static u32 count_entries(const struct go_program *prog, const struct go_func *f, u32 indexes)
{
	struct runs r = runs_of(prog, indexes);
	i32 highest = -1;

	while (r.to < f->room && runs_next(&r))
		highest = MAX(highest, r.value);
	return highest < 0 || (u32)highest >= f->room ? 0 : (u32)highest + 1;
}

static i32 index_at(const struct runs *all, size_t n, u32 pc)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (all[mid].to <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n ? all[lo].value : -1;
}

static struct tree read_tree(const struct go_program *prog, const struct go_func *f,
			     struct arena *a)
{
	u32 indexes = f->nfuncdata > FUNCDATA_INL_TREE ? go_pcdata(prog, f, PCDATA_INL_TREE) : 0;
	struct runs r = runs_of(prog, indexes);
	VEC(struct runs) all = { 0 };
	struct tree t = { .n = indexes ? count_entries(prog, f, indexes) : 0 };

	if (!t.n)
		return t;
	t.at = ARENA_ARRAY(a, struct entry, t.n);
	while (r.to < f->room && runs_next(&r))
		*vec_push(&all) = r;
	for (u32 i = 0; i < t.n; i++) {
		struct inlined_call c = { 0 };

		t.at[i].parent = -1;
		if (!inlined_call_at(prog, f, (i32)i, &c))
			continue;
		t.at[i].name = c.name;
		t.at[i].parent = prog->rel->pcln->tree_parents
					 ? c.parent
					 : index_at(all.at, all.n, c.parent_pc);
	}
	/* the first run of an entry marks its ancestors too */
	for (size_t k = 0; k < all.n; k++)
		for (i32 i = all.at[k].value; i >= 0 && (u32)i < t.n && !t.at[i].seen;
		     i = t.at[i].parent) {
			t.at[i].seen = true;
			t.at[i].pc = all.at[k].from;
		}
	vec_release(&all);
	return t;
}

void go_each_inline_in(const struct go_program *prog, const struct go_func *f,
		       void (*fn)(void *ctx, struct str name, const struct go_func *in, u64 pc),
		       void *ctx)
{
	struct arena a = { 0 };
	struct tree t = read_tree(prog, f, &a);

	for (u32 i = 0; i < t.n; i++)
		if (t.at[i].seen && t.at[i].name.n)
			fn(ctx, t.at[i].name, f, (u64)f->pc + t.at[i].pc);
	arena_release(&a);
}

void go_each_inline(const struct go_program *prog,
		    void (*fn)(void *ctx, struct str name, const struct go_func *in, u64 pc),
		    void *ctx)
{
	for (size_t i = 0; i < prog->nfuncs; i++)
		go_each_inline_in(prog, &prog->funcs[i], fn, ctx);
}

struct wanted {
	struct str name;
	void (*fn)(void *ctx, const struct go_func *in, u64 pc);
	void *ctx;
};

static void if_wanted(void *ctx, struct str name, const struct go_func *in, u64 pc)
{
	const struct wanted *w = ctx;

	if (str_eq(name, w->name))
		w->fn(w->ctx, in, pc);
}

void go_each_inlined(const struct go_program *prog, struct str name,
		     void (*fn)(void *ctx, const struct go_func *in, u64 pc), void *ctx)
{
	go_each_inline(prog, if_wanted, &(struct wanted){ name, fn, ctx });
}

struct name_set {
	struct map seen;	/* by the place in funcnametab, where each name stands once */
	VEC(struct str) names;
};

static void collect(void *ctx, struct str name, const struct go_func *in UNUSED, u64 pc UNUSED)
{
	struct name_set *s = ctx;
	u64 *seen = map_put(&s->seen, (u64)(uintptr_t)name.p);

	if (!(*seen)++)
		*vec_push(&s->names) = name;
}

size_t go_inlined_names(const struct go_program *prog, struct arena *a, struct str **names)
{
	struct name_set s = { 0 };
	size_t n;

	go_each_inline(prog, collect, &s);
	n = s.names.n;
	*names = arena_copy(a, s.names.at, n * sizeof(**names));
	vec_release(&s.names);
	map_release(&s.seen);
	return n;
}
