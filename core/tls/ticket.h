/*
 * Keys of session tickets (RFC 5077; RFC 8446 4.6.1). The signer makes a new one every period and
 * keeps the one before; web processes learn both and seal with the first, so any of them opens what
 * another has sealed, and a restart of one loses nothing. They are never in a file.
 */
#ifndef PLIMSOLL_TLS_TICKET_H
#define PLIMSOLL_TLS_TICKET_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

enum {
	TLS_TICKET_NAME_BYTES = 16,
	TLS_TICKET_KEY_BYTES = 32,
	TLS_TICKET_KEYS = 2 /* the current, the one before */
};

struct tls_ticket_key {
	uint8_t name[TLS_TICKET_NAME_BYTES];
	uint8_t cipher[TLS_TICKET_KEY_BYTES], mac[TLS_TICKET_KEY_BYTES];
};

/* Zeroed memory is an empty one. */
struct tls_tickets {
	struct tls_ticket_key key[TLS_TICKET_KEYS]; /* newest first */
	unsigned n;
	int64_t made_us; /* signer: when the newest was made */
};

/* Signer: makes a key when there is none or the newest is older than period_us. */
void tls_tickets_rotate(struct tls_tickets *t, int64_t period_us, int64_t now_us);

/*
 * Web: takes what the signer has. A signer that has started afresh has one key only: then our
 * newest stays as the one before, so that its restart ends nobody's session.
 */
void tls_tickets_take(struct tls_tickets *t, const struct tls_tickets *from);

void tls_tickets_put_wire(const struct tls_tickets *t, struct buf *out);
bool tls_tickets_take_wire(struct slice wire, struct tls_tickets *ret);

/*
 * Sealing (seal) and opening as SSL_CTX_set_tlsext_ticket_key_evp_cb wants it: fills iv (16 bytes)
 * and name when sealing. 1: done; 2: opened with the old key, so the client is to get a new ticket;
 * 0: no ticket (unknown key: a full handshake follows); -1: broken.
 */
int tls_tickets_apply(const struct tls_tickets *t, unsigned char name[TLS_TICKET_NAME_BYTES],
    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal);

/* Overwrites the keys. */
void tls_tickets_wipe(struct tls_tickets *t);

#endif
