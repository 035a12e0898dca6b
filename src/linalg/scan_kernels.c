/* SPDX-License-Identifier: MIT */
/* scan_kernels.h, compiled once for each instruction set. The lanes are the same in all, and so are the bits. */

#include "linalg/scan_kernels.h"

#include <stdint.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "linalg/line_vectors.h"

enum { lanes = 16 };

static double largest_f64(const double *x, ptrdiff_t n)
{
    int64_t top[lanes] = { 0 }, most = 0;
    ptrdiff_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (int j = 0; j < lanes; j++) {
            int64_t bits;
            memcpy(&bits, x + i + j, sizeof bits);
            bits &= INT64_MAX;
            top[j] = bits > top[j] ? bits : top[j];
        }
    for (; i < n; i++) {
        int64_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= INT64_MAX;
        most = bits > most ? bits : most;
    }
    for (int j = 0; j < lanes; j++)
        most = top[j] > most ? top[j] : most;
    double value;
    memcpy(&value, &most, sizeof value);
    return value;
}

static float largest_f32(const float *x, ptrdiff_t n)
{
    int32_t top[lanes] = { 0 }, most = 0;
    ptrdiff_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (int j = 0; j < lanes; j++) {
            int32_t bits;
            memcpy(&bits, x + i + j, sizeof bits);
            bits &= INT32_MAX;
            top[j] = bits > top[j] ? bits : top[j];
        }
    for (; i < n; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= INT32_MAX;
        most = bits > most ? bits : most;
    }
    for (int j = 0; j < lanes; j++)
        most = top[j] > most ? top[j] : most;
    float value;
    memcpy(&value, &most, sizeof value);
    return value;
}

/* Numbers of double that a register holds; eight lanes take `parts` of them. */
enum { width = vector_bytes / 8 };
typedef double vector __attribute__((vector_size(vector_bytes)));
typedef float narrow __attribute__((vector_size(vector_bytes / 2)));

INLINE vector load_f64(const double *x)
{
    vector v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* gcc 12 converts halves of registers. */
INLINE vector load_f32(const float *x)
{
#if defined(__AVX512F__)
    return _mm512_cvtps_pd(_mm256_loadu_ps(x));
#elif defined(__AVX2__)
    return _mm256_cvtps_pd(_mm_loadu_ps(x));
#else
    narrow v;
    memcpy(&v, x, sizeof v);
    return __builtin_convertvector(v, vector);
#endif
}

INLINE void store_f64(vector v, double *x)
{
    memcpy(x, &v, sizeof v);
}

INLINE void store_f32(vector v, float *x)
{
    const narrow rounded = __builtin_convertvector(v, narrow);
    memcpy(x, &rounded, sizeof rounded);
}

INLINE double sum_of(const vector *part)
{
    double lane[8];
    UNROLL
    for (ptrdiff_t j = 0; j < parts; j++)
        store_f64(part[j], lane + j * width);
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

/* The two dtypes differ in nothing but the type. */
#define DEFINE_PAIR(real, type)                                                                                        \
    static dopt__pair_sums sums_##type(const real *w, const real *g, ptrdiff_t n)                                      \
    {                                                                                                                  \
        vector ww[parts] = { { 0 } }, wg[parts] = { { 0 } }, gg[parts] = { { 0 } };                                    \
        ptrdiff_t i = 0;                                                                                               \
        for (; i + 8 <= n; i += 8) {                                                                                   \
            UNROLL                                                                                                     \
            for (ptrdiff_t j = 0; j < parts; j++) {                                                                    \
                const vector x = load_##type(w + i + j * width), y = load_##type(g + i + j * width);                   \
                ww[j] += x * x;                                                                                        \
                wg[j] += x * y;                                                                                        \
                gg[j] += y * y;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
        dopt__pair_sums sums = { sum_of(ww), sum_of(wg), sum_of(gg) };                                                 \
        for (; i < n; i++) {                                                                                           \
            const double x = (double)w[i], y = (double)g[i];                                                           \
            sums.ww += x * x;                                                                                          \
            sums.wg += x * y;                                                                                          \
            sums.gg += y * y;                                                                                          \
        }                                                                                                              \
        return sums;                                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    static void combine_##type(double a, const real *w, double b, const real *g, ptrdiff_t n, real *out)               \
    {                                                                                                                  \
        ptrdiff_t i = 0;                                                                                               \
        for (; i + width <= n; i += width)                                                                             \
            store_##type(a *load_##type(w + i) + b * load_##type(g + i), out + i);                                     \
        for (; i < n; i++)                                                                                             \
            out[i] = (real)(a * (double)w[i] + b * (double)g[i]);                                                      \
    }

DEFINE_PAIR(double, f64)
DEFINE_PAIR(float, f32)

#define DEFINE_SCALE(from, to, from_type, to_type)                                                                     \
    static void scale_##from_type##_##to_type(double a, const void *numbers, ptrdiff_t n, void *out)                   \
    {                                                                                                                  \
        const from *x = numbers;                                                                                       \
        to *y = out;                                                                                                   \
        ptrdiff_t i = 0;                                                                                               \
        for (; i + width <= n; i += width)                                                                             \
            store_##to_type(a *load_##from_type(x + i), y + i);                                                        \
        for (; i < n; i++)                                                                                             \
            y[i] = (to)(a * (double)x[i]);                                                                             \
    }

DEFINE_SCALE(double, double, f64, f64)
DEFINE_SCALE(double, float, f64, f32)
DEFINE_SCALE(float, double, f32, f64)
DEFINE_SCALE(float, float, f32, f32)

const dopt__scan_kernels
    DOPT__NAMED(dopt__scan_kernels) = { largest_f64,
                                        largest_f32,
                                        sums_f64,
                                        sums_f32,
                                        combine_f64,
                                        combine_f32,
                                        { [DOPT_F64] = { [DOPT_F64] = scale_f64_f64, [DOPT_F32] = scale_f64_f32 },
                                          [DOPT_F32] = { [DOPT_F64] = scale_f32_f64, [DOPT_F32] = scale_f32_f32 } } };
