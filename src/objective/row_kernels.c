/* SPDX-License-Identifier: MIT */
/* The kernels of row_kernels.h for both dtypes; compiled once for each instruction set. */

#include "objective/row_kernels.h"

#include "linalg/line_vectors.h"
#include "loss/terms.h"

/* Rows of a tile: predicted, sent through the loss, and pulled back before the next ones, or in a stream with them. */
enum { tile_quick = 4, tile_slow = 16, streamed = 4 };

#define REAL double
#define VECTOR vector_f64
#define NAMED(name) name##_f64
#include "linalg/line_template.h"
#include "objective/row_template.h"
#include "linalg/line_template_end.h"

#define REAL float
#define VECTOR vector_f32
#define NAMED(name) name##_f32
#include "linalg/line_template.h"
#include "objective/row_template.h"
#include "linalg/line_template_end.h"

const dopt__row_table DOPT__NAMED(dopt__row_table) = { { pass_f64, pass_f32 } };
