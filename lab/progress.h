/*
 * What a person sees while a run is on its way, on standard error.
 */
#ifndef PLIMSOLL_LAB_PROGRESS_H
#define PLIMSOLL_LAB_PROGRESS_H

#include "lab/load.h"

/* A load_second_fn: a line a second. */
void progress_line(void *arg, const struct load_now *now);

#endif
