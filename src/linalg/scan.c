/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "base/check.h"
#include "linalg/lines.h"
#include "linalg/scan.h"
#include "linalg/scan_kernels.h"

/* A line that is not contiguous, in pieces. */
static double strided_max(dopt_cmat m, dopt__walk walk, ptrdiff_t line, const dopt__scan_kernels *kernels)
{
    double top = 0.0;
    for (ptrdiff_t at = 0; at < walk.length && isfinite(top); at += DOPT__PIECE) {
        double buffer[DOPT__PIECE];
        const dopt__piece piece = dopt__piece_of(walk, line, at);
        const double x = kernels->largest_f64(dopt__load(m, piece, buffer), piece.count);
        top = x <= top ? top : x;
    }
    return top;
}

/* Memory without gaps is one line, however it is laid out. */
static dopt_cmat flattened(dopt_cmat m)
{
    const ptrdiff_t count = m.rows * m.cols;
    const bool packed = (m.col_stride == 1 && m.row_stride == m.cols) || (m.row_stride == 1 && m.col_stride == m.rows);
    const dopt_cmat line = { m.data, 1, count, count, 1, m.dtype };
    return packed ? line : m;
}

double dopt__max_abs(dopt_cmat given)
{
    const dopt__scan_kernels *kernels = DOPT__BY_ISA(dopt__scan_kernels, dopt__cpu_isa());
    const dopt_cmat m = flattened(given);
    const dopt__walk walk = dopt__walk_along(m);
    const ptrdiff_t across = walk.by_rows ? m.row_stride : m.col_stride;
    const bool contiguous = (walk.by_rows ? m.col_stride : m.row_stride) == 1;
    double top = 0.0;
    for (ptrdiff_t line = 0; line < walk.lines; line++) {
        double x;
        if (!contiguous)
            x = strided_max(m, walk, line, kernels);
        else if (m.dtype == DOPT_F64)
            x = kernels->largest_f64((const double *)m.data + line * across, walk.length);
        else
            x = (double)kernels->largest_f32((const float *)m.data + line * across, walk.length);
        if (!isfinite(x))
            return INFINITY;
        top = x > top ? x : top;
    }
    return top;
}

bool dopt__all_finite(dopt_cmat m)
{
    return isfinite(dopt__max_abs(m));
}

static double element(dopt_cmat m, ptrdiff_t r, ptrdiff_t c)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[at] : (double)((const float *)m.data)[at];
}

dopt_status dopt__check_finite(const char *func, const char *name, dopt_cmat m)
{
    if (dopt__all_finite(m))
        return DOPT_OK;
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++)
            if (!isfinite(element(m, r, c)))
                return dopt__fail(DOPT_ERR_NONFINITE, func, "%s[%td, %td] is %g, must be finite", name, r, c,
                                  element(m, r, c));
    return DOPT_OK;
}

static double square_sum(dopt_cmat m, double factor)
{
    const dopt__walk walk = dopt__walk_along(m);
    double sum = 0.0;
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double buffer[DOPT__PIECE], lane[8] = { 0 };
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *x = dopt__load(m, piece, buffer);
            ptrdiff_t i = 0;
            for (; i + 8 <= piece.count; i += 8)
                for (int j = 0; j < 8; j++)
                    lane[j] += (factor * x[i + j]) * (factor * x[i + j]);
            for (; i < piece.count; i++)
                lane[i % 8] += (factor * x[i]) * (factor * x[i]);
            sum += ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
        }
    return sum;
}

double dopt__norm(dopt_cmat m)
{
    const double sum = square_sum(m, 1.0);
    if (sum > 1e-280 && sum < 1e280)
        return sqrt(sum);
    const double top = dopt__max_abs(m);
    if (top == 0.0 || !isfinite(top))
        return top;
    int exponent; /* scaled by a power of two: no rounding */
    (void)frexp(top, &exponent);
    return ldexp(sqrt(square_sum(m, ldexp(1.0, exponent < -1000 ? 1000 : -exponent))),
                 exponent < -1000 ? -1000 : exponent);
}

/* Without gaps, in the same order. */
static bool alike(dopt_cmat from, dopt_cmat to)
{
    const bool by_rows = from.rows == 1 || from.row_stride == to.row_stride;
    const bool by_columns = from.cols == 1 || from.col_stride == to.col_stride;
    return by_rows && by_columns && flattened(to).rows == 1 && flattened(from).rows == 1;
}

static bool contiguous(dopt_cmat m, dopt__walk walk)
{
    return (walk.by_rows ? m.col_stride : m.row_stride) == 1;
}

/* Bytes from the start of the first line to that of this one. */
static ptrdiff_t line_offset(dopt_cmat m, dopt__walk walk, ptrdiff_t line)
{
    const size_t size = m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    return line * (walk.by_rows ? m.row_stride : m.col_stride) * (ptrdiff_t)size;
}

static void copy_line(double factor, dopt_cmat from, dopt_mat to, dopt__walk walk, ptrdiff_t line)
{
    for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
        double source[DOPT__PIECE], buffer[DOPT__PIECE];
        const dopt__piece piece = dopt__piece_of(walk, line, at);
        const double *x = dopt__load(from, piece, source);
        double *y = dopt__target(to, piece, buffer);
        for (ptrdiff_t i = 0; i < piece.count; i++)
            y[i] = factor * x[i];
        dopt__store(to, piece, y);
    }
}

void dopt__copy(double factor, dopt_cmat from, dopt_mat to)
{
    const bool one_line = alike(from, dopt_const(to));
    const dopt__walk whole = { true, 1, from.rows * from.cols };
    const dopt__walk walk = one_line ? whole : dopt__walk_along(dopt_const(to));
    const dopt__scan_kernels *kernels = DOPT__BY_ISA(dopt__scan_kernels, dopt__cpu_isa());
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        if (one_line || (contiguous(from, walk) && contiguous(dopt_const(to), walk)))
            kernels->scale[from.dtype][to.dtype](factor, (const char *)from.data + line_offset(from, walk, line),
                                                 walk.length,
                                                 (char *)to.data + line_offset(dopt_const(to), walk, line));
        else
            copy_line(factor, from, to, walk, line);
}

void dopt__fill(dopt_mat m, double value)
{
    const dopt__walk walk = dopt__walk_along(dopt_const(m));
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double buffer[DOPT__PIECE];
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            double *y = dopt__target(m, piece, buffer);
            for (ptrdiff_t i = 0; i < piece.count; i++)
                y[i] = value;
            dopt__store(m, piece, y);
        }
}
