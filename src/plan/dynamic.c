/* The dynamic types that an interface most often holds: what everybody boxes, and the standard
 * library's errors. Which of them the program has is asked once for a plan. */
#include "plan/reading.h"

static void add(struct plan *p, struct go_type **to, size_t *n, size_t most, const char *name)
{
	struct go_type *t = go_type_named(p->prog, str_of(name));

	if (t && t->va && *n < most)
		to[(*n)++] = t;
}

void dynamic_types_find(struct dynamic_types *d, struct plan *p)
{
	static const char *const boxed[] = {
		"string", "int", "bool", "float64", "int64", "uint64", "int32", "[]uint8", "error",
		"*errors.errorString", "time.Duration",
	};
	static const char *const errors[] = {
		"*errors.errorString", "*fmt.wrapError", "*fs.PathError", "*errors.joinError",
		"syscall.Errno", "*os.SyscallError", "*net.OpError", "*strconv.NumError",
		"*url.Error", "*fmt.wrapErrors", "*json.SyntaxError", "*exec.Error",
	};

	d->nitabs = go_itabs(p->prog, &d->itabs);
	for (size_t i = 0; i < ARRAY_LEN(boxed); i++)
		add(p, d->boxed, &d->nboxed, ARRAY_LEN(d->boxed), boxed[i]);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		add(p, d->errors, &d->nerrors, ARRAY_LEN(d->errors), errors[i]);
}
