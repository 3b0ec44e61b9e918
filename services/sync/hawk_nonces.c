/*
 * The table of nonces: sets of eight places, changed by compare-and-swap only, because several
 * processes write. Two processes that see the same request at the same moment choose the same
 * place, and the second one then finds the first one's mark.
 */
#include "services/sync/hawk_nonces.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	WAYS = 8,
	SETS = HAWK_NONCES_PLACES / WAYS,
	SECOND_BITS = 20 /* seconds, modulo twelve days */
};

#define SECOND_MASK ((UINT64_C(1) << SECOND_BITS) - 1)

_Static_assert((SETS & (SETS - 1)) == 0, "a set is chosen by a mask");

struct hawk_nonces {
	void *map;
	_Atomic uint64_t *places; /* in map; 0: free */
};

enum err hawk_nonces_open(const char *path, struct hawk_nonces **ret, struct err_note *note)
{
	const size_t bytes = HAWK_NONCES_PLACES * sizeof(uint64_t);
	struct hawk_nonces *n = calloc(1, sizeof(*n));
	int fd = -1;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (n == NULL) {
		return ERR_MEMORY;
	}
	if (path != NULL) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) {
			enum err e = err_note_set(note, ERR_IO, "cannot open %s", path);
			if (fd >= 0) {
				(void)close(fd);
			}
			free(n);
			return e;
		}
		flags = MAP_SHARED;
	}
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0) {
		(void)close(fd);
	}
	if (map == MAP_FAILED) {
		free(n);
		return ERR_MEMORY;
	}
	n->map = map;
	n->places = map;
	*ret = n;
	return ERR_OK;
}

void hawk_nonces_close(struct hawk_nonces **n)
{
	if (*n == NULL) {
		return;
	}
	(void)munmap((*n)->map, HAWK_NONCES_PLACES * sizeof(uint64_t));
	free(*n);
	*n = NULL;
}

/* FNV-1a: that nobody can aim at another user's marks comes from the key in it. */
static uint64_t mix(uint64_t hash, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001b3);
	}
	return (hash ^ 0xff) * UINT64_C(0x100000001b3); /* where a part ends */
}

/* Every bit of the result depends on every bit of h (the finaliser of MurmurHash3). */
static uint64_t spread(uint64_t h)
{
	h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ (h >> 33);
}

bool hawk_nonces_use(
    struct hawk_nonces *n, struct slice key, struct slice ts, struct slice nonce, int64_t now_s)
{
	uint64_t hash = spread(mix(mix(mix(UINT64_C(0xcbf29ce484222325), key), ts), nonce));
	_Atomic uint64_t *set = n->places + (hash & (SETS - 1)) * WAYS;
	uint64_t fingerprint = hash | (SECOND_MASK + 1); /* never 0 above the seconds */
	uint64_t now = (uint64_t)now_s & SECOND_MASK;
	uint64_t mark = (fingerprint & ~SECOND_MASK) | now;

	for (;;) {
		unsigned oldest = 0;
		uint64_t oldest_mark = 0, oldest_age = 0;
		for (unsigned i = 0; i < WAYS; i++) {
			uint64_t there = atomic_load_explicit(&set[i], memory_order_acquire);
			uint64_t age =
			    there == 0 ? UINT64_MAX : (now - (there & SECOND_MASK)) & SECOND_MASK;
			if (there != 0 && ((there ^ mark) & ~SECOND_MASK) == 0) {
				return false;
			}
			if (i == 0 || age > oldest_age) {
				oldest = i;
				oldest_mark = there;
				oldest_age = age;
			}
		}
		if (atomic_compare_exchange_strong(&set[oldest], &oldest_mark, mark)) {
			return true;
		}
	}
}
