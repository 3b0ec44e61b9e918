/*
 * Between symbol_sender.c and symbol_put.c.
 */
#ifndef PLIMSOLL_CMD_SYMBOL_SENDER_PRIV_H
#define PLIMSOLL_CMD_SYMBOL_SENDER_PRIV_H

#include "cmd/http_call.h"
#include "cmd/symbol_sender.h"

enum {
	SYMBOL_SENDER_JSON = 40 * 1024 * 1024 /* bytes of a parsed answer */
};

/* A status that asks to come again. */
bool symbol_sender_is_later(int status);

/* Seconds before the next try: what the server asks for (a NULL: there is no answer), else longer
 * each time. */
unsigned symbol_sender_wait_of(const struct http_call_answer *a, unsigned attempt);

/* Waits, after saying why. */
void symbol_sender_wait(struct symbol_sender *s, unsigned seconds, const char *why);

/* The words of a refusal, {"error": "..."}, as an error. */
NODISCARD enum err symbol_sender_refused(
    const char *what, const struct http_call_answer *a, struct err_note *note);

/* Sends the content of the file to the address of its session. */
NODISCARD enum err symbol_sender_put(struct symbol_sender *s, const struct found_symbol *f,
    const char *url, bool as_gzip, struct err_note *note);

#endif
