/*
 * The parts of pretending: pretend.c (what happens when), pretend_user.c (one user at one thing).
 * Private to them.
 */
#ifndef PLIMSOLL_LAB_PRETEND_PRIV_H
#define PLIMSOLL_LAB_PRETEND_PRIV_H

#include "core/base/list.h"
#include "lab/arrivals.h"
#include "lab/due.h"
#include "lab/pretend.h"

/* One user at one thing. */
struct pretend_activity {
	struct list node;
	unsigned activity;
	uint64_t user;
	lua_State *co;
	int co_ref;
	bool waits_for_answer;
	unsigned n_plain; /* of an activity without a function: its requests so far */
};

struct pretend_source {
	struct arrivals arrivals;
	struct chance users;
	unsigned activity;
};

struct pretend {
	struct model *m;
	const struct pretend_plan *plan;
	struct pretend_counts *counts;
	struct due_heap due;
	struct pretend_source sources[MODEL_ACTIVITIES_MAX];
	struct list runs;
	uint64_t n_users;
	uint8_t *users; /* owned: bits below */
	uint64_t begun;
	int64_t now_us, end_us;
	/* What the coroutine that runs has asked for. */
	struct pretend_activity *current;
	bool visible; /* no warming */
	enum {
		ASKED_NOTHING,
		ASKED_REQUEST,
		ASKED_THINK
	} asked;
	double think_s;
	struct answer answer;
	enum err failed;
	struct err_note *note;
};

enum {
	USER_BUSY = 1,
	USER_WARM = 2,
};

/* What coroutines ask for goes to a struct pretend. */
extern const struct user_hooks pretend_hooks;

/* Begins a function of the model for the user of run, and goes on with it. True while it lasts;
 * asked says what it wants. */
bool pretend_start(struct pretend *p, struct pretend_activity *run, int function);
bool pretend_resume(struct pretend *p, struct pretend_activity *run, int n_args);

/* Replaces the browser that co has yielded by the answer. */
void pretend_hand_over(struct pretend *p, lua_State *co);

/* The model's warm() of a user, once, all of it and told to nobody. */
void pretend_warm(struct pretend *p, uint64_t user);

#endif
