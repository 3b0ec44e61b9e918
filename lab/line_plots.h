/*
 * The plots of the page of a line: goodput, latency and use over load, how full each role is at the
 * line, what each activity costs.
 */
#ifndef PLIMSOLL_LAB_LINE_PLOTS_H
#define PLIMSOLL_LAB_LINE_PLOTS_H

#include "core/base/buf.h"
#include "core/base/json.h"

/* Appends those for which the result has figures. Without memory out has failed. */
void line_plots_put(const struct json *result, struct buf *out);

#endif
