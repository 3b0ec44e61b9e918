/*
 * Token buckets. Time is paid out in whole tokens, and only when the bucket seems empty, so that
 * the ordinary case is a decrement.
 */
#include "core/http/h2_budget.h"

enum {
	SECOND_US = 1000000
};

struct h2_budget h2_budget_new(uint32_t most, uint32_t per_second, int64_t now_us)
{
	return (struct h2_budget){
		.filled_us = now_us, .left = most, .most = most, .per_second = per_second
	};
}

void h2_budget_give(struct h2_budget *b, uint32_t n)
{
	b->left = n < b->most - b->left ? b->left + n : b->most;
}

static void pay_out(struct h2_budget *b, int64_t now_us)
{
	int64_t passed_us = now_us - b->filled_us;
	int64_t earned = passed_us / (SECOND_US / b->per_second);

	if (earned > 0) {
		b->filled_us = now_us;
		h2_budget_give(b, earned < b->most ? (uint32_t)earned : b->most);
	}
}

bool h2_budget_take(struct h2_budget *b, int64_t now_us)
{
	if (b->left == 0) {
		pay_out(b, now_us);
	}
	if (b->left == 0) {
		return false;
	}
	b->left--;
	return true;
}
