/*
 * Role: courier. Takes mails out of the outbox and gives them to the mail server. The rows are
 * durable and leased, so what was not confirmed as sent comes up again, whoever died meanwhile.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_DELIVERY_H
#define PLIMSOLL_ACCOUNTS_COURIER_DELIVERY_H

#include "core/base/err.h"
#include "core/service.h"

struct delivery;

/*
 * Before the sandbox closes: reads the files that [mail] names. env must outlive it; its store is
 * called. ERR_CONFIG and others, in words.
 */
NODISCARD enum err delivery_new(struct svc_env *env, struct delivery **ret, struct err_note *note);

/* Begins, once the store may be called. ERR_MEMORY, ERR_TOO_BUSY. */
NODISCARD enum err delivery_start(struct delivery *d, struct err_note *note);

/*
 * Leases no more and finishes what is on its way, which the server may already have taken; then
 * calls done(arg), from here if nothing is. What is not finished shortly before deadline_us is cut
 * and goes out again later.
 */
void delivery_drain(struct delivery *d, int64_t deadline_us, void (*done)(void *arg), void *arg);

/* Nothing may be on its way any more, or the loop may not run again. */
void delivery_free(struct delivery **d);

#endif
