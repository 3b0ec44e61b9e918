/*
 * See health_look.h.
 */
#include "core/role/health_look.h"

#include "core/base/check.h"

enum {
	/* Who has not looked for so long was itself stopped, and so, likely, were the others. */
	PAUSE_US = 3 * HEALTH_LOOK_US
};

const char *health_trouble_text(enum health_trouble trouble)
{
	static const char *const texts[HEALTH_TROUBLES] = { "ok", "starting", "draining",
		"no database", "nobody serves" };

	CHECK((unsigned)trouble < HEALTH_TROUBLES);
	return texts[trouble];
}

static int32_t get32(const _Atomic int32_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

bool health_store_serves(const struct metrics *m, int64_t now_us)
{
	for (unsigned i = 0; i < metrics_slots(m); i++) {
		const struct metric_slot *slot = metrics_slot(m, i);
		if (get32(&slot->role) == ROLE_STORE && get32(&slot->state) == SLOT_SERVING &&
		    now_us - metric_get(&slot->alive_us) < HEALTH_STORE_SILENT_US) {
			return true;
		}
	}
	return false;
}

static bool has_role(const struct metrics *m, enum role_id role)
{
	for (unsigned i = 0; i < metrics_slots(m); i++) {
		if (get32(&metrics_slot(m, i)->role) == (int32_t)role) {
			return true;
		}
	}
	return false;
}

/* One that drains after an upgrade still serves those it has; its successor serves the others. */
static bool somebody_serves(const struct metrics *m)
{
	for (unsigned i = 0; i < metrics_slots(m); i++) {
		const struct metric_slot *slot = metrics_slot(m, i);
		int32_t state = get32(&slot->state);
		if (get32(&slot->role) == ROLE_WEB &&
		    (state == SLOT_SERVING || state == SLOT_DRAINING)) {
			return true;
		}
	}
	return false;
}

static enum health_trouble find_trouble(const struct health_look *h, int64_t now_us)
{
	const struct metrics *m = h->metrics;

	if (has_role(m, ROLE_STORE) && !health_store_serves(m, now_us)) {
		return HEALTH_NO_DATABASE;
	}
	if (h->database != NULL && metric_row_sum(m, h->database) == 0) {
		return HEALTH_NO_DATABASE;
	}
	return somebody_serves(m) ? HEALTH_WELL : HEALTH_NO_WEB;
}

static void take_ready(struct health_look *h, int64_t now_us)
{
	enum health_trouble found = find_trouble(h, now_us);
	bool before = h->ready;

	h->bad = found == HEALTH_WELL ? 0 : h->bad + 1;
	h->good = found == HEALTH_WELL ? h->good + 1 : 0;
	if (metrics_is_leaving(h->metrics)) {
		h->trouble = HEALTH_DRAINING; /* somebody has decided it: nothing to wait for */
	} else if (!h->was_ready) {
		h->trouble = found == HEALTH_WELL ? HEALTH_WELL : HEALTH_STARTING;
	} else if (h->trouble == HEALTH_WELL) {
		h->trouble = h->bad >= HEALTH_BAD_LOOKS ? found : HEALTH_WELL;
	} else if (h->good >= HEALTH_GOOD_LOOKS) {
		h->trouble = HEALTH_WELL;
	} else if (found != HEALTH_WELL) {
		h->trouble = found;
	}
	h->ready = h->trouble == HEALTH_WELL;
	h->changes += h->was_ready && h->ready != before;
	h->was_ready = h->was_ready || h->ready;
}

static void take_alive(struct health_look *h, int64_t now_us)
{
	h->alive = true;
	for (unsigned i = 0; i < metrics_slots(h->metrics); i++) {
		const struct metric_slot *slot = metrics_slot(h->metrics, i);
		int64_t since_us = metric_get(&slot->alive_us);
		since_us = since_us > h->awake_us ? since_us : h->awake_us;
		if (get32(&slot->state) == SLOT_SERVING && now_us - since_us > HEALTH_SILENT_US) {
			h->alive = false;
			h->silent_role = (enum role_id)get32(&slot->role);
			return;
		}
	}
}

void health_look_take(struct health_look *h, int64_t now_us)
{
	if (h->looked_us == 0 || now_us - h->looked_us > PAUSE_US) {
		h->awake_us = now_us;
	}
	h->looked_us = now_us;
	take_alive(h, now_us);
	take_ready(h, now_us);
}
