/*
 * Role: none of the server's, but the program plimsoll-media: from the bytes that somebody has sent
 * to pictures that are fit to be shown. They are upright, in sRGB, and hold nothing of the original
 * but its pixels.
 */
#ifndef PLIMSOLL_PAIRS_PICTURE_PICTURE_MAKE_H
#define PLIMSOLL_PAIRS_PICTURE_PICTURE_MAKE_H

#include "services/pairs/picture_wire.h"

/*
 * Once in a process, before the sandbox closes: libvips, with the decoders that are needed and no
 * others. ERR_SYSTEM with text in note.
 */
NODISCARD enum err picture_init(struct err_note *note);

/*
 * Decodes and makes all sizes of the use; what is wrong with the picture is in the result's
 * outcome, with libvips' words for it in note. Variants live until the process ends.
 */
void picture_make(struct slice bytes, enum picture_use use, uint64_t max_pixels,
    struct picture_result *ret, struct err_note *note);

#endif
