/*
 * What `plimsoll check` says about [tls].
 */
#ifndef PLIMSOLL_CMD_CHECK_TLS_H
#define PLIMSOLL_CMD_CHECK_TLS_H

#include "accounts/public_url.h"
#include "core/conf/conf.h"

/*
 * Certificates, keys and the folder of challenges, and whether they fit the public URL. A line for
 * each problem; EXIT_OK or EXIT_CONFIG.
 */
int check_tls(const struct conf *conf, const struct public_url *url);

#endif
