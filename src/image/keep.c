/* Memory of a process as it was at one moment: taken in as few calls as possible while the process
 * stands still, and looked at when it runs again. Pieces that lie near each other are taken as one:
 * a page is what costs, not the bytes in it. */
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hands.h"
#include "image/memory.h"

enum {
	AT_ONCE = 1024,
	NEAR = 512,
	WORTH_A_HAND = 8192,	/* pieces that are a thread's work */
};

/* Neighbours in one. Gives the bytes that all of them have. */
static size_t join(struct kept *k, const struct extent *pieces, size_t n)
{
	size_t size = 0;

	k->n = 0;
	k->at = mem_resize(NULL, (n + 1) * sizeof(k->at[0]));
	for (size_t i = 0; i < n; i++) {
		struct dumped *last = k->n ? &k->at[k->n - 1] : NULL;

		if (!pieces[i].size || pieces[i].rt + pieces[i].size < pieces[i].rt)
			continue;
		if (last && pieces[i].rt - last->rt <= last->size + NEAR) {
			u64 end = MAX(last->rt + last->size, pieces[i].rt + pieces[i].size);

			size += (size_t)(end - last->rt - last->size);
			last->size = end - last->rt;
			continue;
		}
		k->at[k->n++] = (struct dumped){ .rt = pieces[i].rt, .size = pieces[i].size };
		size += (size_t)pieces[i].size;
	}
	return size;
}

/* As many as one call takes; where one of them can't be read, those before it were, the rest of it
 * is left out, and the next call begins behind it. */
static size_t take(struct kept *k, int pid, size_t from, size_t end)
{
	struct iovec there[AT_ONCE] = { 0 }, here = { .iov_base = k->bytes + k->at[from].off };
	size_t n = MIN(end - from, (size_t)AT_ONCE);
	ssize_t got;
	u64 left;

	for (size_t i = 0; i < n; i++) {
		struct dumped *d = &k->at[from + i];

		there[i] = (struct iovec){ (void *)(uintptr_t)d->rt, (size_t)d->size };
		here.iov_len += (size_t)d->size;
	}
	got = process_vm_readv(pid, &here, 1, there, n, 0);
	left = got > 0 ? (u64)got : 0;
	if (left == here.iov_len)
		return n;
	for (size_t i = 0; i < n; i++) {
		struct dumped *d = &k->at[from + i];

		if (left < d->size) {
			d->size = left;
			return i + 1;
		}
		left -= d->size;
	}
	return n;
}

struct share {
	struct kept *k;
	int pid;
	size_t from, end;
};

static void take_share(void *arg)
{
	const struct share *h = arg;

	for (size_t i = h->from; i < h->end; i += take(h->k, h->pid, i, h->end))
		;
}

/* The processors that the process had are idle while it stands still. */
static void take_all(struct kept *k, int pid)
{
	struct share shares[HANDS_MOST];
	u32 n = hands_for(k->n + WORTH_A_HAND, WORTH_A_HAND);

	for (u32 i = 0; i < n; i++)
		shares[i] = (struct share){ .k = k, .pid = pid, .from = k->n * i / n,
					    .end = k->n * (i + 1) / n };
	hands_do(n, take_share, shares, sizeof(*shares));
}

static u8 *pages(size_t size)
{
	u8 *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		die("out of memory");
	return p;
}

static u8 *bytes_for(struct memory *m, struct kept *k)
{
	if (!m->room || k->size > m->room_size - m->room_used)
		return pages(k->size + 1);
	m->room_used += k->size;
	k->shared = true;
	return m->room + m->room_used - k->size;
}

void image_keep_room(struct image *img, u64 bytes)
{
	struct memory *m = img->memory;

	if (img->kind != IMAGE_PROCESS || !m || m->room || !bytes)
		return;
	m->room_size = (size_t)bytes;
	m->room = pages(m->room_size);
}

void image_keep(struct image *img, const struct extent *pieces, size_t n)
{
	struct memory *m = img->memory;
	struct kept k = { 0 };
	u64 off = 0;

	if (img->kind != IMAGE_PROCESS || !m)
		return;
	k.size = join(&k, pieces, n);
	k.bytes = bytes_for(m, &k);
	for (size_t i = 0; i < k.n; i++) {
		k.at[i].off = off;
		off += k.at[i].size;
	}
	take_all(&k, m->pid);
	*vec_push(&m->kept) = k;
}

/* How many of an ascending list begin at rt or before. */
static size_t begun(const struct dumped *all, size_t n, u64 rt)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (all[mid].rt <= rt)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct dumped *dumped_at(const struct dumped *all, size_t n, u64 rt)
{
	size_t k = begun(all, n, rt);

	return k && rt - all[k - 1].rt < all[k - 1].size ? &all[k - 1] : NULL;
}

size_t kept_read(const struct memory *m, u64 rt, void *to, size_t n)
{
	for (size_t i = m->kept.n; i--; ) {
		const struct kept *k = &m->kept.at[i];
		const struct dumped *d = dumped_at(k->at, k->n, rt);

		if (d) {
			n = (size_t)MIN((u64)n, d->size - (rt - d->rt));
			memcpy(to, k->bytes + d->off + (rt - d->rt), n);
			return n;
		}
	}
	return 0;
}

size_t kept_gap(const struct memory *m, u64 rt, size_t n)
{
	for (size_t i = 0; i < m->kept.n; i++) {
		const struct kept *k = &m->kept.at[i];
		size_t next = begun(k->at, k->n, rt);

		if (next < k->n)
			n = (size_t)MIN((u64)n, k->at[next].rt - rt);
	}
	return n;
}

void kept_release(struct memory *m)
{
	for (size_t i = 0; i < m->kept.n; i++) {
		if (!m->kept.at[i].shared)
			munmap(m->kept.at[i].bytes, m->kept.at[i].size + 1);
		mem_free(m->kept.at[i].at);
	}
	vec_release(&m->kept);
	if (m->room)
		munmap(m->room, m->room_size);
	m->room = NULL;
	m->room_size = m->room_used = 0;
}
