/*
 * See class_queues.h.
 */
#include "core/http/class_queues.h"

#include <string.h>

#include "core/base/check.h"
#include "core/http/request.h"

_Static_assert(CLASS_LINES <= 64, "a bit for each line");

void class_queues_init(struct class_queues *q)
{
	memset(q, 0, sizeof(*q));
	for (unsigned i = 0; i < CLASS_LINES; i++) {
		list_init(&q->lines[i]);
	}
}

static unsigned line_of(const struct http_req *r)
{
	return (unsigned)r->call.op->cost * SHED_RANKS + r->line_rank;
}

void class_queues_add(
    struct class_queues *q, struct http_req *r, enum shed_rank rank, int64_t loop_us)
{
	CHECK(!r->is_queued);
	r->is_queued = true;
	r->line_rank = (uint8_t)rank;
	r->line_us = (uint32_t)loop_us;
	q->line_us[rank] += r->line_us;
	list_push(&q->lines[line_of(r)], &r->node);
	q->filled |= UINT64_C(1) << line_of(r);
	q->n[r->call.op->cost]++;
	q->n_all++;
}

void class_queues_remove(struct class_queues *q, struct http_req *r)
{
	unsigned line = line_of(r);

	CHECK(r->is_queued);
	r->is_queued = false;
	q->line_us[r->line_rank] -= r->line_us;
	list_remove(&r->node);
	if (list_is_empty(&q->lines[line])) {
		q->filled &= ~(UINT64_C(1) << line);
	}
	q->n[r->call.op->cost]--;
	q->n_all--;
}

struct http_req *class_queues_oldest(const struct class_queues *q, unsigned line)
{
	const struct list *l = &q->lines[line];

	return list_is_empty(l) ? NULL : LIST_OF(l->next, struct http_req, node);
}

struct http_req *class_queues_first(const struct class_queues *q)
{
	return q->filled == 0 ? NULL : class_queues_oldest(q, (unsigned)__builtin_ctzll(q->filled));
}

int64_t class_queues_since_us(const struct class_queues *q, enum cost_class cost, int64_t now_us)
{
	int64_t since_us = now_us;

	for (unsigned i = 0; i < SHED_RANKS; i++) {
		const struct http_req *r = class_queues_oldest(q, (unsigned)cost * SHED_RANKS + i);
		since_us = r != NULL && r->queued_us < since_us ? r->queued_us : since_us;
	}
	return since_us;
}

int64_t class_queues_line_us(const struct class_queues *q, enum shed_rank rank)
{
	int64_t us = 0;

	for (unsigned i = 0; i <= rank && i < SHED_RANKS; i++) {
		us += q->line_us[i];
	}
	return us;
}
