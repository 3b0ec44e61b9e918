/*
 * Plain blocking I/O: between messages there is nothing else to do.
 */
#include "lab/fleet_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/rng.h"
#include "core/base/wire.h"

enum {
	HEAD_BYTES = 5,
	NONCE_BYTES = 16,
	PROOF_BYTES = 32,
	PROOF_MESSAGE_BYTES = 256,
};

/* Of the messages; another one sends other fields. */
static const char version[] = "plimsoll-lab fleet 2 " PLIMSOLL_VERSION;

/*
 * Behind an I/O that failed: true where it is worth another try. libuv makes descriptors that it
 * watches non-blocking, and a generator's is watched; on a blocking one EAGAIN is its time-out.
 */
static bool try_again(int fd, short event)
{
	struct pollfd polled = { .fd = fd, .events = event };

	if (errno == EINTR) {
		return true;
	}
	return errno == EAGAIN && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 &&
	       (poll(&polled, 1, -1) > 0 || errno == EINTR);
}

static enum err send_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (n < 0 && try_again(fd, POLLOUT)) {
			continue;
		}
		if (n <= 0) {
			return ERR_PEER_GONE;
		}
		bytes = slice_sub(bytes, (size_t)n, bytes.len);
	}
	return ERR_OK;
}

static enum err receive_all(int fd, void *out, size_t len)
{
	char *at = out;

	while (len > 0) {
		ssize_t n = recv(fd, at, len, 0);
		if (n < 0 && try_again(fd, POLLIN)) {
			continue;
		}
		if (n <= 0) {
			return ERR_PEER_GONE;
		}
		at += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

enum err fleet_send(int fd, enum fleet_kind kind, struct slice bytes)
{
	struct buf head = buf_new(HEAD_BYTES);

	wire_put_u32(&head, (uint32_t)bytes.len);
	wire_put_u8(&head, (uint8_t)kind);
	enum err e = head.failed ? ERR_MEMORY : send_all(fd, buf_slice(&head));
	buf_free(&head);
	return e == ERR_OK ? send_all(fd, bytes) : e;
}

enum err fleet_receive(int fd, size_t max, struct buf *out, enum fleet_kind *ret)
{
	char head[HEAD_BYTES];

	buf_clear(out);
	enum err e = receive_all(fd, head, sizeof(head));
	if (e != ERR_OK) {
		return e;
	}
	struct wire_reader in = wire_reader_new(SLICE_OF(head, sizeof(head)));
	uint32_t len = wire_take_u32(&in);
	uint8_t kind = wire_take_u8(&in);
	if (kind >= FLEET_KINDS) {
		return ERR_SYNTAX;
	}
	if (len > max) {
		return ERR_LIMIT;
	}
	char *room = buf_room(out, len);
	if (len > 0 && room == NULL) {
		return ERR_MEMORY;
	}
	e = receive_all(fd, room, len);
	if (e == ERR_OK) {
		buf_grew(out, len);
		*ret = (enum fleet_kind)kind;
	}
	return e;
}

/* Of "lead" or "join" and the two random numbers, the other's first. */
static bool prove(struct slice token, const char *word, const unsigned char *theirs,
    const unsigned char *ours, unsigned char *ret)
{
	unsigned char text[4 + 2 * NONCE_BYTES];
	unsigned len = 0;

	memcpy(text, word, 4);
	memcpy(text + 4, theirs, NONCE_BYTES);
	memcpy(text + 4 + NONCE_BYTES, ours, NONCE_BYTES);
	return HMAC(EVP_sha256(), token.ptr, (int)token.len, text, sizeof(text), ret, &len) !=
		   NULL &&
	       len == PROOF_BYTES;
}

enum err fleet_admit(int fd, struct slice token, struct err_note *note)
{
	unsigned char ours[NONCE_BYTES], want[PROOF_BYTES], mine[PROOF_BYTES];
	struct buf message = buf_new(PROOF_MESSAGE_BYTES);
	enum fleet_kind kind = FLEET_HELLO;

	rng_bytes(ours, sizeof(ours));
	wire_put_bytes(&message, slice_str(version));
	wire_put_bytes(&message, SLICE_OF(ours, sizeof(ours)));
	enum err e = fleet_send(fd, FLEET_HELLO, buf_slice(&message));
	if (e == ERR_OK) {
		e = fleet_receive(fd, PROOF_MESSAGE_BYTES, &message, &kind);
	}
	struct wire_reader in = wire_reader_new(buf_slice(&message));
	struct slice theirs = wire_take_bytes(&in), proof = wire_take_bytes(&in);
	if (e != ERR_OK || kind != FLEET_PROOF || !wire_done(&in) || theirs.len != NONCE_BYTES) {
		e = err_note_set(note, ERR_SYNTAX, "is no generator of this version");
	} else if (!prove(token, "join", ours, (const unsigned char *)theirs.ptr, want) ||
		   !prove(token, "lead", (const unsigned char *)theirs.ptr, ours, mine)) {
		e = err_note_set(note, ERR_CRYPTO, "no HMAC");
	} else if (!slice_eq_secret(proof, SLICE_OF(want, sizeof(want)))) {
		e = err_note_set(note, ERR_DENIED, "has another token");
	} else {
		e = fleet_send(fd, FLEET_LEAD, SLICE_OF(mine, sizeof(mine)));
	}
	buf_free(&message);
	return e;
}

/* What the leader says of itself; *ret_theirs is borrowed from message. */
static enum err hear_hello(
    int fd, struct buf *message, struct slice *ret_theirs, struct err_note *note)
{
	enum fleet_kind kind = FLEET_JOB;
	enum err e = fleet_receive(fd, PROOF_MESSAGE_BYTES, message, &kind);
	struct wire_reader in = wire_reader_new(buf_slice(message));
	struct slice its_version = wire_take_bytes(&in);

	*ret_theirs = wire_take_bytes(&in);
	if (e != ERR_OK || kind != FLEET_HELLO || !wire_done(&in) ||
	    ret_theirs->len != NONCE_BYTES) {
		return err_note_set(note, ERR_SYNTAX, "nobody there leads generators");
	}
	return slice_eq(its_version, slice_str(version))
		   ? ERR_OK
		   : err_note_set(note, ERR_SYNTAX, "the leader is \"%.*s\", this is \"%s\"",
			 SLICE_ARG(its_version), version);
}

enum err fleet_ask_in(int fd, struct slice token, struct err_note *note)
{
	unsigned char ours[NONCE_BYTES], mine[PROOF_BYTES], want[PROOF_BYTES];
	struct buf message = buf_new(PROOF_MESSAGE_BYTES), answer = buf_new(PROOF_MESSAGE_BYTES);
	struct slice theirs = SLICE_EMPTY;
	enum fleet_kind kind = FLEET_HELLO;

	enum err e = hear_hello(fd, &message, &theirs, note);
	if (e != ERR_OK) {
		goto out;
	}
	rng_bytes(ours, sizeof(ours));
	if (!prove(token, "join", (const unsigned char *)theirs.ptr, ours, mine) ||
	    !prove(token, "lead", ours, (const unsigned char *)theirs.ptr, want)) {
		e = err_note_set(note, ERR_CRYPTO, "no HMAC");
		goto out;
	}
	wire_put_bytes(&answer, SLICE_OF(ours, sizeof(ours)));
	wire_put_bytes(&answer, SLICE_OF(mine, sizeof(mine)));
	e = fleet_send(fd, FLEET_PROOF, buf_slice(&answer));
	if (e == ERR_OK) {
		e = fleet_receive(fd, PROOF_MESSAGE_BYTES, &answer, &kind);
	}
	if (e != ERR_OK || kind != FLEET_LEAD ||
	    !slice_eq_secret(buf_slice(&answer), SLICE_OF(want, sizeof(want)))) {
		e = err_note_set(note, ERR_DENIED, "the leader has another token");
	}
out:
	buf_free(&message);
	buf_free(&answer);
	return e;
}
