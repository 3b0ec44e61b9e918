/*
 * A model without a server: its users do what they do, in a time that is only counted, and get the
 * answers that the model itself pretends. What they would have asked for is told request by
 * request: a day of many users takes seconds. So logs are made, and so it is learnt what an
 * activity asks for (lab/fit.h).
 */
#ifndef PLIMSOLL_LAB_PRETEND_H
#define PLIMSOLL_LAB_PRETEND_H

#include "lab/model.h"
#include "lab/user_api.h"

struct pretended {
	int64_t at_us; /* from the start */
	uint64_t user;
	unsigned activity;
	struct slice method, path, step; /* valid during the call */
	int status;
	size_t bytes; /* of the answer's body */
};

typedef void pretend_fn(void *arg, const struct pretended *request);

struct pretend_plan {
	const struct model_preset *preset; /* or NULL */
	double users, length_s;
	uint64_t seed;
	int only; /* an activity that is done most times over, one user after the other; or -1 */
	uint64_t most;	  /* activities, 0: no limit; of each of them it does not matter which */
	int64_t begin_ms; /* of the calendar, for now_ms() */
	pretend_fn *request;
	void *arg;
};

struct pretend_counts {
	uint64_t begun[MODEL_ACTIVITIES_MAX], done[MODEL_ACTIVITIES_MAX];
	double length_s; /* less than planned where most ended it */
};

/*
 * Users who were here before are prepared by the model's warm() when they first act, unseen.
 * ERR_INVALID, with the line of the model: an activity failed, so what it would have asked for is
 * not known; a socket.
 */
NODISCARD enum err pretend_run(struct model *m, const struct pretend_plan *plan,
    struct pretend_counts *ret, struct err_note *note);

#endif
