#include "span/newids.h"

#include <sys/random.h>

#include "base/err.h"
#include "span/traceparent.h"

void new_id(struct new_ids *ids, u8 *to, size_t n)
{
	do {
		if (ids->left < n) {
			if (getrandom(ids->random, RANDOM_BYTES, 0) != RANDOM_BYTES)
				die("no random numbers from the kernel");
			ids->left = RANDOM_BYTES;
		}
		ids->left -= n;
		memcpy(to, ids->random + ids->left, n);
	} while (id_is_zero(to, n));
}
