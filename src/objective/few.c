/* SPDX-License-Identifier: MIT */
/*
 * The rows of a batch are cut into leaves, each leaf sums its rows one after the other, and the sums of the leaves are
 * added in pairs, pairs of pairs, and so on. Where the cuts are depends on the number of rows and features alone, so
 * the result is the same, bit by bit, for any number of threads.
 *
 *     row-major X       a tile of rows is predicted, sent through the loss, and pulled back while it is in the
 *                       first-level cache (row_kernels.h), for one output after the other
 *     column-major X    the same on a block of rows that fits the second-level cache: the prediction adds up columns,
 *                       the gradient is one inner product for each column
 *
 * Float data: the products are in float, and sums over more than a chunk of rows in double.
 */

#include "objective/few.h"

#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/pool.h"
#include "linalg/line_kernels.h"
#include "linalg/scan.h"
#include "objective/row_kernels.h"

enum { leaves_max = 64, chunk = 64, block_max = 256 };

/* Bytes of X in a leaf, and in a tile for several outputs; elements of a column-major block; doubles in all leaves. */
static const double leaf_bytes = 131072.0, tile_bytes = 16384.0, block_elements = 24576.0, partial_max = 1048576.0;

/* Elements of X that make a second thread worth waking. */
static const double worth_threads = 131072.0;

struct dopt__few {
    dopt_allocator allocator;
    dopt_cmat x, y;
    ptrdiff_t d, weights; /* features; elements of w, outputs times features */
    ptrdiff_t tile;       /* rows that all outputs take before the next ones */
    size_t size;          /* of an element */
    bool by_rows;
    const dopt__line_kernels *lines;
    dopt__pass_fn do_pass;
    dopt__pass pass;
    double cache; /* bytes; asking for it is slow */
    int threads;
    dopt__pool *pool;      /* NULL: one thread */
    ptrdiff_t leaves_most; /* that there is room for */
    void *memory;
    void *w;                /* like w, packed */
    double *partials;       /* of each leaf: like w */
    char *scratch;          /* of each worker: like w, and for gathered columns chunk x d more */
    size_t scratch_of;      /* bytes of one worker */
    dopt_rows_fn rows_read; /* or NULL */
    void *rows_user;
    ptrdiff_t rows_step;
    double values[leaves_max];
};

/* The work of one call. */
typedef struct call {
    dopt__few *few;
    const dopt_batch *batch;
    ptrdiff_t leaf_rows;
    bool want_grad;
} call;

bool dopt__few_pays(ptrdiff_t k, ptrdiff_t d)
{
    enum { long_row = 64, most = 15, most_short = 7 };
    return k <= (d >= long_row ? most : most_short);
}

static ptrdiff_t at_most(ptrdiff_t x, ptrdiff_t top)
{
    return x < top ? x : top;
}

static int leaf_count(ptrdiff_t rows, ptrdiff_t leaf_rows)
{
    return (int)((rows + leaf_rows - 1) / leaf_rows);
}

/* Rows of a leaf, whole chunks: large enough to be worth handing out, and no more leaves than there is room for. */
static ptrdiff_t rows_of_leaf(const dopt__few *s, ptrdiff_t rows)
{
    const double wanted = leaf_bytes / ((double)s->x.cols * (double)s->size);
    const ptrdiff_t least = (rows + s->leaves_most - 1) / s->leaves_most;
    const ptrdiff_t larger = wanted > (double)least ? (ptrdiff_t)wanted : least;
    return (larger + chunk - 1) / chunk * chunk;
}

/* One output needs a row once; several find it in the first-level cache. Whole tiles of the kernels. */
static ptrdiff_t rows_of_tile(const dopt__few *s)
{
    enum { whole = 4 };
    const ptrdiff_t fitting = (ptrdiff_t)(tile_bytes / ((double)s->d * (double)s->size)) / whole * whole;
    return s->y.cols == 1 ? chunk : fitting < whole ? whole : at_most(fitting, chunk);
}

static void set_leaves(dopt__few *s)
{
    const double fitting = partial_max / (double)s->weights;
    const ptrdiff_t chunks = (s->x.rows + chunk - 1) / chunk; /* how many rows X has must not show in a batch */
    s->leaves_most = at_most(chunks, fitting < 1.0 ? 1 : at_most(leaves_max, (ptrdiff_t)fitting));
}

static int threads_of(const dopt__few *s, int threads)
{
    const bool worth = (double)s->x.rows * (double)s->weights >= worth_threads;
    const int wanted = threads > 0 ? threads : worth ? dopt__cpu_count() : 1;
    return (int)at_most(wanted, leaf_count(s->x.rows, rows_of_leaf(s, s->x.rows)));
}

static size_t rounded(double bytes)
{
    return ((size_t)bytes + DOPT__ALIGN - 1) / DOPT__ALIGN * DOPT__ALIGN;
}

static bool allocate(dopt__few *s)
{
    const double d = (double)s->d, weights = (double)s->weights, size = (double)s->size;
    const size_t of_w = rounded(weights * size),
                 of_partials = rounded((double)s->leaves_most * weights * sizeof(double));
    s->scratch_of = of_w + (s->by_rows ? 0 : rounded((double)chunk * d * size));
    s->memory = dopt__alloc(&s->allocator, of_w + of_partials + (size_t)s->threads * s->scratch_of, 1);
    if (!s->memory)
        return false;
    s->w = s->memory;
    s->partials = (double *)(void *)((char *)s->memory + of_w);
    s->scratch = (char *)s->memory + of_w + of_partials;
    if (s->threads > 1)
        s->pool = dopt__pool_create(s->threads, &s->allocator);
    return s->threads == 1 || s->pool;
}

dopt__few *dopt__few_create(dopt_cmat x, dopt_cmat y, const dopt_loss *loss, const dopt_objective_options *options)
{
    const dopt_allocator *allocator = &options->allocator;
    dopt__few *s = dopt__alloc(allocator, 1, sizeof *s);
    if (!s)
        return NULL;
    s->allocator = *allocator;
    s->x = x;
    s->y = y;
    s->size = x.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    s->d = x.cols;
    s->weights = y.cols * x.cols;
    s->by_rows = x.col_stride == 1;
    s->lines = &DOPT__BY_ISA(dopt__line_table, dopt__cpu_isa())->of[x.dtype];
    s->do_pass = DOPT__BY_ISA(dopt__row_table, dopt__cpu_isa())->pass[x.dtype];
    s->pass.loss = loss;
    s->pass.form = dopt__loss_form_of(loss, &s->pass.parameter);
    s->pass.weight = dopt_loss_weight(loss);
    s->pass.n = x.cols;
    s->tile = rows_of_tile(s);
    s->cache = dopt__cpu_cache();
    set_leaves(s);
    s->threads = threads_of(s, options->threads);
    s->rows_read = options->rows_read;
    s->rows_user = options->user;
    s->rows_step = options->rows_step;
    if (!allocate(s)) {
        dopt__few_destroy(s);
        return NULL;
    }
    return s;
}

void dopt__few_destroy(dopt__few *few)
{
    if (!few)
        return;
    const dopt_allocator allocator = few->allocator;
    dopt__pool_destroy(few->pool);
    dopt__release(&allocator, few->memory);
    dopt__release(&allocator, few);
}

int dopt__few_threads(const dopt__few *few)
{
    return few->threads;
}

static const void *element(const dopt__few *s, ptrdiff_t row, ptrdiff_t col)
{
    return (const char *)s->x.data + (size_t)(row * s->x.row_stride + col * s->x.col_stride) * s->size;
}

static ptrdiff_t row_of(const dopt_batch *batch, ptrdiff_t i)
{
    return batch->rows ? batch->rows[i] : batch->first + i;
}

/* Targets of an output for rows first ... first + count - 1 of the batch, in double: in place, or in `buffer`. */
static const double *load_targets(const call *c, ptrdiff_t output, ptrdiff_t first, ptrdiff_t count, double *buffer)
{
    const dopt_cmat y = c->few->y;
    const bool wide = y.dtype == DOPT_F64;
    const ptrdiff_t column = output * y.col_stride;
    if (wide && !c->batch->rows && (y.row_stride == 1 || y.rows == 1))
        return (const double *)y.data + column + c->batch->first + first;
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t at = column + row_of(c->batch, first + i) * y.row_stride;
        buffer[i] = wide ? ((const double *)y.data)[at] : (double)((const float *)y.data)[at];
    }
    return buffer;
}

/* Pointers to the rows of a chunk and to those that follow in the batch, for the prefetch; the last one again at its
   end. */
static void point_to_rows(const call *c, ptrdiff_t first, ptrdiff_t count, const void **rows)
{
    const dopt__few *s = c->few;
    const ptrdiff_t wanted = count + DOPT__AHEAD, there = at_most(wanted, c->batch->count - first);
    const ptrdiff_t stride = s->x.row_stride * (ptrdiff_t)s->size;
    if (c->batch->rows) {
        const ptrdiff_t *list = c->batch->rows + first;
        for (ptrdiff_t i = 0; i < there; i++)
            rows[i] = (const char *)s->x.data + list[i] * stride;
    } else {
        const char *start = element(s, c->batch->first + first, 0);
        for (ptrdiff_t i = 0; i < there; i++)
            rows[i] = start + i * stride;
    }
    for (ptrdiff_t i = there; i < wanted; i++)
        rows[i] = rows[there - 1];
}

/* The rows of a chunk, copied next to each other. */
static void gather_rows(const call *c, ptrdiff_t first, ptrdiff_t count, char *buffer, const void **rows)
{
    const dopt__few *s = c->few;
    const ptrdiff_t d = s->x.cols;
    for (ptrdiff_t i = 0; i < count; i++) {
        const dopt_cmat from = {
            element(s, row_of(c->batch, first + i), 0), 1, d, s->x.row_stride, s->x.col_stride, s->x.dtype
        };
        const dopt_mat to = { buffer + (size_t)(i * d) * s->size, 1, d, d, 1, s->x.dtype };
        dopt__copy(1.0, from, to);
        rows[i] = to.data;
    }
    for (ptrdiff_t i = 0; i < DOPT__AHEAD; i++)
        rows[count + i] = rows[count - 1];
}

static void add_to(double *sum, const float *part, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sum[i] += (double)part[i];
}

static dopt__pass pass_of(const call *c)
{
    const dopt__few *s = c->few;
    const double bytes = (double)s->x.cols * (double)s->size;
    dopt__pass pass = s->pass;
    if (c->batch->rows || (double)s->x.row_stride > 1.25 * (double)s->x.cols)
        pass.source = s->by_rows ? DOPT__SCATTERED : DOPT__CACHED;
    else
        pass.source = (double)c->batch->count * bytes > s->cache ? DOPT__STREAMED : DOPT__CACHED;
    return pass;
}

/* Tell that rows from *told on, up to `end`, have been read. */
static void tell(const call *c, ptrdiff_t *told, ptrdiff_t end)
{
    const dopt__few *s = c->few;
    s->rows_read(c->batch->first + *told, end - *told, s->rows_user);
    *told = end;
}

/* Of w, or of anything like it and of the dtype of X, the part of an output. */
static void *part_of(const dopt__few *s, void *weights, ptrdiff_t output)
{
    return (char *)weights + (size_t)(output * s->d) * s->size;
}

/* All outputs on a chunk, tile by tile; the gradients are added to `sums`, like w, of the dtype of X, or NULL. */
static double pass_chunk(const call *c, dopt__pass pass, ptrdiff_t first, ptrdiff_t count, const void **rows,
                         void *sums)
{
    const dopt__few *s = c->few;
    const dopt__source source = pass.source;
    double total = 0.0, buffer[chunk];
    for (ptrdiff_t at = 0; at < count; at += s->tile) {
        const ptrdiff_t some = at_most(count - at, s->tile);
        for (ptrdiff_t output = 0; output < s->y.cols; output++) {
            const double *target = load_targets(c, output, first + at, some, buffer);
            pass.w = part_of(s, s->w, output);
            pass.source = output == 0 ? source : DOPT__CACHED;
            total += s->do_pass(&pass, some, rows + at, target, sums ? part_of(s, sums, output) : NULL);
        }
    }
    return total;
}

/* A leaf, row by row. */
static double leaf_by_rows(const call *c, ptrdiff_t first, ptrdiff_t count, char *scratch, double *grad)
{
    const dopt__few *s = c->few;
    const bool narrow = grad && s->x.dtype == DOPT_F32;
    const size_t of_w = (size_t)s->weights * s->size;
    const dopt__pass pass = pass_of(c);
    double total = 0.0;
    const void *rows[chunk + DOPT__AHEAD];
    ptrdiff_t told = first;
    for (ptrdiff_t at = 0; at < count; at += chunk) {
        const ptrdiff_t some = at_most(count - at, chunk);
        if (s->by_rows)
            point_to_rows(c, first + at, some, rows);
        else
            gather_rows(c, first + at, some, scratch + rounded((double)of_w), rows);
        if (narrow)
            memset(scratch, 0, of_w);
        total += pass_chunk(c, pass, first + at, some, rows, narrow ? (void *)scratch : (void *)grad);
        if (narrow)
            add_to(grad, (const float *)(const void *)scratch, s->weights);
        if (s->rows_read && !c->batch->rows && (at + some == count || first + at + some - told >= s->rows_step))
            tell(c, &told, first + at + some);
    }
    return total;
}

/* Predictions of a block: z = sum_c w_c x_c, over columns; and its gradient: grad_c += slope . x_c. */
typedef struct block {
    ptrdiff_t first, count; /* rows of X */
    double z[block_max];    /* or floats, in the same place */
} block;

static ptrdiff_t point_to_columns(const dopt__few *s, const block *b, ptrdiff_t from, const void **columns)
{
    const ptrdiff_t some = at_most(s->x.cols - from, chunk);
    for (ptrdiff_t i = 0; i < some; i++)
        columns[i] = element(s, b->first, from + i);
    return some;
}

static void predict_block(const dopt__few *s, ptrdiff_t output, block *b)
{
    const void *columns[chunk];
    memset(b->z, 0, sizeof b->z);
    for (ptrdiff_t from = 0; from < s->x.cols; from += chunk) {
        const ptrdiff_t some = point_to_columns(s, b, from, columns);
        s->lines->add(some, columns, b->count, (const char *)part_of(s, s->w, output) + (size_t)from * s->size, b->z);
    }
}

static void pull_block(const dopt__few *s, const block *b, double *grad)
{
    const void *columns[chunk];
    union {
        double wide[chunk];
        float narrow[chunk];
    } along;
    for (ptrdiff_t from = 0; from < s->x.cols; from += chunk) {
        const ptrdiff_t some = point_to_columns(s, b, from, columns);
        s->lines->dot(some, columns, b->count, b->z, &along);
        for (ptrdiff_t i = 0; i < some; i++)
            grad[from + i] += s->x.dtype == DOPT_F64 ? along.wide[i] : (double)along.narrow[i];
    }
}

/* Predictions become slopes. */
static double judge_block(const dopt__few *s, block *b, const double *target)
{
    if (s->x.dtype == DOPT_F64)
        return dopt__loss_piece(s->pass.loss, b->count, b->z, target, b->z);
    double wide[block_max];
    float *narrow = (float *)(void *)b->z;
    for (ptrdiff_t i = 0; i < b->count; i++)
        wide[i] = (double)narrow[i];
    const double sum = dopt__loss_piece(s->pass.loss, b->count, wide, target, wide);
    for (ptrdiff_t i = 0; i < b->count; i++)
        narrow[i] = (float)wide[i];
    return sum;
}

/* A leaf, column by column within blocks of rows that follow each other. */
static double leaf_by_columns(const call *c, ptrdiff_t first, ptrdiff_t count, double *grad)
{
    const dopt__few *s = c->few;
    const ptrdiff_t fitting = (ptrdiff_t)(block_elements / (double)s->x.cols) / 16 * 16;
    const ptrdiff_t rows = fitting < 16 ? 16 : at_most(fitting, block_max);
    double total = 0.0, buffer[block_max];
    for (ptrdiff_t at = 0; at < count; at += rows) {
        block b = { .first = c->batch->first + first + at, .count = at_most(count - at, rows) };
        for (ptrdiff_t output = 0; output < s->y.cols; output++) {
            predict_block(s, output, &b);
            total += judge_block(s, &b, load_targets(c, output, first + at, b.count, buffer));
            if (grad)
                pull_block(s, &b, grad + output * s->d);
        }
    }
    return total;
}

/* The first rows of a list are on their way while everything else is made ready. */
static void fetch_first(const dopt__few *s, const dopt_batch *batch)
{
    enum { line = 64, lines_most = 256 };
    const ptrdiff_t lines = at_most(s->x.cols * (ptrdiff_t)s->size / line + 1, lines_most / DOPT__AHEAD);
    for (ptrdiff_t i = 0; i < at_most(batch->count, DOPT__AHEAD); i++)
        for (ptrdiff_t l = 0; l < lines; l++)
            __builtin_prefetch((const char *)element(s, batch->rows[i], 0) + l * line);
}

static void do_leaf(void *argument, int leaf, int worker)
{
    const call *c = argument;
    dopt__few *s = c->few;
    const ptrdiff_t first = (ptrdiff_t)leaf * c->leaf_rows, count = at_most(c->batch->count - first, c->leaf_rows);
    double *grad = c->want_grad ? s->partials + (ptrdiff_t)leaf * s->weights : NULL;
    if (grad)
        memset(grad, 0, (size_t)s->weights * sizeof *grad);
    if (s->by_rows || c->batch->rows)
        s->values[leaf] = leaf_by_rows(c, first, count, s->scratch + (size_t)worker * s->scratch_of, grad);
    else
        s->values[leaf] = leaf_by_columns(c, first, count, grad);
}

/* Leaf i takes in leaf i + step, for steps 1, 2, 4, ... */
static void add_pairs(dopt__few *s, int leaves, bool want_grad)
{
    const ptrdiff_t n = s->weights;
    for (int step = 1; step < leaves; step *= 2)
        for (int i = 0; i + step < leaves; i += 2 * step) {
            s->values[i] += s->values[i + step];
            double *to = s->partials + i * n;
            const double *from = s->partials + (i + step) * n;
            for (ptrdiff_t c = 0; want_grad && c < n; c++)
                to[c] += from[c];
        }
}

double dopt__few_eval(dopt__few *few, dopt_cmat w, const dopt_batch *batch, bool want_grad, const double **grad)
{
    const dopt_batch all = { NULL, 0, few->x.rows };
    const dopt_mat packed = { few->w, w.rows, w.cols, w.cols, 1, w.dtype };
    call c = { few, batch ? batch : &all, 0, want_grad };
    c.leaf_rows = rows_of_leaf(few, c.batch->count);
    const int leaves = leaf_count(c.batch->count, c.leaf_rows);
    if (c.batch->rows && few->by_rows)
        fetch_first(few, c.batch);
    dopt__copy(1.0, w, packed);
    dopt__pool_run(few->pool, leaves, do_leaf, &c);
    add_pairs(few, leaves, want_grad);
    *grad = few->partials;
    return few->values[0];
}
