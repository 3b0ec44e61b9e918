/*
 * Role: compute. The two messages by which web has passwords hashed and verified. A credential that
 * comes plain for a stretched account is stretched here first, as its page would have done. All
 * that the work needs is in the message, which may come from another machine.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "accounts/accounts_priv.h"
#include "accounts/password.h"
#include "core/base/check.h"
#include "core/base/wire.h"

static void put_given(struct buf *out, const struct password_given *g)
{
	wire_put_bytes(out, g->pass);
	wire_put_u8(out, g->is_stretched ? 1 : 0);
	wire_put_u8(out, (uint8_t)g->kdf.kind);
	wire_put_bytes(out, slice_str(g->kdf.salt));
	wire_put_u8(out, (uint8_t)g->cost);
}

static bool take_given(struct wire_reader *r, struct password_given *ret)
{
	struct password_given g = { .pass = wire_take_bytes(r) };

	g.is_stretched = wire_take_u8(r) != 0;
	uint8_t kind = wire_take_u8(r);
	struct slice salt = wire_take_bytes(r);
	g.cost = wire_take_u8(r);
	if (r->bad || kind > KDF_ONEPW_2 || g.cost < BCRYPT_COST_MIN || g.cost > BCRYPT_COST_MAX ||
	    kdf_from_text(slice_str(kdf_name((enum kdf_kind)kind)), salt, &g.kdf) != ERR_OK) {
		return false;
	}
	*ret = g;
	return true;
}

void password_put_hash_req(struct buf *out, const struct password_given *r)
{
	put_given(out, r);
}

bool password_take_hash_req(struct slice message, struct password_given *ret)
{
	struct wire_reader r = wire_reader_new(message);

	return take_given(&r, ret) && wire_done(&r);
}

void password_put_verify_req(struct buf *out, const struct password_verify_req *r)
{
	put_given(out, &r->given);
	wire_put_bytes(out, r->stored);
}

bool password_take_verify_req(struct slice message, struct password_verify_req *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct password_verify_req req;

	if (!take_given(&r, &req.given)) {
		return false;
	}
	req.stored = wire_take_bytes(&r);
	if (!wire_done(&r)) {
		return false;
	}
	*ret = req;
	return true;
}

void password_put_verified(struct buf *out, const struct password_verified *v)
{
	wire_put_u8(out, v->matches ? 1 : 0);
	wire_put_bytes(out, v->new_hash);
}

bool password_take_verified(struct slice message, struct password_verified *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct password_verified v = { .matches = wire_take_u8(&r) != 0 };

	v.new_hash = wire_take_bytes(&r);
	if (!wire_done(&r)) {
		return false;
	}
	*ret = v;
	return true;
}

/* What is hashed; scratch receives a stretched form and must be wiped by the caller. */
static enum err credential_of(
    const struct password_given *g, char scratch[KDF_STRETCHED_HEX + 1], struct slice *ret)
{
	if (g->kdf.kind == KDF_PLAIN || g->is_stretched) {
		*ret = g->pass;
		return ERR_OK;
	}
	enum err e = kdf_stretch(g->pass, &g->kdf, scratch);
	if (e == ERR_OK) {
		*ret = slice_str(scratch);
	}
	return e;
}

static enum err handle_hash(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct password_given given;
	struct slice credential = SLICE_EMPTY;
	char scratch[KDF_STRETCHED_HEX + 1] = "", hash[PASSWORD_HASH_SIZE];

	(void)role_state;
	(void)info;
	if (!password_take_hash_req(req, &given)) {
		return err_note_set(note, ERR_SYNTAX, "not a request to hash a password");
	}
	enum err e = credential_of(&given, scratch, &credential);
	if (e == ERR_OK) {
		e = password_hash(credential, given.cost, hash);
	}
	OPENSSL_cleanse(scratch, sizeof(scratch));
	if (e != ERR_OK) {
		return err_note_set(note, e, "cannot hash a password: %s", err_text(e));
	}
	buf_append_str(reply, hash);
	return ERR_OK;
}

static enum err handle_verify(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct password_verify_req r;
	struct password_verified v = { .matches = false, .new_hash = SLICE_EMPTY };
	struct slice credential = SLICE_EMPTY;
	char scratch[KDF_STRETCHED_HEX + 1] = "", hash[PASSWORD_HASH_SIZE] = "";

	(void)role_state;
	(void)info;
	if (!password_take_verify_req(req, &r)) {
		return err_note_set(note, ERR_SYNTAX, "not a request to verify a password");
	}
	enum err e = credential_of(&r.given, scratch, &credential);
	if (e == ERR_OK) {
		e = password_verify(credential, r.stored, &v.matches);
	}
	if (e == ERR_OK && v.matches && password_cost(r.stored) != r.given.cost) {
		e = password_hash(credential, r.given.cost, hash);
		v.new_hash = slice_str(hash);
	}
	OPENSSL_cleanse(scratch, sizeof(scratch));
	if (e != ERR_OK) {
		return err_note_set(note, e, "cannot verify a password: %s", err_text(e));
	}
	password_put_verified(reply, &v);
	return ERR_OK;
}

const struct rpc_def accounts_password_hash = {
	.name = "accounts.password_hash",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_COMPUTE,
	.max_req = 1024,
	.max_rep = 128,
	.deadline_ms = 20000,
	.cost_us = 60000,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_hash,
};

const struct rpc_def accounts_password_verify = {
	.name = "accounts.password_verify",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_COMPUTE,
	.max_req = 1024,
	.max_rep = 128,
	.deadline_ms = 20000,
	.cost_us = 60000,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_verify,
};
