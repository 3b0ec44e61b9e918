/*
 * getrandom() behind a small per-process cache, because a system call per eight bytes is dearer
 * than the bytes. Bytes are wiped from the cache when handed out, and all of them in the child of a
 * fork, which would hand out its parent's.
 */
#include "core/base/rng.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/check.h"

static unsigned char cache[256];
static size_t cache_left;

static void forget_cache(void)
{
	explicit_bzero(cache, sizeof(cache));
	cache_left = 0;
}

static void fill(unsigned char *out, size_t len)
{
	while (len > 0) {
		ssize_t n = getrandom(out, len < 256 ? len : 256, 0);
		CHECK(n > 0);
		out += n;
		len -= (size_t)n;
	}
}

void rng_bytes(void *out, size_t len)
{
	if (len > sizeof(cache)) {
		fill(out, len);
		return;
	}
	if (len > cache_left) {
		static bool watches_fork;
		if (!watches_fork) {
			CHECK(pthread_atfork(NULL, NULL, forget_cache) == 0);
			watches_fork = true;
		}
		fill(cache, sizeof(cache));
		cache_left = sizeof(cache);
	}
	unsigned char *from = cache + sizeof(cache) - cache_left;
	memcpy(out, from, len);
	explicit_bzero(from, len);
	cache_left -= len;
}

uint64_t rng_u64(void)
{
	uint64_t n = 0;

	rng_bytes(&n, sizeof(n));
	return n;
}

uint64_t rng_below(uint64_t bound)
{
	CHECK(bound > 0);
	/* Values below this would make the low remainders more likely. */
	uint64_t reject_below = (0 - bound) % bound;
	uint64_t n = rng_u64();
	while (n < reject_below) {
		n = rng_u64();
	}
	return n % bound;
}

void rng_token(char *out, size_t len)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < len; i++) {
		out[i] = alphabet[rng_below(sizeof(alphabet) - 1)];
	}
	out[len] = '\0';
}
