/*
 * The services that are built in: one line of table.c each.
 */
#ifndef PLIMSOLL_TABLE_H
#define PLIMSOLL_TABLE_H

#include <stddef.h>

#include "core/service.h"

extern const struct service *const service_table[];
extern const size_t service_table_count;

#endif
