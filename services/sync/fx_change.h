/*
 * What the accounts server for Firefox changes in the database: one message from web to the store,
 * one kind for each change (sync.md 6.4). A change uses the fields that it names.
 */
#ifndef PLIMSOLL_SYNC_FX_CHANGE_H
#define PLIMSOLL_SYNC_FX_CHANGE_H

#include "accounts/firefox.h"
#include "core/base/buf.h"
#include "core/http/http.h"
#include "core/rpc/rpc.h"

enum fx_change_kind {
	FX_SIGN_IN,	/* client, new_uid; code: of key fetching, with a hash or empty */
	FX_ADD_CLIENT,	/* client */
	FX_END_CLIENT,	/* client.id, account_id */
	FX_SEEN,	/* client.id */
	FX_SET_DEVICE,	/* client.id and device_* */
	FX_SET_KEYS,	/* account, expected_print */
	FX_PUT_CODE,	/* code */
	FX_TAKE_CODE,	/* code.hash; the reply has the code */
	FX_REVOKE,	/* code.hash, code.expires_ms: of an access token */
	FX_PUT_COMMAND, /* account_id, command */
	FX_NEED_NAME,	/* account_id, new_uid; the reply has the account */
	FX_CHANGE_KINDS
};

struct fx_change {
	enum fx_change_kind kind;
	int64_t account_id;
	struct slice new_uid;
	struct firefox_client client;
	struct firefox_account account;
	struct slice expected_print; /* what key_print has to be now: others may have been faster */
	struct firefox_code code;
	struct firefox_command command;
};

enum fx_outcome {
	FX_DONE,
	FX_NOT_FOUND,
	FX_STALE, /* somebody changed it meanwhile */
	FX_OUTCOMES
};

struct fx_changed {
	enum fx_outcome outcome;
	struct firefox_account account; /* FX_SIGN_IN, FX_SET_KEYS, FX_NEED_NAME */
	struct firefox_code code;	/* FX_TAKE_CODE */
};

/* sync.fx_change: web -> store. */
extern const struct rpc_def sync_fx_change;

/* Web, in a task: has the store make a change; texts of the reply are in the request's arena. */
NODISCARD enum err fx_change(
    struct op_call *c, const struct fx_change *change, struct fx_changed *ret);

void fx_change_put(struct buf *out, const struct fx_change *r);
NODISCARD bool fx_change_take(struct slice message, struct fx_change *ret);
void fx_changed_put(struct buf *out, const struct fx_changed *r);
NODISCARD bool fx_changed_take(struct slice message, struct fx_changed *ret);

#endif
