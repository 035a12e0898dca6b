/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MAT_H
#define DEPTHOPT_MAT_H

/**
 * @file depthopt/mat.h
 * Views: how a matrix of yours is handed to the library.
 *
 * A view borrows an array: it says where the elements are and owns nothing. Element (r, c) is
 * `data[r * row_stride + c * col_stride]`, strides counted in elements. One stride is 1, and the other at
 * least the extent that it skips:
 *
 *     row-major     col_stride == 1, row_stride >= cols      (C order)
 *     column-major  row_stride == 1, col_stride >= rows      (Fortran order)
 *
 * dopt_mat_f64(a, k, d) is a C array without gaps, dopt_transposed(dopt_mat_f64(a, d, k)) a k x d Fortran array without
 * gaps, dopt_block() a part of either; anything else is written out, { a, k, d, ld, 1, DOPT_F64 } for rows that are ld
 * elements apart, { a, k, d, 1, ld, DOPT_F64 } for columns that are.
 *
 * So C arrays, Fortran arrays, sub-blocks of both and the transposes of all of them are used where
 * they are, without a copy. Elements between the rows (or columns) of a view are never read or written.
 * Every function checks the views it gets: extents in [1, 2147483647], strides as above, `data` not NULL.
 *
 * Views are plain values, to pass, copy and forget; dopt_cmat is the read-only form.
 *
 * Aliasing: a view that a call writes shares no element with another view of the call, unless the function says that
 * it may be that view itself: same `data`, same shape, same strides. Calls check this and fail with DOPT_ERR_INVALID;
 * interleaved views without a common element, such as two blocks of one array, are fine. Views that are only read may
 * overlap. Not checked: arrays that are passed as plain pointers, and those that a handle borrowed in an earlier call.
 */

#include <stddef.h>

#include <depthopt/api.h>

DOPT_BEGIN_DECLS

/** Element type of a view; all views of one call have the same one. */
typedef enum dopt_dtype {
    DOPT_F64 = 0, /**< double */
    DOPT_F32 = 1  /**< float */
} dopt_dtype;

/** A matrix that the library may write. */
typedef struct dopt_mat {
    void *data;           /**< Element (0, 0); owned by the caller. */
    ptrdiff_t rows;       /**< Extent: number of rows. */
    ptrdiff_t cols;       /**< Extent: number of columns. */
    ptrdiff_t row_stride; /**< Elements from (r, c) to (r + 1, c). */
    ptrdiff_t col_stride; /**< Elements from (r, c) to (r, c + 1). */
    dopt_dtype dtype;     /**< Of the elements. */
} dopt_mat;

/** A matrix that the library only reads. */
typedef struct dopt_cmat {
    const void *data;     /**< Element (0, 0); owned by the caller. */
    ptrdiff_t rows;       /**< Extent: number of rows. */
    ptrdiff_t cols;       /**< Extent: number of columns. */
    ptrdiff_t row_stride; /**< Elements from (r, c) to (r + 1, c). */
    ptrdiff_t col_stride; /**< Elements from (r, c) to (r, c + 1). */
    dopt_dtype dtype;     /**< Of the elements. */
} dopt_cmat;

/** View of `rows * cols` doubles in C order without gaps. */
static inline dopt_mat dopt_mat_f64(double *data, ptrdiff_t rows, ptrdiff_t cols)
{
    dopt_mat m = { data, rows, cols, cols, 1, DOPT_F64 };
    return m;
}

/** View of `rows * cols` floats in C order without gaps. */
static inline dopt_mat dopt_mat_f32(float *data, ptrdiff_t rows, ptrdiff_t cols)
{
    dopt_mat m = { data, rows, cols, cols, 1, DOPT_F32 };
    return m;
}

/** Read-only view of `rows * cols` doubles in C order without gaps. */
static inline dopt_cmat dopt_cmat_f64(const double *data, ptrdiff_t rows, ptrdiff_t cols)
{
    dopt_cmat m = { data, rows, cols, cols, 1, DOPT_F64 };
    return m;
}

/** Read-only view of `rows * cols` floats in C order without gaps. */
static inline dopt_cmat dopt_cmat_f32(const float *data, ptrdiff_t rows, ptrdiff_t cols)
{
    dopt_cmat m = { data, rows, cols, cols, 1, DOPT_F32 };
    return m;
}

/** The same view, read-only. */
static inline dopt_cmat dopt_const(dopt_mat m)
{
    dopt_cmat c = { m.data, m.rows, m.cols, m.row_stride, m.col_stride, m.dtype };
    return c;
}

/** The transpose: shape and strides swapped, nothing copied. */
static inline dopt_mat dopt_transposed(dopt_mat m)
{
    dopt_mat t = { m.data, m.cols, m.rows, m.col_stride, m.row_stride, m.dtype };
    return t;
}

/** The transpose of a read-only view. */
static inline dopt_cmat dopt_ctransposed(dopt_cmat m)
{
    dopt_cmat t = { m.data, m.cols, m.rows, m.col_stride, m.row_stride, m.dtype };
    return t;
}

/** The `rows` x `cols` block of m whose first element is (r, c) of m; it must lie within m. */
static inline dopt_mat dopt_block(dopt_mat m, ptrdiff_t r, ptrdiff_t c, ptrdiff_t rows, ptrdiff_t cols)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    dopt_mat b = { NULL, rows, cols, m.row_stride, m.col_stride, m.dtype };
    if (m.dtype == DOPT_F64)
        b.data = (double *)m.data + at;
    else
        b.data = (float *)m.data + at;
    return b;
}

/** The same of a read-only view. */
static inline dopt_cmat dopt_cblock(dopt_cmat m, ptrdiff_t r, ptrdiff_t c, ptrdiff_t rows, ptrdiff_t cols)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    dopt_cmat b = { NULL, rows, cols, m.row_stride, m.col_stride, m.dtype };
    if (m.dtype == DOPT_F64)
        b.data = (const double *)m.data + at;
    else
        b.data = (const float *)m.data + at;
    return b;
}

/** No matrix, for arguments that may be left out ("data NULL: not wanted"). */
static inline dopt_mat dopt_mat_none(void)
{
    dopt_mat m = { NULL, 0, 0, 0, 0, DOPT_F64 };
    return m;
}

DOPT_END_DECLS

#endif
