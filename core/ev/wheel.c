/*
 * The timer wheel: a slot per tick of the next 409.6 s. A timer whose time lies beyond waits in the
 * farthest slot and is put further when that comes round.
 */
#include "core/ev/wheel.h"

void wheel_init(struct wheel *w, int64_t now_us)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
		list_init(&w->slots[i]);
	}
	w->tick = now_us / WHEEL_TICK_US;
}

void wheel_timer_init(struct wheel_timer *t)
{
	list_init(&t->node);
	t->due_us = 0;
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t due_us)
{
	/* The first tick that is not before due_us. */
	int64_t tick = due_us / WHEEL_TICK_US + (due_us % WHEEL_TICK_US > 0 ? 1 : 0);

	if (tick <= w->tick) {
		tick = w->tick + 1;
	}
	if (tick >= w->tick + WHEEL_SLOTS) {
		tick = w->tick + WHEEL_SLOTS - 1;
	}
	list_remove(&t->node);
	t->due_us = due_us;
	list_push(&w->slots[tick % WHEEL_SLOTS], &t->node);
}

void wheel_disarm(struct wheel_timer *t)
{
	list_remove(&t->node);
}

bool wheel_is_armed(const struct wheel_timer *t)
{
	return !list_is_empty(&t->node);
}

/* Moves all nodes of from to the empty list to, so that firing may fill the slot again. */
static void take_all(struct list *from, struct list *to)
{
	list_init(to);
	if (!list_is_empty(from)) {
		*to = *from;
		to->next->prev = to;
		to->prev->next = to;
		list_init(from);
	}
}

void wheel_run(struct wheel *w, int64_t now_us, wheel_fn *fn, void *arg)
{
	int64_t now_tick = now_us / WHEEL_TICK_US;

	if (now_tick - w->tick > WHEEL_SLOTS) {
		w->tick = now_tick - WHEEL_SLOTS; /* once around sees every timer */
	}
	while (w->tick < now_tick) {
		struct list due;
		struct list *node;
		w->tick++;
		take_all(&w->slots[w->tick % WHEEL_SLOTS], &due);
		while ((node = list_pop(&due)) != NULL) {
			struct wheel_timer *t = LIST_OF(node, struct wheel_timer, node);
			if (t->due_us > now_us) {
				wheel_arm(w, t, t->due_us);
			} else {
				fn(t, arg);
			}
		}
	}
}
