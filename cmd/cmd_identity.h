/*
 * The verbs of `plimsoll identity`, one file each.
 */
#ifndef PLIMSOLL_CMD_CMD_IDENTITY_H
#define PLIMSOLL_CMD_CMD_IDENTITY_H

#include "cmd/cmd.h"

/* conf is loaded; the exit code. */
typedef int identity_fn(const struct conf *conf, const struct cmd_options *o);

identity_fn identity_key_list, identity_key_new, identity_key_retire; /* cmd_identity_key.c */
identity_fn identity_verify_file;				      /* cmd_identity_verify.c */
identity_fn identity_cost;					      /* cmd_identity_cost.c */

#endif
