/* SPDX-License-Identifier: MIT */
/* What every public door checks: views, choices and options. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static bool valid_strides(dopt_cmat m)
{
    return (m.col_stride == 1 && m.row_stride >= m.cols) || (m.row_stride == 1 && m.col_stride >= m.rows);
}

dopt_status dopt__check_view(const char *func, const char *name, dopt_cmat m)
{
    if (!m.data)
        return dopt__fail(DOPT_ERR_INVALID, func, "%s.data is NULL, must point to the elements", name);
    if (m.dtype != DOPT_F64 && m.dtype != DOPT_F32)
        return dopt__fail(DOPT_ERR_DTYPE, func, "%s.dtype is %d, must be DOPT_F64 or DOPT_F32", name, (int)m.dtype);
    if (m.rows < 1 || m.cols < 1 || m.rows > DOPT__EXTENT_MAX || m.cols > DOPT__EXTENT_MAX)
        return dopt__fail(DOPT_ERR_SHAPE, func, "%s is %td x %td, each extent must be in [1, %d]", name, m.rows, m.cols,
                          DOPT__EXTENT_MAX);
    if (!valid_strides(m) || m.row_stride > DOPT__EXTENT_MAX || m.col_stride > DOPT__EXTENT_MAX)
        return dopt__fail(DOPT_ERR_SHAPE, func,
                          "%s (%td x %td) has row_stride %td and col_stride %td; one must be 1 and the other at least "
                          "the extent it skips",
                          name, m.rows, m.cols, m.row_stride, m.col_stride);
    return DOPT_OK;
}

dopt_status dopt__check_matrix(const char *func, const char *name, dopt_cmat m, ptrdiff_t rows, ptrdiff_t cols,
                               dopt_dtype dtype)
{
    DOPT_TRY(dopt__check_view(func, name, m));
    if (m.rows != rows || m.cols != cols)
        return dopt__fail(DOPT_ERR_SHAPE, func, "%s is %td x %td, must be %td x %td%s", name, m.rows, m.cols, rows,
                          cols, m.rows == cols && m.cols == rows ? ", its transpose" : "");
    if (m.dtype != dtype)
        return dopt__fail(DOPT_ERR_DTYPE, func, "%s is %s, must be %s", name,
                          m.dtype == DOPT_F32 ? "float32" : "float64", dtype == DOPT_F32 ? "float32" : "float64");
    return DOPT_OK;
}

/* The elements of a view: lines that follow each other in memory, all in bytes. */
typedef struct extent {
    uintptr_t start;
    ptrdiff_t lines, length, stride;
} extent;

static extent extent_of(dopt_cmat m)
{
    const ptrdiff_t size = m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const bool by_rows = m.col_stride == 1;
    extent e = { (uintptr_t)m.data, by_rows ? m.rows : m.cols, size * (by_rows ? m.cols : m.rows),
                 size * (by_rows ? m.row_stride : m.col_stride) };
    if (e.stride == e.length) { /* without gaps: one line */
        e.length *= e.lines;
        e.lines = 1;
    }
    return e;
}

/* Of b's lines, the last one that starts before the end of a's is the one that may reach into it. */
static bool line_meets(uintptr_t start, ptrdiff_t length, extent b)
{
    const ptrdiff_t at = (ptrdiff_t)(start - b.start);
    if (at + length <= 0)
        return false;
    const ptrdiff_t last = b.lines == 1 ? 0 : (at + length - 1) / b.stride;
    return at < (last < b.lines ? last : b.lines - 1) * b.stride + b.length;
}

static bool share_elements(extent a, extent b)
{
    for (ptrdiff_t line = 0; line < a.lines; line++)
        if (line_meets(a.start + (uintptr_t)(line * a.stride), a.length, b))
            return true;
    return false;
}

/* Of what has one row or one column, the stride that leads nowhere does not count. */
static bool are_one(dopt_cmat a, dopt_cmat b)
{
    return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.dtype == b.dtype &&
           (a.rows == 1 || a.row_stride == b.row_stride) && (a.cols == 1 || a.col_stride == b.col_stride);
}

dopt_status dopt__check_elements(const char *func, const char *out_name, dopt_cmat out, const char *in_name,
                                 dopt_cmat in, bool or_same)
{
    if ((or_same && are_one(out, in)) || !share_elements(extent_of(out), extent_of(in)))
        return DOPT_OK;
    if (or_same)
        return dopt__fail(DOPT_ERR_INVALID, func, "%s overlaps %s, must be %s itself or an array of its own", out_name,
                          in_name, in_name);
    return dopt__fail(DOPT_ERR_INVALID, func, "%s overlaps %s, must be an array of its own", out_name, in_name);
}

dopt_status dopt__check_choice(const char *func, const char *name, int value, int count, const char *const names[])
{
    if (value >= 0 && value < count)
        return DOPT_OK;
    char all[200] = "";
    for (int i = 0, used = 0; i < count && used < (int)sizeof all; i++)
        used += snprintf(all + used, sizeof all - (size_t)used, "%s%d (%s)",
                         i == 0           ? ""
                         : i == count - 1 ? " or "
                                          : ", ",
                         i, names[i]);
    return dopt__fail(DOPT_ERR_INVALID, func, "%s is %d, must be %s", name, value, all);
}

dopt_status dopt__read_options(const char *func, const void *options, size_t min_size, size_t size, void *dst)
{
    if (!options)
        return DOPT_OK;
    size_t theirs;
    memcpy(&theirs, options, sizeof theirs); /* every options struct starts with struct_size */
    if (theirs < min_size)
        return dopt__fail(DOPT_ERR_INVALID, func,
                          "options->struct_size is %zu, must be at least %zu; start from the INIT macro", theirs,
                          min_size);
    if (theirs > 65536)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->struct_size is %zu; start from the INIT macro", theirs);
    const unsigned char *bytes = options;
    for (size_t i = size; i < theirs; i++)
        if (bytes[i] != 0)
            return dopt__fail(
                DOPT_ERR_VERSION, func,
                "options->struct_size is %zu and sets fields unknown to this release, which knows %zu bytes", theirs,
                size);
    memcpy(dst, options, theirs < size ? theirs : size);
    memcpy(dst, &size, sizeof size);
    return DOPT_OK;
}
