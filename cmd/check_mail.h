/*
 * What `plimsoll check` says about [mail].
 */
#ifndef PLIMSOLL_CMD_CHECK_MAIL_H
#define PLIMSOLL_CMD_CHECK_MAIL_H

#include "core/conf/conf.h"

/*
 * The files that [mail] names, and what works but not as people expect. A line for each problem;
 * EXIT_OK or EXIT_CONFIG. What contradicts itself was refused before (mail_conf_check).
 */
int check_mail(const struct conf *conf);

#endif
