#include "bpf/decide.h"

enum {
	STEPS_MAX = 600,	/* that decide, at one site: each turns the program's loop once */
	BEFORE = 3,	/* as the inline engine: the order of the parts is the same */
};

static const struct condition_means means = {
	.before = BEFORE, .after = VARS, .places = STEPS_MAX, .jumps = STEPS_MAX, .record = true,
};

/* How many reads come before these bytes of the record are whole; a block is read to its end. */
static u32 ready(const struct reading *r, u32 at, u32 size)
{
	u32 last = 0;

	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];
		bool status = d->kind == READ_MEM || d->kind == READ_BYTES ||
			      d->kind == READ_FRAMES;

		if ((d->kind < READ_WHEN && at < d->at + d->size && d->at < at + size) ||
		    (status && at < d->status + 8 && d->status < at + size))
			last = i + 1;
	}
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		if (d->kind == READ_WHEN && last > i && last < i + 1 + d->size)
			last = i + 1 + d->size;
	}
	return last;
}

static struct bpf_step step_of(const struct condition_row *w, u64 bias)
{
	static const u8 kinds[] = {
		[ROW_LOAD] = STEP_LOAD, [ROW_COMPUTE] = STEP_COMPUTE, [ROW_JUMP] = STEP_JUMP,
	};

	return (struct bpf_step){
		.kind = kinds[w->kind], .reg = w->var, .at = w->at, .op = w->op,
		.other = w->other, .drop = (u8)(64 - 8 * w->size),
		.sense = w->kind == ROW_JUMP ? w->sense : w->sign,
		.when = w->imm + (w->va ? bias : 0),
	};
}

/* Behind the rows of a part: over the next two if it holds; unwanted, unless something was in doubt
 * before; in doubt. */
static void add_part(struct bpf_steps *to, const struct condition_rows *rows, u64 bias)
{
	u32 holds = (u32)rows->n, no = holds + 1, unsure = holds + 2, end = holds + 3;

	for (u32 i = 0; i < rows->n; i++) {
		const struct condition_row *w = &rows->at[i];
		struct bpf_step *s = vec_push(to);

		*s = step_of(w, bias);
		if (w->kind == ROW_JUMP)
			s->size = (u16)((w->to == TO_NO ? no : w->to >= TO_UNREADABLE ? unsure :
					 w->to == holds ? end : w->to) - i - 1);
	}
	*vec_push(to) = (struct bpf_step){
		.kind = STEP_JUMP, .op = TEST_NEVER, .other = NO_VAR, .size = (u16)(end - no),
	};
	*vec_push(to) = (struct bpf_step){ .kind = STEP_UNWANTED };
	*vec_push(to) = (struct bpf_step){ .kind = STEP_UNSURE };
}

void decision_make(struct decision *d, const struct plan_func *fn, u64 bias)
{
	struct condition_rows rows = { 0 };
	u32 at = 0;

	*d = (struct decision){ 0 };
	for (u32 after = 0; after < 2; after++) {
		struct condition c = condition_of(fn, &means, after);

		/* pairing needs every hook */
		while (fn->shown && !fn->hook && condition_next(&c, &rows)) {
			u32 first = (u32)d->steps.n;

			if (first + rows.n > STEPS_MAX)
				break;
			for (u32 i = 0; i < rows.n; i++)
				if (rows.at[i].kind == ROW_LOAD)
					at = MAX(at, ready(c.r, rows.at[i].at, rows.at[i].size));
			add_part(&d->steps, &rows, bias);
			*vec_push(&d->parts) = (struct decision_part){
				.ready = at, .first = first, .n = (u32)d->steps.n - first,
			};
		}
	}
	vec_release(&rows);
}

void decision_release(struct decision *d)
{
	vec_release(&d->parts);
	vec_release(&d->steps);
}

struct condition_parts decision_parts(const struct plan_func *fn)
{
	struct condition_parts parts = condition_parts(fn, &means, true);

	parts.after += parts.before;
	parts.before = 0;
	return parts;
}
