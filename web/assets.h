/*
 * The pages, styles and scripts of web/, made part of the program by tools/embed.py when it is
 * built.
 */
#ifndef PLIMSOLL_WEB_ASSETS_H
#define PLIMSOLL_WEB_ASSETS_H

#include "core/http/asset.h"

/* Every file below web/ that browsers fetch, sorted by path ("identity/sign_in.html"). */
extern const struct asset_set web_assets;

#endif
