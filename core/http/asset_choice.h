/*
 * Which answer an embedded file gives to a request: the decision of asset.c, apart from its
 * sending.
 */
#ifndef PLIMSOLL_HTTP_ASSET_CHOICE_H
#define PLIMSOLL_HTTP_ASSET_CHOICE_H

#include "core/http/asset.h"

/* The headers that matter; absent ones have ptr NULL. */
struct asset_wish {
	enum http_method method;
	struct slice if_match, if_none_match, if_range, range, accept_encoding;
};

struct asset_choice {
	int status;	   /* 200, 206, 304, 412 or 416 */
	bool gzip;	   /* the form that status speaks of */
	uint64_t first;	   /* 206: place of body in the whole */
	struct slice body; /* 200 and 206 */
};

/* Enough for two quotes, the hash and "-gz". */
enum {
	ASSET_TAG_BYTES = 16
};

/*
 * The strong entity tag of one form, written to out. The forms differ in their bytes, so their tags
 * must differ too.
 */
struct slice asset_tag(const struct asset *a, bool gzip, char out[ASSET_TAG_BYTES]);

/*
 * Chooses. Ranges are of the plain form only, since a part of a gzip stream is of use to nobody; so
 * a request for one is answered from that form even where gzip is accepted.
 */
struct asset_choice asset_choose(const struct asset *a, const struct asset_wish *w);

#endif
