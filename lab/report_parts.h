/*
 * Parts that the pages of several kinds of results have: cells of tables, a machine.
 */
#ifndef PLIMSOLL_LAB_REPORT_PARTS_H
#define PLIMSOLL_LAB_REPORT_PARTS_H

#include "lab/machine.h"
#include "lab/quantity.h"
#include "lab/report.h"

/* With so many digits behind the point; what is not finite is a dash. */
void report_cell_real(struct report_table *t, double value, int digits);

/* A count; bad: marked as what to look at, unless it is 0. */
void report_cell_count(struct report_table *t, uint64_t n, bool bad);

/* With its unit. */
void report_cell_quantity(struct report_table *t, enum quantity q, double value);

/* "2 cores of X, 8.0 GB of memory, Linux 6.1" */
void report_put_machine(const struct machine *m, struct buf *out);

#endif
