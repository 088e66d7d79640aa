/* agentout - requests that are sent, as the agent sees them: how their headers are written, by
 * HTTP/1 and HTTP/2.
 *
 * Owns     one buffer, and one block.  Units  as inline/propagate.h.  Fails  a test.
 * Threads  one. */
#ifndef TESTS_AGENTOUT_H
#define TESTS_AGENTOUT_H

#include "agent.h"

static u8 buffer[4096];
static u64 writer[6];	/* error, buffer, used */

static inline void fields_of(u64 map, u64 itab)
{
	put(&last, 0, map);
	put(&last, 8, itab);
	put(&last, 16, (u64)(uintptr_t)writer);
}

static inline u32 is_answered(u64 goid)
{
	return happens(goid, 500, PROPAGATE_ASK, SITE_EXIT)->what;
}

/* The goroutine that writes puts `header` behind the request's line. */
static inline void writes(u64 goid, u64 map, const char *header)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n";

	memcpy(buffer, head, sizeof(head) - 1);
	writer[2] = (u64)(uintptr_t)buffer;
	writer[3] = sizeof(buffer);
	writer[5] = sizeof(head) - 1;
	fields_of(map, 0x1000);
	tables->itab_rt = 0x1000;
	happens(goid, 700, PROPAGATE_WRITE, SITE_ENTRY);
	memcpy(buffer + writer[5], header, strlen(header));
	writer[5] += strlen(header);
	happens(goid, 700, PROPAGATE_WRITE, SITE_EXIT);
	buffer[MIN(writer[5], sizeof(buffer) - 1)] = 0;
}

static u8 block[3000];

/* The goroutine that writes a stream has this block; gives what is written in its place. */
static inline const u8 *blocks_of(u64 goid, u64 map, u64 n, bool ends, const char *name, u64 *size)
{
	static const char *const value = "00-" PARENT "-b7ad6b7169203331-00";

	put(&last, EXTRA_BEHIND, map);
	happens(goid, 700, PROPAGATE_STREAM, SITE_ENTRY);
	if (name) {
		put(&last, 0, (u64)(uintptr_t)name);
		put(&last, 8, strlen(name));
		put(&last, 16, (u64)(uintptr_t)value);
		put(&last, 24, strlen(value));
		happens(goid, 800, PROPAGATE_NAME, SITE_ENTRY);
	}
	stack[2] = (u64)(uintptr_t)block;
	stack[3] = stack[4] = n;
	((u8 *)&stack[1])[33] = ends;
	happens(goid, 900, PROPAGATE_BLOCK, SITE_ENTRY);
	*size = stack[3];
	return (const u8 *)(uintptr_t)stack[2];
}

#endif
