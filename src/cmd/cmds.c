#include "cmd/cmds.h"

const struct command *const commands[] = {
	&cmd_trace,
	&cmd_stress,
	&cmd_spans,
	&cmd_check,
	&cmd_explain,
	&cmd_info,
	&cmd_funcs,
	&cmd_types,
	&cmd_disasm,
	&cmd_goroutines,
	&cmd_doctor,
	&cmd_detach,
};
const size_t ncommands = ARRAY_LEN(commands);
