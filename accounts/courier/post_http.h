/*
 * Role: courier. One POST by libcurl whose answer is a status.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_POST_HTTP_H
#define PLIMSOLL_ACCOUNTS_COURIER_POST_HTTP_H

#include "accounts/courier/curl_loop.h"
#include "core/base/slice.h"

enum {
	POST_HTTP_MS = 10 * 1000, /* for all of it */
};

struct post_http {
	const char *url;	    /* https, or http */
	struct curl_slist *headers; /* the caller's */
	struct slice body;	    /* the caller's */
	bool may_go_anywhere;	    /* else public addresses only, with https */
};

struct post_answer {
	long status;		/* 0: none came */
	int64_t retry_after_ms; /* 0: it does not say */
	bool is_forbidden;	/* the address is not public */
};

/* In a task. What goes wrong on the way is an answer without status. */
void post_http_send(struct curl_loop *curl, const struct post_http *r, struct post_answer *ret);

/* Adds a header. False: no memory, and list is as it was. */
bool post_http_add(struct curl_slist **list, const char *line);

#endif
