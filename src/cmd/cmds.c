#include "cmd/cmds.h"

const struct command *const commands[] = {
};
const size_t ncommands = ARRAY_LEN(commands);
