#include "base/sha256.h"

#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const u32 k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static u32 rotate(u32 v, unsigned by)
{
	return v >> by | v << (32 - by);
}

static void take_block(struct sha256 *s, const u8 *p)
{
	u32 w[64], v[8];

	for (unsigned i = 0; i < 16; i++, p += 4)
		w[i] = (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
	for (unsigned i = 16; i < 64; i++) {
		u32 a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	memcpy(v, s->state, sizeof(v));
	for (unsigned i = 0; i < 64; i++) {
		u32 e = v[4], a = v[0];
		u32 one = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			  ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
		u32 two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			  ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += one;
		v[0] = one + two;
	}
	for (unsigned i = 0; i < 8; i++)
		s->state[i] += v[i];
}

void sha256_begin(struct sha256 *s)
{
	*s = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
					 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	const u8 *from = p;

	while (n) {
		size_t at = s->n % SHA256_BLOCK, room = MIN(n, SHA256_BLOCK - at);

		memcpy(s->block + at, from, room);
		s->n += room;
		from += room;
		n -= room;
		if (at + room == SHA256_BLOCK)
			take_block(s, s->block);
	}
}

void sha256_end(struct sha256 *s, u8 *to)
{
	static const u8 end[SHA256_BLOCK] = { 0x80 };
	u64 bits = s->n * 8;
	u8 size[8];

	for (unsigned i = 0; i < 8; i++)
		size[i] = (u8)(bits >> (56 - 8 * i));
	sha256_add(s, end, 1 + (SHA256_BLOCK + 55 - s->n % SHA256_BLOCK) % SHA256_BLOCK);
	sha256_add(s, size, sizeof(size));
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		to[i] = (u8)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

static void add_pad(struct sha256 *s, u8 with)
{
	u8 pad[SHA256_BLOCK];

	memset(pad, with, sizeof(pad));
	sha256_add(s, pad, sizeof(pad));
}

void hmac0_begin(struct sha256 *s)
{
	sha256_begin(s);
	add_pad(s, 0x36);
}

void hmac0_end(struct sha256 *s, u8 *to)
{
	u8 inner[SHA256_SIZE];

	sha256_end(s, inner);
	sha256_begin(s);
	add_pad(s, 0x5c);
	sha256_add(s, inner, sizeof(inner));
	sha256_end(s, to);
}
