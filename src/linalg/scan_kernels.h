/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_SCAN_KERNELS_H
#define DEPTHOPT_LINALG_SCAN_KERNELS_H

/*
 * One look over contiguous numbers.
 *
 * Magnitudes are compared as integers: for IEEE numbers without their sign bit the order is the same, and NaN and
 * infinity come out on top.
 */

#include <stddef.h>

#include <depthopt/mat.h>

#include "base/cpu.h"

/* Sums over w and g of one length, in double, in eight lanes. */
typedef struct dopt__pair_sums {
    double ww, wg, gg;
} dopt__pair_sums;

typedef struct dopt__scan_kernels {
    /* The largest magnitude; a NaN or an infinity if there is one. */
    double (*largest_f64)(const double *x, ptrdiff_t n);
    float (*largest_f32)(const float *x, ptrdiff_t n);
    dopt__pair_sums (*sums_f64)(const double *w, const double *g, ptrdiff_t n);
    dopt__pair_sums (*sums_f32)(const float *w, const float *g, ptrdiff_t n);
    /* out = a w + b g; out may be w or g. */
    void (*combine_f64)(double a, const double *w, double b, const double *g, ptrdiff_t n, double *out);
    void (*combine_f32)(double a, const float *w, double b, const float *g, ptrdiff_t n, float *out);
    /* out = a x, by the dtypes of x and out; out may be x. */
    void (*scale[2][2])(double a, const void *x, ptrdiff_t n, void *out);
} dopt__scan_kernels;

DOPT__DECLARE_BY_ISA(dopt__scan_kernels, dopt__scan_kernels)

#endif
