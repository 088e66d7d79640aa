/* Panics on top of each other: a deferred call panics while another panic runs it, perhaps with
 * what it has recovered (panic(r)). All of them are printed, and all are on the stack. The first
 * one is why the others came, and it stands furthest out:
 *
 *	panic: no port [recovered]		goroutine 1 [running]:
 *		panic: closed twice		main.closeAll()		closed twice
 *						panic(…)
 *						main.serve()		no port
 *
 * Where all of the runtime is printed, panic(…) is there for the last one, too. Since 1.23 what has
 * the same value is printed once: "panic: no port [recovered, repanicked]", and without that, if it
 * was not recovered: a second nil met by a deferred call. (1.25 says so of that as well.) */
#include "diag/death.h"
#include "diag/frame.h"

static bool is_panic(struct str func)
{
	return str_eq(func, STR("panic")) || str_eq(func, STR("runtime.gopanic"));
}

static bool is_memory_fault(struct str message)
{
	return str_starts(message, STR("panic: runtime error: invalid memory address"));
}

/* "panic: boom [recovered]" */
static struct str without_end(struct str message)
{
	ptrdiff_t at = str_ends(message, STR("]")) ? str_find(message, STR(" [recovered")) : -1;

	return at < 0 ? message : str_cut(message, 0, (size_t)at);
}

/* `n` more behind the panic `i`, with its value. */
static void put_more(struct death *d, u32 i, u32 n, bool again)
{
	for (; n && d->npanics < PANICS_MOST; n--) {
		for (u32 k = d->npanics++; k > i + 1; k--)
			d->panics[k] = d->panics[k - 1];
		d->panics[i + 1] = (struct death_panic){
			.message = d->panics[i].message, .again = again, .at = -1,
		};
	}
}

void death_panics_of_text(struct death *d)
{
	struct str rest = d->text, line = str_next_line(&rest), before = STR("");
	bool recovered = false;

	if (!str_starts(line, STR("panic: ")))
		return;
	do {
		struct str said = without_end(line);

		if (d->npanics < PANICS_MOST)
			d->panics[d->npanics++] = (struct death_panic){
				.message = said, .at = -1,
				.again = recovered && str_eq(said, before),
				.repeated = str_ends(line, STR(", repanicked]")),
			};
		recovered = str_find(line, STR(" [recovered")) >= 0;
		before = said;
		line = str_next_line(&rest);
		while (rest.n && line.n && !str_starts(line, STR("\tpanic: ")))
			line = str_next_line(&rest);
		line = str_cut(line, 1, line.n);
	} while (str_starts(line, STR("panic: ")));
	d->message = d->panics[0].message;
}

/* What is printed once stands `n` times on the stack. */
static void repeat(struct death *d, u32 n)
{
	u32 one = 0, repeated = 0;

	for (u32 i = 0; i < d->npanics; i++)
		if (d->panics[i].repeated) {
			put_more(d, i, 1, true);
			one = i++;
			repeated++;
		}
	if (d->img || n <= d->npanics || repeated > 1 || (!repeated && d->npanics != 1))
		return;
	put_more(d, one, n - d->npanics, repeated);
}

/* Of memory: it is the same value, if the code has called panic() itself. */
static void find_again(struct death *d, const u32 *from)
{
	for (u32 i = 1; i < d->npanics; i++) {
		u32 at = from[d->npanics - 1 - i];

		d->panics[i].again &= at < d->nframes && !frame_is_runtime(d->frames[at].func);
	}
}

void death_panics_place(struct death *d)
{
	const struct death_frame *own;
	u32 from[PANICS_MOST + 1] = { 0 }, n = 1;

	if (!str_starts(d->message, STR("panic: ")))
		return;
	for (u32 i = 0; i < d->nframes; i++) {
		if (!is_panic(d->frames[i].func))
			continue;
		d->outermost = i + 1;
		if (n == 1 && !death_own_between(d, 0, i))
			n = 0;
		if (n < ARRAY_LEN(from))
			from[n++] = i + 1;
	}
	repeat(d, n);
	if (n != d->npanics)
		return;	/* not all are printed, or known */
	if (d->img)
		find_again(d, from);
	for (u32 i = 0; i < n; i++) {
		own = death_own_between(d, from[n - 1 - i], i ? from[n - i] : d->nframes);
		d->panics[i].at = own ? (i32)(own - d->frames) : -1;
	}
}

/* The signal that is known is that of the last fault. */
void death_panics_fault(struct death *d)
{
	for (u32 i = 1; i < d->npanics; i++)
		if (is_memory_fault(d->panics[i].message) && !d->panics[i].again) {
			d->has_pc = d->has_address = d->has_code = d->has_ints = false;
			d->pc = d->address = 0;
			d->signal = 0;
		}
}
