/*
 * Answers with the file of a picture: conditions and ranges as HTTP has them, the media type from
 * our own table, and headers that let it be nothing but a picture.
 */
#ifndef PLIMSOLL_PAIRS_MEDIA_ANSWER_H
#define PLIMSOLL_PAIRS_MEDIA_ANSWER_H

#include "core/http/http.h"
#include "services/pairs/pairs_media.h"

/*
 * Answers GET or HEAD with that size of the picture, from the running task. ERR_NOT_FOUND: not
 * ready, or it has no such size; an error before the answer has begun is the caller's to answer.
 */
NODISCARD enum err media_answer(struct op_call *c, const struct blob_store *blobs,
    const struct pairs_media *m, struct slice size);

/* GET MEDIA_URL/media/...: see media_link.h */
op_fn media_linked;

/* Whether the request is for the host of pictures, where nothing else is served. */
bool media_is_own_host(const struct op_call *c);

struct conf;
/* [pairs] media_url without '/' at its end; empty: there is none. */
struct slice media_base(const struct conf *conf);

#endif
