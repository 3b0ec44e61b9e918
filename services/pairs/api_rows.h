/*
 * Numbers of the calls of the REST API, in the order of their rows (api.def).
 */
#ifndef PLIMSOLL_PAIRS_API_ROWS_H
#define PLIMSOLL_PAIRS_API_ROWS_H

enum api_number {
#define PAIRS_API(id, ...) API_##id,
#include "services/pairs/api.def"
#undef PAIRS_API
	API_ROWS
};

#endif
