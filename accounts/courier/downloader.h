/*
 * Role: courier. Downloads for the services of the process (accounts/downloading.h), by libcurl on
 * connections of their own.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_DOWNLOADER_H
#define PLIMSOLL_ACCOUNTS_COURIER_DOWNLOADER_H

#include "core/service.h"

struct downloader;

/* Begins: from now on download_run() works in this process. env is kept. */
NODISCARD enum err downloader_start(struct svc_env *env, struct downloader **ret);

/* Nothing is downloaded any more. With downloads under way nothing is freed: the process ends. */
void downloader_free(struct downloader **d);

#endif
