/*
 * Numbers that look random and are a function of (seed, stream, place): a run with the same seed
 * repeats, and one activity's draws do not depend on how many another one made. Not for secrets.
 */
#ifndef PLIMSOLL_LAB_CHANCE_H
#define PLIMSOLL_LAB_CHANCE_H

#include <stdint.h>

struct chance {
	uint64_t key, place;
};

/* The stream of a seed; streams of different numbers have nothing to do with each other. */
struct chance chance_new(uint64_t seed, uint64_t stream);

uint64_t chance_u64(struct chance *c);

/* Uniform in (0, 1): never an end. */
double chance_unit(struct chance *c);

/* Uniform in [0, bound), bound > 0. */
uint64_t chance_below(struct chance *c, uint64_t bound);

/* Exponential with mean 1. */
double chance_exponential(struct chance *c);

#endif
