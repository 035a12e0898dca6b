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
#include <depthopt/trainer.h>

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
 *                    the result is the mean over ranks, w is float64, and a batch is handed on to each as it is. NULL
 *                    says that this rank could not make one: the call fails everywhere, with this rank's last error.
 * @param[out] out    to be freed with dopt_objective_destroy(), collective; untouched on failure
 *
 * Evaluation: one Allreduce of k d + 6 doubles, also where no gradient is wanted; for large k d, at most 1024 rows a
 * rank, elementwise losses and DOPT_ROUTE_PRODUCTS up to 8 of parts of it, each while the next part is computed. W must
 * be the same on all ranks: a rank with other weights, or with another batch, is found out by a checksum of 15 bits and
 * fails the evaluation with DOPT_ERR_INVALID. Allocates nothing (what MPI does aside). A trainer with a clock or a
 * callback, on any rank, adds an Allreduce of one int a step, and stops on all ranks if one stops. Clones duplicate the
 * communicator: cloning is collective. Batches: at most as many entries for a rank's rows as it has rows.
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
#define DOPT_MPI_OBJECTIVE_OPTIONS_INIT                                                                                \
    {                                                                                                                  \
        sizeof(dopt_mpi_objective_options), 0, 0,                                                                      \
        {                                                                                                              \
            NULL, NULL, NULL                                                                                           \
        }                                                                                                              \
    }

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

/**
 * The preconditioner of depth (depthopt/e2e.h) for a W that is spread over the ranks itself.
 *
 * The ranks form a grid, and W (k x d) and G are dealt out to it in square blocks, ScaLAPACK's block-cyclic layout: the
 * rank at place (p, q) has the elements whose row belongs to p and whose column to q, in a matrix of their own with
 * dopt_mpi_e2e_local_rows() x dopt_mpi_e2e_local_cols() elements, which may be none. Rank r is at (r / c, r mod c) with
 * c columns of ranks.
 */
typedef struct dopt_mpi_e2e dopt_mpi_e2e;

/** Start from DOPT_MPI_E2E_OPTIONS_INIT; the same on all ranks; later releases append fields. */
typedef struct dopt_mpi_e2e_options {
    size_t struct_size;       /**< Set by the initializer. */
    int grid_rows;            /**< Rows of ranks; divides their number. Default 0: the divisor below its root. */
    int block;                /**< Side of a block, in [1, 4096]. Default 0: 64. */
    dopt_allocator allocator; /**< Default: malloc and free. ScaLAPACK takes buffers of its own besides. */
} dopt_mpi_e2e_options;

/** Initializer of dopt_mpi_e2e_options: all defaults. */
#define DOPT_MPI_E2E_OPTIONS_INIT                                                                                      \
    {                                                                                                                  \
        sizeof(dopt_mpi_e2e_options), 0, 0,                                                                            \
        {                                                                                                              \
            NULL, NULL, NULL                                                                                           \
        }                                                                                                              \
    }

/**
 * Create the workspace for k x d matrices at depth N over all ranks of `comm`, which is duplicated.
 *
 * @param[in]  rows, cols  k and d, in [1, 2147483647], the smaller of them at most 32766
 * @param[in]  depth       N, a real number >= 1, or INFINITY for the limit of P/N
 * @param[in]  options     NULL for the defaults; not kept
 * @param[out] out         to be freed with dopt_mpi_e2e_destroy(); untouched on failure
 *
 * Memory: with n the smaller and m the larger side, 3 n m + 6 n^2 doubles over all ranks, and some n on each.
 *
 * @retval DOPT_ERR_INVALID  `out` is NULL, a value is out of range or differs between ranks, or this library was built
 *                           without ScaLAPACK
 * @retval DOPT_ERR_VERSION  `options` is of another release
 * @retval DOPT_ERR_NOMEM    no memory
 * @retval DOPT_ERR_IO       MPI failed
 */
DOPT_API dopt_status dopt_mpi_e2e_create(MPI_Comm comm, ptrdiff_t rows, ptrdiff_t cols, double depth,
                                         const dopt_mpi_e2e_options *options, dopt_mpi_e2e **out);

/** Free `*e2e` and set it to NULL; collective. `e2e` and `*e2e` may be NULL. */
DOPT_API void dopt_mpi_e2e_destroy(dopt_mpi_e2e **e2e);

/** Rows and columns of this rank's part; 0 for NULL. Not collective, as the next two. */
DOPT_API ptrdiff_t dopt_mpi_e2e_local_rows(const dopt_mpi_e2e *e2e);
DOPT_API ptrdiff_t dopt_mpi_e2e_local_cols(const dopt_mpi_e2e *e2e); /**< See dopt_mpi_e2e_local_rows(). */

/** Where row `local_row` and column `local_col` of this rank's part are in the whole; 0 for NULL. */
DOPT_API ptrdiff_t dopt_mpi_e2e_row(const dopt_mpi_e2e *e2e, ptrdiff_t local_row);
DOPT_API ptrdiff_t dopt_mpi_e2e_col(const dopt_mpi_e2e *e2e, ptrdiff_t local_col); /**< See dopt_mpi_e2e_row(). */

/**
 * out = P_w(grad), each rank with its parts.
 *
 * @param[in]  w, grad  this rank's parts, finite, in any layout; float64 or float32, the same on all ranks
 * @param[out] out      likewise, of the same dtype; may be `w` or `grad` itself, must not overlap them otherwise (not
 *                      checked, but depthopt/mat.h); untouched on failure
 *
 * Cost: that of dopt_e2e_apply() spread over the ranks, without its shortcut for values within a factor of 4: a level
 * of the nested decomposition takes values down to a twentieth of its largest, or, corrected by about three products,
 * over four decades, and each has one ScaLAPACK eigendecomposition. Square blocks of 64 suit n from about 64 times the
 * rows of the grid up.
 * Accuracy: as dopt_e2e_apply() states, for both dtypes. The result depends on the grid in its last bits.
 *
 * @retval DOPT_ERR_INVALID, _SHAPE, _DTYPE  a part is not as described, or the call, lr or weight_decay differs
 *                                           between ranks
 * @retval DOPT_ERR_NONFINITE  w or grad holds a NaN or an infinity
 * @retval DOPT_ERR_NUMERICAL  no convergence, or the result overflows
 * @retval DOPT_ERR_IO         MPI failed
 */
DOPT_API dopt_status dopt_mpi_e2e_apply(dopt_mpi_e2e *e2e, dopt_cmat w, dopt_cmat grad, dopt_mat out);

/**
 * w <- (1 - lr weight_decay N) w - lr P_w(grad), as dopt_e2e_update(), each rank with its parts.
 *
 * @param[in,out] w             this rank's part, as for dopt_mpi_e2e_apply(); untouched on failure
 * @param[in]     grad          likewise; must not overlap `w` (not checked)
 * @param[in] lr, weight_decay  >= 0, finite, the same on all ranks
 *
 * @retval as dopt_mpi_e2e_apply()
 */
DOPT_API dopt_status dopt_mpi_e2e_update(dopt_mpi_e2e *e2e, dopt_mat w, dopt_cmat grad, double lr, double weight_decay);

/**
 * Save and load a run whose objective is over ranks: rank 0 alone writes and reads the file, as dopt_trainer_save() and
 * dopt_trainer_load() do, and all ranks go on from it. The number of ranks may be another one: with `reproducible` the
 * run takes the very steps that it would have taken.
 *
 * @param[in] trainer  of each rank
 * @param[in] path     counts on rank 0
 *
 * @retval all of dopt_trainer_save() and dopt_trainer_load(), on all ranks alike; DOPT_ERR_IO also if MPI failed
 */
DOPT_API dopt_status dopt_mpi_trainer_save(MPI_Comm comm, const dopt_trainer *trainer, const char *path);
DOPT_API dopt_status dopt_mpi_trainer_load(MPI_Comm comm, dopt_trainer *trainer, const char *path); /**< See above. */

DOPT_END_DECLS

#endif
