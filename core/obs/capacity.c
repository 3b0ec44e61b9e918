/*
 * Windows, peaks and thresholds of capacity.h; texts are in capacity_text.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/obs/capacity_priv.h"

enum {
	HOUR_MS = 3600000
};

#define CALM_BELOW  0.1 /* so much below the threshold a warning ends */
#define LEAST_SHARE 0.1 /* with less in use, what users cost drowns in what idling costs */

enum err capacity_new(const struct capacity_options *o, struct capacity **ret)
{
	struct capacity *c = calloc(1, sizeof(*c));

	CHECK(o->window_s >= 1 && o->window_s <= CAPACITY_WINDOW_MAX_S && o->cores > 0);
	if (c == NULL) {
		return ERR_MEMORY;
	}
	c->o = *o;
	c->seconds = calloc(o->window_s + 1, sizeof(*c->seconds));
	if (c->seconds == NULL) {
		free(c);
		return ERR_MEMORY;
	}
	c->figures.fullest = c->figures.peak_fullest = "";
	c->figures.peak_share = c->figures.peak_users = (double)NAN;
	c->figures.line_users = c->figures.months = (double)NAN;
	for (enum role_id role = ROLE_SUPERVISOR; role < ROLE_COUNT; role++) {
		c->figures.role[role] = (double)NAN;
	}
	*ret = c;
	return ERR_OK;
}

void capacity_free(struct capacity **c)
{
	if (*c != NULL) {
		free((*c)->seconds);
		free(*c);
		*c = NULL;
	}
}

const struct capacity_figures *capacity_figures(const struct capacity *c)
{
	return &c->figures;
}

static double mean_users(const struct capacity *c, uint64_t kept)
{
	double sum = 0;

	for (uint64_t i = 1; i < kept; i++) {
		sum += c->seconds[(c->n - i) % (c->o.window_s + 1)].users;
	}
	return sum / (double)(kept - 1);
}

/* The newest hour, made if need be; a calendar that was put back goes on in the newest one. */
static struct capacity_peak *hour_of(struct capacity *c, int64_t wall_ms)
{
	int64_t hour = wall_ms / HOUR_MS;

	if (c->hour == 0) {
		c->hour = hour;
	}
	for (unsigned n = 0; c->hour < hour && n < CAPACITY_HOURS; n++) {
		c->hour = hour - c->hour > CAPACITY_HOURS ? hour - CAPACITY_HOURS : c->hour;
		c->hour++;
		c->peaks[c->hour % CAPACITY_HOURS] = (struct capacity_peak){ 0 };
	}
	return &c->peaks[c->hour % CAPACITY_HOURS];
}

static void take_peak(struct capacity *c, double users, int64_t wall_ms)
{
	struct capacity_figures *f = &c->figures;
	struct capacity_peak *hour = hour_of(c, wall_ms);
	const struct capacity_peak *most = hour;

	if (hour->at_ms == 0 || f->share > hour->share) {
		*hour = (struct capacity_peak){ f->share, users, f->fullest, wall_ms };
	}
	for (unsigned i = 0; i < CAPACITY_HOURS; i++) {
		most =
		    c->peaks[i].at_ms != 0 && c->peaks[i].share > most->share ? &c->peaks[i] : most;
	}
	f->peak_share = most->share;
	f->peak_users = most->users;
	f->peak_fullest = most->fullest;
	f->peak_ms = most->at_ms;
}

static void take_headroom(struct capacity *c)
{
	struct capacity_figures *f = &c->figures;
	bool enough = f->peak_share >= LEAST_SHARE;

	f->line_users = f->months = (double)NAN;
	if (enough && f->peak_users > 0) {
		f->line_users = f->peak_users / f->peak_share;
	}
	if (enough && c->o.growth > 0) {
		f->months = f->peak_share < 1 ? -log(f->peak_share) / log1p(c->o.growth) : 0;
	}
}

static void take_warning(struct capacity *c)
{
	double limit = c->o.warn_at - (c->figures.near ? CALM_BELOW : 0);

	c->figures.near = c->figures.share >= limit;
}

void capacity_reload(struct capacity *c, double warn_at, double growth)
{
	c->o.warn_at = warn_at;
	c->o.growth = growth;
}

void capacity_add(
    struct capacity *c, const struct role_use_look *look, double users, int64_t wall_ms)
{
	const unsigned room = c->o.window_s + 1;
	struct capacity_figures *f = &c->figures;

	c->seconds[c->n++ % room] = (struct capacity_second){ *look, users };
	uint64_t kept = c->n < room ? c->n : room;
	const struct role_use_look *oldest = &c->seconds[(c->n - kept) % room].look;
	f->share = role_use_fullest(look, oldest, c->o.cores, &f->fullest);
	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		f->role[role] = role_use_share(look, oldest, role);
	}
	/* Before a whole window has passed, a start or a burst would pass for the use. */
	if (kept == room) {
		take_warning(c);
		take_peak(c, mean_users(c, kept), wall_ms);
		take_headroom(c);
	}
}
