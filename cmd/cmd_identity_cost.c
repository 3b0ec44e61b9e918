/*
 * plimsoll identity cost: what bcrypt costs on this machine, and how many of its cores the users of
 * a large server would keep busy with it. The rates are those of the original project's load model,
 * stated with the result, because everything depends on them.
 */
#include <stdio.h>

#include "accounts/password.h"
#include "cmd/cmd_identity.h"
#include "core/base/clock.h"

enum {
	COST_FIRST = 8,
	COST_LAST = 14,
	LEAST_US = 200000 /* of measuring at each cost */
};

/* Password hashes that one event takes here, and events per second of a million active users. */
struct load {
	const char *event;
	double hashes;
	double published, corrected;
};

/*
 * published: the rates that the model's tool used. corrected: what its own assumptions give: 20 %
 * more users in four weeks are 0.083 sign-ups a second (the tool divided where it should have
 * multiplied), and a password once a week on each of two devices is 3.31 a second.
 */
static const struct load loads[] = {
	{ "sign-up: the password is hashed, and checked at the first login", 2, 2.10, 0.083 },
	{ "log-in again, once a week", 1, 1.68, 3.31 },
	{ "forgotten password, every four weeks: hashed, and checked at the login", 2, 0.42, 0.41 },
	{ "changed password, every eight weeks: the old one is checked, the new one hashed", 2,
	    0.20, 0.20 },
};

enum {
	N_LOADS = sizeof(loads) / sizeof(loads[0])
};

/* Processor milliseconds of a hash; below 0: it failed. */
static double time_cost(unsigned cost)
{
	char hash[PASSWORD_HASH_SIZE];
	int64_t begun_us = clock_cpu_us(), used_us = 0;
	unsigned runs = 0;

	while (used_us < LEAST_US) {
		if (password_hash(SLICE("correct horse battery"), cost, hash) != ERR_OK) {
			return -1;
		}
		runs++;
		used_us = clock_cpu_us() - begun_us;
	}
	return (double)used_us / 1000 / runs;
}

static void print_row(
    unsigned cost, double ms, const char *mark, double published, double corrected)
{
	printf("%4u%s %10.2f %12.1f %18.2f %18.2f\n", cost, mark, ms, 1000 / ms,
	    published * ms / 1000, corrected * ms / 1000);
}

static void print_assumptions(double published, double corrected)
{
	printf("\nHashes per second of 1,000,000 active users (persona load model, 40 activities "
	       "each a day, spread evenly):\n");
	for (size_t i = 0; i < N_LOADS; i++) {
		printf("  %.2f x %.0f  (corrected %.3f x %.0f)  %s\n", loads[i].published,
		    loads[i].hashes, loads[i].corrected, loads[i].hashes, loads[i].event);
	}
	printf("  = %.2f as published, %.2f corrected\n\n", published, corrected);
	printf(
	    "published: the rates of the original's load generator. corrected: the same assumptions\n"
	    "worked out: its sign-ups were 25 times too many, its logins half of two devices'.\n"
	    "Cores are busy time at the mean rate: peaks, and everything but bcrypt, come on top.\n"
	    "A core is one of this machine, alone with this command; with hyper-threads or a\n"
	    "neighbour it does less.\n"
	    "Passwords that our own pages stretched are hashed at [accounts] bcrypt_cost_stretched,\n"
	    "those of other clients at [accounts] bcrypt_cost: the rows marked s and *.\n");
}

int identity_cost(const struct conf *conf, const struct cmd_options *o)
{
	unsigned plain = (unsigned)conf_int(conf, "accounts", "bcrypt_cost");
	unsigned stretched = (unsigned)conf_int(conf, "accounts", "bcrypt_cost_stretched");
	double published = 0, corrected = 0;

	(void)o;
	for (size_t i = 0; i < N_LOADS; i++) {
		published += loads[i].hashes * loads[i].published;
		corrected += loads[i].hashes * loads[i].corrected;
	}
	printf("cost   ms a hash   per s, core   cores, published   cores, corrected\n");
	for (unsigned cost = BCRYPT_COST_MIN; cost <= COST_LAST; cost++) {
		if (cost < COST_FIRST && cost != plain && cost != stretched) {
			continue;
		}
		double ms = time_cost(cost);
		if (ms <= 0) {
			fprintf(stderr, "plimsoll identity cost: bcrypt fails at cost %u\n", cost);
			return EXIT_FAILED;
		}
		print_row(cost, ms,
		    cost == stretched ? "s"
		    : cost == plain   ? "*"
				      : " ",
		    published, corrected);
		fflush(stdout);
	}
	print_assumptions(published, corrected);
	return EXIT_OK;
}
