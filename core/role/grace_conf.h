/*
 * Section [grace]: in which order the classes of a service give way, and what is kept for whom.
 */
#ifndef PLIMSOLL_ROLE_GRACE_CONF_H
#define PLIMSOLL_ROLE_GRACE_CONF_H

#include "core/conf/conf.h"
#include "core/grace/admit.h"
#include "core/http/http.h"

struct service;

extern const struct conf_table grace_conf;

/*
 * Ranks and reserves of a service's rows, for its site. ERR_CONFIG: its order names a class that it
 * has not, or one twice.
 */
NODISCARD enum err grace_conf_site(const struct conf *conf, const struct service *service,
    struct http_site *site, struct err_note *note);

/* What is kept: for the start and after a reload. */
void grace_conf_apply(const struct conf *conf, struct grace *g);

/* ERR_CONFIG: more than everything is kept. */
NODISCARD enum err grace_conf_check(const struct conf *conf, struct err_note *note);

#endif
