/*
 * The active set method on the normal equations. Columns are scaled to length 1 first, so that
 * seconds of idling beside thousands of steps do not spoil the numbers; there are at most some tens
 * of them, and a new draw of rows costs only a new sum of their products.
 */
#include "lab/nnls.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	N = NNLS_COLUMNS_MAX,
};

static const double tolerance = 1e-10;

/* The normal equations: g = A'A, h = A'y, columns scaled by 1 / length. */
struct normal {
	double g[N][N], h[N], length[N];
	size_t n;
};

static void scale(struct normal *m)
{
	for (size_t i = 0; i < m->n; i++) {
		m->length[i] = sqrt(m->g[i][i]);
	}
	for (size_t i = 0; i < m->n; i++) {
		double li = m->length[i] > 0 ? m->length[i] : 1;
		m->h[i] /= li;
		for (size_t k = 0; k < m->n; k++) {
			m->g[i][k] /= li * (m->length[k] > 0 ? m->length[k] : 1);
		}
	}
}

static void add_row(struct normal *m, const double *row, double y, double times)
{
	for (size_t i = 0; i < m->n; i++) {
		m->h[i] += times * row[i] * y;
		for (size_t k = 0; k < m->n; k++) {
			m->g[i][k] += times * row[i] * row[k];
		}
	}
}

/* The unbounded solution for the columns in use, by Cholesky; 0 for others. False: not independent.
 */
static bool solve_in_use(const struct normal *m, const bool *use, double *x)
{
	double l[N][N] = { 0 }, b[N];
	size_t at[N], n = 0;

	for (size_t i = 0; i < m->n; i++) {
		x[i] = 0;
		if (use[i]) {
			at[n++] = i;
		}
	}
	for (size_t i = 0; i < n; i++) {
		double sum = m->h[at[i]];
		for (size_t k = 0; k <= i; k++) {
			double g = m->g[at[i]][at[k]];
			for (size_t j = 0; j < k; j++) {
				g -= l[i][j] * l[k][j];
			}
			if (i == k && g < 1e-12) {
				return false;
			}
			l[i][k] = i == k ? sqrt(g) : g / l[k][k];
			sum -= k < i ? l[i][k] * b[k] : 0;
		}
		b[i] = sum / l[i][i];
	}
	for (size_t i = n; i-- > 0;) {
		for (size_t k = i + 1; k < n; k++) {
			b[i] -= l[k][i] * b[k];
		}
		b[i] /= l[i][i];
		x[at[i]] = b[i];
	}
	return true;
}

/* Column to take into use: the steepest way down; m->n if there is none. */
static size_t steepest(const struct normal *m, const bool *use, const bool *dead, const double *x)
{
	size_t best = m->n;
	double most = tolerance;

	for (size_t i = 0; i < m->n; i++) {
		double w = m->h[i];
		for (size_t k = 0; k < m->n; k++) {
			w -= m->g[i][k] * x[k];
		}
		if (!use[i] && !dead[i] && w > most) {
			most = w;
			best = i;
		}
	}
	return best;
}

/* From x towards z as far as all stay positive; the columns that reach 0 go out of use. */
static bool step_towards(const struct normal *m, bool *use, double *x, const double *z)
{
	double share = 1;
	bool whole = true;

	for (size_t i = 0; i < m->n; i++) {
		if (use[i] && z[i] <= 0) {
			share = fmin(share, x[i] / (x[i] - z[i] + 1e-300));
			whole = false;
		}
	}
	for (size_t i = 0; i < m->n; i++) {
		x[i] = use[i] ? x[i] + share * (z[i] - x[i]) : 0;
		if (!whole && use[i] && (x[i] <= tolerance || (z[i] <= 0 && x[i] <= tolerance))) {
			use[i] = false;
			x[i] = 0;
		}
	}
	return whole;
}

/* m is scaled; x comes out unscaled. */
static void solve_normal(const struct normal *m, double *x)
{
	bool use[N] = { false }, dead[N] = { false };
	double z[N];

	memset(x, 0, m->n * sizeof(*x));
	for (size_t i = 0; i < m->n; i++) {
		dead[i] = m->length[i] <= 0;
	}
	/* Each round lessens the error; the bound is against rounding that goes in a circle. */
	for (size_t round = 0; round < 3 * m->n + 10; round++) {
		size_t next = steepest(m, use, dead, x);
		if (next == m->n) {
			break;
		}
		use[next] = true;
		for (size_t inner = 0; inner <= m->n; inner++) {
			if (!solve_in_use(m, use, z)) {
				use[next] = false;
				dead[next] = true; /* the others say the same already */
				break;
			}
			if (step_towards(m, use, x, z)) {
				break;
			}
		}
	}
	for (size_t i = 0; i < m->n; i++) {
		x[i] = m->length[i] > 0 ? x[i] / m->length[i] : 0;
	}
}

static enum err check_size(size_t n_rows, size_t n_columns)
{
	if (n_columns == 0 || n_columns > N || n_rows > NNLS_ROWS_MAX) {
		return ERR_LIMIT;
	}
	return n_rows < n_columns ? ERR_INVALID : ERR_OK;
}

enum err nnls_solve(
    const double *a, const double *y, size_t n_rows, size_t n_columns, double *ret_x)
{
	struct normal m = { .n = n_columns };
	enum err e = check_size(n_rows, n_columns);

	if (e != ERR_OK) {
		return e;
	}
	for (size_t i = 0; i < n_rows; i++) {
		add_row(&m, a + i * n_columns, y[i], 1);
	}
	scale(&m);
	solve_normal(&m, ret_x);
	return ERR_OK;
}

/* Largest by smallest singular value, from the eigenvalues of g by Jacobi's rotations. Columns that
 * are all 0 do not count. */
static double condition(const struct normal *m)
{
	double g[N][N], most = 0, least = HUGE_VAL;

	memcpy(g, m->g, sizeof(g));
	for (int sweep = 0; sweep < 50; sweep++) {
		for (size_t p = 0; p < m->n; p++) {
			for (size_t q = p + 1; q < m->n; q++) {
				if (fabs(g[p][q]) < 1e-15) {
					continue;
				}
				double angle = atan2(2 * g[p][q], g[q][q] - g[p][p]) / 2;
				double c = cos(angle), s = sin(angle);
				for (size_t k = 0; k < m->n; k++) {
					double gp = g[k][p], gq = g[k][q];
					g[k][p] = c * gp - s * gq;
					g[k][q] = s * gp + c * gq;
				}
				for (size_t k = 0; k < m->n; k++) {
					double gp = g[p][k], gq = g[q][k];
					g[p][k] = c * gp - s * gq;
					g[q][k] = s * gp + c * gq;
				}
			}
		}
	}
	for (size_t i = 0; i < m->n; i++) {
		if (m->length[i] > 0) {
			most = fmax(most, g[i][i]);
			least = fmin(least, g[i][i]);
		}
	}
	return least > 0 ? sqrt(most / least) : HUGE_VAL;
}

static void judge(const double *a, const double *y, size_t n_rows, size_t n, struct nnls_fit *fit)
{
	double left = 0, all = stats_variance(y, n_rows) * (double)(n_rows - 1);

	for (size_t i = 0; i < n_rows; i++) {
		double off = y[i];
		for (size_t k = 0; k < n; k++) {
			off -= a[i * n + k] * fit->x[k].value;
		}
		left += off * off;
	}
	fit->residual = n_rows > n ? sqrt(left / (double)(n_rows - n)) : 0;
	fit->r_squared = all > 0 ? fmax(0, 1 - left / all) : 0;
}

/* One draw of groups: how often each comes. */
static void draw(struct chance *c, unsigned n_groups, bool as_it_is, double *times)
{
	for (unsigned i = 0; i < n_groups; i++) {
		times[i] = as_it_is ? 1 : 0;
	}
	for (unsigned i = 0; i < n_groups && !as_it_is; i++) {
		times[chance_below(c, n_groups)]++;
	}
}

static void add_groups(const struct normal *of_group, unsigned n_groups, const double *times,
    size_t n, struct normal *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->n = n;
	for (unsigned g = 0; g < n_groups; g++) {
		for (size_t i = 0; i < n; i++) {
			ret->h[i] += times[g] * of_group[g].h[i];
			for (size_t k = 0; k < n; k++) {
				ret->g[i][k] += times[g] * of_group[g].g[i][k];
			}
		}
	}
}

static double sum_along(const double *weights, const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n && weights != NULL; i++) {
		sum += weights[i] * x[i];
	}
	return sum;
}

/* row has what was drawn, and the value itself behind. */
static struct estimate interval(double *row, unsigned rounds, double confidence)
{
	struct estimate e = { .value = row[rounds] };

	e.low = fmin(stats_quantile(row, rounds, 0.5 - confidence / 2), e.value);
	e.high = fmax(stats_quantile(row, rounds, 0.5 + confidence / 2), e.value);
	return e;
}

enum err nnls_fit(const double *a, const double *y, size_t n_rows, size_t n_columns,
    const unsigned *group, unsigned n_groups, const double *weights, unsigned rounds,
    double confidence, uint64_t seed, struct nnls_fit *ret)
{
	enum err e = check_size(n_rows, n_columns);
	struct normal *of_group = NULL, *m = NULL;
	double *times = NULL, *drawn = NULL, x[N];
	struct chance c = chance_new(seed, 77);
	struct nnls_fit fit = { 0 };

	if (e != ERR_OK) {
		return e;
	}
	of_group = calloc(n_groups + 1, sizeof(*of_group));
	m = calloc(1, sizeof(*m));
	times = calloc(n_groups + 1, sizeof(*times));
	drawn = calloc((size_t)(rounds + 1) * (n_columns + 1), sizeof(*drawn));
	if (of_group == NULL || m == NULL || times == NULL || drawn == NULL) {
		e = ERR_MEMORY;
		goto out;
	}
	for (size_t i = 0; i < n_rows; i++) {
		of_group[group[i]].n = n_columns;
		add_row(&of_group[group[i]], a + i * n_columns, y[i], 1);
	}
	for (unsigned round = 0; round <= rounds; round++) {
		draw(&c, n_groups, round == rounds, times); /* last, the rows as they are */
		add_groups(of_group, n_groups, times, n_columns, m);
		scale(m);
		solve_normal(m, x);
		drawn[n_columns * (rounds + 1) + round] = sum_along(weights, x, n_columns);
		for (size_t k = 0; k < n_columns; k++) {
			drawn[k * (rounds + 1) + round] = x[k];
		}
	}
	fit.condition = condition(m);
	for (size_t k = 0; k <= n_columns; k++) {
		struct estimate *to = k == n_columns ? &fit.along : &fit.x[k];
		*to = interval(drawn + k * (rounds + 1), rounds, confidence);
	}
	judge(a, y, n_rows, n_columns, &fit);
	*ret = fit;
out:
	free(of_group);
	free(m);
	free(times);
	free(drawn);
	return e;
}
