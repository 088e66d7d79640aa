/* defs - the words that every file uses: sized integers, attributes, OWN.
 *
 * Owns     nothing.  Units  none.  Fails  never.  Threads  any. */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

/* A local that is released on every way out: OWN(image) img = {0}; calls image_release(&img). */
#define OWN(T) __attribute__((cleanup(T##_release))) struct T

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static inline u64 round_up(u64 n, u64 to)
{
	return (n + to - 1) / to * to;
}

#endif
