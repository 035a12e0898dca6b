/* SPDX-License-Identifier: MIT */
#include "fuzz/stream.h"

#include <float.h>
#include <math.h>
#include <string.h>

int stream_byte(stream *s)
{
    return s->at < s->size ? s->data[s->at++] : 0;
}

int stream_below(stream *s, int bound)
{
    return stream_byte(s) % bound;
}

bool stream_rarely(stream *s)
{
    return stream_byte(s) % 32 == 31;
}

ptrdiff_t stream_extent(stream *s)
{
    static const ptrdiff_t odd[] = { 0, -1, PTRDIFF_MAX, PTRDIFF_MIN, 1 << 30, 33 };
    if (stream_rarely(s))
        return odd[stream_below(s, sizeof odd / sizeof *odd)];
    return 1 + stream_below(s, 5);
}

double stream_number(stream *s)
{
    static const double odd[] = { 0.0,     -0.0,     NAN,   INFINITY, -INFINITY, DBL_MAX,          -DBL_MAX,
                                  DBL_MIN, 4.9e-324, 1e150, -1e150,   1e-150,    FLT_MAX,          1e30,
                                  1.0,     -1.0,     2.0,   0.5,      1e-8,      1.0 + DBL_EPSILON };
    const int byte = stream_byte(s);
    if (byte < 40)
        return odd[byte % (int)(sizeof odd / sizeof *odd)];
    return (byte - 148) / 37.0;
}

/* Whether the elements of the view lie in the arena from element `first` on. */
static bool fits(dopt_mat m, ptrdiff_t first)
{
    const ptrdiff_t all = ARENA_DOUBLES * (ptrdiff_t)(m.dtype == DOPT_F32 ? 2 : 1);
    if (m.rows < 1 || m.cols < 1)
        return true; /* nothing is there to be touched */
    if (m.rows > all || m.cols > all || m.row_stride < 0 || m.col_stride < 0 || m.row_stride > all ||
        m.col_stride > all)
        return false;
    return first + (m.rows - 1) * m.row_stride + (m.cols - 1) * m.col_stride < all;
}

static dopt_mat odd_view(stream *s, dopt_mat m)
{
    switch (stream_below(s, 7)) {
    case 0: m.data = NULL; break;
    case 1: m.rows = stream_extent(s); break;
    case 2: m.cols = stream_extent(s); break;
    case 3: m.dtype = m.dtype == DOPT_F64 ? DOPT_F32 : DOPT_F64; break;
    case 4: m.dtype = (dopt_dtype)(stream_byte(s) - 100); break;
    case 5: m.row_stride = stream_extent(s); break;
    default: m.col_stride = stream_extent(s); break;
    }
    return m;
}

dopt_mat stream_view(stream *s, arena *a, dopt_dtype dtype, ptrdiff_t rows, ptrdiff_t cols)
{
    const int layout = stream_byte(s);
    const ptrdiff_t first = 8 * stream_below(s, 64), gap = layout & 2 ? 1 + (layout >> 2) % 3 : 0;
    dopt_mat m = { a->memory, rows, cols, 1, 1, dtype };
    m.data = dtype == DOPT_F32 ? (void *)((float *)a->memory + first) : (void *)(a->memory + first);
    if (rows > ARENA_DOUBLES || cols > ARENA_DOUBLES)
        m.data = NULL;
    if (!m.data || rows < 1 || cols < 1)
        return m;
    if (layout & 1)
        m.col_stride = rows + gap;
    else
        m.row_stride = cols + gap;
    if (layout >= 248)
        m = odd_view(s, m);
    if (m.data && (!fits(m, first) || (m.dtype != DOPT_F64 && m.dtype != DOPT_F32)))
        m.data = NULL;
    return m;
}

static bool is_sound(dopt_mat m)
{
    return m.data && m.rows >= 1 && m.cols >= 1;
}

void stream_fill(stream *s, dopt_mat m)
{
    if (!is_sound(m))
        return;
    const bool odd = stream_rarely(s);
    dopt_rng rng = dopt_rng_init((uint64_t)stream_byte(s), 0);
    const double scale = stream_rarely(s) ? stream_number(s) : 1.0;
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++) {
            const double x = odd ? stream_number(s) : scale * dopt_rng_normal(&rng);
            const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
            if (m.dtype == DOPT_F64)
                ((double *)m.data)[at] = x;
            else
                ((float *)m.data)[at] = fabs(x) > FLT_MAX ? copysignf(INFINITY, (float)(x > 0) - 0.5f) : (float)x;
        }
}

void arena_take(arena *to, const arena *from, dopt_mat m)
{
    if (!is_sound(m))
        return;
    const size_t size = m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const ptrdiff_t offset = (char *)m.data - (char *)from;
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++) {
            const ptrdiff_t at = offset + (r * m.row_stride + c * m.col_stride) * (ptrdiff_t)size;
            memcpy((char *)to + at, (const char *)from + at, size);
        }
}
