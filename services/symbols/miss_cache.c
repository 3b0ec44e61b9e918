/*
 * One word per place, written whole: the upper bits of a key's hash and the stamp under which it
 * was looked for. A key may stand in any of the places of its group. Where they are taken a new one
 * takes that of a mark that holds for seconds; what other servers do not have, which is dear to ask
 * for again, goes only when the group is full of it. The hash has a secret in it, so that nobody
 * can make two keys meet; that they do by chance, 2^51 to one for a request, is a file that is not
 * found for some seconds.
 */
#include "services/symbols/miss_cache.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/rng.h"

enum {
	STAMP_BITS = 24,
	GROUP = 8, /* places of a key */
	PATH_SIZE = 4200
};

#define STAMP_MASK ((UINT64_C(1) << STAMP_BITS) - 1)
#define LASTING	   (UINT64_C(1) << (STAMP_BITS - 1)) /* of a stamp: the mark is of that kind */
#define COUNT_MASK (LASTING - 1)

_Static_assert((MISS_CACHE_SLOTS & (MISS_CACHE_SLOTS - 1)) == 0, "a place is chosen by a mask");
_Static_assert((MISS_CACHE_PARTS & (MISS_CACHE_PARTS - 1)) == 0, "a part is chosen by a mask");

struct table {
	_Atomic uint64_t secret;  /* of the last one who opened it */
	_Atomic uint64_t id;	  /* 0: not chosen yet */
	_Atomic uint64_t arrived; /* things that may be found by any id */
	_Atomic uint64_t slots[MISS_CACHE_SLOTS];
	_Atomic uint64_t parts[MISS_CACHE_PARTS]; /* things that arrived, by their ids */
};

struct miss_cache {
	struct table *table;
	uint64_t lasting; /* stamp of the last mark of that kind; others are of one more or less */
};

static enum err open_file(const char *path, int *ret_fd, struct err_note *note)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)sizeof(struct table)) != 0) {
		enum err e = err_note_set(note, ERR_IO, "cannot open %s", path);
		if (fd >= 0) {
			(void)close(fd);
		}
		return e;
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err miss_cache_open(const char *path, struct miss_cache **ret, struct err_note *note)
{
	struct miss_cache *m = calloc(1, sizeof(*m));
	int fd = -1;
	enum err e = m == NULL ? ERR_MEMORY : path == NULL ? ERR_OK : open_file(path, &fd, note);

	if (e != ERR_OK) {
		free(m);
		return e;
	}
	void *map = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
	    fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	if (fd >= 0) {
		(void)close(fd);
	}
	if (map == MAP_FAILED) {
		free(m);
		return ERR_MEMORY;
	}
	m->table = map;
	/*
	 * What a server before this one has left is of before uploads that we know nothing of, and
	 * of another count of time if the machine has been started anew: with another secret no key
	 * of that time is found. Siblings that have one open lose what they know, once.
	 */
	atomic_store(&m->table->secret, rng_u64() | 1);
	uint64_t none = 0;
	atomic_compare_exchange_strong(&m->table->id, &none, rng_u64() | 1);
	*ret = m;
	return ERR_OK;
}

enum err miss_cache_open_in(const char *data_dir, struct miss_cache **ret, struct err_note *note)
{
	char path[PATH_SIZE];

	if (data_dir == NULL) {
		return miss_cache_open(NULL, ret, note);
	}
	int n = snprintf(path, sizeof(path), "%s/symbols.misses", data_dir);
	return n < 0 || (size_t)n >= sizeof(path)
		   ? err_note_set(note, ERR_LIMIT, "the path of the data folder is too long")
		   : miss_cache_open(path, ret, note);
}

void miss_cache_close(struct miss_cache **m)
{
	if (*m == NULL) {
		return;
	}
	(void)munmap((*m)->table, sizeof(struct table));
	free(*m);
	*m = NULL;
}

/* Every bit of the result depends on every bit of h (the finaliser of MurmurHash3). */
static uint64_t spread(uint64_t h)
{
	h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ (h >> 33);
}

uint64_t miss_cache_hash(const struct miss_cache *m, const struct slice *parts, unsigned n)
{
	uint64_t hash = atomic_load_explicit(&m->table->secret, memory_order_relaxed);

	for (unsigned i = 0; i < n; i++) {
		struct slice rest = parts[i];
		/* Eight bytes at a time; the length closes a part. */
		while (rest.len > 0) {
			uint64_t word = 0;
			size_t len = rest.len < sizeof(word) ? rest.len : sizeof(word);
			memcpy(&word, rest.ptr, len);
			hash = spread(hash ^ word);
			rest = slice_sub(rest, len, rest.len);
		}
		hash = spread(hash ^ (parts[i].len + 1));
	}
	return hash;
}

/*
 * The count of an id's part. Case does not matter, nor do zeros at the end: symsrv's clients fill
 * build ids up with them.
 */
static _Atomic uint64_t *part_of(const struct miss_cache *m, struct slice id)
{
	uint64_t hash = atomic_load_explicit(&m->table->secret, memory_order_relaxed);

	while (id.len > 0 && id.ptr[id.len - 1] == '0') {
		id.len--;
	}
	for (size_t i = 0; i < id.len; i++) {
		hash = (hash ^ ((unsigned char)id.ptr[i] | 0x20u)) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return &m->table->parts[spread(hash) & (MISS_CACHE_PARTS - 1)];
}

static uint64_t span_number(uint64_t hash, int64_t now_us, int64_t span_us)
{
	return ((uint64_t)now_us + hash % (uint64_t)span_us) / (uint64_t)span_us;
}

/* None of the terms ever falls, so no sum comes twice. */
uint64_t miss_cache_stamp(
    const struct miss_cache *m, uint64_t hash, struct slice id, int64_t now_us)
{
	uint64_t arrived = atomic_load_explicit(&m->table->arrived, memory_order_acquire) +
			   atomic_load_explicit(part_of(m, id), memory_order_acquire);

	return (arrived + span_number(hash, now_us, MISS_CACHE_SECONDS * INT64_C(1000000))) &
	       COUNT_MASK;
}

uint64_t miss_cache_stamp_lasting(uint64_t hash, int64_t now_us, int64_t span_us)
{
	return (span_number(hash, now_us, span_us) & COUNT_MASK) | LASTING;
}

uint64_t miss_cache_id(const struct miss_cache *m)
{
	return atomic_load_explicit(&m->table->id, memory_order_relaxed);
}

/* The i-th place of a key, of GROUP. */
static _Atomic uint64_t *place_of(const struct miss_cache *m, uint64_t hash, unsigned i)
{
	uint64_t first = hash & (MISS_CACHE_SLOTS - 1);

	return &m->table->slots[(first & ~(uint64_t)(GROUP - 1)) | ((first + i) % GROUP)];
}

bool miss_cache_has(const struct miss_cache *m, uint64_t hash, uint64_t stamp)
{
	const uint64_t wanted = (hash & ~STAMP_MASK) | stamp;

	for (unsigned i = 0; i < GROUP; i++) {
		if (atomic_load_explicit(place_of(m, hash, i), memory_order_acquire) == wanted) {
			return true;
		}
	}
	return false;
}

/* What a mark is worth that another one would take the place of; one whose time is over, less. */
static unsigned worth_of(const struct miss_cache *m, uint64_t mark)
{
	uint64_t apart = (mark - m->lasting + 1) & COUNT_MASK;
	bool holds = (mark & LASTING) != 0 && apart <= 2;

	return mark == 0 ? 0 : holds ? 2 : 1;
}

/* Where the key stands already, else a free place, else one of a mark that ends soon, else any. */
static _Atomic uint64_t *place_for(const struct miss_cache *m, uint64_t hash)
{
	_Atomic uint64_t *best = NULL;
	unsigned least = 0;

	for (unsigned i = 0; i < GROUP; i++) {
		_Atomic uint64_t *place = place_of(m, hash, i);
		uint64_t there = atomic_load_explicit(place, memory_order_relaxed);
		unsigned worth = worth_of(m, there);
		if (there != 0 && ((there ^ hash) & ~STAMP_MASK) == 0) {
			return place;
		}
		if (best == NULL || worth < least) {
			best = place;
			least = worth;
		}
	}
	return best;
}

void miss_cache_mark(struct miss_cache *m, uint64_t hash, uint64_t stamp)
{
	if ((stamp & LASTING) != 0) {
		m->lasting = stamp;
	}
	atomic_store_explicit(
	    place_for(m, hash), (hash & ~STAMP_MASK) | stamp, memory_order_release);
}

void miss_cache_forget(struct miss_cache *m, struct slice id)
{
	if (id.len > 0) {
		(void)atomic_fetch_add_explicit(part_of(m, id), 1, memory_order_release);
	}
}

void miss_cache_forget_all(struct miss_cache *m)
{
	(void)atomic_fetch_add_explicit(&m->table->arrived, 1, memory_order_release);
}
