/*
 * How still the machine is: looks at the clock without a pause and prints how late something would
 * have been that was due at any moment, by nothing but the processor having been elsewhere (the
 * kernel's own work, a hypervisor). No program can be nearer to its times than that. It rests in
 * between, because kernels take the processor away from who never lets go of it; "restless" does
 * not, and so keeps a processor awake beside something of a higher class that it watches.
 *
 *   stalls SECONDS [restless]     prints {"p99_us":21.0,"p999_us":350.2,"max_us":1800.0}
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	STALLS_MAX = 1000000,
	LOOK_NS = 20000000,
	REST_NS = 5000000,
	STALL_NS = 2000, /* looking at the clock takes a hundredth of it */
};

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The share of all moments at which one would have had to wait for longer than that. */
static double share_later(const int64_t *stalls_ns, size_t n, double wait_ns, double length_ns)
{
	double sum_ns = 0;

	for (size_t i = 0; i < n; i++) {
		sum_ns += fmax((double)stalls_ns[i] - wait_ns, 0);
	}
	return sum_ns / length_ns;
}

static double quantile_us(
    const int64_t *stalls_ns, size_t n, double max_ns, double length_ns, double share)
{
	double low = 0, high = max_ns;

	for (int i = 0; i < 40; i++) {
		double middle = (low + high) / 2;
		if (share_later(stalls_ns, n, middle, length_ns) > share) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return high / 1000;
}

/* For LOOK_NS; how long it was. */
static double look(int64_t *stalls_ns, size_t *n)
{
	const int64_t from_ns = now_ns();
	int64_t before_ns = from_ns;

	while (before_ns - from_ns < LOOK_NS) {
		int64_t t_ns = now_ns();
		if (t_ns - before_ns > STALL_NS && *n < STALLS_MAX) {
			stalls_ns[(*n)++] = t_ns - before_ns;
		}
		before_ns = t_ns;
	}
	return (double)(before_ns - from_ns);
}

int main(int argc, char **argv)
{
	int64_t *stalls_ns = malloc(STALLS_MAX * sizeof(*stalls_ns));
	size_t n = 0;
	int64_t max_ns = 0;

	bool restless = argc == 3 && strcmp(argv[2], "restless") == 0;
	if ((argc != 2 && !restless) || stalls_ns == NULL) {
		fputs("usage: stalls SECONDS [restless]\n", stderr);
		return EXIT_FAILURE;
	}
	const int64_t end_ns = now_ns() + (int64_t)(atof(argv[1]) * 1e9);
	const struct timespec rest = { .tv_nsec = REST_NS };
	double length_ns = 0;
	while (now_ns() < end_ns) {
		if (!restless) {
			(void)nanosleep(&rest, NULL);
		}
		length_ns += look(stalls_ns, &n);
	}
	for (size_t i = 0; i < n; i++) {
		max_ns = stalls_ns[i] > max_ns ? stalls_ns[i] : max_ns;
	}
	printf("{\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}\n",
	    quantile_us(stalls_ns, n, (double)max_ns, length_ns, 0.01),
	    quantile_us(stalls_ns, n, (double)max_ns, length_ns, 0.001), (double)max_ns / 1000);
	free(stalls_ns);
	return EXIT_SUCCESS;
}
