/* What the runtime prints of a heap that its collector gives up on, in Go 1.17 to 1.27:
 *
 *	runtime: pointer 0xP to unallocated span span.base()=0xB span.limit=0xL span.state=0
 *	runtime: pointer 0xP to unused region of span span.base()=… …
 *	runtime: found in object at *(0xO+0xN)		not where no object has it
 *	object=0xO s.base()=… s.spanclass=8 s.elemsize=48 s.state=mSpanInUse	or: s=nil
 *	 *(object+16) = 0xW <==				its words, and which one it is
 *	runtime: marked free object in span 0xS, elemsize=16 freeindex=11 (…)
 *	0xO free  marked   zombie			each object; 1.26 on marks none with zombie
 *
 * Sources: runtime/mbitmap.go (badPointer), mgcmark.go (gcDumpObject), mgcsweep.go (reportZombies).
 */
#include <inttypes.h>

#include "diag/explain.h"

enum { LISTED = 4, MANUAL = 2 };

static bool after(struct str line, const char *key, u64 *to)
{
	ptrdiff_t at = str_find(line, str_of(key));
	struct str rest;

	if (at < 0)
		return false;
	rest = str_cut(line, (size_t)at + str_of(key).n, line.n);
	return str_take_number(&rest, to);
}

/* The last of the lines before the death that begins so; *rest is what comes behind it. */
static bool last_line(struct str text, const char *begins, struct str *line, struct str *rest)
{
	bool found = false;

	while (text.n) {
		struct str l = str_next_line(&text);

		if (!str_starts(l, str_of(begins)))
			continue;
		*line = l;
		*rest = text;
		found = true;
	}
	return found;
}

static void pointer(struct diagnosis *to, struct death *d, struct str line)
{
	u64 p, base, limit, state = 0;

	if (!after(line, "pointer ", &p) || !after(line, "span.base()=", &base) ||
	    !after(line, "span.limit=", &limit))
		return;
	(void)after(line, "span.state=", &state);
	if (str_find(line, STR(" to unused region of span")) >= 0)
		evidence(to, d, "0x%" PRIx64 " lies where no object is, outside of those from 0x%"
			 PRIx64 " to 0x%" PRIx64 ": it may have been made by adding to a "
			 "pointer, have been kept where the collector does not look (a uintptr, "
			 "C), be half of a torn value, or be what something has written over a "
			 "pointer", p, base, limit);
	else if (state == MANUAL)
		evidence(to, d, "0x%" PRIx64 " lies where a stack is", p);
	else
		evidence(to, d, "0x%" PRIx64 " lies where no object is (any more): it may have "
			 "been kept where the collector does not look (a uintptr, C), be half of a "
			 "torn value, or be what something has written over a pointer", p);
}

/* The words around the one that is pointed out, in an object of `elem` bytes; 0: not known. Of a
 * stack nothing behind it is printed. */
static void words(struct diagnosis *to, struct death *d, struct str rest, u64 off, u64 elem)
{
	u64 at, v, before = 0, behind = 0;
	bool has_before = false, has_behind = false;

	while (rest.n) {
		struct str line = str_next_line(&rest);

		if (str_starts(line, STR(" ...")))
			continue;
		if (!str_starts(line, STR(" *(")) || !after(line, "+", &at) ||
		    !after(line, ") = ", &v))
			break;
		if (at + 8 == off) {
			before = v;
			has_before = true;
		} else if (at == off + 8) {
			behind = v;
			has_behind = true;
		}
	}
	if (has_before && has_behind)
		evidence(to, d, "the word before it is 0x%" PRIx64 ", the word behind it 0x%" PRIx64
			 "%s", before, behind, behind && behind < 1 << 24 ?
			 ", which may be the length of a string or slice" : "");
	else if (has_before)
		evidence(to, d, "%sthe word before it is 0x%" PRIx64,
			 elem && off + 8 == elem ? "it is the object's last one; " : "", before);
	else if (has_behind)
		evidence(to, d, "%sthe word behind it is 0x%" PRIx64 "%s",
			 off ? "" : "it is the first one there; ", behind,
			 behind && behind < 1 << 24 ?
			 ", which may be the length of a string or slice" : "");
}

static void found_in(struct diagnosis *to, struct death *d, struct str line, struct str rest)
{
	u64 object, off, elem = 0, class;
	struct str head = str_next_line(&rest);

	if (!after(line, "*(", &object) || !after(line, "+", &off))
		return;
	if (str_find(head, STR(" s=nil")) >= 0)
		evidence(to, d, "it stands outside the heap, at 0x%" PRIx64
			 ": among the program's variables, for instance", object + off);
	else if (str_find(head, STR("s.state=mSpanManual")) >= 0)
		evidence(to, d, "it stands on a stack, at 0x%" PRIx64, object + off);
	else if (after(head, "s.elemsize=", &elem) && after(head, "s.spanclass=", &class))
		evidence(to, d, "it stands in an object of up to %" PRIu64 " bytes (size class %"
			 PRIu64 "%s) at 0x%" PRIx64 ", %" PRIu64 " behind its beginning", elem,
			 class >> 1, class & 1 ? ", without pointers" : "", object, off);
	words(to, d, rest, off, elem);
}

/* Objects that the collector met and that are free. */
static void zombies(struct diagnosis *to, struct death *d, struct str line, struct str rest)
{
	struct str list = STR("");
	u64 size, at, all = 0;

	if (!after(line, "elemsize=", &size))
		return;
	while (rest.n) {
		struct str l = str_next_line(&rest);

		if (str_starts(l, STR("fatal error: ")))
			break;
		if (!str_ends(l, STR(" zombie")) || !str_take_number(&l, &at))
			continue;
		if (all++ < LISTED)
			list = str_fmt(d->a, "%.*s%s0x%" PRIx64, STR_F(list), all > 1 ? ", " : "",
				       at);
	}
	if (all)
		evidence(to, d, "of the objects of %" PRIu64 " bytes %" PRIu64 " %s free, and yet "
			 "something led there: %.*s%s", size, all, all == 1 ? "is" : "are",
			 STR_F(list), all > LISTED ? " and others" : "");
	else
		evidence(to, d, "something led to a free object of %" PRIu64 " bytes; which one it "
			 "was is not printed", size);
}

void explain_heap_text(struct diagnosis *to, struct death *d)
{
	struct str line = { 0 }, rest = { 0 };
	bool bad = explain_says(d, "fatal error: found bad pointer in Go heap");

	if (bad && last_line(d->lead, "runtime: pointer 0x", &line, &rest))
		pointer(to, d, line);
	if (bad && last_line(d->lead, "runtime: found in object at *(", &line, &rest))
		found_in(to, d, line, rest);
	if (!bad && last_line(d->lead, "runtime: marked free object in span ", &line, &rest))
		zombies(to, d, line, rest);
}
