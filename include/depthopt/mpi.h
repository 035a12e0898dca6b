/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_H
#define DEPTHOPT_MPI_H

/**
 * @file depthopt/mpi.h
 * The same objective on many machines: rows are spread over the ranks of an MPI communicator, weights are not.
 *
 * A library of its own, libdepthopt-mpi (pkg-config: depthopt-mpi); depthopt.h does not include this header.
 *
 * All functions with a communicator, or with a handle made from one, are collective: all its ranks call them in the
 * same order. They return the same status on all ranks: where some ranks fail, that of the lowest of them, whose number
 * the last error names. A failure of MPI itself is DOPT_ERR_IO; it may be seen by some ranks alone, and the
 * communicator is then not to be used again.
 *
 * MPI must be initialised, at MPI_THREAD_SINGLE at least; handles are destroyed before MPI_Finalize().
 * Thread safety: one thread at a time per handle, and for MPI levels below MPI_THREAD_MULTIPLE one thread in all.
 */

#include <stddef.h>

#include <mpi.h>

#include <depthopt/alloc.h>
#include <depthopt/loss.h>
#include <depthopt/mat.h>
#include <depthopt/objective.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * One status for all ranks, after each has done something by itself: status = dopt_mpi_agree(comm, open_my_file()).
 *
 * @return DOPT_OK if all ranks have it; else the status of the lowest rank that has not, whose last error all get
 */
DOPT_API dopt_status dopt_mpi_agree(MPI_Comm comm, dopt_status status);

/**
 * An objective whose rows are spread over the ranks: mean loss and gradient over the rows of all. Whatever takes an
 * objective takes it: fit, trainers, dopt_lr_search(), with the same calls on all ranks. Rows are numbered through the
 * ranks, so that batches are those of one machine with all rows.
 *
 * @param[in]  comm   duplicated
 * @param[in]  local  this rank's objective; borrowed by the result and its clones, and not to be used in between two
 *                    evaluations by another thread. All of one shape, dtype and loss. A custom objective has no rows:
 *                    the result is the mean over ranks, w is float64, and a batch is handed on to each as
 *                    it is. NULL says that this
 *                    rank could not make one: the call fails everywhere, with this rank's last error.
 * @param[out] out    to be freed with dopt_objective_destroy(), collective; untouched on failure
 *
 * Evaluation: one Allreduce of k d + 6 doubles, also where no gradient is wanted; for large k d, elementwise losses and
 * DOPT_ROUTE_PRODUCTS up to 8 of parts of it, each while the next part is computed. W must be the same on all ranks: a
 * rank with other weights, or with another batch, is found out by a checksum of 15 bits and fails the evaluation with
 * DOPT_ERR_INVALID. Allocates nothing (what MPI does aside). A trainer with a clock or a callback, on any rank, adds an
 * Allreduce of one int a step, and stops on all ranks if one stops. Clones duplicate the communicator: cloning is
 * collective. Batches: at most as many entries for a rank's rows as it has rows.
 * Accuracy: agrees with one machine to rounding; for the same bits see dopt_mpi_objective_options.
 *
 * Memory: 2 k d doubles a rank.
 *
 * @retval DOPT_ERR_INVALID  `local` is NULL on a rank, or the ranks have different losses
 * @retval DOPT_ERR_SHAPE    the ranks have objectives of different shapes
 * @retval DOPT_ERR_DTYPE    or of different dtypes
 * @retval DOPT_ERR_NOMEM    no memory
 * @retval DOPT_ERR_IO       MPI failed
 */
DOPT_API dopt_status dopt_mpi_objective_create(MPI_Comm comm, dopt_objective *local, dopt_objective **out);

/** Start from DOPT_MPI_OBJECTIVE_OPTIONS_INIT; the same on all ranks; later releases append fields. */
typedef struct dopt_mpi_objective_options {
    size_t struct_size; /**< Set by the initializer. */
    /**
     * Not 0: the same bits on any number of ranks. Sums follow a tree over blocks of rows of the whole data set, as
     * many messages deep as log2 of the ranks, in place of the Allreduce, and no part of one runs ahead. A rank's rows
     * must start and end between blocks: dopt_mpi_split() says where. Each rank sums block by block, without
     * DOPT_ROUTE_REDUCED; its BLAS must have the same number of threads on all ranks. Memory: up to 3 log2(blocks) k d
     * doubles more. Default 0.
     */
    int reproducible;
    ptrdiff_t block_rows;     /**< Rows of such a block, in [1, 2147483647]. Default 0: dopt_mpi_block_rows(d). */
    dopt_allocator allocator; /**< Default: malloc and free. */
} dopt_mpi_objective_options;

/** Initializer of dopt_mpi_objective_options: all defaults. */
#define DOPT_MPI_OBJECTIVE_OPTIONS_INIT { sizeof(dopt_mpi_objective_options), 0, 0, { NULL, NULL, NULL } }

/**
 * The same from data: each rank's rows, which may be none.
 *
 * @param[in]  x, y          as for dopt_objective_create_data(); `rows` 0 (`data` is not looked at): this rank has
 *                           none, but cols and dtype count
 * @param[in]  loss          borrowed, as x and y
 * @param[in]  data_options  NULL for the defaults; DOPT_REDUCTION_OFF is set where `reproducible` is
 * @param[in]  options       NULL for the defaults
 * @param[out] out           as for dopt_mpi_objective_create()
 *
 * @retval all of dopt_objective_create_data() and dopt_mpi_objective_create(), on all ranks alike
 * @retval DOPT_ERR_INVALID  also: no rank has rows, or `reproducible` and a rank's rows are not whole blocks
 */
DOPT_API dopt_status dopt_mpi_objective_create_data(MPI_Comm comm, dopt_cmat x, dopt_cmat y, const dopt_loss *loss,
                                                    const dopt_objective_options *data_options,
                                                    const dopt_mpi_objective_options *options, dopt_objective **out);

/** Rows of a block that suit `cols` features: 128 KiB of float64, whole multiples of 64. Not collective. */
DOPT_API ptrdiff_t dopt_mpi_block_rows(ptrdiff_t cols);

/**
 * The rows of one of `parts` ranks: whole blocks, as even as they go; the last block may be short. Some ranks get none
 * where there are fewer blocks than ranks. Not collective, no MPI.
 *
 * @param[in]  rows          m >= 0, of all
 * @param[in]  block_rows    >= 1; 1 for parts that need not be blocks
 * @param[in]  parts, part   >= 1, in [0, parts)
 * @param[out] first, count  not NULL
 */
DOPT_API void dopt_mpi_split(ptrdiff_t rows, ptrdiff_t block_rows, int parts, int part, ptrdiff_t *first,
                             ptrdiff_t *count);

/**
 * The sums of one block of rows: `n` numbers, which are 0 before the call.
 *
 * @param[in] first, count  rows, numbered through the ranks
 */
typedef dopt_status (*dopt_mpi_block_fn)(ptrdiff_t first, ptrdiff_t count, double *sums, void *user);

/**
 * Sums over the rows of all ranks, by the tree of `reproducible`: the same bits on any number of ranks.
 *
 * @param[in]  rows        this rank's; they are numbered through the ranks, and cut as dopt_mpi_split() cuts
 * @param[in]  block_rows  >= 1, the same on all ranks
 * @param[in]  n           numbers, in [1, 2147483647], the same on all ranks
 * @param[in]  fn, user    called for each block of this rank; not NULL
 * @param[out] sums        n numbers, on all ranks; untouched on failure
 *
 * Allocates its workspace for the call.
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, a value is out of range, or a rank's rows are not whole blocks
 * @retval any status that `fn` returned; DOPT_ERR_NOMEM; DOPT_ERR_IO
 */
DOPT_API dopt_status dopt_mpi_sum(MPI_Comm comm, ptrdiff_t rows, ptrdiff_t block_rows, ptrdiff_t n,
                                  dopt_mpi_block_fn fn, void *user, double *sums);

DOPT_END_DECLS

#endif
