/*
 * Symbols: one store of debug symbols that crash reporters, profilers and debuggers can all ask
 * (doc/SYMBOLS.md). Uploads and downloads speak the protocol of Tecken, Mozilla's symbol server.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_H

#include "core/service.h"

extern const struct service symbols_service;

#endif
