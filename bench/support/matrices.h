/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MATRICES_H
#define BENCH_MATRICES_H

#include <stddef.h>

/* Memory for the matrices of a benchmark; leaves the program when there is none. */
double *numbers_new(size_t count);

/* N(0, stddev^2), from a fixed seed and a stream of choice. */
void numbers_normal(double *x, size_t count, unsigned stream, double stddev);

typedef enum spectrum {
    SPECTRUM_RANDOM, /* a Gaussian matrix, as it comes */
    SPECTRUM_PLAIN,
    SPECTRUM_GRADED,   /* 1 ... 1e-10 */
    SPECTRUM_STEEP,    /* 1 ... 1e-14 */
    SPECTRUM_CLUSTERS, /* six values, many times each */
    SPECTRUM_EQUAL,
    SPECTRUM_LOWRANK,  /* half of the rank */
    SPECTRUM_NEARZERO, /* about 1e-6 */
    SPECTRUM_HUGE,     /* about 1e60 */
    SPECTRUM_COUNT
} spectrum;

extern const char *const spectrum_names[SPECTRUM_COUNT];

/* W, k x d, k <= d, with these singular values and random singular vectors. */
void matrix_with(spectrum kind, ptrdiff_t k, ptrdiff_t d, double *w);

/* ||a - b||_F / ||b||_F */
double relative_distance(const double *a, const double *b, size_t count);

#endif
