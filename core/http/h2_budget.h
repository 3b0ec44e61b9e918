/*
 * What a client may do too often: a token bucket. Each nuisance costs a token, time and useful work
 * bring tokens back, an empty bucket ends the connection. Pure: the caller brings the clock.
 */
#ifndef PLIMSOLL_HTTP_H2_BUDGET_H
#define PLIMSOLL_HTTP_H2_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct h2_budget {
	int64_t filled_us;   /* up to when time has been paid out */
	uint32_t left, most; /* tokens */
	uint32_t per_second;
};

/* A full bucket. */
struct h2_budget h2_budget_new(uint32_t most, uint32_t per_second, int64_t now_us);

/* Takes a token; false: there is none. */
bool h2_budget_take(struct h2_budget *b, int64_t now_us);

/* Gives n tokens, at most up to a full bucket. */
void h2_budget_give(struct h2_budget *b, uint32_t n);

#endif
