/*
 * Finds embedded files by their path.
 */
#include "core/http/asset.h"

/* Order by bytes, the shorter first: that of the generated table. */
static int compare(struct slice a, struct slice b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

const struct asset *asset_find(const struct asset_set *set, struct slice path)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(slice_str(set->assets[middle].path), path);
		if (order == 0) {
			return &set->assets[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}
