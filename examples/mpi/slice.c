/* SPDX-License-Identifier: MIT */
#include "mpi/slice.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/mpi.h>

#include "mpi/npy_slice.h"
#include "support/cells.h"
#include "support/checksum.h"

static void size_and_rank(MPI_Comm comm, int *ranks, int *rank)
{
    (void)MPI_Comm_size(comm, ranks);
    (void)MPI_Comm_rank(comm, rank);
}

/* Whether all ranks are well; else all get the message of the lowest that is not. */
static bool all_well(MPI_Comm comm, bool well, char message[TABLE_MESSAGE])
{
    int ranks, rank, lowest;
    size_and_rank(comm, &ranks, &rank);
    const int mine = well ? ranks : rank;
    (void)MPI_Allreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, comm);
    if (lowest < ranks)
        (void)MPI_Bcast(message, TABLE_MESSAGE, MPI_CHAR, lowest, comm);
    return lowest == ranks;
}

static ptrdiff_t total(MPI_Comm comm, ptrdiff_t count, ptrdiff_t *before)
{
    int ranks, rank;
    long long mine = count, first = 0, all = 0;
    size_and_rank(comm, &ranks, &rank);
    (void)MPI_Exscan(&mine, &first, 1, MPI_LONG_LONG, MPI_SUM, comm);
    (void)MPI_Allreduce(&mine, &all, 1, MPI_LONG_LONG, MPI_SUM, comm);
    *before = rank == 0 ? 0 : (ptrdiff_t)first;
    return (ptrdiff_t)all;
}

/* How many rows go from rank `from`, which has rows first ... first + count - 1, to rank `to`. */
typedef struct deal {
    int *counts, *starts; /* of rows to each rank */
} deal;

static bool deal_out(MPI_Comm comm, ptrdiff_t first, ptrdiff_t count, ptrdiff_t all, ptrdiff_t block_rows, deal *out)
{
    int ranks, rank;
    size_and_rank(comm, &ranks, &rank);
    out->counts = calloc(2 * (size_t)ranks, sizeof *out->counts);
    out->starts = out->counts ? out->counts + ranks : NULL;
    for (int r = 0; r < ranks && out->counts; r++) {
        ptrdiff_t theirs, some;
        dopt_mpi_split(all, block_rows, ranks, r, &theirs, &some);
        const ptrdiff_t from = theirs > first ? theirs : first;
        const ptrdiff_t end = theirs + some < first + count ? theirs + some : first + count;
        out->counts[r] = end > from ? (int)(end - from) : 0;
        out->starts[r] = end > from ? (int)(from - first) : 0;
    }
    return out->counts != NULL;
}

/* Rows of `width` numbers to where `send` says; `take` is the same as the receiving ranks see it. */
static void exchange(MPI_Comm comm, const double *from, const deal *send, double *to, const deal *take, ptrdiff_t width)
{
    MPI_Datatype row;
    (void)MPI_Type_contiguous((int)width, MPI_DOUBLE, &row);
    (void)MPI_Type_commit(&row);
    (void)MPI_Alltoallv(from, send->counts, send->starts, row, to, take->counts, take->starts, row, comm);
    (void)MPI_Type_free(&row);
}

/* Move rows, so that each rank has whole blocks. */
static bool rebalance(MPI_Comm comm, ptrdiff_t block_rows, table *t, char *message)
{
    int ranks, rank;
    ptrdiff_t before, first, count;
    deal send = { NULL, NULL }, take = { NULL, NULL };
    table dealt = { .cols = t->cols };
    size_and_rank(comm, &ranks, &rank);
    const ptrdiff_t all = total(comm, t->rows, &before);
    dopt_mpi_split(all, block_rows, ranks, rank, &first, &count);
    dealt.rows = count;
    dealt.x = malloc(((size_t)count * (size_t)t->cols + 1) * sizeof *dealt.x);
    dealt.y = malloc(((size_t)count + 1) * sizeof *dealt.y);
    bool well = deal_out(comm, before, t->rows, all, block_rows, &send) && dealt.x && dealt.y;
    take.counts = calloc(2 * (size_t)ranks, sizeof *take.counts);
    well = well && take.counts;
    if (!well)
        (void)snprintf(message, TABLE_MESSAGE, "rank %d: out of memory", rank);
    well = all_well(comm, well, message);
    if (well) {
        take.starts = take.counts + ranks;
        (void)MPI_Alltoall(send.counts, 1, MPI_INT, take.counts, 1, MPI_INT, comm);
        for (int r = 1; r < ranks; r++)
            take.starts[r] = take.starts[r - 1] + take.counts[r - 1];
        exchange(comm, t->x, &send, dealt.x, &take, t->cols);
        exchange(comm, t->y, &send, dealt.y, &take, 1);
    }
    free(send.counts);
    free(take.counts);
    table_free(t);
    *t = dealt;
    if (!well)
        table_free(t);
    return well;
}

/* As many features as the rank that has seen the most. */
static ptrdiff_t most_of(MPI_Comm comm, ptrdiff_t cols)
{
    long long most = cols;
    (void)MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_LONG_LONG, MPI_MAX, comm);
    return (ptrdiff_t)most;
}

static bool read_text(MPI_Comm comm, const char *path, const char *target, const char *label, table *out, char *message)
{
    int ranks, rank;
    cells found = { 0 };
    size_and_rank(comm, &ranks, &rank);
    bool well = all_well(comm, table_read_part(path, target, label, rank, ranks, &found, message), message);
    const ptrdiff_t cols = most_of(comm, well ? found.cols : 0);
    ptrdiff_t before;
    if (well && total(comm, (ptrdiff_t)found.rows, &before) == 0) {
        table_no_row(path, label, message);
        well = false;
    }
    if (well) {
        const bool made = table_dense(&found, cols, out);
        if (!made)
            (void)snprintf(message, TABLE_MESSAGE, "rank %d: %zu x %td numbers do not fit the memory", rank, found.rows,
                           cols);
        well = all_well(comm, made, message);
    }
    cells_free(&found);
    return well;
}

static bool is_npy(const char *path)
{
    const size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".npy") == 0;
}

/* X and y, each rank the rows that are to be its own: nothing has to move afterwards. */
static bool read_npy(MPI_Comm comm, const char *path, const char *target, ptrdiff_t block_rows, table *out,
                     char *message)
{
    npy_slice x, y;
    int ranks, rank;
    ptrdiff_t first;
    size_and_rank(comm, &ranks, &rank);
    if (!target) {
        (void)snprintf(message, TABLE_MESSAGE, "%s: give the file of the targets as --target", path);
        return false;
    }
    if (!all_well(comm, npy_slice_open(comm, path, &x, message), message))
        return false;
    if (!all_well(comm, npy_slice_open(comm, target, &y, message), message)) {
        npy_slice_close(&x);
        return false;
    }
    bool well = x.rows == y.rows && y.cols == 1;
    if (!well)
        (void)snprintf(message, TABLE_MESSAGE, "%s is %td x %td, must have one number for each of the %td rows of %s",
                       target, y.rows, y.cols, x.rows, path);
    const ptrdiff_t block = block_rows > 0 ? block_rows : dopt_mpi_block_rows(x.cols);
    dopt_mpi_split(x.rows, block, ranks, rank, &first, &out->rows);
    out->cols = x.cols;
    out->x = malloc(((size_t)out->rows * (size_t)x.cols + 1) * sizeof *out->x);
    out->y = malloc(((size_t)out->rows + 1) * sizeof *out->y);
    if (well && !(out->x && out->y)) {
        (void)snprintf(message, TABLE_MESSAGE, "rank %d: out of memory", rank);
        well = false;
    }
    well = all_well(comm, well, message);
    well = well && all_well(comm, npy_slice_read(&x, first, out->rows, out->x, message), message);
    well = well && all_well(comm, npy_slice_read(&y, first, out->rows, out->y, message), message);
    npy_slice_close(&x);
    npy_slice_close(&y);
    return well;
}

bool slice_read(MPI_Comm comm, const char *path, const char *target, const char *label, ptrdiff_t block_rows,
                table *out, char message[TABLE_MESSAGE])
{
    const table none = { 0 };
    *out = none;
    memset(message, 0, TABLE_MESSAGE);
    bool well = is_npy(path) ? read_npy(comm, path, target, block_rows, out, message)
                             : read_text(comm, path, target, label, out, message);
    if (well && !is_npy(path))
        well = rebalance(comm, block_rows > 0 ? block_rows : dopt_mpi_block_rows(out->cols), out, message);
    if (!well)
        table_free(out);
    return well;
}

bool slice_keep(MPI_Comm comm, ptrdiff_t block_rows, table *t)
{
    int ranks, rank;
    ptrdiff_t first, count;
    size_and_rank(comm, &ranks, &rank);
    dopt_mpi_split(t->rows, block_rows > 0 ? block_rows : dopt_mpi_block_rows(t->cols), ranks, rank, &first, &count);
    memmove(t->x, t->x + first * t->cols, (size_t)(count * t->cols) * sizeof *t->x);
    memmove(t->y, t->y + first, (size_t)count * sizeof *t->y);
    t->rows = count;
    return true;
}

uint64_t slice_checksum(MPI_Comm comm, const table *t)
{
    ptrdiff_t before;
    (void)total(comm, t->rows, &before);
    uint64_t sum = checksum_table(t, before);
    (void)MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, comm);
    return sum;
}

/* What a block adds: for each column, and the target after them, sum and square sum of the distance from the shift. */
typedef struct moments {
    const table *t;
    const double *shift;
    ptrdiff_t before; /* rows of the ranks before this one */
} moments;

static dopt_status add_moments(ptrdiff_t first, ptrdiff_t count, double *sums, void *user)
{
    const moments *m = user;
    const ptrdiff_t d = m->t->cols;
    for (ptrdiff_t i = first - m->before; i < first - m->before + count; i++)
        for (ptrdiff_t c = 0; c <= d; c++) {
            const double x = (c < d ? m->t->x[i * d + c] : m->t->y[i]) - m->shift[c];
            sums[c] += x;
            sums[d + 1 + c] += x * x;
        }
    return DOPT_OK;
}

/* The first row of all, on all ranks. */
static void first_row(MPI_Comm comm, const table *t, double *shift)
{
    int ranks, rank, owner;
    size_and_rank(comm, &ranks, &rank);
    const int mine = t->rows > 0 ? rank : ranks;
    (void)MPI_Allreduce(&mine, &owner, 1, MPI_INT, MPI_MIN, comm);
    if (rank == owner) {
        memcpy(shift, t->x, (size_t)t->cols * sizeof *shift);
        shift[t->cols] = t->y[0];
    }
    (void)MPI_Bcast(shift, (int)t->cols + 1, MPI_DOUBLE, owner, comm);
}

/* x <- (x - mean) / deviation, into which the 2 (d + 1) numbers at `mean` go; columns without variation are dropped. */
static ptrdiff_t apply_moments(table *t, ptrdiff_t all, const double *shift, const double *sums, double *mean)
{
    const ptrdiff_t d = t->cols;
    double *deviation = mean + d + 1;
    ptrdiff_t kept = 0;
    for (ptrdiff_t c = 0; c <= d; c++) {
        const double off = sums[c] / (double)all;
        mean[c] = shift[c] + off;
        deviation[c] = sqrt(fmax(0.0, sums[d + 1 + c] / (double)all - off * off));
        if (!(deviation[c] > 1e4 * DBL_EPSILON * fmax(fabs(mean[c]), fabs(off))))
            deviation[c] = 0.0;
        kept += c < d && deviation[c] > 0.0;
    }
    if (kept == 0 || deviation[d] == 0.0)
        return -1;
    double *to = t->x; /* close the gaps, row after row: the target is never ahead of the source */
    for (ptrdiff_t i = 0; i < t->rows; i++) {
        for (ptrdiff_t c = 0; c < d; c++)
            if (deviation[c] > 0.0)
                *to++ = (t->x[i * d + c] - mean[c]) / deviation[c];
        t->y[i] = (t->y[i] - mean[d]) / deviation[d];
    }
    t->cols = kept;
    return d - kept;
}

ptrdiff_t slice_standardise(MPI_Comm comm, ptrdiff_t block_rows, table *t)
{
    const ptrdiff_t n = 2 * (t->cols + 1), block = block_rows > 0 ? block_rows : dopt_mpi_block_rows(t->cols);
    double *sums = calloc(3 * (size_t)n, sizeof *sums), *shift = sums ? sums + n : NULL; /* and means after it */
    char message[TABLE_MESSAGE] = "";
    moments m = { .t = t };
    ptrdiff_t dropped = -1;
    const ptrdiff_t all = total(comm, t->rows, &m.before);
    if (all_well(comm, sums != NULL, message)) {
        first_row(comm, t, shift);
        m.shift = shift;
        if (dopt_mpi_sum(comm, t->rows, block, n, add_moments, &m, sums) == DOPT_OK)
            dropped = apply_moments(t, all, shift, sums, shift + n);
    }
    free(sums);
    return dropped;
}
