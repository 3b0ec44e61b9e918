/*
 * The link of the first account, for `plimsoll serve`.
 */
#ifndef PLIMSOLL_CMD_FIRST_LINK_H
#define PLIMSOLL_CMD_FIRST_LINK_H

#include "cmd/cmd.h"

enum {
	FIRST_LINK_TEXT = 1024
};

/*
 * What to print once the server is ready: while there is no account, a link that makes the first
 * one, its administrator's; a new one at each start, because only its hash is kept. Nothing where
 * everybody can sign up on the own machine anyhow, and nothing if the database cannot be asked (the
 * server will say why). Services are those that run. The text lies in out; false: there is none.
 */
bool first_link(const struct app *app, const struct conf *conf, const char *only_service,
    char out[FIRST_LINK_TEXT]);

#endif
