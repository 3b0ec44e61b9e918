/*
 * Sync: the storage that Firefox keeps bookmarks, history, passwords and tabs in (storage API 1.5),
 * and what it needs beside it (doc/PROTOCOLS.md).
 */
#ifndef PLIMSOLL_SYNC_SYNC_H
#define PLIMSOLL_SYNC_SYNC_H

#include "core/service.h"

extern const struct service sync_service;

#endif
