/*
 * See signup_ticket.h. Of eight bytes of time and 32 of HMAC-SHA256 over time and address.
 */
#include "services/pairs/signup_ticket.h"

#include <string.h>

#include "core/base/enc.h"

enum {
	TIME_BYTES = 8,
	TICKET_BYTES = TIME_BYTES + DERIVED_KEY_BYTES
};

static const struct slice label = { "pairs sign-up ticket", 20 };

/* The context is the time, then the address. */
static void sign(const uint8_t *key, const uint8_t time[TIME_BYTES], struct slice address_key,
    uint8_t mac[DERIVED_KEY_BYTES])
{
	uint8_t text[TIME_BYTES + 256];
	size_t n = address_key.len < 256 ? address_key.len : 256;

	memcpy(text, time, TIME_BYTES);
	memcpy(text + TIME_BYTES, address_key.ptr, n);
	symmetric_derive(key, label, SLICE_OF(text, TIME_BYTES + n), mac);
}

void signup_ticket_put(
    const struct symmetric_keys *keys, struct slice address_key, int64_t from_ms, struct buf *out)
{
	uint8_t bytes[TICKET_BYTES];

	for (int i = 0; i < TIME_BYTES; i++) {
		bytes[i] = (uint8_t)((uint64_t)from_ms >> (8 * (TIME_BYTES - 1 - i)));
	}
	sign(keys->current, bytes, address_key, bytes + TIME_BYTES);
	enc_base64url(out, SLICE_OF(bytes, sizeof(bytes)));
}

static bool is_signed(
    const uint8_t *key, const uint8_t bytes[TICKET_BYTES], struct slice address_key)
{
	uint8_t mac[DERIVED_KEY_BYTES];

	sign(key, bytes, address_key, mac);
	return slice_eq_secret(
	    SLICE_OF(mac, sizeof(mac)), SLICE_OF(bytes + TIME_BYTES, DERIVED_KEY_BYTES));
}

enum signup_ticket signup_ticket_check(
    const struct symmetric_keys *keys, struct slice text, struct slice address_key, int64_t now_ms)
{
	uint8_t bytes[TICKET_BYTES];
	size_t len = 0;
	uint64_t from = 0;

	if (dec_base64url(text, bytes, sizeof(bytes), &len) != ERR_OK || len != sizeof(bytes) ||
	    (!is_signed(keys->current, bytes, address_key) &&
		!is_signed(keys->previous, bytes, address_key))) {
		return SIGNUP_TICKET_BAD;
	}
	for (int i = 0; i < TIME_BYTES; i++) {
		from = from << 8 | bytes[i];
	}
	int64_t from_ms = (int64_t)from;
	return now_ms < from_ms			   ? SIGNUP_TICKET_EARLY
	       : now_ms > from_ms + SIGNUP_SLOT_MS ? SIGNUP_TICKET_LATE
						   : SIGNUP_TICKET_GOOD;
}
