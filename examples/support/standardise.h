/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_STANDARDISE_H
#define EXAMPLES_STANDARDISE_H

#include "table.h"

/*
 * Every feature and the target to zero mean and unit variance, divisor n. Features that are constant, or so nearly that
 * their variation is rounding, are dropped: dropped[c] is set for them (t->cols numbers before the call). Returns how
 * many were dropped, or -1 if the target is constant or no feature is left.
 */
ptrdiff_t standardise(table *t, bool *dropped);

#endif
