/* SPDX-License-Identifier: MIT */
/*
 * One evaluation over all ranks.
 *
 * Sums travel, not means: of the gradient, the loss and the rows, so that ranks may have different numbers of them.
 * Behind them, in the same message, go the marks by which all ranks come to the same end: how many failed, and
 * checksums of what must be the same everywhere. A rank that cannot evaluate sends zeros and its mark.
 *
 * Reproducible sums go by the tree instead, block after block. What decides about failure is whole numbers then, which
 * are exact in any order, in a small message of their own.
 */

#include "mpi/shards.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "mpi/agree.h"

enum { pieces_max = 8 };

static const char func[] = "dopt_objective_eval";

static uint64_t mix(uint64_t hash, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static double element(dopt_cmat m, ptrdiff_t r, ptrdiff_t c)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[at] : (double)((const float *)m.data)[at];
}

/* A whole number small enough that sums of its squares over all ranks, times the ranks, are exact. */
static double checksum(const dopt__shards *s, dopt_cmat w, const dopt_batch *batch, bool want_grad)
{
    const uint64_t room = ((uint64_t)1 << 26) / (uint64_t)s->ranks, most = (uint64_t)1 << 15;
    uint64_t hash = (batch ? 1u : 2u) + (want_grad ? 4u : 0u);
    for (ptrdiff_t r = 0; r < w.rows; r++)
        for (ptrdiff_t c = 0; c < w.cols; c++)
            hash = mix(hash, element(w, r, c));
    if (batch && s->all > 0) {
        hash = mix(hash, (double)batch->count);
        if (!batch->rows)
            hash = mix(hash, (double)batch->first);
        for (ptrdiff_t i = 0; i < batch->count && batch->rows; i++)
            hash = mix(hash, (double)batch->rows[i]);
    }
    return (double)((hash >> 20) % (room < most ? room + 1 : most));
}

/* The part of a batch that is here, in this rank's own numbers; count 0: nothing is. `mine` NULL rows and all of them
 * for a NULL batch. */
static dopt_status share_of(dopt__shards *s, const dopt_batch *batch, dopt_batch *mine)
{
    const dopt_batch whole = { NULL, 0, s->rows };
    *mine = whole;
    if (!batch)
        return DOPT_OK;
    mine->count = 0;
    if (!batch->rows) {
        const ptrdiff_t from = batch->first - s->first, to = from + batch->count;
        const ptrdiff_t low = from > 0 ? from : 0, high = to < s->rows ? to : s->rows;
        mine->first = low;
        mine->count = high > low ? high - low : 0;
        return DOPT_OK;
    }
    mine->rows = s->listed;
    for (ptrdiff_t i = 0; i < batch->count; i++) {
        const ptrdiff_t row = batch->rows[i] - s->first;
        if (row < 0 || row >= s->rows)
            continue;
        if (mine->count == s->rows)
            return dopt__mpi_fail(DOPT_ERR_INVALID, func,
                                  "batch has more entries for this rank's rows than it has rows, %td", s->rows);
        s->listed[mine->count++] = row;
    }
    return DOPT_OK;
}

/* Rows first ... first + rows - 1 of s->part, times `count`, to the sums of a gradient. */
static void add_part(const dopt__shards *s, ptrdiff_t first, ptrdiff_t rows, double count, double *sums)
{
    const ptrdiff_t from = first * s->d, to = (first + rows) * s->d;
    for (ptrdiff_t i = from; i < to; i++)
        sums[i] += count * (s->dtype == DOPT_F64 ? ((const double *)s->part.data)[i]
                                                 : (double)((const float *)s->part.data)[i]);
}

/* Loss and, if wanted, gradient of some rows, as sums. `batch` NULL: all rows, by the fastest route. */
static dopt_status add_rows(dopt__shards *s, dopt_cmat w, const dopt_batch *batch, double count, bool want_grad,
                            double *sums, double *value)
{
    double mean;
    DOPT__MPI_TRY(dopt_objective_eval(s->local, w, batch, &mean, want_grad ? s->part : dopt_mat_none()));
    *value += count * mean;
    if (want_grad)
        add_part(s, 0, s->k, count, sums);
    return DOPT_OK;
}

/* The same for some outputs. */
static dopt_status add_outputs(dopt__shards *s, dopt_cmat w, const dopt_batch *batch, double count, ptrdiff_t first,
                               ptrdiff_t outputs, bool want_grad)
{
    double mean;
    dopt_mat grad = s->part;
    grad.data = (char *)grad.data + (size_t)(first * s->d) * (s->dtype == DOPT_F64 ? sizeof(double) : sizeof(float));
    grad.rows = outputs;
    DOPT__MPI_TRY(
        dopt_objective_eval_outputs(s->local, w, batch, first, outputs, &mean, want_grad ? grad : dopt_mat_none()));
    s->sums[s->k * s->d + DOPT__VALUE] += count * mean;
    if (want_grad)
        add_part(s, first, outputs, count, s->sums);
    return DOPT_OK;
}

/* What an evaluation works on. */
typedef struct call {
    dopt__shards *s;
    dopt_cmat w;
    const dopt_batch *batch; /* the caller's */
    dopt_batch mine;         /* its part here */
    bool want_grad;
} call;

static double weight_of(const call *c)
{
    return c->s->all == 0 ? 1.0 : (double)c->mine.count;
}

/* One piece of the outputs: all of them, if there is one piece. */
static dopt_status add_piece(const call *c, ptrdiff_t first, ptrdiff_t outputs)
{
    dopt__shards *s = c->s;
    const dopt_batch *batch = s->all == 0 ? c->batch : c->batch ? &c->mine : NULL;
    if (!s->local || (s->all > 0 && c->mine.count == 0))
        return DOPT_OK;
    if (s->pieces == 1)
        return add_rows(s, c->w, batch, weight_of(c), c->want_grad, s->sums, s->sums + s->k * s->d + DOPT__VALUE);
    return add_outputs(s, c->w, batch, weight_of(c), first, outputs, c->want_grad);
}

/* The marks of this rank; `w` data NULL: it refuses. */
static void set_marks(const call *c, dopt_status status, double *extra)
{
    const double sum = c->w.data ? checksum(c->s, c->w, c->batch, c->want_grad) : 0.0;
    extra[DOPT__COUNT] = weight_of(c);
    extra[DOPT__FAILURES] = status == DOPT_OK ? 0.0 : 1.0;
    extra[DOPT__WATCHES] = c->s->watching ? 1.0 : 0.0;
    extra[DOPT__SUM] = sum;
    extra[DOPT__SQUARES] = sum * sum;
}

/* What all ranks make of the marks, alike. */
static dopt_status judge(dopt__shards *s, dopt_status status, const double *extra)
{
    if (extra[DOPT__FAILURES] > 0.0)
        return dopt_mpi_agree(s->comm, status);
    s->watched = extra[DOPT__WATCHES] > 0.0;
    if ((double)s->ranks * extra[DOPT__SQUARES] != extra[DOPT__SUM] * extra[DOPT__SUM])
        return dopt_fail(DOPT_ERR_INVALID, func, "w, batch or the wish for a gradient differs between ranks");
    return DOPT_OK;
}

/* Let reductions that are under way go on. */
static void progress(int count, MPI_Request *requests)
{
    int done;
    MPI_Status statuses[pieces_max];
    (void)MPI_Testall(count, requests, &done, statuses);
}

/* Compute piece after piece, and reduce each while the next one is computed. */
static dopt_status sum_by_reduction(const call *c, dopt_status status)
{
    dopt__shards *s = c->s;
    const ptrdiff_t k = s->k, d = s->d;
    MPI_Request requests[pieces_max];
    MPI_Status statuses[pieces_max];
    double *extra = s->sums + k * d;
    int code = MPI_SUCCESS;
    memset(s->sums, 0, (size_t)(k * d + DOPT__EXTRA) * sizeof *s->sums);
    for (int i = 0; i < s->pieces && code == MPI_SUCCESS; i++) {
        const ptrdiff_t first = k * i / s->pieces, end = k * (i + 1) / s->pieces;
        const bool last = i == s->pieces - 1;
        if (status == DOPT_OK)
            status = add_piece(c, first, end - first);
        if (last)
            set_marks(c, status, extra);
        const ptrdiff_t count = (end - first) * d + (last ? DOPT__EXTRA : 0);
        code =
            MPI_Iallreduce(MPI_IN_PLACE, s->sums + first * d, (int)count, MPI_DOUBLE, MPI_SUM, s->comm, &requests[i]);
        if (!last && code == MPI_SUCCESS)
            progress(i + 1, requests);
    }
    DOPT__MPI_TRY(dopt__mpi_status(func, code));
    DOPT__MPI_TRY(dopt__mpi_status(func, MPI_Waitall(s->pieces, requests, statuses)));
    return judge(s, status, extra);
}

static dopt_status sum_at_once(const call *c, dopt_status status)
{
    dopt__shards *s = c->s;
    double *extra = s->sums + s->k * s->d;
    const int count = (int)(s->k * s->d + DOPT__EXTRA);
    memset(s->sums, 0, (size_t)count * sizeof *s->sums);
    if (status == DOPT_OK)
        status = add_piece(c, 0, s->k);
    set_marks(c, status, extra);
    DOPT__MPI_TRY(dopt__mpi_status(func, MPI_Allreduce(MPI_IN_PLACE, s->sums, count, MPI_DOUBLE, MPI_SUM, s->comm)));
    return judge(s, status, extra);
}

/* A list of rows block by block, each block's in the order of the list. */
static void sort_by_block(dopt__shards *s, const dopt_batch *mine)
{
    const ptrdiff_t blocks = s->blocks[s->rank + 1] - s->blocks[s->rank];
    memset(s->starts, 0, (size_t)(blocks + 2) * sizeof *s->starts);
    for (ptrdiff_t i = 0; i < mine->count; i++)
        s->starts[mine->rows[i] / s->block_rows + 2]++;
    for (ptrdiff_t b = 2; b <= blocks; b++)
        s->starts[b + 1] += s->starts[b];
    for (ptrdiff_t i = 0; i < mine->count; i++)
        s->sorted[s->starts[mine->rows[i] / s->block_rows + 1]++] = mine->rows[i];
}

/* The part of the batch that is in a block, a number within this rank. */
static dopt_batch within_block(const call *c, ptrdiff_t block)
{
    const dopt__shards *s = c->s;
    const ptrdiff_t first = block * s->block_rows, after = first + s->block_rows;
    dopt_batch part = { NULL, first, 0 };
    if (c->mine.rows) {
        part.rows = s->sorted + s->starts[block];
        part.count = s->starts[block + 1] - s->starts[block];
        return part;
    }
    const ptrdiff_t end = c->mine.first + c->mine.count < after ? c->mine.first + c->mine.count : after;
    part.first = c->mine.first > first ? c->mine.first : first;
    part.count = end > part.first ? end - part.first : 0;
    return part;
}

static dopt_status sum_block(ptrdiff_t block, double *sums, void *user)
{
    const call *c = user;
    const dopt_batch part = within_block(c, block - c->s->blocks[c->s->rank]);
    if (part.count == 0)
        return DOPT_OK;
    return add_rows(c->s, c->w, &part, (double)part.count, c->want_grad, sums, sums + c->s->k * c->s->d);
}

static dopt_status sum_by_tree(const call *c, dopt_status status)
{
    dopt__shards *s = c->s;
    const ptrdiff_t all = s->k * s->d;
    double *extra = s->sums + all, *sums;
    if (status == DOPT_OK && c->mine.rows)
        sort_by_block(s, &c->mine);
    if (status == DOPT_OK)
        status = dopt__tree_local(s->tree, sum_block, (void *)c);
    memset(extra, 0, DOPT__EXTRA * sizeof *extra);
    set_marks(c, status, extra);
    DOPT__MPI_TRY(
        dopt__mpi_status(func, MPI_Allreduce(MPI_IN_PLACE, extra, DOPT__EXTRA, MPI_DOUBLE, MPI_SUM, s->comm)));
    DOPT__MPI_TRY(judge(s, status, extra));
    DOPT__MPI_TRY(dopt__tree_join(s->tree, func, &sums));
    memcpy(s->sums, sums, (size_t)all * sizeof *sums);
    extra[DOPT__VALUE] = sums[all];
    return DOPT_OK;
}

/* The mean to the caller, if all of it is finite. */
static dopt_status hand_out(const dopt__shards *s, double *value, dopt_mat grad)
{
    const double *extra = s->sums + s->k * s->d, count = extra[DOPT__COUNT];
    const double limit = grad.dtype == DOPT_F32 ? (double)FLT_MAX : DBL_MAX;
    bool finite = isfinite(extra[DOPT__VALUE] / count);
    for (ptrdiff_t i = 0; i < s->k * s->d && grad.data; i++)
        finite = finite && fabs(s->sums[i] / count) <= limit;
    if (!finite)
        return dopt_fail(DOPT_ERR_NONFINITE, func, "value or gradient at this w overflow, w or the data are too large");
    *value = extra[DOPT__VALUE] / count;
    for (ptrdiff_t r = 0; r < s->k && grad.data; r++)
        for (ptrdiff_t c = 0; c < s->d; c++) {
            const ptrdiff_t at = r * grad.row_stride + c * grad.col_stride;
            const double x = s->sums[r * s->d + c] / count;
            if (grad.dtype == DOPT_F64)
                ((double *)grad.data)[at] = x;
            else
                ((float *)grad.data)[at] = (float)x;
        }
    return DOPT_OK;
}

static dopt_status run(const call *c, dopt_status status)
{
    if (c->s->tree)
        return sum_by_tree(c, status);
    return c->s->pieces > 1 ? sum_by_reduction(c, status) : sum_at_once(c, status);
}

dopt_status dopt__shards_eval(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *state)
{
    dopt__shards *s = state;
    call c = { s, w, batch, { NULL, 0, 0 }, grad.data != NULL };
    const dopt_status status = s->all > 0 ? share_of(s, batch, &c.mine) : DOPT_OK;
    DOPT__MPI_TRY(run(&c, status));
    return hand_out(s, value, grad);
}

dopt_status dopt__shards_refuse(dopt_status status, void *state)
{
    const call c = { .s = state };
    return run(&c, status);
}

dopt_status dopt__shards_agree(int *choice, void *state)
{
    dopt__shards *s = state;
    if (!s->watched)
        return DOPT_OK;
    return dopt__mpi_status("dopt_trainer_step", MPI_Allreduce(MPI_IN_PLACE, choice, 1, MPI_INT, MPI_MAX, s->comm));
}

void dopt__shards_watch(int on, void *state)
{
    dopt__shards *s = state;
    s->watching = on != 0;
}
