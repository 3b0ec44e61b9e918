/*
 * Least squares with coefficients that are not negative (Lawson and Hanson 1974, chapter 23): what
 * an activity costs a role, from what a role used while so many of each activity were done. A cost
 * below nothing is noise, and forbidding it makes the others better.
 */
#ifndef PLIMSOLL_LAB_NNLS_H
#define PLIMSOLL_LAB_NNLS_H

#include <stddef.h>

#include "core/base/err.h"
#include "lab/chance.h"
#include "lab/stats.h"

enum {
	NNLS_COLUMNS_MAX = 40,
	NNLS_ROWS_MAX = 8192,
};

/*
 * The x >= 0 with the least |a x - y|. a has n_rows rows of n_columns, row by row. Columns of zeros
 * get 0. ERR_LIMIT: more than the maxima above; ERR_INVALID: fewer rows than columns.
 */
NODISCARD enum err nnls_solve(
    const double *a, const double *y, size_t n_rows, size_t n_columns, double *ret_x);

struct nnls_fit {
	struct estimate x[NNLS_COLUMNS_MAX];
	struct estimate
	    along; /* sum of weights times x; surer than its parts, which make up for each other */
	double residual;  /* standard deviation of what is left over, in units of y */
	double r_squared; /* share of the variance of y that is explained */
	double condition; /* of a with columns of equal length; above 30 costs are hard to tell
			     apart */
};

/*
 * The same with intervals: groups of rows are drawn anew, with repetition, `rounds` times. group[i]
 * says to which group row i belongs (0 to n_groups - 1): rows of one run are not independent of
 * each other. weights: of along, one a column, or NULL. ERR_MEMORY too.
 */
NODISCARD enum err nnls_fit(const double *a, const double *y, size_t n_rows, size_t n_columns,
    const unsigned *group, unsigned n_groups, const double *weights, unsigned rounds,
    double confidence, uint64_t seed, struct nnls_fit *ret);

#endif
