/*
 * From what an activity costs to machines, dates and cost: the utilisation law. A role works
 * rate * cost of the time; the machines have to be so many that each role, and all of them
 * together, stay below the allowed use at the peak, with headroom, after the loss of a machine or a
 * site.
 *
 * Everything here is arithmetic over its arguments: no clock, no file. Input comes from a line
 * result (plan_line.h) or a file written by hand (plan_file.h).
 */
#ifndef PLIMSOLL_LAB_PLAN_H
#define PLIMSOLL_LAB_PLAN_H

#include <stdbool.h>

#include "core/base/err.h"

enum {
	PLAN_NAME_BYTES = 48,
	PLAN_TEXT_BYTES = 200,
	PLAN_ROLES_MAX = 24,
	PLAN_ACTIVITIES_MAX = 48,
	PLAN_GROUPS_MAX = 8,
	PLAN_COUNTS_MAX = 8,
	PLAN_SHAPES_MAX = 40,
	PLAN_MONTHS_MAX = 120,
	/* All cores of a group, its memory, network and disk; of a role cores, users and counts. */
	PLAN_LIMITS_MAX = PLAN_GROUPS_MAX * 4 + PLAN_ROLES_MAX * (2 + PLAN_COUNTS_MAX),
	PLAN_UNITS_MAX = 1000000, /* of a group; more are no plan */
	PLAN_GROUP_NONE = 9999,	  /* of a role that nothing was said of yet */
};

/* 0 means no bound wherever one may be given. */
struct plan_role {
	char name[PLAN_NAME_BYTES];
	unsigned group;	 /* the machines it runs on */
	double cores;	 /* most that it can use of one machine: 1 for one process of one thread */
	double machines; /* most that it can run on: 1 for a database that cannot be spread */
	double users;	 /* most that it bears on one machine */
	double idle_cores;		       /* used on each machine without any user */
	double memory;			       /* bytes on each machine */
	double memory_per_user, disk_per_user; /* bytes */
	double most[PLAN_COUNTS_MAX];	       /* of each counted thing a second on one machine */
	bool edge; /* clients talk to it: traffic goes over its machines */
};

struct plan_activity {
	char name[PLAN_NAME_BYTES];
	double per_second; /* of all users of the input */
	double cpu_s[PLAN_ROLES_MAX],
	    cpu_high_s[PLAN_ROLES_MAX]; /* high: the interval's end, or the same */
	double bytes_in, bytes_out;
	double disk; /* bytes that stay */
	double mails;
	double counts[PLAN_COUNTS_MAX];
};

/* Machines of one kind. One planned unit is so many of them (2: a pair that is bought as one). */
struct plan_group {
	char name[PLAN_NAME_BYTES], shape[PLAN_NAME_BYTES]; /* shape empty: the first there is */
	double machines_each;
};

struct plan_input {
	char name[PLAN_TEXT_BYTES];
	double users; /* whose rates these are */
	struct plan_role roles[PLAN_ROLES_MAX];
	struct plan_activity activities[PLAN_ACTIVITIES_MAX];
	struct plan_group groups[PLAN_GROUPS_MAX];
	char counts[PLAN_COUNTS_MAX][PLAN_NAME_BYTES];
	unsigned n_roles, n_activities, n_groups, n_counts;
};

struct plan_shape {
	char name[PLAN_NAME_BYTES];
	double cores, speed; /* speed 1: as the machine that the costs were measured on */
	double memory, disk; /* bytes */
	double network;	     /* bits a second */
	double price;	     /* a month; 0: not known */
};

struct plan_shapes {
	struct plan_shape shapes[PLAN_SHAPES_MAX];
	unsigned n;
	char currency[8];
	double egress_price; /* of 10^12 bytes out */
};

struct plan_options {
	double users;		      /* active now; 0: those of the input */
	double growth;		      /* a month, 0.2 */
	double peak;		      /* highest rate of a day / mean */
	double headroom;	      /* 0.25: for a quarter more than that */
	double use;		      /* most use of a core at that */
	double spare;		      /* machines of each group that may fail */
	double sites;		      /* more than 1: one of them may fail */
	double lead;		      /* months until ordered machines work */
	double months;		      /* planned ahead */
	double start;		      /* 12 * year + month from 0 */
	double have[PLAN_GROUPS_MAX]; /* units there are; 0: as many as are needed now */
	char shape[PLAN_NAME_BYTES];  /* of all groups, or empty */
};

#define PLAN_OPTIONS_DEFAULT                                                                       \
	((struct plan_options){ .growth = 0.20,                                                    \
	    .peak = 3,                                                                             \
	    .headroom = 0.25,                                                                      \
	    .use = 0.80,                                                                           \
	    .spare = 1,                                                                            \
	    .sites = 1,                                                                            \
	    .months = 12 })

enum plan_kind {
	PLAN_CORES,	 /* of all roles of a group together */
	PLAN_ROLE_CORES, /* of a role that cannot use a whole machine, or not all machines */
	PLAN_USERS,
	PLAN_COUNT,
	PLAN_MEMORY,
	PLAN_DISK,
	PLAN_NETWORK,
};

/* What may be full: so much for each user at the peak, and so much that one unit bears. */
struct plan_limit {
	enum plan_kind kind;
	unsigned group, role, count; /* role, count: where the kind has one */
	double per_user;
	double per_unit;      /* at the allowed use */
	double per_unit_full; /* at all of it */
	double units_most;    /* 0: any number */
};

struct plan_month {
	double month; /* as start */
	double users;
	double units[PLAN_GROUPS_MAX];
	bool possible[PLAN_GROUPS_MAX]; /* false: a role cannot be spread so far; units then are of
					   the rest */
	double machines, price;		/* of all; price 0: not known */
	double egress;			/* bytes in the month */
	double disk;			/* bytes */
};

/* Figures a second, of the users now, as means of the day. */
struct plan_flow {
	double bytes_in, bytes_out, mails, activities, disk;
	double counts[PLAN_COUNTS_MAX];
	double cores[PLAN_ROLES_MAX];
};

struct plan {
	const struct plan_input *input;		   /* borrowed */
	struct plan_options options;		   /* with users filled in */
	struct plan_shape shapes[PLAN_GROUPS_MAX]; /* of each group */
	char currency[8];
	struct plan_limit limits[PLAN_LIMITS_MAX];
	unsigned n_limits;
	struct plan_month months[PLAN_MONTHS_MAX + 1]; /* 0: now */
	unsigned n_months;
	struct plan_flow flow;
	double have[PLAN_GROUPS_MAX]; /* units the following is about */
	/* The users whom those machines bear: at the allowed use less the spare ones, and at all.
	 */
	double line_users, full_users;
	int first,
	    next; /* limits that give line_users, and would when the first is gone; -1: none */
	double next_users;
	double line_months, full_months; /* from start; INFINITY: never */
};

/* ERR_NOT_FOUND: there is no such shape; ERR_INVALID: figures that are no plan; text in note. */
NODISCARD enum err plan_make(const struct plan_input *in, const struct plan_shapes *shapes,
    const struct plan_options *o, struct plan *ret, struct err_note *note);

/* Units of a group that so many users need, spare and sites included; false: they cannot be had. */
bool plan_units(const struct plan *p, unsigned group, double users, double *ret);

/* The users whom so many units of each group bear. full: at all of it, with nothing to spare. */
double plan_capacity(
    const struct plan *p, const double *units, bool full, int skip, int *ret_limit);

/* "cores of webhead", "router, 1 core of each webhead": into a text of PLAN_TEXT_BYTES. */
void plan_limit_text(const struct plan *p, const struct plan_limit *l, char *out);

/* How much of a limit is used at the peak by so many users on so many units, 1: all. */
double plan_use(const struct plan *p, const struct plan_limit *l, double users, double units);

#endif
