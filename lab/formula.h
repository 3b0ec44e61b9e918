/*
 * Formulas of models: arithmetic in text over names with numbers. A reader of its own and not
 *Lua's, because what is printed of a formula (each name replaced by its number) must be what was
 *computed. sum = product {(+|-) product}   product = unary {(*|/) unary}   unary = - unary | atom
 *[^ unary] atom = number | name | name(sum {, sum}) | (sum)   functions: min max sqrt exp log floor
 */
#ifndef PLIMSOLL_LAB_FORMULA_H
#define PLIMSOLL_LAB_FORMULA_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

/* The number behind a name (letters, digits, '_', '.'); false: there is none. */
typedef bool formula_lookup(const void *arg, struct slice name, double *ret);

/* ERR_SYNTAX, ERR_NOT_FOUND (a name), ERR_INVALID (no finite number), ERR_LIMIT; text in note. */
NODISCARD enum err formula_evaluate(
    struct slice text, formula_lookup *lookup, const void *arg, double *ret, struct err_note *note);

/* The formula with numbers for names, for people. Names that are unknown stay. */
void formula_put_numbers(
    struct slice text, formula_lookup *lookup, const void *arg, struct buf *out);

/* A number for people: four digits, no exponent where none is needed. */
void formula_put_number(double n, struct buf *out);

#endif
