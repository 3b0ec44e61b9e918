/*
 * Role: courier. Sends one push to its push service: encrypted for the browser, with the signer's
 * word who we are.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_PUSH_SEND_H
#define PLIMSOLL_ACCOUNTS_COURIER_PUSH_SEND_H

#include "accounts/courier/post_hosts.h"
#include "accounts/courier/post_http.h"
#include "accounts/posts.h"
#include "accounts/vapid.h"

enum {
	PUSH_TOKENS_MAX = 32, /* origins whose token is kept */
};

/* What the signer has signed for an origin. */
struct push_token {
	char origin[VAPID_ORIGIN_MAX + 1];
	char line[VAPID_VALUE_MAX + 32]; /* of the header */
	int64_t until_us;		 /* 0: the row is free */
};

struct push_sender {
	struct svc_env *env;
	struct curl_loop *curl;
	struct post_hosts hosts;
	struct push_token tokens[PUSH_TOKENS_MAX];
};

/* In a task. body has the count already. */
struct post_result push_send(struct push_sender *s, const struct post *post, struct slice body);

#endif
