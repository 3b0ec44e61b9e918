/*
 * See hogs.h. Users are compared with the one in the middle: hogs among them move it no more than
 * anybody else, so one is found beside a single other user.
 */
#include "core/grace/hogs.h"

#include "core/base/fnv.h"

enum {
	LATELY_TICKS = 100,
	/*
	 * A hog asks for more than so many times what the middle one of users does, and for more
	 * than such a part of all there is room for: before a crowd that has just come everybody
	 * who was there looks like one. Others' measure, which he gets, is one part of that.
	 */
	HOG_TIMES = 3,
	HOG_PART = 20,
	HALVINGS = 24, /* of what a hog asks for, so that it is exact enough beside a large one */
};

static float *cell_of(struct hogs *h, unsigned row, uint64_t spread)
{
	return &h->cost[row][(spread >> (16 * row)) % HOGS_CELLS];
}

double hogs_count(struct hogs *h, uint64_t user, double cost_us)
{
	uint64_t spread = hash_spread(user);
	double least = 0;

	for (unsigned row = 0; row < HOGS_ROWS; row++) {
		float *cost = cell_of(h, row, spread);
		*cost += (float)cost_us;
		least = row == 0 || (double)*cost < least ? (double)*cost : least;
	}
	return h->most > 0 && least > h->most ? h->most / HOG_TIMES / least : 1;
}

static unsigned number_above(const struct hogs *h, double cost_us)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOGS_CELLS; i++) {
		n += (double)h->cost[0][i] > cost_us;
	}
	return n;
}

/* What the middle one asks for of users who ask for more than that; 0: nobody to compare with. */
static double middle_above(const struct hogs *h, double cost_us)
{
	unsigned n = number_above(h, cost_us);
	double low = cost_us, high = cost_us;

	for (unsigned i = 0; i < HOGS_CELLS; i++) {
		double cost = (double)h->cost[0][i];
		high = cost > high ? cost : high;
	}
	for (unsigned i = 0; i < HALVINGS && n > 1; i++) {
		double middle = (low + high) / 2;
		if (number_above(h, middle) > n / 2) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return n > 1 ? high : 0;
}

void hogs_tick(struct hogs *h, double mean_cost_us, double usual_us)
{
	const float keeps = 1 - 1.0F / LATELY_TICKS;

	for (unsigned i = 0; i < HOGS_ROWS * HOGS_CELLS; i++) {
		(&h->cost[0][0])[i] *= keeps;
	}
	double most = HOG_TIMES * middle_above(h, mean_cost_us / 4);
	double least = usual_us / HOG_PART * LATELY_TICKS;
	h->most = most > 0 && most < least ? least : most;
}
