/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_REDUCE_H
#define EXAMPLES_REDUCE_H

#include "table.h"

/*
 * For squared errors: a table of cols + 1 rows with the same mean of (x_i . w - y_i)^2 for every w as `t`, the triangle
 * of its QR decomposition. Gradients cost 1/20 on it. False: out of memory, or `t` has no more rows than that.
 */
bool reduce_rows(const table *t, table *out);

#endif
