/*
 * What a model file may declare.
 */
#ifndef PLIMSOLL_LAB_MODEL_DECLARE_H
#define PLIMSOLL_LAB_MODEL_DECLARE_H

#include "lab/model.h"

/* Adds all that models can call to the script of m, which it fills. */
void model_add_declarations(struct model *m);

#endif
