#include "x86/patch.h"

static const struct {
	const char *name, *text;
} refusals[REFUSE_COUNT] = {
	[REFUSE_NONE] = { "none", "it can be probed" },
	[REFUSE_RUNTIME] = { "runtime", "it belongs to the runtime: name it to probe it" },
	[REFUSE_WRAPPER] = { "wrapper",
			     "the compiler made it: the function that it calls is probed" },
	[REFUSE_NO_STACK_MAP] = { "no_stack_map", "it has no stack map (C code)" },
	[REFUSE_ASSEMBLY] = { "assembly", "it is assembly with an unknown calling convention" },
	[REFUSE_FORK] = { "fork", "it runs between fork and exec" },
	[REFUSE_SIGNAL] = { "signal", "it runs in signal handlers" },
	[REFUSE_DECODE] = { "decode", "it has bytes that are no instruction" },
	[REFUSE_EXPRESSION] = { "expression",
				"it lacks a name that an expression has, or has it with another "
				"type" },
	[REFUSE_NO_G] = { "no_goroutine",
			  "it is assembly: a kernel probe can't tell its goroutine" },
	[REFUSE_ROOM] = { "room", "its record has no room for all that is asked for" },
	[REFUSE_LOOP_TO_ENTRY] = { "loop_to_entry",
				   "a branch goes back to its entry, and it has no stack check" },
	[REFUSE_SHORT] = { "short",
			   "fewer than five bytes stand before a branch target or its end" },
	[REFUSE_CALL] = { "call", "a call stands in its first five bytes" },
	[REFUSE_UNRESOLVED] = { "unresolved",
				"it has an indirect jump whose targets are not known" },
	[REFUSE_NOT_RELOCATABLE] = { "not_relocatable",
				     "an instruction that can't be moved stands in the way" },
	[REFUSE_PAGE] = { "page", "the jump would cross a page" },
	[REFUSE_TIGHT_EXIT] = { "tight_exit",
				"too little stands before an exit, and a branch to it lacks room" },
	[REFUSE_NO_STACK_CHECK] = { "no_stack_check",
				    "its function has no stack check, so there may be no stack to "
				    "record with" },
	[REFUSE_STACK_CHECK] = { "stack_check", "it belongs to its function's stack check" },
	[REFUSE_TAKEN] = { "taken", "something else that is watched lies over it" },
	[REFUSE_NO_INSN] = { "no_instruction", "no instruction begins there" },
	[REFUSE_FAULT] = { "fault", "what the jump displaces may fault, and in a file nobody sends "
				    "the fault back" },
	[REFUSE_FIPS] = { "fips", "the program's FIPS 140 self-check sums this code" },
};

const char *refusal_text(enum refusal r)
{
	return r < REFUSE_COUNT ? refusals[r].text : "unknown";
}

const char *refusal_name(enum refusal r)
{
	return r < REFUSE_COUNT ? refusals[r].name : "unknown";
}
