/*
 * Activities: what users of a service do, as the service defines it and whatever processes it is
 * made of. Load is planned in them (rates follow from how people behave), so it is watched in them.
 */
#ifndef PLIMSOLL_OBS_ACTIVITY_H
#define PLIMSOLL_OBS_ACTIVITY_H

enum {
	ACTIVITY_OPS = 5 /* most operations that complete one activity */
};

struct activity {
	const char *name;	       /* "identity.sign_in": service and what it is */
	const char *help;	       /* one line: what counts as one */
	const char *ops[ACTIVITY_OPS]; /* an answer to one of these completes it; ends with NULL */
	/*
	 * How many of them a million active users make in a second, by the service's model; 0: it
	 * says nothing about the number of users (others do it too).
	 */
	double per_million;
};

#endif
