/* stop - the signals that end our work, not us.
 *
 * Owns     the handlers of INT, TERM, HUP and QUIT between stop_catch and stop_uncatch. They stand
 *          before anything is done to a process: we never die of these with something of ours in
 *          it.
 * Units    none.  Fails  never.
 * Threads  one. */
#ifndef CMD_STOP_H
#define CMD_STOP_H

#include "base/defs.h"

/* HUP stays ignored where it was (nohup), and what was ignored is so in a program that we start. */
void stop_catch(void);
void stop_uncatch(void);
/* Was one sent to goshawk alone? By the terminal, which sends it to the program as well? */
bool stop_asked(void);
bool stop_by_terminal(void);

#endif
