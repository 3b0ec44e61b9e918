/*
 * For tests: the same text through our JSON reader and through jansson.
 */
#ifndef PLIMSOLL_BASE_JSON_PEER_H
#define PLIMSOLL_BASE_JSON_PEER_H

#include "core/base/slice.h"

/*
 * NULL if both refuse the text or both read the same values out of it; else a few words on what
 * differs. Two differences are wanted and not reported: nesting beyond JSON_MAX_DEPTH, where
 * jansson goes on, and a NUL byte, which we refuse anywhere while jansson (2.14) overlooks one
 * right behind a number or a word.
 */
const char *json_peer_difference(struct slice text);

#endif
