/*
 * plimsoll check sync: what a browser meets at the storage, and what each 401 means.
 */
#ifndef PLIMSOLL_CMD_CHECK_SYNC_H
#define PLIMSOLL_CMD_CHECK_SYNC_H

#include "core/conf/conf.h"

/*
 * Asks the server at url_text (NULL: [plimsoll] public_url) with a token of the configured secret,
 * signed as a browser signs that uses this address. Says what is wrong and what to mend. EXIT_OK,
 * EXIT_FAILED, or EXIT_CONFIG where it could not even ask.
 */
int check_sync(const struct conf *conf, const char *url_text);

#endif
