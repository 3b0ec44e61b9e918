/*
 * What the files of pairs.change share: a change under way.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_CHANGE_PRIV_H
#define PLIMSOLL_PAIRS_PAIRS_CHANGE_PRIV_H

#include "core/base/json.h"
#include "core/store/store.h"
#include "services/pairs/pairs_change.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_user.h"

struct pairs_write {
	struct txn *t;
	const struct pairs_change_req *r;
	struct err_note *note;
	struct pairs_changed c; /* the answer */
	struct pairs_user user; /* who does it, of changes of a couple by a member */
};

typedef enum err pairs_write_fn(struct pairs_write *w);

/* Nothing is done: ERR_OK, with the reason in the answer. */
static inline enum err pairs_refuse(struct pairs_write *w, enum pairs_outcome outcome)
{
	w->c.outcome = outcome;
	return ERR_OK;
}

/* pairs_append.c */

/*
 * Puts an event with the next number of a couple into its stream and into the answer. id: its own
 * number. ERR_NOT_FOUND: the couple has ended.
 */
NODISCARD enum err pairs_append(struct pairs_write *w, int64_t couple, const char *event,
    int64_t id, int64_t user, struct slice body);

/* pairs_push.c: tells a member's browsers; body as a notice has it, with the words or without. */
NODISCARD enum err pairs_put_pushes(struct pairs_write *w, int64_t to, int64_t seq, bool is_urgent,
    struct slice full, struct slice bare);

/* pairs_notice.c: tells members of the couple, but for user, who are away and would want to know.
 */
NODISCARD enum err pairs_put_notices(struct pairs_write *w, int64_t couple, int64_t seq,
    const char *event, int64_t user, struct slice body);

/* Starts a JSON object in the request's memory; NULL: there is none left. */
struct buf *pairs_json(struct pairs_write *w, struct json_writer *ret);
/* Ends the object and appends it as an event of w's couple by w's user. */
NODISCARD enum err pairs_append_json(struct pairs_write *w, const char *event, int64_t id,
    struct buf *body, struct json_writer *json);

/* Whether the couple of the request has most of what the statement counts, or more. */
NODISCARD enum err pairs_count(
    struct pairs_write *w, enum pairs_stmt stmt, int64_t most, bool *ret_full);

/* pairs_members.c, pairs_presence.c, pairs_pairing.c, pairs_activity.c, pairs_lists.c,
 * pairs_items.c, pairs_calendar.c */
pairs_write_fn pairs_sign_up, pairs_resend, pairs_verify, pairs_log_in, pairs_log_out,
    pairs_log_out_all, pairs_set_presence, pairs_edit_user, pairs_invite, pairs_accept, pairs_leave,
    pairs_add_activity, pairs_delete_activity, pairs_mark_read, pairs_add_list, pairs_edit_list,
    pairs_delete_list, pairs_add_item, pairs_edit_item, pairs_delete_item, pairs_add_event,
    pairs_edit_event, pairs_delete_event, pairs_add_media, pairs_edit_media, pairs_delete_media,
    pairs_media_done, pairs_media_later, pairs_push_add, pairs_push_delete;

/* pairs_picture.c: is the picture r->media one of the couple, or an avatar of r->user? True for 0.
 */
NODISCARD enum err pairs_has_media(struct pairs_write *w, bool *ret);

#endif
