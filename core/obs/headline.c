/*
 * Rows of the headline figures and their history.
 */
#include <math.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/obs/headline_priv.h"

struct row {
	enum headline_id id;
	unsigned index; /* of the activity or the class; 0 */
	const char *label_value;
};

struct headline {
	struct headline_window window;
	struct headline_figures figures;
	struct row rows[HEADLINE_ROWS];
	unsigned n;
	uint64_t seconds, points; /* samples taken, points made */
	float history[HEADLINE_POINTS][HEADLINE_ROWS];
};

static void add_row(struct headline *h, enum headline_id id, unsigned index, const char *label)
{
	CHECK(h->n < HEADLINE_ROWS);
	h->rows[h->n++] = (struct row){ id, index, label };
}

static void add_rows(struct headline *h, enum headline_id id, const struct headline_source *source)
{
	switch (headline_defs[id].by) {
	case HEADLINE_SINGLE:
		add_row(h, id, 0, NULL);
		break;
	case HEADLINE_BY_ACTIVITY:
		for (unsigned i = 0; i < source->n_activities; i++) {
			add_row(h, id, i, source->activities[i]->name);
		}
		break;
	case HEADLINE_BY_CLASS:
		for (unsigned i = 0; i < source->n_classes; i++) {
			if (source->classes[i] != NULL) {
				add_row(h, id, i, source->classes[i]);
			}
		}
		break;
	}
}

enum err headline_new(const struct headline_source *source, struct headline **ret)
{
	struct headline *h = calloc(1, sizeof(*h));

	CHECK(source->n_classes <= HEADLINE_CLASSES);
	if (h == NULL || headline_window_open(&h->window, source) != ERR_OK) {
		headline_free(&h);
		return ERR_MEMORY;
	}
	for (enum headline_id id = HEADLINE_LINE_SHARE; id < HEADLINE_COUNT; id++) {
		add_rows(h, id, source);
	}
	*ret = h;
	return ERR_OK;
}

void headline_free(struct headline **h)
{
	if (*h != NULL) {
		headline_window_close(&(*h)->window);
		free(*h);
		*h = NULL;
	}
}

void headline_sample(struct headline *h, int64_t now_us, int64_t wall_ms)
{
	headline_window_sample(&h->window, now_us);
	headline_window_figures(&h->window, wall_ms, &h->figures);
	h->seconds++;
	if (h->seconds % HEADLINE_POINT_S != 0) {
		return;
	}
	float *point = h->history[h->points++ % HEADLINE_POINTS];
	for (unsigned i = 0; i < h->n; i++) {
		point[i] = (float)headline_value(h, i);
	}
}

unsigned headline_n(const struct headline *h)
{
	return h->n;
}

struct headline_row headline_row(const struct headline *h, unsigned i)
{
	CHECK(i < h->n);
	return (struct headline_row){ &headline_defs[h->rows[i].id], h->rows[i].label_value };
}

double headline_value(const struct headline *h, unsigned i)
{
	CHECK(i < h->n);
	const struct row *row = &h->rows[i];

	if (h->seconds == 0) {
		return (double)NAN;
	}
	if (row->id == HEADLINE_ACTIVITIES_RATE) {
		return h->figures.activities[row->index];
	}
	if (row->id == HEADLINE_P50) {
		return h->figures.p50[row->index];
	}
	return row->id == HEADLINE_P99 ? h->figures.p99[row->index] : h->figures.single[row->id];
}

int64_t headline_total(const struct headline *h, unsigned i)
{
	CHECK(i < h->n && headline_defs[h->rows[i].id].counted);
	if (h->seconds == 0) {
		return 0;
	}
	const struct headline_raw *raw = headline_window_newest(&h->window);
	enum headline_id id = h->rows[i].id;

	return id == HEADLINE_ACTIVITIES_RATE ? raw->activities[h->rows[i].index]
	       : id == HEADLINE_GOODPUT	      ? raw->good
	       : id == HEADLINE_REFUSED	      ? raw->refused
					      : raw->errors;
}

const char *headline_fullest(const struct headline *h)
{
	return h->seconds == 0 ? "" : h->figures.fullest;
}

const struct role_use_look *headline_look(const struct headline *h)
{
	return &headline_window_newest(&h->window)->use;
}

uint64_t headline_points(const struct headline *h)
{
	return h->points;
}

double headline_point(const struct headline *h, uint64_t p, unsigned i)
{
	CHECK(p > 0 && p <= h->points && h->points - p < HEADLINE_POINTS && i < h->n);
	return (double)h->history[(p - 1) % HEADLINE_POINTS][i];
}
