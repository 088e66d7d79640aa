/* cmds - the table of commands, in the order of --help.
 *
 * A command is src/cmd/NAME.c with `const struct command cmd_NAME`, declared here and listed in
 * cmds.c once it works.
 *
 * Owns     nothing: constants.  Units  none.  Fails  never.  Threads  any. */
#ifndef CMD_CMDS_H
#define CMD_CMDS_H

#include "base/opt.h"

extern const struct command *const commands[];
extern const size_t ncommands;

extern const struct command cmd_trace;
extern const struct command cmd_stress;
extern const struct command cmd_spans;
extern const struct command cmd_check;
extern const struct command cmd_info;
extern const struct command cmd_funcs;
extern const struct command cmd_types;
extern const struct command cmd_disasm;
extern const struct command cmd_goroutines;
extern const struct command cmd_explain;
extern const struct command cmd_doctor;
extern const struct command cmd_detach;

#endif
