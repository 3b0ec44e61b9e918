/*
 * Identity: sign-in by e-mail address, the BrowserID service (doc/PROTOCOLS.md).
 */
#ifndef PLIMSOLL_IDENTITY_IDENTITY_H
#define PLIMSOLL_IDENTITY_IDENTITY_H

#include "core/service.h"

extern const struct service identity_service;

/* Its remote verifier alone, without what the rest needs: `plimsoll serve verifier`. */
extern const struct service verifier_service;

#endif
