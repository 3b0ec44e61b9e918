/*
 * Support documents, /.well-known/browserid of a domain (persona.md 4.8): the domain has switched
 * its identity provider off, or another domain speaks for it, or here is its key with the pages
 * that sign in and that certify. From files of the configuration and from the network alike.
 */
#ifndef PLIMSOLL_IDENTITY_SUPPORT_DOCUMENT_H
#define PLIMSOLL_IDENTITY_SUPPORT_DOCUMENT_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	SUPPORT_KEY_MAX = 4 * 1024, /* bytes of a key rewritten; the longest has two thousand */
	SUPPORT_PATH_MAX = 1000	    /* of a page's path */
};

enum support_kind {
	SUPPORT_KEY,
	SUPPORT_AUTHORITY, /* another domain speaks for it */
	SUPPORT_DISABLED
};

/* Text lies in the arena. */
struct support_document {
	enum support_kind kind;
	struct slice authority; /* lower case */
	struct slice key_json;	/* public key as pubkey_parse() takes it, checked */
	struct slice auth_path, prov_path;
};

/*
 * Reads a document. In this order: "disabled" that is true in any way; "authority", a host name;
 * else "authentication" and "provisioning", which are paths, and a key that works: "public-key", or
 * the first good one of the list "keys". ERR_INVALID: it is none of these; ERR_MEMORY.
 */
NODISCARD enum err support_document_parse(
    struct arena *arena, struct slice text, struct support_document *ret);

#endif
