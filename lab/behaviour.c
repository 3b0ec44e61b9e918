/*
 * Small tables and a few lines of arithmetic each.
 */
#include "lab/behaviour.h"

#include <math.h>

static const double weave_base_s = 15 * 60, weave_max_s = 8 * 3600, weave_spread = 0.25;

/* clang-format off */
static const char *const retry_names[] = {
	[RETRY_NONE] = "none", [RETRY_BLIND] = "blind", [RETRY_BACKOFF] = "backoff",
	[RETRY_AFTER] = "retry-after", [RETRY_WEAVE] = "weave",
	[RETRY_HALF] = "half",
};
static const char *const connection_names[] = {
	[CONNECTION_ACTIVITY] = "activity", [CONNECTION_REQUEST] = "request",
	[CONNECTION_SESSION] = "session",
};
/* clang-format on */

enum err behaviour_retry_parse(struct slice name, enum behaviour_retry *ret)
{
	for (int i = RETRY_NONE; i <= RETRY_HALF; i++) {
		if (slice_eq(slice_str(retry_names[i]), name)) {
			*ret = (enum behaviour_retry)i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

enum err behaviour_connection_parse(struct slice name, enum behaviour_connection *ret)
{
	for (int i = CONNECTION_ACTIVITY; i <= CONNECTION_SESSION; i++) {
		if (slice_eq(slice_str(connection_names[i]), name)) {
			*ret = (enum behaviour_connection)i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

enum behaviour_trouble behaviour_trouble_of(int status)
{
	switch (status) {
	case 503:
		return TROUBLE_REFUSED;
	case 429:
	case 500:
	case 502:
	case 504:
		return TROUBLE_OVERLOAD;
	default:
		return TROUBLE_WRONG;
	}
}

struct behaviour behaviour_of_user(const struct behaviour *b, uint64_t user)
{
	struct behaviour own = *b;

	if (b->retry == RETRY_HALF) {
		own.retry = user % 2 == 0 ? RETRY_BLIND : RETRY_AFTER;
	}
	return own;
}

/* Up to the pause, doubled with each try: "full jitter", which spreads clients the most. */
static double backoff_s(const struct behaviour *b, unsigned tries, struct chance *c)
{
	double most = b->pause_s * exp2(tries);

	return (most < b->pause_max_s ? most : b->pause_max_s) * chance_unit(c);
}

bool behaviour_tries_again(const struct behaviour *b, enum behaviour_trouble trouble,
    unsigned tries, double asked_s, struct chance *c, double *ret_wait_s)
{
	if (tries >= b->retries || trouble == TROUBLE_WRONG) {
		return false;
	}
	switch (b->retry) {
	case RETRY_BLIND:
		*ret_wait_s = 0;
		return true;
	case RETRY_BACKOFF:
		*ret_wait_s = backoff_s(b, tries, c);
		return true;
	case RETRY_AFTER:
		*ret_wait_s = asked_s >= 0 ? asked_s : backoff_s(b, tries, c);
		return trouble == TROUBLE_REFUSED;
	case RETRY_NONE:
	case RETRY_WEAVE:
	case RETRY_HALF:
		break;
	}
	return false;
}

double behaviour_away_s(double asked_s, unsigned errors, struct chance *c)
{
	if (asked_s >= 0) {
		return asked_s * (1 + weave_spread * chance_unit(c));
	}
	double s = errors * weave_base_s * (1 + chance_unit(c));
	return s < weave_max_s ? s : weave_max_s;
}

double behaviour_patience_s(const struct behaviour *b, struct chance *c)
{
	if (b->patience_s <= 0) {
		return (double)INFINITY;
	}
	return b->patience_random ? b->patience_s * chance_exponential(c) : b->patience_s;
}
