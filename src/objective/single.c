/* SPDX-License-Identifier: MIT */
/*
 * Four rows at a time, in vectors of eight doubles, so that w and the gradient are read once for four rows.
 *
 * The sums have one order, whatever the width of the machine's registers: products and sums are rounded separately (no
 * contraction), so that every clone of these functions gives the same bits.
 */

#include "objective/single.h"

#include <string.h>

/* The compiler picks the widest registers at run time; sanitizers do not get along with that. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST
#endif

enum { lanes = 8 };

typedef double vector __attribute__((vector_size(lanes * sizeof(double))));

#define LOAD(v, from) memcpy(&(v), (from), sizeof(vector))

static inline double sum_of(const double *v)
{
    return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

WIDEST static void predict4(const double *const *rows, ptrdiff_t d, const double *w, double *z)
{
    vector sum[4] = { { 0.0 } };
    ptrdiff_t c = 0;
    for (; c + lanes <= d; c += lanes) {
        vector weights, x;
        LOAD(weights, w + c);
        for (int i = 0; i < 4; i++) {
            LOAD(x, rows[i] + c);
            sum[i] += x * weights;
        }
    }
    for (int i = 0; i < 4; i++) {
        double part[lanes];
        memcpy(part, &sum[i], sizeof part);
        for (ptrdiff_t at = c; at < d; at++)
            part[at - c] += rows[i][at] * w[at];
        z[i] = sum_of(part);
    }
}

WIDEST static void pull4(const double *const *rows, ptrdiff_t d, const double *slope, double *grad)
{
    ptrdiff_t c = 0;
    for (; c + lanes <= d; c += lanes) {
        vector sum, x0, x1, x2, x3;
        LOAD(sum, grad + c);
        LOAD(x0, rows[0] + c);
        LOAD(x1, rows[1] + c);
        LOAD(x2, rows[2] + c);
        LOAD(x3, rows[3] + c);
        sum += (slope[0] * x0 + slope[1] * x1) + (slope[2] * x2 + slope[3] * x3);
        memcpy(grad + c, &sum, sizeof sum);
    }
    for (; c < d; c++)
        grad[c] += (slope[0] * rows[0][c] + slope[1] * rows[1][c]) + (slope[2] * rows[2][c] + slope[3] * rows[3][c]);
}

/* The last one to three rows, filled up with the first of them at slope 0. */
static void fill_up(const double *const *rows, ptrdiff_t count, const double *four[4])
{
    for (ptrdiff_t i = 0; i < 4; i++)
        four[i] = rows[i < count ? i : 0];
}

void dopt__single_predict(ptrdiff_t count, const double *const *rows, ptrdiff_t d, const double *w, double *z)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= count; i += 4)
        predict4(rows + i, d, w, z + i);
    if (i == count)
        return;
    const double *four[4];
    double last[4];
    fill_up(rows + i, count - i, four);
    predict4(four, d, w, last);
    memcpy(z + i, last, (size_t)(count - i) * sizeof *z);
}

void dopt__single_pull(ptrdiff_t count, const double *const *rows, ptrdiff_t d, const double *slope, double *grad)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= count; i += 4)
        pull4(rows + i, d, slope + i, grad);
    if (i == count)
        return;
    const double *four[4];
    double last[4] = { 0.0 };
    fill_up(rows + i, count - i, four);
    memcpy(last, slope + i, (size_t)(count - i) * sizeof *slope);
    pull4(four, d, last, grad);
}
