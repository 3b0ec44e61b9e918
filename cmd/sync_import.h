/*
 * plimsoll sync import-from: another sync server's database.
 */
#ifndef PLIMSOLL_CMD_SYNC_IMPORT_H
#define PLIMSOLL_CMD_SYNC_IMPORT_H

#include "cmd/cmd_user.h"

user_fn sync_import_from;

#endif
