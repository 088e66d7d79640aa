#include "diag/crash.h"

#include "base/vec.h"
#include "diag/frame.h"

static const struct {
	const char *name;
	bool torn;
} kinds[CRASH_KINDS] = {
	[CRASH_NONE] = { "none", false },
	[CRASH_FREE_OBJECT] = { "marked_free_object", true },
	[CRASH_BAD_POINTER] = { "bad_pointer", true },
	[CRASH_HEAP] = { "damaged_heap", true },
	[CRASH_NIL] = { "nil_dereference", true },
	[CRASH_FAULT] = { "fault", true },
	[CRASH_COPY] = { "fault_in_copy", true },
	[CRASH_LENGTH] = { "impossible_length", true },
	[CRASH_TYPE] = { "wrong_type", true },
	[CRASH_FATAL] = { "fatal_error", false },
	[CRASH_PANIC] = { "panic", false },
};

const char *crash_kind_name(enum crash_kind k)
{
	return kinds[k].name;
}

bool crash_may_be_torn(enum crash_kind k)
{
	return kinds[k].torn;
}

/* What a line that says why the program dies begins with. The first row that fits counts; a line
 * further down says more only where it stands higher in this table: `marked free object` is
 * followed by `fatal error: found pointer to free object`, a panic by its signal. */
static const struct {
	const char *begins;
	enum crash_kind kind;
} lines[] = {
	{ "runtime: marked free object in span", CRASH_FREE_OBJECT }, /* reportZombies */
	{ "fatal error: found pointer to free object", CRASH_FREE_OBJECT },
	{ "fatal error: marking free object", CRASH_FREE_OBJECT },
	{ "fatal error: found bad pointer in Go heap", CRASH_BAD_POINTER },
	{ "fatal error: found bad interior pointer", CRASH_BAD_POINTER },
	{ "fatal error: invalid pointer found on stack", CRASH_BAD_POINTER },
	{ "fatal error: sweep increased allocation count", CRASH_HEAP },
	{ "fatal error: span has no free", CRASH_HEAP },
	{ "fatal error: s.allocCount", CRASH_HEAP },
	{ "fatal error: freeIndex is not valid", CRASH_HEAP },
	{ "fatal error: greyobject: obj not pointer-aligned", CRASH_HEAP },
	{ "fatal error: checkmark found unmarked object", CRASH_HEAP },
	{ "fatal error: mark - bad status", CRASH_HEAP },
	{ "fatal error: markBits overflow", CRASH_HEAP },
	{ "fatal error: mallocgc: unexpected", CRASH_HEAP },
	{ "fatal error: unexpected signal during runtime execution", CRASH_FAULT },
	{ "fatal error: fault", CRASH_FAULT },	/* behind "unexpected fault address" */
	{ "unexpected fault address", CRASH_FAULT },
	{ "SIGSEGV: segmentation violation", CRASH_FAULT },
	{ "SIGBUS: bus error", CRASH_FAULT },
	{ "panic: runtime error: invalid memory address or nil pointer dereference", CRASH_NIL },
	{ "panic: runtime error: slice bounds out of range", CRASH_LENGTH },
	{ "panic: runtime error: index out of range", CRASH_LENGTH },
	{ "panic: runtime error: makeslice: ", CRASH_LENGTH },
	{ "panic: runtime error: growslice: ", CRASH_LENGTH },
	{ "panic: runtime error: makechan: ", CRASH_LENGTH },
	{ "panic: runtime error: makemap: ", CRASH_LENGTH },
	{ "panic: runtime error: cannot convert slice with length", CRASH_LENGTH },
	{ "runtime: out of memory: cannot allocate", CRASH_LENGTH },
	{ "fatal error: runtime: cannot allocate memory", CRASH_LENGTH },
	{ "fatal error: runtime: out of memory", CRASH_LENGTH },
	{ "panic: strings: negative Repeat count", CRASH_LENGTH },
	{ "panic: interface conversion:", CRASH_TYPE },
	{ "panic: runtime error: hash of unhashable type", CRASH_TYPE },
	{ "panic: runtime error: comparing uncomparable type", CRASH_TYPE },
	{ "fatal error: ", CRASH_FATAL },
	{ "runtime: goroutine stack exceeds", CRASH_FATAL },
	{ "panic: ", CRASH_PANIC },
};

/* "goroutine 7 [running]:", "goroutine 0 gp=0x… m=0 mp=0x… [idle]:"; with the labels of profiles
 * "goroutine 7 [running labels:{"a": "b"}]:" (1.26) and "goroutine 7 [running] {a: "b c"}:". */
static bool heads_goroutine(struct str line, struct crash_goroutine *g)
{
	ptrdiff_t from = str_find(line, STR(" [")), labels;
	struct str state = str_cut(line, (size_t)(from + 2), line.n);
	ptrdiff_t end = str_find(state, STR("]"));
	u64 id;

	if (!str_starts(line, STR("goroutine ")) || from < 0 || end < 0)
		return false;
	if (!str_ends(line, STR("]:")) && !(str_ends(line, STR("}:")) &&
					    str_starts(str_cut(state, (size_t)end, state.n),
						       STR("] {"))))
		return false;
	state = str_cut(state, 0, (size_t)end);
	labels = str_find(state, STR(" labels:{"));
	state.n = labels < 0 ? state.n : (size_t)labels;
	*g = (struct crash_goroutine){ .state = state };
	line = str_cut(line, 10, line.n);
	if (!str_take_number(&line, &id))
		return false;
	g->id = (i64)id;
	return true;
}

/* "main.(*T).f(0x1, {0x2, 0x3})", "created by main.main in goroutine 1": the arguments begin at the
 * last "(" that is not a receiver's. */
static struct str name_of(struct str line)
{
	size_t depth = 0;

	if (!str_ends(line, STR(")")))
		return line;
	for (size_t i = line.n; i-- > 0;) {
		depth += line.p[i] == ')';
		if (line.p[i] == '(' && !--depth)
			return str_cut(line, 0, i);
	}
	return line;
}

/* "\t/src/main.go:33 +0x1b5" */
static bool is_place(struct str line, struct crash_frame *f)
{
	ptrdiff_t space = str_find_last(line, ' '), colon;
	u64 n;
	struct str digits;

	if (!str_starts(line, STR("\t")))
		return false;
	if (space > 0 && str_starts(str_cut(line, (size_t)space, line.n), STR(" +0x")))
		line = str_cut(line, 0, (size_t)space);
	colon = str_find_last(line, ':');
	if (colon < 2)
		return false;
	digits = str_cut(line, (size_t)colon + 1, line.n);
	if (!str_take_number(&digits, &n))
		return false;
	f->file = str_cut(line, 1, (size_t)colon);
	f->line = (i32)MIN(n, 0x7fffffffu);
	return true;
}

static struct str goroutine(struct crash_goroutine *g, struct str rest, struct arena *a)
{
	struct crash_frame frames[CRASH_FRAMES];
	struct str after = rest;

	while (g->nframes < CRASH_FRAMES) {
		struct crash_frame f = { .func = str_next_line(&after) };

		if (!f.func.n || !is_place(str_next_line(&after), &f))
			break;
		if (!str_starts(f.func, STR("created by "))) {
			f.func = name_of(f.func);
			frames[g->nframes++] = f;
		}
		rest = after;
	}
	g->frames = arena_copy(a, frames, g->nframes * sizeof(frames[0]));
	return rest;
}

bool crash_goroutine_at(struct str line, struct str *rest, struct crash_goroutine *g,
			struct arena *a)
{
	if (!heads_goroutine(line, g))
		return false;
	*rest = goroutine(g, *rest, a);
	return true;
}

/* Functions that work on the bytes of a value that they are given. */
static bool copies(struct str func)
{
	static const char *const names[] = {
		"runtime.memmove", "runtime.memequal", "memeqbody", "runtime.memhash",
		"runtime.strhash", "runtime.cmpstring", "cmpbody", "runtime.typedmemmove",
		"internal/bytealg.", "indexbytebody", "countbody", "runtime.memclrNoHeapPointers",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_starts(func, str_of(names[i])))
			return true;
	return false;
}

const struct crash_frame *crash_own_frame(const struct crash_goroutine *g)
{
	const struct crash_frame *library = NULL;

	for (u32 i = 0; i < g->nframes; i++) {
		const struct crash_frame *f = &g->frames[i];

		if (frame_is_runtime(f->func))
			continue;
		if (!frame_is_std(f->func, f->file))
			return f;
		library = library ? library : f;
	}
	return library;
}

/* Of several panics on top of each other the first one, which stands furthest out: deferred calls
 * ran because of it, and panicked again. */
const struct crash_frame *crash_culprit(const struct crash *c)
{
	bool late = c->kind == CRASH_FREE_OBJECT || c->kind == CRASH_BAD_POINTER ||
		    c->kind == CRASH_HEAP;
	const struct crash_frame *f = NULL;
	struct crash_goroutine g;

	if (late || !c->ngoroutines)
		return NULL;
	g = c->goroutines[0];
	for (u32 i = g.nframes; i-- > 0 && !f;)
		if (str_eq(g.frames[i].func, STR("panic")))
			f = crash_own_frame(&(struct crash_goroutine){
				.frames = g.frames + i, .nframes = g.nframes - i });
	return f ? f : crash_own_frame(&g);
}

/* A fault's kind by where the goroutine stood: the frame below what the runtime did about it. */
static void look_at_fault(struct crash *c)
{
	const struct crash_goroutine *g = c->goroutines;

	if ((c->kind != CRASH_FAULT && c->kind != CRASH_NIL) || !c->ngoroutines)
		return;
	for (u32 i = 0; i < g->nframes; i++) {
		if (copies(g->frames[i].func))
			c->kind = CRASH_COPY;
		else if (frame_is_runtime(g->frames[i].func))
			continue;
		return;
	}
}

static size_t row_of(struct str line)
{
	size_t i = 0;

	while (i < ARRAY_LEN(lines) && !(line.n && line.p[0] == lines[i].begins[0] &&
					 str_starts(line, str_of(lines[i].begins))))
		i++;
	return i;
}

enum crash_kind crash_line(struct str line)
{
	size_t row = row_of(line);

	return row < ARRAY_LEN(lines) ? lines[row].kind : CRASH_NONE;
}

ptrdiff_t crash_begins(struct str printed)
{
	const char *from = printed.p;

	while (printed.n) {
		const char *at = printed.p;

		if (row_of(str_next_line(&printed)) < ARRAY_LEN(lines))
			return at - from;
	}
	return -1;
}

/* Of millions of lines hardly one tells of a crash: is there a word that a row of the table begins
 * with, and its colon? One row has none. */
static bool may_tell(struct str line)
{
	static const char *const words[] = {
		"panic", "fatal error", "runtime", "SIGSEGV", "SIGBUS",
	};
	struct str rest = line;
	ptrdiff_t colon;

	for (size_t at = 0; (colon = str_find(rest, STR(":"))) >= 0; at++) {
		at += (size_t)colon;
		rest = str_cut(line, at + 1, line.n);
		for (size_t i = 0; str_starts(rest, STR(" ")) && i < ARRAY_LEN(words); i++)
			if (str_ends(str_cut(line, 0, at), str_of(words[i])))
				return true;
	}
	return str_find(line, STR("unexpected fault address")) >= 0;
}

ptrdiff_t crash_within(struct str line)
{
	ptrdiff_t first = -1;

	if (!may_tell(line))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		ptrdiff_t at = str_find(line, str_of(lines[i].begins));

		/* "… http: panic: " says of another one that it was caught */
		if (at > 0 && !strchr(" \t]", line.p[at - 1]))
			continue;
		if (at >= 0 && (first < 0 || at < first))
			first = at;
	}
	return first;
}

void crash_read(struct crash *c, struct str printed, struct arena *a)
{
	VEC(struct crash_goroutine) all = { 0 };
	size_t best = ARRAY_LEN(lines);

	*c = (struct crash){ 0 };
	while (printed.n) {
		struct str line = str_next_line(&printed);
		struct crash_goroutine g;
		size_t row = row_of(line);

		if (best < ARRAY_LEN(lines) && crash_goroutine_at(line, &printed, &g, a)) {
			*vec_push(&all) = g;
		} else if (row < best && !all.n) {
			c->detail = c->message;
			c->message = line;
			c->kind = lines[row].kind;
			best = row;
		} else if (best < ARRAY_LEN(lines) && !all.n && !c->detail.n &&
			   (row < ARRAY_LEN(lines) || str_starts(line, STR("[signal ")))) {
			c->detail = line;
		}
	}
	c->goroutines = arena_copy(a, all.at, all.n * sizeof(all.at[0]));
	c->ngoroutines = (u32)all.n;
	vec_release(&all);
	look_at_fault(c);
}
