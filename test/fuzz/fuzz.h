/*
 * The entry of every fuzz target. libFuzzer calls it in a build with -Dfuzz=true; fuzz_replay.c
 * does in the test build.
 */
#ifndef PLIMSOLL_FUZZ_FUZZ_H
#define PLIMSOLL_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Runs the code under test on the input and CHECKs what must hold. Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
