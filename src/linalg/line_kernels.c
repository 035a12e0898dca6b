/* SPDX-License-Identifier: MIT */
/* The kernels of line_kernels.h for both dtypes; compiled once for each instruction set. */

#include "linalg/line_kernels.h"

#include "linalg/line_vectors.h"

#define REAL double
#define VECTOR vector_f64
#define NAMED(name) name##_f64
#include "linalg/line_template.h"
#include "linalg/line_more.h"
#include "linalg/line_template_end.h"

#define REAL float
#define VECTOR vector_f32
#define NAMED(name) name##_f32
#include "linalg/line_template.h"
#include "linalg/line_more.h"
#include "linalg/line_template_end.h"

const dopt__line_table DOPT__NAMED(dopt__line_table) = { { { dot_f64, add_f64, scale_f64, lower_f64, finite_f64 },
                                                           { dot_f32, add_f32, scale_f32, lower_f32, finite_f32 } } };
