/*
 * Role: courier. Inside of delivery.h: delivery_open.c reads the configuration, delivery.c
 * leases and drains, delivery_mail.c has one mail.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_DELIVERY_PRIV_H
#define PLIMSOLL_ACCOUNTS_COURIER_DELIVERY_PRIV_H

#include "accounts/courier/delivery.h"
#include "accounts/courier/mime.h"
#include "accounts/courier/smtp.h"
#include "accounts/outbox.h"

enum {
	DELIVERY_CALL_BYTES = 4096 /* of a call to the store, and of a short text */
};

struct delivery {
	struct svc_env *env;
	struct smtp_client *smtp;   /* NULL: development, mails are kept */
	struct mime_sender sender;  /* slices into the configuration */
	struct slice bounce_domain; /* empty: mails come back to the sender's address */
	struct task *dispatcher;    /* NULL: not running */
	unsigned refill, window;    /* mails of a lease at least; of all leases at most */
	unsigned sending, running;  /* mails given to SMTP; tasks, which also say how it went */
	int64_t send_timeout_ms;
	uint64_t wakes; /* how often the store said that there is new mail */
	bool stopping, waits_for_room;
	void (*drained)(void *arg);
	void *drained_arg;
};

/* Calls the store in the running task, and logs what goes wrong. */
NODISCARD enum err delivery_call_store(struct delivery *d, const struct rpc_def *def,
    const struct buf *request, struct arena *arena, struct slice *ret_reply);

/* ---- delivery_mail.c: in the mail's own task ---- */

/* Composes the mail and gives it to the mail server. Errors: as smtp_send(). */
NODISCARD enum err delivery_send(
    struct delivery *d, const struct outbox_mail *mail, struct smtp_outcome *ret_outcome);

/* Tell the store how it went: lease is the one that the row was leased with. */
void delivery_report_sent(struct delivery *d, const struct outbox_mail *mail, int64_t lease);
void delivery_report_failed(struct delivery *d, const struct outbox_mail *mail, int64_t lease,
    const struct smtp_outcome *outcome);

#endif
