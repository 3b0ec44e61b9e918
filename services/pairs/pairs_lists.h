/*
 * What changes of lists and of their items share.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_LISTS_H
#define PLIMSOLL_PAIRS_PAIRS_LISTS_H

#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_list.h"

/* The list that the request names, at the version it wants; else the answer says why not. */
NODISCARD enum err pairs_list_open(struct pairs_write *w, struct pairs_list *ret);

/* One version on. */
NODISCARD enum err pairs_list_save(struct pairs_write *w, struct pairs_list *l);

#endif
