/*
 * What each activity costs each role: mixes of activities are designed, run by somebody else, and
 * the rows of what was done and what was used are solved for the costs. From costs the line of any
 * mix is predicted: X = min over roles of what a role has / what the mix needs of it (utilisation
 * law). Pure.
 *
 * A fixed mix says nothing about its parts, so each activity is raised alone, first as far as is
 * safe whatever it costs, then until it is most of the work, then all by chance.
 */
#ifndef PLIMSOLL_LAB_LINE_DEMAND_H
#define PLIMSOLL_LAB_LINE_DEMAND_H

#include <stdbool.h>

#include "core/base/err.h"
#include "lab/chance.h"
#include "lab/model.h"
#include "lab/stats.h"

enum {
	LINE_ROLES_MAX = 17, /* LOAD_ROLES_MAX, and the machine */
	LINE_ROWS_MAX = 4096,
	LINE_RANDOM_MIXES = 8,
};

/* About a second: done a second of each activity, refused and failed of all, cores of each role. */
struct line_row {
	double per_second[MODEL_ACTIVITIES_MAX], refused, cores[LINE_ROLES_MAX];
	unsigned group; /* the mix it is of */
};

struct line_demand_role {
	struct estimate idle_cores, cpu_s[MODEL_ACTIVITIES_MAX];
	struct estimate mix_s; /* of one activity of the usual mix */
	double residual_cores, r_squared;
};

struct line_demands {
	unsigned n_activities, n_roles, n_rows;
	double condition;
	double seen[MODEL_ACTIVITIES_MAX]; /* root of the sum of squares of its rates in all rows */
	struct line_demand_role roles[LINE_ROLES_MAX];
};

/*
 * Solves the rows. share: of each activity in the usual mix, its sum is 1; those with 0 get no
 * cost. ERR_INVALID: too few rows; ERR_MEMORY.
 */
NODISCARD enum err line_demand_fit(const struct line_row *rows, unsigned n_rows,
    const double *share, unsigned n_activities, unsigned n_roles, uint64_t seed,
    struct line_demands *ret);

struct line_prediction {
	double per_second, low, high; /* at which the first role is full; HUGE_VAL: never */
	unsigned role, next_role;     /* next_role = role: there is one only */
	double next_per_second;
};

/* Of a mix: its shares, what each role has (cores). The interval is that of the usual mix,
 * stretched. */
struct line_prediction line_demand_predict(
    const struct line_demands *d, const double *share, const double *capacity_cores);

/* The course of mixes. */
struct line_mixes {
	const double *share; /* borrowed, n_activities */
	unsigned n_activities, n_roles;
	double per_second; /* at saturation, of all activities in the usual mix */
	struct chance chance;
	unsigned n_used, used[MODEL_ACTIVITIES_MAX]; /* those with a share */
	unsigned next;
};

void line_mixes_init(struct line_mixes *m, const double *share, unsigned n_activities,
    unsigned n_roles, double per_second, uint64_t seed);

/* How many there will be. */
unsigned line_mixes_count(const struct line_mixes *m);

/*
 * Rates a second of the next mix. so_far: the costs as far as known, NULL before there are any
 * (asked for from mix line_mixes_first_part() on). False: there is no further one.
 */
bool line_mixes_next(struct line_mixes *m, const struct line_demands *so_far, double *ret_rates);
unsigned line_mixes_first_part(const struct line_mixes *m);

#endif
