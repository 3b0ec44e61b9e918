/*
 * How many active users a log, or the counters of a server, are worth, and how often they do what:
 * the model run backwards. What each activity asks for is learnt from the model by pretending it;
 * the counts of what was asked for are then put together from activities as likely as possible
 * (Poisson, by expectation and maximisation, which never goes below 0 and leaves to activities that
 * ask for the same the model's shares).
 */
#ifndef PLIMSOLL_LAB_FIT_H
#define PLIMSOLL_LAB_FIT_H

#include "lab/access_log.h"
#include "lab/model.h"
#include "lab/names.h"

enum {
	FIT_KINDS_MOST = 512,
	FIT_UNKNOWN_MOST = 5,
};

/* What requests are told apart by. */
enum fit_by {
	FIT_BY_ROUTE, /* "GET /wsapi/list_emails", of logs */
	FIT_BY_STEP,  /* "list_emails", of the names of operations in our metrics */
};

/* What was counted: kinds and how often. */
struct fit_counts {
	struct names kinds;
	double counts[FIT_KINDS_MOST];
	double seconds;
	bool truncated; /* there were more kinds */
};

/* Zeroed but for kinds. */
struct fit_counts fit_counts_new(void);
void fit_counts_free(struct fit_counts *c);
void fit_count(struct fit_counts *c, struct slice kind, double n);

/* Of a log, by the model's routes. ERR_INVALID: it has no times, or all at one. */
NODISCARD enum err fit_counts_of_log(const struct model *m, const struct access_log *log,
    struct fit_counts *ret, struct err_note *note);

struct fit_activity {
	double live;		      /* how many were found */
	double per_second, low, high; /* 95 %, as far as chance goes */
	double model_per_second;      /* of the users found */
	int same_as;		      /* an earlier one that asks for the same, or -1 */
};

struct fit_result {
	struct fit_activity activities[MODEL_ACTIVITIES_MAX];
	double users, users_low, users_high;
	double seconds, requests;
	double unexplained; /* share of requests of kinds that no activity asks for */
	struct {
		struct slice kind; /* borrowed from the counts */
		double count;
	} unknown[FIT_UNKNOWN_MOST];
	unsigned n_unknown;
	/* How far the activities are from the model's: Pearson's, and half the sum of differences
	 * of shares. */
	double chi_square, p_value, distance;
	unsigned freedom;
};

/* ERR_INVALID, ERR_MEMORY, in words. preset NULL: derived rates. */
NODISCARD enum err fit_model(struct model *m, const struct model_preset *preset, enum fit_by by,
    const struct fit_counts *live, struct fit_result *ret, struct err_note *note);

/* Estimates; and what is like the model and what is not, with a verdict. */
void fit_put_estimates(const struct model *m, const struct fit_result *r, struct buf *out);
void fit_put_comparison(const struct model *m, const struct fit_result *r, struct buf *out);
void fit_put_json(const struct model *m, const struct fit_result *r, struct buf *out);

/* Share of the chi-square distribution above x. */
double fit_chi_square_above(double x, unsigned freedom);

#endif
