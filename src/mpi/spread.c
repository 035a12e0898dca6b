/* SPDX-License-Identifier: MIT */
/* Which rows a rank has, and sums over them that are not of an objective. */

#include "mpi/spread.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "mpi/agree.h"
#include "mpi/tree.h"

ptrdiff_t dopt_mpi_block_rows(ptrdiff_t cols)
{
    static const double bytes = 131072.0;
    const ptrdiff_t fitting = cols < 1 ? 0 : (ptrdiff_t)(bytes / (8.0 * (double)cols));
    return fitting <= 64 ? 64 : (fitting + 63) / 64 * 64;
}

void dopt_mpi_split(ptrdiff_t rows, ptrdiff_t block_rows, int parts, int part, ptrdiff_t *first, ptrdiff_t *count)
{
    const ptrdiff_t blocks = rows / block_rows + (rows % block_rows > 0);
    const ptrdiff_t each = blocks / parts, more = blocks % parts; /* the first `more` parts have one more */
    const ptrdiff_t at = each * part + (part < more ? part : more), some = each + (part < more);
    *first = at < blocks ? at * block_rows : rows;
    *count = (at + some < blocks ? (at + some) * block_rows : rows) - *first;
}

dopt_status dopt__spread_rows(const char *func, MPI_Comm comm, ptrdiff_t rows, ptrdiff_t *starts)
{
    int ranks;
    long long mine = rows;
    (void)MPI_Comm_size(comm, &ranks);
    long long *all = dopt__mpi_alloc(NULL, (size_t)ranks, sizeof *all);
    DOPT__MPI_TRY(dopt_mpi_agree(comm, all ? DOPT_OK : dopt_fail(DOPT_ERR_NOMEM, func, "no memory for the ranks")));
    const dopt_status status =
        dopt__mpi_status(func, MPI_Allgather(&mine, 1, MPI_LONG_LONG, all, 1, MPI_LONG_LONG, comm));
    starts[0] = 0;
    for (int r = 0; r < ranks && status == DOPT_OK; r++)
        starts[r + 1] = starts[r] + (ptrdiff_t)all[r];
    dopt__mpi_release(NULL, all);
    return status;
}

dopt_status dopt__spread_blocks(const char *func, int ranks, ptrdiff_t block_rows, ptrdiff_t *starts)
{
    const ptrdiff_t all = starts[ranks];
    for (int r = 0; r < ranks; r++)
        if (starts[r] % block_rows != 0 && starts[r] != all)
            return dopt__mpi_fail(DOPT_ERR_INVALID, func,
                                  "rank %d starts at row %td, must be at a multiple of block_rows, %td", r, starts[r],
                                  block_rows);
    for (int r = 0; r <= ranks; r++)
        starts[r] = starts[r] / block_rows + (starts[r] % block_rows > 0);
    return DOPT_OK;
}

/* A sum of blocks, as the tree sees it. */
typedef struct sum {
    dopt_mpi_block_fn fn;
    void *user;
    ptrdiff_t block_rows, all;
} sum;

static dopt_status sum_block(ptrdiff_t block, double *sums, void *user)
{
    const sum *s = user;
    const ptrdiff_t first = block * s->block_rows, left = s->all - first;
    return s->fn(first, left < s->block_rows ? left : s->block_rows, sums, s->user);
}

static dopt_status sum_over(MPI_Comm comm, sum *s, ptrdiff_t rows, ptrdiff_t n, ptrdiff_t *starts, double *sums)
{
    static const char func[] = "dopt_mpi_sum";
    int ranks;
    double *found;
    (void)MPI_Comm_size(comm, &ranks);
    DOPT__MPI_TRY(dopt__spread_rows(func, comm, rows, starts));
    s->all = starts[ranks];
    DOPT__MPI_TRY(dopt__spread_blocks(func, ranks, s->block_rows, starts)); /* fails everywhere or nowhere */
    if (s->all == 0) {
        memset(sums, 0, (size_t)n * sizeof *sums);
        return DOPT_OK;
    }
    dopt__tree *tree = dopt__tree_create(comm, starts, n, NULL);
    dopt_status status = tree ? dopt__tree_local(tree, sum_block, s)
                              : dopt__mpi_fail(DOPT_ERR_NOMEM, func, "no memory for sums of %td numbers", n);
    status = dopt_mpi_agree(comm, status);
    if (status == DOPT_OK)
        status = dopt__tree_join(tree, func, &found);
    if (status == DOPT_OK)
        memcpy(sums, found, (size_t)n * sizeof *sums);
    dopt__tree_destroy(tree);
    return status;
}

static dopt_status check_sum(const char *func, ptrdiff_t rows, ptrdiff_t block_rows, ptrdiff_t n, const double *sums)
{
    if (!sums)
        return dopt_fail(DOPT_ERR_INVALID, func, "sums is NULL, must point to n numbers");
    if (rows < 0)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "rows is %td, must be >= 0", rows);
    if (block_rows < 1)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "block_rows is %td, must be >= 1", block_rows);
    if (n < 1 || n > INT_MAX)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "n is %td, must be in [1, %d]", n, INT_MAX);
    return DOPT_OK;
}

dopt_status dopt_mpi_sum(MPI_Comm comm, ptrdiff_t rows, ptrdiff_t block_rows, ptrdiff_t n, dopt_mpi_block_fn fn,
                         void *user, double *sums)
{
    MPI_Comm own;
    int ranks;
    DOPT__MPI_TRY(dopt__mpi_duplicate(__func__, comm, &own));
    (void)MPI_Comm_size(own, &ranks);
    ptrdiff_t *starts = dopt__mpi_alloc(NULL, (size_t)ranks + 1, sizeof *starts);
    dopt_status status = check_sum(__func__, rows, block_rows, n, sums);
    if (status == DOPT_OK && !fn)
        status = dopt_fail(DOPT_ERR_INVALID, __func__, "fn is NULL, must be a function");
    if (status == DOPT_OK && !starts)
        status = dopt_fail(DOPT_ERR_NOMEM, __func__, "no memory for the ranks");
    status = dopt_mpi_agree(own, status);
    sum s = { fn, user, block_rows, 0 };
    if (status == DOPT_OK)
        status = dopt__spread_same(__func__, own, 2, (const double[]){ (double)block_rows, (double)n },
                                   (const char *const[]){ "block_rows", "n" });
    if (status == DOPT_OK)
        status = sum_over(own, &s, rows, n, starts, sums);
    dopt__mpi_release(NULL, starts);
    (void)MPI_Comm_free(&own);
    return status;
}

dopt_status dopt__spread_same(const char *func, MPI_Comm comm, int count, const double *values,
                              const char *const *names)
{
    enum { most = 16 };
    double range[2 * most]; /* the largest, and the largest of the negatives */
    for (int i = 0; i < count; i++) {
        range[i] = values[i];
        range[count + i] = -values[i];
    }
    DOPT__MPI_TRY(dopt__mpi_status(func, MPI_Allreduce(MPI_IN_PLACE, range, 2 * count, MPI_DOUBLE, MPI_MAX, comm)));
    for (int i = 0; i < count; i++)
        if (range[i] != -range[count + i])
            return dopt__mpi_fail(DOPT_ERR_INVALID, func,
                                  "%s is %.15g on one rank and %.15g on another, must be the same", names[i],
                                  -range[count + i], range[i]);
    return DOPT_OK;
}
