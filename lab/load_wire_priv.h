/*
 * Parts of messages that plans and results share: load_wire.c, load_wire_plan.c. Private to them.
 */
#ifndef PLIMSOLL_LAB_LOAD_WIRE_PRIV_H
#define PLIMSOLL_LAB_LOAD_WIRE_PRIV_H

#include "lab/load_wire.h"

void load_wire_put_real(struct buf *out, double n);
double load_wire_take_real(struct wire_reader *in);

/* NULL and texts, with their NUL; borrowed from the message. */
void load_wire_put_text(struct buf *out, const char *text);
const char *load_wire_take_text(struct wire_reader *in);

/* A count that is at most max, else the message is bad. */
unsigned load_wire_take_count(struct wire_reader *in, unsigned max);

#endif
