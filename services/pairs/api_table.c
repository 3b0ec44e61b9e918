/*
 * The fields that calls of the REST API take, and the table of the calls.
 */
#include "accounts/push_endpoint.h"
#include "services/pairs/api.h"

#include "services/pairs/pairs_media.h"

enum {
	NAME_MAX_BYTES = 200,
	PASSWORD_LEAST = 8,
	CLIENT_ID_MAX = 64,
	TOKEN_MAX = 100,
	MESSAGE_MAX = 8 * 1024,
	JSON_SMALL = 4 * 1024,
};

#define WHEN_MAX_MS INT64_C(253402300799999) /* the end of the year 9999 */

/* clang-format off */
#define CLIENT_ID { "client_id", API_TEXT, 1, CLIENT_ID_MAX, false, false, "the client's own name of this change: sent again within a day it changes nothing" }
#define MEDIA_ID { "media_id", API_ID, 1, 20, false, false, "a picture of the couple, or an avatar of the caller; 0: none" }
#define IF_VERSION { "if_version", API_INT, 1, INT64_MAX, false, false, "refuse if the version is another one" }
#define END { .name = NULL }

static const struct api_field no_fields[] = { END };
static const struct api_field sign_up_fields[] = {
	{ "email", API_TEXT, 3, 254, true, false, "address" },
	{ "password", API_TEXT, PASSWORD_LEAST, 320, true, false, "at least eight characters" },
	{ "first_name", API_TEXT, 0, NAME_MAX_BYTES, false, false, "what the partner sees" },
	{ "idempotency_key", API_TEXT, 1, CLIENT_ID_MAX, false, false, "sent again with the same one, no second mail is sent" },
	{ "ticket", API_TEXT, 1, TOKEN_MAX, false, false, "of an answer 503: goes first in its slot" },
	END };
static const struct api_field verify_fields[] = { { "token", API_TEXT, 1, TOKEN_MAX, true, false, "from the mail" }, END };
static const struct api_field resend_fields[] = { { "email", API_TEXT, 3, 254, true, false, "address" }, END };
static const struct api_field log_in_fields[] = {
	{ "email", API_TEXT, 3, 254, true, false, "address" },
	{ "password", API_TEXT, 1, 320, true, false, "password" },
	END };
static const struct api_field invite_fields[] = { { "email", API_TEXT, 3, 254, true, false, "of the partner to be" }, END };
static const struct api_field accept_fields[] = { { "token", API_TEXT, 1, TOKEN_MAX, true, false, "from the mail" }, END };
static const struct api_field edit_me_fields[] = {
	{ "first_name", API_TEXT, 0, NAME_MAX_BYTES, false, false, "what the partner sees" },
	{ "avatar", API_TEXT, 0, NAME_MAX_BYTES, false, false, "name of a picture" },
	{ "options", API_OBJECT, 2, JSON_SMALL, false, false, "whatever the client keeps here" },
	END };
static const struct api_field activities_fields[] = {
	{ "after", API_INT, 0, INT64_MAX, false, true, "events behind this number, oldest first" },
	{ "before", API_INT, 1, INT64_MAX, false, true, "events before this number, newest first" },
	{ "limit", API_INT, 1, API_PAGE_MAX, false, true, "how many at most" },
	END };
static const struct api_field message_fields[] = {
	{ "text", API_LONG, 1, MESSAGE_MAX, true, false, "at most 8 KiB" }, MEDIA_ID, CLIENT_ID, END };
static const struct api_field hug_fields[] = { CLIENT_ID, END };
static const struct api_field kiss_fields[] = {
	{ "points", API_ARRAY, 2, JSON_SMALL, true, false, "1 to 20 objects: x and y from 0 to 1, rotation in degrees" },
	MEDIA_ID, CLIENT_ID, END };
static const struct api_field add_list_fields[] = {
	{ "name", API_TEXT, 1, NAME_MAX_BYTES, true, false, "name" }, CLIENT_ID, END };
static const struct api_field edit_list_fields[] = {
	{ "name", API_TEXT, 1, NAME_MAX_BYTES, true, false, "name" }, IF_VERSION, END };
static const struct api_field version_fields[] = {
	{ "if_version", API_INT, 1, INT64_MAX, false, true, "refuse if the version is another one" }, END };
#define ITEM_FIELDS(needed) \
	{ "text", API_TEXT, 1, 2048, needed, false, "what it says" }, \
	{ "complete", API_BOOL, 0, 1, false, false, "ticked" }, \
	{ "important", API_BOOL, 0, 1, false, false, "marked" }, \
	{ "index", API_INT, 0, PAIRS_ITEMS_MAX, false, false, "its place; from 0" }, \
	MEDIA_ID, \
	IF_VERSION
static const struct api_field add_item_fields[] = { ITEM_FIELDS(true), CLIENT_ID, END };
static const struct api_field edit_item_fields[] = { ITEM_FIELDS(false), END };
#define EVENT_FIELDS(needed) \
	{ "title", API_TEXT, 1, NAME_MAX_BYTES, needed, false, "title" }, \
	{ "start", API_INT, 0, WHEN_MAX_MS, needed, false, "milliseconds since 1970" }, \
	{ "end", API_INT, 0, WHEN_MAX_MS, needed, false, "milliseconds since 1970" }, \
	{ "place", API_TEXT, 0, NAME_MAX_BYTES, false, false, "where" }, \
	{ "rrule", API_TEXT, 0, 300, false, false, "recurrence (RFC 5545), as the client understands it" }, \
	{ "reminders", API_ARRAY, 2, JSON_SMALL, false, false, "as the client understands them" }
static const struct api_field add_event_fields[] = { EVENT_FIELDS(true), CLIENT_ID, END };
static const struct api_field edit_event_fields[] = { EVENT_FIELDS(false), IF_VERSION, END };
static const struct api_field upload_fields[] = {
	{ "client_id", API_TEXT, 1, CLIENT_ID_MAX, false, true, "the client's own name of this picture: sent again it makes no second one" },
	{ "sha256", API_TEXT, 64, 64, false, true, "of the body, in hex: refuse if something else arrives" },
	END };
static const struct api_field media_list_fields[] = {
	{ "before", API_ID, 1, 20, false, true, "pictures before this one" },
	{ "limit", API_INT, 1, PAIRS_MEDIA_PAGE, false, true, "how many at most" },
	END };
static const struct api_field edit_media_fields[] = {
	{ "caption", API_TEXT, 0, 1000, true, false, "what it says under the picture" }, END };
static const struct api_field read_fields[] = { { "up_to", API_INT, 1, INT64_MAX, true, false, "number of an event" }, END };
static const struct api_field presence_fields[] = {
	{ "state", API_TEXT, 1, 20, true, false, "online, away or offline" }, END };
static const struct api_field push_fields[] = {
	{ "endpoint", API_TEXT, 1, PUSH_ENDPOINT_MAX, true, false, "of the browser's PushSubscription" },
	{ "keys", API_OBJECT, 2, 400, true, false, "of it: p256dh and auth" },
	{ "text", API_BOOL, 0, 1, false, false, "false: pushes say that something has happened, not what" },
	END };
static const struct api_field publish_fields[] = {
	{ "couple", API_ID, 1, 20, true, false, "number of the couple" },
	{ "data", API_OBJECT, 2, 16 * 1024, true, false, "whatever the app understands" },
	CLIENT_ID, END };

const struct api_row api_rows[API_ROWS] = {
#define PAIRS_API(id, name, method, path, cost, rank, deadline, body, who, fields, ok, no, fn, text) \
	[API_##id] = { API_##who, fields, ok, no, fn, text },
#include "services/pairs/api.def"
#undef PAIRS_API
};
/* clang-format on */
