/* SPDX-License-Identifier: MIT */
#include "linalg/lines.h"

/* A single row or column is one line whatever its stride: one long line beats many of one element. */
dopt__walk dopt__walk_along(dopt_cmat lead)
{
    const bool by_rows = lead.rows == 1 || (lead.cols != 1 && lead.col_stride == 1);
    const dopt__walk walk = { by_rows, by_rows ? lead.rows : lead.cols, by_rows ? lead.cols : lead.rows };
    return walk;
}

dopt__piece dopt__piece_of(dopt__walk walk, ptrdiff_t line, ptrdiff_t at)
{
    const ptrdiff_t left = walk.length - at;
    const dopt__piece piece = { walk.by_rows, line, at, left < DOPT__PIECE ? left : DOPT__PIECE };
    return piece;
}

static ptrdiff_t step(dopt_cmat m, dopt__piece piece)
{
    return piece.by_rows ? m.col_stride : m.row_stride;
}

static ptrdiff_t start(dopt_cmat m, dopt__piece piece)
{
    const ptrdiff_t across = piece.by_rows ? m.row_stride : m.col_stride;
    return piece.line * across + piece.at * step(m, piece);
}

static bool in_place(dopt_cmat m, dopt__piece piece)
{
    return m.dtype == DOPT_F64 && step(m, piece) == 1;
}

const double *dopt__load(dopt_cmat m, dopt__piece piece, double *buffer)
{
    const ptrdiff_t first = start(m, piece), stride = step(m, piece);
    if (in_place(m, piece))
        return (const double *)m.data + first;
    if (m.dtype == DOPT_F64) {
        const double *from = (const double *)m.data + first;
        for (ptrdiff_t i = 0; i < piece.count; i++)
            buffer[i] = from[i * stride];
    } else if (stride == 1) {
        const float *from = (const float *)m.data + first;
        for (ptrdiff_t i = 0; i < piece.count; i++)
            buffer[i] = (double)from[i];
    } else {
        const float *from = (const float *)m.data + first;
        for (ptrdiff_t i = 0; i < piece.count; i++)
            buffer[i] = (double)from[i * stride];
    }
    return buffer;
}

double *dopt__target(dopt_mat m, dopt__piece piece, double *buffer)
{
    return in_place(dopt_const(m), piece) ? (double *)m.data + start(dopt_const(m), piece) : buffer;
}

void dopt__store(dopt_mat m, dopt__piece piece, const double *x)
{
    const ptrdiff_t first = start(dopt_const(m), piece), stride = step(dopt_const(m), piece);
    if (m.dtype == DOPT_F64) {
        double *to = (double *)m.data + first;
        if (to == x)
            return;
        for (ptrdiff_t i = 0; i < piece.count; i++)
            to[i * stride] = x[i];
    } else {
        float *to = (float *)m.data + first;
        for (ptrdiff_t i = 0; i < piece.count; i++)
            to[i * stride] = (float)x[i];
    }
}
