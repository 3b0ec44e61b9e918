/*
 * What the admin listener answers, beside the services' rows; state of each call is the struct
 * admin_watch.
 */
#ifndef PLIMSOLL_ROLE_ADMIN_PAGES_H
#define PLIMSOLL_ROLE_ADMIN_PAGES_H

#include "core/http/http.h"

op_fn admin_show_page, admin_show_file, admin_show_metrics, admin_show_status, admin_show_live;

#endif
