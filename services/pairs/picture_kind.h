/*
 * What pictures there are: the formats that come in, told by their first bytes and by nothing that
 * the sender says of them; and the sizes that go out. Both sides of the decoding program know this
 * table, and so does whoever answers with a picture.
 */
#ifndef PLIMSOLL_PAIRS_PICTURE_KIND_H
#define PLIMSOLL_PAIRS_PICTURE_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"

enum picture_format {
	PICTURE_NONE,
	PICTURE_JPEG,
	PICTURE_PNG,
	PICTURE_WEBP,
	PICTURE_GIF,
	PICTURE_HEIF, /* HEIC and AVIF */
	PICTURE_FORMATS
};

enum {
	PICTURE_HEAD_BYTES = 32, /* that tell the format; what is shorter is no picture */
};

/* PICTURE_NONE: none that is taken. More bytes than the head change nothing. */
enum picture_format picture_format_of(struct slice head);

/* "jpeg": as answers name it. */
struct slice picture_format_name(enum picture_format format);
/* The media type that it goes out with; only of formats that are written: JPEG and WebP. */
struct slice picture_media_type(enum picture_format format);

enum picture_use {
	PICTURE_PHOTO,
	PICTURE_AVATAR,
	PICTURE_USES
};

enum {
	PICTURE_SIZES_MAX = 4,	  /* of one use */
	PICTURE_EDGE_MAX = 12000, /* pixels of what comes in */
};

struct picture_size {
	const char *name;
	unsigned edge;	/* the longest, in pixels; of a square both */
	bool is_square; /* cut from the middle */
};

/* From the largest to the smallest; *ret_n: how many. */
const struct picture_size *picture_sizes(enum picture_use use, unsigned *ret_n);

/* Its number in that list. False: there is no such size. */
bool picture_size_find(enum picture_use use, struct slice name, unsigned *ret);

#endif
