/*
 * Addresses of pictures. Where [pairs] media_url names a host of their own, browsers are sent
 *there: no cookie of the app goes along, nothing that a picture may turn out to be runs beside the
 *app, and so the address itself says that its bearer may look, for some hours.
 *
 *	MEDIA_URL/media/OWNER/ID/SIZE?until=SECONDS&sig=...
 */
#ifndef PLIMSOLL_PAIRS_MEDIA_LINK_H
#define PLIMSOLL_PAIRS_MEDIA_LINK_H

#include "accounts/keys.h"
#include "core/base/buf.h"
#include "services/pairs/pairs_media.h"

enum {
	/* An address is the same for so long, for the sake of caches, and good for twice that. */
	MEDIA_LINK_S = 3600,
	MEDIA_LINK_MAX = 600, /* bytes of one */
};

/* base: media_url without '/' at its end. */
void media_link_put(struct buf *out, struct slice base, const struct symmetric_keys *keys,
    int64_t owner, int64_t id, struct slice size, int64_t now_ms);

/* Whether it is one that we gave out, and still good. */
bool media_link_is_good(const struct symmetric_keys *keys, int64_t owner, int64_t id,
    struct slice size, struct slice until, struct slice sig, int64_t now_ms);

/*
 * What whoever signs up gets, to send an avatar while the mail is on its way: good for this member
 * to be, for some time, and for nothing else.
 */
enum {
	AVATAR_TOKEN_MAX = 120,
	AVATAR_TOKEN_S = 3600
};
void avatar_token_put(
    struct buf *out, const struct symmetric_keys *keys, int64_t user, int64_t now_ms);
bool avatar_token_take(
    const struct symmetric_keys *keys, struct slice token, int64_t now_ms, int64_t *ret_user);

#endif
