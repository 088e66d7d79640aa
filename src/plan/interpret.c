#include "plan/interpret.h"

static const struct go_bare_call *interpret_bare(const struct interpreter *in, u64 pc_rt)
{
	for (u32 i = 0; in->bare && i < in->bare->n; i++)
		if (in->text_rt + in->bare->at[i].return_pc == pc_rt)
			return &in->bare->at[i];
	return NULL;
}

/* Return addresses, as far as the chain of frame pointers climbs inside the stack; those of callers
 * that keep none from where they lie. */
static void interpret_frames(const struct interpreter *in, const struct read *d, u8 *rec)
{
	u64 sp = (u64)(uintptr_t)in->sp, lowest = sp + 8, fp = in->bp;
	u32 n = 1;

	memcpy(rec + d->at, in->sp, 8);
	while (sp >= in->stack_lo && sp < in->stack_hi && n < d->size / 8) {
		const struct go_bare_call *b = interpret_bare(in, word_in(rec, d->at + 8 * n - 8));
		u64 from = b ? lowest + b->up : fp + 8;

		if (b ? from > in->stack_hi - 16 :
			fp < lowest || fp > in->stack_hi - 16 || fp % 8)
			break;
		memcpy(rec + d->at + 8 * n++, (const void *)(uintptr_t)from, 8);
		lowest = from + 8;
		if (!b)
			memcpy(&fp, (const void *)(uintptr_t)fp, 8);
	}
	memcpy(rec + d->status, &n, 4);
}

static bool fetch(const struct interpreter *in, u64 rt, u64 n, u8 *to)
{
	return in->img ? image_read_rt(in->img, rt, to, n) : in->fetch(rt, n, to);
}

/* Packed texts lie behind all that has a place, one after the other. */
static void interpret_packed(const struct interpreter *in, const struct read *reads, u32 n, u32 end,
			     u8 *rec)
{
	for (u32 i = 0; i < n; i++) {
		const struct read *d = &reads[i];
		u64 p = word_in(rec, d->from), size = MIN(word_in(rec, d->len_at), (u64)d->size);
		u32 status = CAPTURE_UNREADABLE;
		u8 bytes[RECORD_MAX];

		if (!d->packed || !p || (i64)word_in(rec, d->len_at) <= 0)
			continue;
		if (fetch(in, p, size, bytes)) {
			status = record_status((u32)size, end);
			memcpy(rec + end, bytes, size);
		}
		memcpy(rec + d->status, &status, 4);
		end += (u32)round_up(size, 8);
	}
}

static bool goes_on(const struct read *d, u8 *rec)
{
	u64 most = word_in(rec, d->len_at), n = word_in(rec, d->at) + 1, to;

	if (d->log)
		most = (1u << MIN(most, (u64)AGAIN_LOG_MOST)) - 1;
	if (n > MIN(most, (u64)AGAIN_MOST))
		return false;
	to = word_in(rec, d->from) + d->elem;
	memcpy(rec + d->at, &n, sizeof(n));
	memcpy(rec + d->from, &to, sizeof(to));
	return true;
}

void interpret(const struct interpreter *in, const struct read *reads, u32 n, u32 behind,
	       u8 *rec)
{
	for (u32 i = 0; i < n; i++) {
		const struct read *d = &reads[i];
		u64 p, size = d->size;
		u8 bytes[RECORD_MAX];
		u32 status;

		switch (d->kind) {
		case READ_INT:
			memcpy(rec + d->at, &in->ints[d->reg], d->size);
			break;
		case READ_FLOAT:
			memcpy(rec + d->at, &in->floats[d->reg], d->size);
			break;
		case READ_STACK:
			memcpy(rec + d->at, in->sp + d->disp, d->size);
			break;
		case READ_G:
			memcpy(rec + d->at, &in->g, 8);
			break;
		case READ_FRAMES:
			interpret_frames(in, d, rec);
			break;
		case READ_WHEN:
			if ((word_in(rec, d->when_at) == d->when + (d->when_va ? in->bias : 0)) ==
			    d->when_not)
				i += d->size;
			break;
		case READ_AGAIN:
			if (goes_on(d, rec))
				i -= d->size + 1u;
			break;
		case READ_BYTES:
			if (d->packed || (i64)word_in(rec, d->len_at) <= 0)
				break;
			size = d->elem * MIN(word_in(rec, d->len_at), (u64)d->size / d->elem);
			__attribute__((fallthrough));
		case READ_MEM:
			p = word_in(rec, d->from);
			if (!p || !size)
				break;
			p += (u64)(i64)d->disp;
			status = fetch(in, p, size, bytes) ? (u32)size : CAPTURE_UNREADABLE;
			if (status == size)
				memcpy(rec + d->at, bytes, size);
			memcpy(rec + d->status, &status, 4);
			break;
		}
	}
	interpret_packed(in, reads, n, behind, rec);
}
