/*
 * Grace: what a target does far beyond its limit. With its saturation known, the goodput curve up
 * to ten times that and down again (grace_course), peaks of clients who try again
 * (grace_recovery), and steps of the load (grace_response). Phases of plimsoll line.
 */
#ifndef PLIMSOLL_LAB_GRACE_H
#define PLIMSOLL_LAB_GRACE_H

#include "lab/grace_course.h"
#include "lab/grace_recovery.h"
#include "lab/grace_response.h"
#include "lab/target_watch.h"

struct grace_plan {
	bool on, skip_course, skip_recovery;
	bool is_set; /* something of it was: without on nobody would look at it */
	struct grace_course_plan course; /* users are those of saturation */
	struct grace_recovery_plan recovery;
	struct grace_response_plan response; /* times 0: not made */
};

#define GRACE_PLAN_DEFAULT                                                                         \
	((struct grace_plan){ .course = { .loads = { 0.5, 0.8, 0.95, 1, 1.2, 1.5, 2, 3, 5, 10 },   \
				  .n_loads = 10,                                                   \
				  .settle_s = 10,                                                  \
				  .step_s = 30,                                                    \
				  .deadline_s = 3 },                                               \
	    .recovery = { .calm_load = 0.7,                                                        \
		.peak_load = 10,                                                                   \
		.base_s = 10,                                                                      \
		.peak_s = 10,                                                                      \
		.tail_s = 30,                                                                      \
		.peaks = 1,                                                                        \
		.hold_s = 5,                                                                       \
		.deadline_s = 3 },                                                                 \
	    .response = { .low_load = 0.5, .high_load = 1.4, .low_s = 2, .high_s = 2 } })

struct grace_result {
	double users, per_second; /* of saturation */
	bool known;		  /* it was given, not searched for */
	bool has_course, has_recovery, has_response;
	struct grace_course course;
	double cores[GRACE_STEPS_MAX][TARGET_ROLES_MAX]; /* in the counted part; NaN: not seen */
	struct grace_recovery recovery;
	struct grace_response response;
};

void grace_result_free(struct grace_result **g);

struct line_result;
struct json_writer;
struct json;

/* Appends the member grace, or null. */
void grace_put_json(const struct line_result *r, struct json_writer *w);

/* For people. */
void grace_put_text(const struct grace_result *g, struct buf *out);

/* The section of the page, from the member grace. */
void grace_page_put(const struct json *grace, struct buf *out);

#endif
