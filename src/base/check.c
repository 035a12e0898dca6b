/* SPDX-License-Identifier: MIT */
/* What every public door checks: views and options. */

#include <stdbool.h>
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
        return dopt__fail(DOPT_ERR_SHAPE, func, "%s is %td x %td, must be %td x %td", name, m.rows, m.cols, rows, cols);
    if (m.dtype != dtype)
        return dopt__fail(DOPT_ERR_DTYPE, func, "%s is %s, must be %s", name,
                          m.dtype == DOPT_F32 ? "float32" : "float64", dtype == DOPT_F32 ? "float32" : "float64");
    return DOPT_OK;
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
