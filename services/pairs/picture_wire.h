/*
 * What the decoding program says of a picture: its size and the smaller ones made from it, or why
 * there are none. The reader takes nothing for granted, because a picture may have taken the
 * program over.
 */
#ifndef PLIMSOLL_PAIRS_PICTURE_WIRE_H
#define PLIMSOLL_PAIRS_PICTURE_WIRE_H

#include "core/base/buf.h"
#include "services/pairs/picture_kind.h"

enum picture_outcome {
	PICTURE_MADE,
	PICTURE_BAD,	   /* not decodable, or cut off */
	PICTURE_TOO_LARGE, /* too many pixels */
	PICTURE_OUTCOMES
};

enum {
	PICTURE_VARIANT_MAX = 2 * 1024 * 1024, /* bytes of one that is made */
	PICTURE_RESULT_MAX = 4 * 1024 * 1024,  /* of all of a picture */
};

struct picture_variant {
	uint32_t width, height;
	enum picture_format format;
	struct slice bytes;
};

struct picture_result {
	enum picture_outcome outcome;
	enum picture_format format; /* of the picture itself */
	uint32_t width, height;	    /* likewise, the right way up */
	unsigned n;		    /* as many as its use has sizes; 0: it is not made */
	struct picture_variant variants[PICTURE_SIZES_MAX]; /* in the order of sizes */
};

void picture_result_put(struct buf *out, const struct picture_result *r);

/* False: nothing that picture_result_put() writes for that use. Bytes are borrowed. */
NODISCARD bool picture_result_take(
    struct slice message, enum picture_use use, struct picture_result *ret);

#endif
