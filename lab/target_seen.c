/*
 * Counters of threads, processes and metrics as they were last seen, by a hash table; and the
 * figures of roles that are summed up from what they grow.
 */
#include <stdlib.h>
#include <string.h>

#include "lab/target_priv.h"

static size_t slot_of(int64_t who, unsigned what, uint64_t start)
{
	uint64_t h =
	    (uint64_t)who * UINT64_C(0x9e3779b97f4a7c15) + what * UINT64_C(0xbf58476d1ce4e5b9);

	h ^= start * UINT64_C(0x94d049bb133111eb);
	return (size_t)(h ^ h >> 29) % TARGET_SEEN_MAX;
}

static struct target_seen *find_seen(
    struct target_seen *table, int64_t who, unsigned what, uint64_t start)
{
	size_t i = slot_of(who, what, start);

	while (table[i].what != 0 &&
	       (table[i].who != who || table[i].what != what || table[i].start != start)) {
		i = (i + 1) % TARGET_SEEN_MAX;
	}
	return &table[i];
}

/* Those that have not been seen lately are gone. Without memory they stay. */
void target_forget_old(struct target *t)
{
	struct target_seen *fresh = calloc(TARGET_SEEN_MAX, sizeof(*fresh));

	if (fresh == NULL) {
		return;
	}
	t->n_seen = 0;
	for (size_t i = 0; i < TARGET_SEEN_MAX; i++) {
		const struct target_seen *s = &t->seen[i];
		if (s->what != 0 && s->round + 2 >= t->round) {
			*find_seen(fresh, s->who, s->what, s->start) = *s;
			t->n_seen++;
		}
	}
	free(t->seen);
	t->seen = fresh;
}

uint64_t target_grown(struct target *t, int64_t who, unsigned what, uint64_t start, uint64_t value)
{
	struct target_seen *s = find_seen(t->seen, who, what, start);
	uint64_t more = value;

	if (s->what == 0) {
		if (t->n_seen >= TARGET_SEEN_MAX * 3 / 4) {
			return 0; /* a look sees more than there is room for */
		}
		t->n_seen++;
		more = t->round <= 1 ? 0 : value;
	} else if (value >= s->value) {
		more = value - s->value;
	}
	*s = (struct target_seen){ who, what, start, value, t->round };
	return more;
}

void target_count(struct target_role *r, enum target_figure f, double more)
{
	r->now[f] += more;
	r->known[f] = true;
}

void target_gauge(struct target_role *r, enum target_figure f, double more)
{
	r->now[f] = r->fresh[f] ? r->now[f] + more : more;
	r->fresh[f] = r->known[f] = true;
}

struct target_role *target_role_of(struct target *t, struct slice name)
{
	name = slice_sub(name, 0, TARGET_NAME_BYTES - 1);
	for (unsigned i = 0; i < t->n_roles; i++) {
		if (slice_eq(slice_str(t->roles[i].name), name)) {
			return &t->roles[i];
		}
	}
	if (t->n_roles == TARGET_ROLES_MAX) {
		return NULL;
	}
	struct target_role *r = &t->roles[t->n_roles++];
	*r = (struct target_role){ .hot_s = 0 };
	memcpy(r->name, name.ptr, name.len);
	return r;
}
