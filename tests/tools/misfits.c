/* misfits - the values of a process that stands still, or of a core, that do not fit their objects:
 * what `goshawk explain` would tell of if it had died. Of a program with nothing wrong, none.
 *
 *   misfits PID|CORE
 *
 * The last line is "N values, M misfits". The status is 99 where nothing could be looked at. */
#include <stdio.h>
#include <stdlib.h>

#include "diag/owners.h"

int main(int argc, char **argv)
{
	OWN(arena) a = { 0 };
	struct image img = { 0 };
	struct go_program prog = { 0 };
	struct go_heap heap;
	struct owners owners;
	struct err err;
	int pid = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;

	if (argc != 2 ||
	    !(pid ? image_open_pid(&img, pid, &err) : image_open(&img, argv[1], &err)) ||
	    !go_open(&prog, &img, &err) || !go_heap_read(&heap, &img, &prog, &a))
		return 99;
	owners_find(&owners, &prog, &img, &heap, go_globals_of(&prog), &a);
	for (u32 i = 0; i < owners.n; i++) {
		const struct misfit *m = &owners.found[i];

		printf("%.*s (%.*s, at 0x%lx): %.*s\n", STR_F(m->name), STR_F(m->type), m->at,
		       STR_F(m->box.fault ? boxed_text(&m->box, &a) : STR("it does not fit")));
	}
	printf("%lu values, %lu misfits, bits %d%s\n", owners.values, owners.all, (int)heap.bits,
	       owners.cut ? ", cut" : "");
	go_program_release(&prog);
	image_release(&img);
	return 0;
}
