/*
 * Having the sizes of a picture made: web asks the role media, which has the program plimsoll-media
 * do it, one process for each picture.
 */
#ifndef PLIMSOLL_PAIRS_MEDIA_MAKE_H
#define PLIMSOLL_PAIRS_MEDIA_MAKE_H

#include "services/pairs/media_files.h"

/* pairs.media_make: web -> media */
extern const struct rpc_def pairs_media_make;

enum {
	MEDIA_CPU_S = 10,      /* of processor time, which no picture that is taken needs; and */
	MEDIA_WALL_MS = 20000, /* so long, as a busy machine gives it last */
};

/*
 * Makes the sizes of what was uploaded. The result's bytes are in the arena. ERR_NOT_FOUND: the
 * file is not there; ERR_CORRUPT: the picture was the end of the program, with how in note;
 * ERR_DEADLINE: it was not done in time, which may be the machine's fault; else what has to do with
 * us and not with the picture.
 */
NODISCARD enum err media_make(const struct media_caller *c, int64_t owner, int64_t id,
    enum picture_use use, uint64_t max_pixels, struct picture_result *ret);

#endif
