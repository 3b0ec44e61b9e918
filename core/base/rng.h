/*
 * Random bytes and tokens from the kernel's generator.
 */
#ifndef PLIMSOLL_BASE_RNG_H
#define PLIMSOLL_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Fills out with len unpredictable bytes; never fails (a kernel without getrandom is a CHECK). */
void rng_bytes(void *out, size_t len);

uint64_t rng_u64(void);

/* Uniform in [0, bound), bound > 0, without modulo bias. */
uint64_t rng_below(uint64_t bound);

/* len letters and digits, unbiased, and a NUL: out has len + 1 bytes. 48 of them are 285 bits. */
void rng_token(char *out, size_t len);

#endif
