/* version - of the program, and of what --json prints.
 *
 * Within a schema number fields are only added.
 *
 * Owns     nothing.  Units  none.  Fails  never.  Threads  any. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define GOSHAWK_VERSION "0.1.0"
#define GOSHAWK_DATE "November 25, 2026"	/* of the manual */
enum { JSON_SCHEMA = 1 };

#endif
