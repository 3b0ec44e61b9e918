/*
 * Counts warnings per kind and second. Kinds are few (they are places in our code), so a walk over
 * a small table is the cheapest look-up.
 */
#include "core/obs/log_flood.h"

static unsigned place_of(struct log_flood *f, const char *module, const char *event)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->kinds[i].module == module && f->kinds[i].event == event) {
			return i;
		}
	}
	if (f->n == FLOOD_KINDS) {
		return FLOOD_KINDS - 1;
	}
	f->kinds[f->n].module = module;
	f->kinds[f->n].event = event;
	return f->n++;
}

bool log_flood_admits(struct log_flood *f, const char *module, const char *event, int64_t second,
    uint64_t *ret_left_out)
{
	unsigned i = place_of(f, module, event);

	*ret_left_out = 0;
	if (f->kinds[i].second != second) {
		*ret_left_out = f->kinds[i].left_out;
		f->kinds[i].second = second;
		f->kinds[i].lines = f->kinds[i].left_out = 0;
	}
	if (f->kinds[i].lines >= FLOOD_LINES) {
		f->kinds[i].left_out++;
		return false;
	}
	f->kinds[i].lines++;
	return true;
}
