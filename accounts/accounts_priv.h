/*
 * What the files of accounts/ share among themselves: the service's state per process, its tables.
 */
#ifndef PLIMSOLL_ACCOUNTS_ACCOUNTS_PRIV_H
#define PLIMSOLL_ACCOUNTS_ACCOUNTS_PRIV_H

#include <stdbool.h>

#include "accounts/assertion.h"
#include "accounts/keys.h"
#include "accounts/mail_wait.h"
#include "accounts/push_endpoint.h"
#include "accounts/vapid.h"
#include "core/service.h"
#include "core/store/store.h"

struct download;

struct accounts_state {
	struct svc_env *env;
	struct symmetric_keys keys; /* signer: from the file; web: asked from the signer */
	bool has_keys;
	/* store: one wake-up of the courier is under way at a time; more ask for one more. */
	bool waking, wake_again;
	/* web: how long mails wait; a look is under way */
	struct mail_wait mails;
	bool looks_at_mails;
	/* web: who verifies assertions of BrowserID; NULL: nobody */
	assertion_verify_fn *verify_assertion;
	void *verify_assertion_state;
	const char *outside; /* courier: the server that may be asked; NULL: none */
	const char *posts_url, *posts_secret; /* courier: where posts go; NULL: nowhere */
	struct push_policy push_policy;	      /* web, courier */
	bool push_is_on;
	struct vapid vapid; /* signer: both halves; web: the public one */
	/* courier: who downloads; NULL: nobody */
	enum err (*download)(void *downloader, struct download *d);
	void *downloader;
};

/* The state in this process. */
struct accounts_state *accounts_state(const struct svc_env *env);

/* schema.c */
enum {
	ACCOUNTS_MIGRATIONS = 10
};
extern const struct migration accounts_migrations[ACCOUNTS_MIGRATIONS];

/* statements.c: every SQL statement of accounts, by its place in the table. */
enum accounts_stmt {
#define ACCOUNTS_STMT(id, name, flags, text)		    STMT_##id,
#define ACCOUNTS_STMT_BOTH(id, name, flags, text, postgres) STMT_##id,
#include "accounts/statements.def"
#undef ACCOUNTS_STMT
#undef ACCOUNTS_STMT_BOTH
	ACCOUNTS_STMT_COUNT
};
extern const struct sql_stmt accounts_stmts[ACCOUNTS_STMT_COUNT];

/* Runs a statement without rows whose only parameter is the number of an account. */
NODISCARD enum err accounts_run_on(struct txn *t, enum accounts_stmt stmt, const char *column,
    int64_t account_id, struct err_note *note);

/* The same with the parameters address_key and account_id. */
NODISCARD enum err accounts_run_on_address(struct txn *t, enum accounts_stmt stmt, struct slice key,
    int64_t account_id, struct err_note *note);

/* accounts_conf.c */
enum {
	ACCOUNTS_CONF_KEYS = 15
};
extern const struct conf_key accounts_conf_keys[ACCOUNTS_CONF_KEYS];
NODISCARD enum err accounts_conf_check(const struct conf *conf, struct err_note *note);

/* audit.c */
NODISCARD enum err accounts_audit(struct sql_db *db, struct err_note *note);

/* anonymise.c */
NODISCARD enum err accounts_anonymise(
    struct sql_db *db, const char *password, struct err_note *note);

/* wake.c: runs after a commit that put a mail or a post; env is the store's struct svc_env. */
void accounts_wake_courier(void *env);
/* Has it run after the commit of t, once. */
NODISCARD enum err accounts_wake_after_commit(struct txn *t);

#endif
