/* SPDX-License-Identifier: MIT */
/* The kernels of row_kernels.h for both dtypes; compiled once for each instruction set. */

#include "objective/row_kernels.h"

#include <string.h>

#include "loss/terms.h"

#define INLINE static inline __attribute__((always_inline))
#define APART static __attribute__((noinline))

/* Bytes of a vector register, and the registers that a 64-byte block takes. */
#if defined(__AVX512F__)
enum { vector_bytes = 64 };
#elif defined(__AVX2__)
enum { vector_bytes = 32 };
#else
enum { vector_bytes = 16 };
#endif
enum { parts = 64 / vector_bytes };

/* Rows that a dot product takes at a time: as many as leave room in sixteen registers. */
enum { abreast = parts == 4 ? 2 : 4 };

/* Rows of a tile: predicted, sent through the loss, and pulled back before the next ones. */
enum { tile_quick = 4, tile_slow = 16 };

#define REAL double
#define VECTOR vector_f64
#define NAMED(name) name##_f64
#include "objective/row_template.h"
#undef REAL
#undef VECTOR
#undef NAMED

#define REAL float
#define VECTOR vector_f32
#define NAMED(name) name##_f32
#include "objective/row_template.h"

const dopt__row_table DOPT__NAMED(dopt__row_table) = { { { dot_f64, add_f64, pass_f64 },
                                                         { dot_f32, add_f32, pass_f32 } } };
