/*
 * What `plimsoll model rates` prints: each number of the population with its reason, each formula
 * with its numbers, the rate of each activity for a number of users; of a preset its own arithmetic
 * beside the published figures, and each claim beside what follows from the model.
 */
#ifndef PLIMSOLL_LAB_RATES_H
#define PLIMSOLL_LAB_RATES_H

#include "core/base/buf.h"
#include "lab/model.h"

/* preset NULL: the derived rates only. Returns the number of claims that do not agree. */
unsigned rates_print(
    const struct model *m, const struct model_preset *p, double users, struct buf *out);

#endif
