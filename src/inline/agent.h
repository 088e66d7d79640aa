/* agent - what all parts of the agent (agent.c) are written in: words, hashes, new ids. Each part
 * is a header of static functions, so that the section holds all of them and refers to nothing
 * else.
 *
 * Owns     nothing: all lies in the target's struct propagate.
 * Units    rt addresses of the target, in which this runs.
 * Fails    never: what finds no place is not known.
 * Threads  all of the target's (inline/propagate.h). */
#ifndef INLINE_AGENT_H
#define INLINE_AGENT_H

#include "inline/propagate.h"

#define AGENT __attribute__((section("agent")))

enum {
	TRIES = 8,
	GOLDEN = 0x9e3779b1u,
};

AGENT static u64 word(const u8 *at, u32 off)
{
	return *(const u64 *)(const void *)(at + off);
}

AGENT static u64 mix(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

AGENT static u32 hash(u64 x, u32 n)
{
	return (u32)(mix(x) >> 32) & (n - 1);
}

/* Of a goroutine in a table: goroutines that were made one after the other lie side by side, so
 * that few pages are touched. */
AGENT static u32 place(u64 goid, u32 n)
{
	return (u32)goid & (n - 1);
}

/* The same of what lies at an address: one object of the heap follows the other. */
AGENT static u32 place_of(u64 address, u32 n)
{
	return (u32)((address >> 6) + (address >> 18)) & (n - 1);
}

AGENT static void copy(u8 *to, const u8 *from, u32 n)
{
	u32 i = 0;

	for (; i + 8 <= n; i += 8)
		*(u64 *)(void *)(to + i) = *(const u64 *)(const void *)(from + i);
	for (; i < n; i++)
		to[i] = from[i];
}

/* It will be written soon, and lies in another processor's cache: it comes while we do something
 * else. */
AGENT static void ask_for(const void *at)
{
	__asm__ volatile("prefetchw %0" : : "m"(*(const u8 *)at));
}

/* A new id: a number of this moment, in a sequence that nobody without the key can tell. */
AGENT static void new_id(const struct propagate *p, u64 of, u8 *to, u32 n)
{
	u64 now = __builtin_ia32_rdtsc(), a = mix(p->key[0] ^ mix(now + of * GOLDEN));
	u64 b = mix(p->key[1] ^ a ^ now);

	*(u64 *)(void *)to = a;
	if (n > 8)
		*(u64 *)(void *)(to + 8) = b;
	to[n - 1] |= !a;
}

#endif
