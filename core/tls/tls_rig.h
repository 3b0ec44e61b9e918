/*
 * For tests: certificates made on the spot, in files, and a TLS client and server that talk in
 * memory.
 */
#ifndef PLIMSOLL_TLS_TLS_RIG_H
#define PLIMSOLL_TLS_TLS_RIG_H

#include "core/tls/context.h"
#include "core/tls/keyset.h"

/* What to make. */
struct rig_certificate {
	const char *kind; /* "RSA", "P-256", "P-384", "P-521", "ED25519" */
	const char *host;
	long from_s, to_s; /* validity from now on, in seconds */
};

/* A self-signed certificate and its key as open files (not linked anywhere). */
struct rig_files {
	struct tls_pair_files files;
};
struct rig_files rig_make(const struct rig_certificate *what);
void rig_files_close(struct rig_files *f);

/* An open file with this text, and mode. */
int rig_file(const char *text, size_t len, unsigned mode);

/* A web process and its signer in one: the context signs with the set. */
struct rig {
	struct tls_library library;
	struct tls_keyset set;
	struct tls_signer signer;
	struct tls_tickets tickets;
	struct tls_context *context;
	unsigned signatures;
	enum err refuse; /* if not ERR_OK: what the signer answers */
};

/* With these certificates. only_13, h2: as in struct tls_options. */
void rig_open(struct rig *r, const struct rig_certificate *what, unsigned n, bool only_13, bool h2);
void rig_close(struct rig *r);

/* What a client wants, and what came of it. */
struct rig_client {
	int version;	      /* 0: any */
	const char *host;     /* server name; NULL: none */
	const char *sigalgs;  /* NULL: the library's */
	const char *ciphers;  /* of TLS 1.2; NULL: the library's */
	struct slice alpn;    /* as on the wire; empty: none */
	SSL_SESSION *session; /* to resume; NULL: none */

	bool done, resumed; /* of the handshake */
	char alpn_chosen[16];
	char subject[64];	  /* of the server's certificate */
	SSL_SESSION *new_session; /* the caller frees it */
};

/* A whole handshake and a word each way. */
void rig_talk(struct rig *r, struct rig_client *c);

#endif
