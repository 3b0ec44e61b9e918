/*
 * Hex, base64 and base64url (RFC 4648), and escaping for HTML. Encoders append to a buffer,
 * decoders write to caller's memory and are strict: no spaces, no foreign letters, no stray bits.
 */
#ifndef PLIMSOLL_BASE_ENC_H
#define PLIMSOLL_BASE_ENC_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

void enc_hex(struct buf *out, struct slice bytes); /* lower case */
/* The same into caller's memory: 2 * bytes.len letters and NUL. */
void enc_hex_text(struct slice bytes, char *out);
void enc_base64(struct buf *out, struct slice bytes);	 /* with padding */
void enc_base64url(struct buf *out, struct slice bytes); /* without padding */

/* Text for HTML content and quoted attributes: & < > " ' become character references. */
void enc_html(struct buf *out, struct slice text);

/*
 * Decoders: *ret_len bytes into out, which has room for out_size. ERR_SYNTAX: not of the form;
 * ERR_LIMIT: does not fit. Hex takes both cases. base64url refuses padding, base64 requires it.
 */
NODISCARD enum err dec_hex(struct slice text, void *out, size_t out_size, size_t *ret_len);
NODISCARD enum err dec_base64(struct slice text, void *out, size_t out_size, size_t *ret_len);
NODISCARD enum err dec_base64url(struct slice text, void *out, size_t out_size, size_t *ret_len);

#endif
