/*
 * A counter put through the mixing function of splitmix64 (Steele, Lea, Flood 2014), keyed by seed
 * and stream: no state but the counter.
 */
#include "lab/chance.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

struct chance chance_new(uint64_t seed, uint64_t stream)
{
	return (struct chance){ .key = mix(mix(seed + golden) + mix(~stream)) };
}

uint64_t chance_u64(struct chance *c)
{
	return mix(c->key + ++c->place * golden);
}

double chance_unit(struct chance *c)
{
	return ((double)(chance_u64(c) >> 12) + 0.5) * 0x1p-52;
}

uint64_t chance_below(struct chance *c, uint64_t bound)
{
	/* The high half of a 128-bit product; the bias is below bound / 2^64. */
	uint64_t x = chance_u64(c), high = x >> 32, low = x & UINT32_MAX;

	if (bound <= UINT32_MAX) {
		return (high * bound + ((low * bound) >> 32)) >> 32;
	}
	return x % bound;
}

double chance_exponential(struct chance *c)
{
	return -log(chance_unit(c));
}
