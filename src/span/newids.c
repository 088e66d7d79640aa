#include "span/newids.h"

#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "span/traceparent.h"

static u64 rotated(u64 x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static u64 next(u64 s[4])
{
	u64 number = rotated(s[0] + s[3], 23) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotated(s[3], 45);
	return number;
}

void new_id(struct new_ids *ids, u8 *to, size_t n)
{
	while (!(ids->state[0] | ids->state[1] | ids->state[2] | ids->state[3]))
		if (getrandom(ids->state, sizeof(ids->state), 0) != sizeof(ids->state))
			die("no random numbers from the kernel");
	do {
		for (size_t i = 0; i < n; i += sizeof(u64)) {
			u64 number = next(ids->state);

			memcpy(to + i, &number, sizeof(number));
		}
	} while (id_is_zero(to, n));
}
