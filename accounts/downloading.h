/*
 * Role: courier. Files of other servers, for the services whose code runs in the courier's process:
 * one download at a time from a task, its bytes handed on as they come, so that memory does not
 * depend on its size. Whoever asks says where it may go; that the address is one of the public
 * internet is checked where the socket is made, unless the rules say otherwise. Redirects are
 * followed here, and each is judged like the first address.
 *
 * The doing is in accounts/courier, which alone links libcurl.
 */
#ifndef PLIMSOLL_ACCOUNTS_DOWNLOADING_H
#define PLIMSOLL_ACCOUNTS_DOWNLOADING_H

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/service.h"

enum {
	DOWNLOAD_PIECE = 256 * 1024, /* bytes handed on at a time */
	DOWNLOAD_URL_MAX = 4096,
	DOWNLOAD_REDIRECTS_MAX = 5,
	DOWNLOAD_HEADERS_MAX = 8,
	DOWNLOAD_ENCODING_SIZE = 16
};

enum download_outcome {
	DOWNLOAD_OK,
	DOWNLOAD_STATUS,      /* an answer, but not 200 */
	DOWNLOAD_UNREACHABLE, /* no such name, or nobody answers there */
	DOWNLOAD_BROKEN,      /* it ended before its end, or was no HTTP */
	DOWNLOAD_TIMEOUT,     /* it took too long, or nothing came for too long */
	DOWNLOAD_TLS,	      /* no certificate that we trust */
	DOWNLOAD_ADDRESS,     /* its address is not one of the public internet */
	DOWNLOAD_FORBIDDEN,   /* may_ask said no, or its scheme is none that is allowed */
	DOWNLOAD_REDIRECTS,   /* too many */
	DOWNLOAD_NO_LENGTH,   /* it does not tell its length although it has to */
	DOWNLOAD_TOO_BIG,
	DOWNLOAD_OUTCOMES
};

/* In words, for logs. */
const char *download_outcome_text(enum download_outcome outcome);

struct download_rules {
	bool allow_private; /* addresses that are not of the public internet */
	bool allow_http;    /* without it: https alone */
	bool needs_length;  /* the answer must have Content-Length */
	bool alone;	    /* on a connection that nobody else had or gets */
	int64_t max_bytes;
	int64_t timeout_ms;	     /* of all of it */
	int64_t connect_ms, idle_ms; /* until it is connected; (nearly) without a byte */
	/* Judges each address before it is asked; NULL: all are good. */
	bool (*may_ask)(void *arg, struct slice url);
};

/* One download; what is said of it lives until download_run() returns. */
struct download {
	struct download_rules rules;
	const char *url, *user_agent;
	const char *headers[DOWNLOAD_HEADERS_MAX]; /* "Name: value"; up to the first NULL */
	/* Takes the next bytes of the content of a 200. May wait; its error ends the download. */
	enum err (*take)(void *arg, struct slice bytes);
	void *arg;

	/* Out: how it ended. */
	enum download_outcome outcome;
	int64_t status;			       /* HTTP's, of the last answer; 0: none */
	int64_t bytes;			       /* that were taken */
	char encoding[DOWNLOAD_ENCODING_SIZE]; /* Content-Encoding in lower case; empty: none */
	bool may_change;		       /* it said no-store: it may be other soon */
	unsigned n_redirects;
	char *redirects[DOWNLOAD_REDIRECTS_MAX]; /* where they led; download_fini() frees them */
	const char *details;			 /* libcurl's words for the log; NULL: none */
};

/*
 * Runs it in the running task. ERR_OK: d->outcome says how it ended; what take() returned;
 * ERR_CANCELLED/ERR_DEADLINE as task_wait(); ERR_MEMORY; ERR_UNSUPPORTED: not a courier, or one
 * that has not begun to serve.
 */
NODISCARD enum err download_run(const struct svc_env *env, struct download *d);
void download_fini(struct download *d);

/* The courier says who does it; NULL: nobody any more. */
typedef enum err download_fn(void *downloader, struct download *d);
void download_set(const struct svc_env *env, download_fn *fn, void *downloader);

/* Scheme and host of "https://host[:port][/...]"; false: it is no such address. */
struct download_address {
	bool is_https;
	struct slice host;	/* without port and brackets */
	struct slice authority; /* with them */
	struct slice path;	/* from the '/' on; empty: none */
};
bool download_address(struct slice url, struct download_address *ret);

#endif
