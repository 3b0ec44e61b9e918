/*
 * A record for each user who was ever told, which stays.
 */
#include "lab/away.h"

#include <stdlib.h>

struct absence {
	int64_t until_us;
	unsigned errors;
};

static struct absence *record(struct away *a, uint64_t user)
{
	struct absence *r = id_map_get(&a->users, user);

	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r != NULL && id_map_put(&a->users, user, r) != ERR_OK) {
			free(r);
			r = NULL;
		}
	}
	return r;
}

enum err away_set(struct away *a, uint64_t user, int64_t until_us)
{
	struct absence *r = record(a, user);

	if (r == NULL) {
		return ERR_MEMORY;
	}
	r->until_us = until_us > r->until_us ? until_us : r->until_us;
	return ERR_OK;
}

unsigned away_count_error(struct away *a, uint64_t user)
{
	struct absence *r = record(a, user);

	return r == NULL ? 0 : ++r->errors;
}

void away_forget_errors(struct away *a, uint64_t user)
{
	struct absence *r = id_map_get(&a->users, user);

	if (r != NULL) {
		r->errors = 0;
	}
}

int64_t away_until_us(const struct away *a, uint64_t user)
{
	const struct absence *r = id_map_get(&a->users, user);

	return r == NULL ? 0 : r->until_us;
}

void away_fini(struct away *a)
{
	id_map_fini(&a->users, free);
}
