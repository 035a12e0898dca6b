/* SPDX-License-Identifier: MIT */
/*
 * X is read once: a block of rows is predicted, sent through the loss, and pulled back while it is in cache.
 *
 *     z = x W^T,  value += loss(z, y),  G += (dl/dz)^T x
 *
 * A few outputs go through kernels of our own (few.c), everything else through matrix products. Of float data, the
 * products of a block are in float, the sum over blocks in double.
 */

#include "objective/data.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/blas.h"
#include "linalg/scan.h"
#include "linalg/thin.h"
#include "loss/loss_rows.h"

/* Elements of X in a block: they fit a second-level cache. */
static const ptrdiff_t block_elements = 24576;

/* Outputs up to which the gradient of a block is one line after the other; see linalg/thin.h. */
enum { rows_min = 8, rows_max = 256, few = 4 };

static size_t size_of(dopt_dtype dtype)
{
    return dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
}

static dopt_mat packed(void *data, ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype)
{
    const dopt_mat m = { data, rows, cols, cols, 1, dtype };
    return m;
}

/* Take `elements` of the memory that starts at *at, and leave it on a cache line. */
static void *take(char **at, ptrdiff_t elements, size_t size)
{
    void *start = *at;
    *at += ((size_t)elements * size + DOPT__ALIGN - 1) / DOPT__ALIGN * DOPT__ALIGN;
    return start;
}

static bool prepare_few(dopt__data *data, const dopt_allocator *allocator)
{
    const ptrdiff_t k = data->y.cols, d = data->x.cols;
    data->few = dopt__few_create(data->x, data->y, data->loss, &data->options);
    data->memory = dopt__alloc(allocator, (size_t)k * (size_t)d, sizeof(double));
    data->grad = packed(data->memory, k, d, DOPT_F64);
    return data->few && data->memory;
}

static bool prepare_rows(dopt__data *data, const dopt_allocator *allocator)
{
    if (dopt__few_pays(data->y.cols, data->x.cols) && dopt__loss_elementwise(data->loss))
        return prepare_few(data, allocator);
    const ptrdiff_t k = data->y.cols, d = data->x.cols, fitting = block_elements / d;
    const dopt_dtype dtype = data->x.dtype;
    const ptrdiff_t b = fitting < rows_min ? rows_min : fitting > rows_max ? rows_max : fitting;
    const size_t size = size_of(dtype);
    const bool apart = dtype == DOPT_F32 || k <= few;
    data->block_rows = b;
    if ((double)k * (double)d > 1e17)
        return false;
    const size_t of_rows = (size_t)b * (size_t)(2 * k + d) * size;
    const size_t of_grad = (size_t)k * (size_t)d * (sizeof(double) + (apart ? size : 0));
    data->memory = dopt__alloc(allocator, of_rows + of_grad + (size_t)8 * DOPT__ALIGN, 1);
    if (!data->memory)
        return false;
    char *at = data->memory;
    data->grad = packed(take(&at, k * d, sizeof(double)), k, d, DOPT_F64);
    data->z = packed(take(&at, b * k, size), b, k, dtype);
    data->y_rows = packed(take(&at, b * k, size), b, k, dtype);
    data->x_rows = packed(take(&at, b * d, size), b, d, dtype);
    if (apart)
        data->block_grad = packed(take(&at, k * d, size), k, d, dtype);
    return true;
}

static bool reduces(const dopt__data *data)
{
    double parameter;
    if (data->options.reduction == DOPT_REDUCTION_OFF || !dopt__loss_elementwise(data->loss) ||
        dopt__loss_form_of(data->loss, &parameter) != DOPT__FORM_SQUARE)
        return false;
    if (data->options.reduction == DOPT_REDUCTION_ON)
        return true;
    return !data->options.rows_read && dopt__reduced_pays(data->x.rows, data->x.cols, data->y.cols);
}

bool dopt__data_prepare(dopt__data *data, const dopt__data *like, const dopt_allocator *allocator)
{
    if (!prepare_rows(data, allocator))
        return false;
    if (like && like->reduced)
        data->reduced = dopt__reduced_share(like->reduced);
    else if (reduces(data))
        data->reduced = dopt__reduced_create(data->x, data->y, allocator);
    return data->reduced || !reduces(data);
}

void dopt__data_release(dopt__data *data, const dopt_allocator *allocator)
{
    dopt__few_destroy(data->few);
    dopt__reduced_destroy(data->reduced);
    dopt__release(allocator, data->memory);
}

static ptrdiff_t row_of(const dopt_batch *batch, ptrdiff_t i)
{
    return batch->rows ? batch->rows[i] : batch->first + i;
}

/* Rows of m that a block has, in place if they follow each other, else copied to `buffer`. */
static dopt_cmat rows_of(dopt_cmat m, const dopt_batch *batch, ptrdiff_t at, ptrdiff_t count, dopt_mat buffer)
{
    const size_t size = size_of(m.dtype);
    dopt_cmat rows = { NULL, count, m.cols, m.row_stride, m.col_stride, m.dtype };
    if (!batch->rows) {
        rows.data = (const char *)m.data + (size_t)((batch->first + at) * m.row_stride) * size;
        return rows;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        const char *from = (const char *)m.data + (size_t)(row_of(batch, at + i) * m.row_stride) * size;
        char *to = (char *)buffer.data + (size_t)(i * buffer.row_stride) * size;
        const dopt_cmat row = { from, 1, m.cols, m.col_stride == 1 ? m.cols : m.row_stride, m.col_stride, m.dtype };
        dopt__copy(1.0, row, packed(to, 1, m.cols, m.dtype));
    }
    return dopt_const(packed(buffer.data, count, m.cols, m.dtype));
}

/* The gradient of a block to the sum. */
static void add_block(const dopt__data *data)
{
    double *total = data->grad.data;
    const ptrdiff_t count = data->grad.rows * data->grad.cols;
    if (data->x.dtype == DOPT_F64) {
        const double *part = data->block_grad.data;
        for (ptrdiff_t i = 0; i < count; i++)
            total[i] += part[i];
    } else {
        const float *part = data->block_grad.data;
        for (ptrdiff_t i = 0; i < count; i++)
            total[i] += (double)part[i];
    }
}

static dopt_status general_block(dopt__data *data, dopt_cmat w, const dopt_batch *batch, ptrdiff_t at, ptrdiff_t count,
                                 bool want_grad, double *sum)
{
    const dopt_cmat x = rows_of(data->x, batch, at, count, data->x_rows);
    const dopt_cmat y = rows_of(data->y, batch, at, count, data->y_rows);
    const dopt_mat z = packed(data->z.data, count, data->y.cols, data->x.dtype);
    dopt__multiply(x, dopt_ctransposed(w), z);
    const dopt_status status = dopt__loss_sum(data->loss, dopt_const(z), y, sum, want_grad ? z : dopt_mat_none());
    if (status != DOPT_OK || !want_grad)
        return status;
    const dopt_cmat slopes = dopt_ctransposed(dopt_const(z));
    if (!data->block_grad.data) {
        dopt__gemm(1.0, slopes, x, 1.0, data->grad);
        return DOPT_OK;
    }
    dopt__multiply(slopes, x, data->block_grad);
    add_block(data);
    return DOPT_OK;
}

/* The sum over the batch, and that of the gradients to data->grad. */
static dopt_status sum_blocks(dopt__data *data, dopt_cmat w, const dopt_batch *rows, bool want_grad, double *total)
{
    if (want_grad)
        dopt__fill(data->grad, 0.0);
    *total = 0.0;
    for (ptrdiff_t at = 0; at < rows->count; at += data->block_rows) {
        const ptrdiff_t count = rows->count - at < data->block_rows ? rows->count - at : data->block_rows;
        double sum;
        DOPT_TRY(general_block(data, w, rows, at, count, want_grad, &sum));
        *total += sum;
    }
    return DOPT_OK;
}

static dopt__evaluation eval_reduced(dopt__data *data, dopt_cmat w, bool want_grad)
{
    const double scale = dopt_loss_weight(data->loss) / (double)data->x.rows;
    const double sum = dopt__reduced_eval(data->reduced, w, want_grad ? data->grad.data : NULL);
    const dopt__evaluation found = { scale * sum, 2.0 * scale, dopt_const(data->grad) };
    return found;
}

dopt_status dopt__data_eval(dopt__data *data, dopt_cmat w, const dopt_batch *batch, bool want_grad,
                            dopt__evaluation *out)
{
    const dopt_batch all = { NULL, 0, data->x.rows };
    const dopt_batch *rows = batch ? batch : &all;
    const double *sum = data->grad.data;
    double total;
    if (data->reduced && !batch) {
        *out = eval_reduced(data, w, want_grad);
        return DOPT_OK;
    }
    if (data->few)
        total = dopt__few_eval(data->few, w, rows, want_grad, &sum);
    else
        DOPT_TRY(sum_blocks(data, w, rows, want_grad, &total));
    out->value = total / (double)rows->count;
    out->scale = 1.0 / (double)rows->count;
    out->sum = dopt_cmat_f64(sum, data->grad.rows, data->grad.cols);
    return DOPT_OK;
}

/* The same workspace, for outputs first ... first + count - 1 alone. */
static dopt__data part_of(const dopt__data *data, ptrdiff_t first, ptrdiff_t count)
{
    const dopt_dtype dtype = data->x.dtype;
    dopt__data part = *data;
    part.reduced = NULL;
    part.y.data = (const char *)data->y.data + (size_t)(first * data->y.col_stride) * size_of(dtype);
    part.y.cols = count;
    part.grad = packed((double *)data->grad.data + first * data->grad.cols, count, data->grad.cols, DOPT_F64);
    part.y_rows = packed(data->y_rows.data, data->block_rows, count, dtype);
    if (data->block_grad.data)
        part.block_grad = packed(data->block_grad.data, count, data->grad.cols, dtype);
    return part;
}

dopt_status dopt__data_eval_outputs(dopt__data *data, dopt_cmat w, const dopt_batch *batch, ptrdiff_t first,
                                    ptrdiff_t count, bool want_grad, dopt__evaluation *out)
{
    dopt__data part = part_of(data, first, count);
    w.data = (const char *)w.data + (size_t)(first * w.row_stride) * size_of(w.dtype);
    w.rows = count;
    return dopt__data_eval(&part, w, batch, want_grad, out);
}
