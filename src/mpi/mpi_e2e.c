/* SPDX-License-Identifier: MIT */
/*
 * The preconditioner over ranks: handles, checks, and matrices in and out. cyclic_basis.c finds the basis,
 * cyclic_product.c multiplies.
 *
 * A tall W is handled as its transpose. The internal grid is the transpose of the caller's then, by the order in which
 * ranks are put on it, so that each rank's elements of W^T are those it has of W.
 */

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include <depthopt/e2e.h>

#include "mpi/agree.h"
#include "mpi/cyclic_basis.h"
#include "mpi/cyclic_product.h"
#include "mpi/spread.h"

/* Entries of which fourth powers, times any extent, are far from overflow and underflow. */
static const double ordinary_min = 1e-40, ordinary_max = 1e40;

enum { block_default = 64, order_max = 32766 };

struct dopt_mpi_e2e {
    dopt_allocator allocator;
    MPI_Comm comm;
    dopt__basis basis;
    ptrdiff_t rows, cols; /* the caller's */
    bool tall;
    double depth;
    double *memory, *null; /* null: k */
};

/* What apply and update have in common: out = keep w + rate P_w(grad). */
typedef struct move {
    const char *func;
    dopt_cmat w, grad;
    dopt_mat out;
    double keep, rate;
    double largest[2]; /* magnitudes in w and grad, over all ranks */
} move;

static bool allocate(dopt_mpi_e2e *e2e)
{
    dopt__basis *b = &e2e->basis;
    const dopt__cyclic wide = dopt__cyclic_over(&b->grid, b->k, b->d, NULL);
    const dopt__cyclic square = dopt__cyclic_over(&b->grid, b->k, b->k, NULL);
    const size_t of_wide = (size_t)wide.local_rows * (size_t)wide.local_cols + 1;
    const size_t of_square = (size_t)square.local_rows * (size_t)square.local_cols + 1;
    dopt__cyclic_eigh_room(&square, &b->doubles, &b->ints);
    double *at = dopt__mpi_alloc(&e2e->allocator, 3 * of_wide + 3 * of_square + 3 * (size_t)b->k + b->doubles,
                                 sizeof *e2e->memory);
    e2e->memory = at;
    b->iwork = dopt__mpi_alloc(&e2e->allocator, b->ints + (size_t)b->k, sizeof *b->iwork);
    if (!at || !b->iwork)
        return false;
    b->group = b->iwork + b->ints;
    b->vt = b->wide = b->y = wide;
    b->u = b->square = b->vectors = square;
    b->vt.at = at;
    b->wide.at = b->vt.at + of_wide;
    b->y.at = b->wide.at + of_wide;
    b->u.at = b->y.at + of_wide;
    b->square.at = b->u.at + of_square;
    b->vectors.at = b->square.at + of_square;
    b->values = b->vectors.at + of_square;
    b->norms = b->values + b->k;
    e2e->null = b->norms + b->k;
    b->work = e2e->null + b->k;
    return true;
}

static int divisor_near_root(int ranks)
{
    int best = 1;
    for (int i = 1; i <= ranks / i; i++)
        if (ranks % i == 0)
            best = i;
    return best;
}

static dopt_status check_numbers(const char *func, ptrdiff_t rows, ptrdiff_t cols, double depth)
{
    const ptrdiff_t small = rows < cols ? rows : cols;
    if (!dopt__has_scalapack())
        return dopt_fail(DOPT_ERR_INVALID, func, "this libdepthopt-mpi was built without ScaLAPACK");
    if (rows < 1 || cols < 1 || rows > INT_MAX || cols > INT_MAX)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "w is %td x %td, each extent must be in [1, %d]", rows, cols,
                              INT_MAX);
    if (small > order_max)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "the smaller of rows and cols is %td, must be at most %d", small,
                              order_max);
    if (!(depth >= 1.0))
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "depth is %g, must be in [1, inf]", depth);
    return DOPT_OK;
}

static dopt_status read_options(const char *func, int ranks, const dopt_mpi_e2e_options *options,
                                dopt_mpi_e2e_options *out)
{
    if (options && options->struct_size != sizeof *options)
        return dopt__mpi_fail(options->struct_size > sizeof *options ? DOPT_ERR_VERSION : DOPT_ERR_INVALID, func,
                              "options->struct_size is %zu, must be %zu; start from the INIT macro",
                              options->struct_size, sizeof *options);
    if (options)
        *out = *options;
    if (out->grid_rows == 0)
        out->grid_rows = divisor_near_root(ranks);
    if (out->block == 0)
        out->block = block_default;
    if (out->grid_rows < 1 || ranks % out->grid_rows != 0)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "options->grid_rows is %d, must divide the number of ranks, %d",
                              out->grid_rows, ranks);
    if (out->block < 1 || out->block > 4096)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "options->block is %d, must be in [1, 4096]", out->block);
    if (!out->allocator.allocate != !out->allocator.release)
        return dopt_fail(DOPT_ERR_INVALID, func, "options->allocator sets one of its callbacks, must set both or none");
    return DOPT_OK;
}

static dopt_status check_alike(const char *func, MPI_Comm comm, const dopt_mpi_e2e *e2e,
                               const dopt_mpi_e2e_options *options)
{
    static const char *const names[] = { "rows", "cols", "depth", "options->grid_rows", "options->block" };
    const double values[] = { (double)e2e->rows, (double)e2e->cols, e2e->depth, (double)options->grid_rows,
                              (double)options->block };
    return dopt__spread_same(func, comm, 5, values, names);
}

static dopt_status set_up(dopt_mpi_e2e *e2e, const char *func, const dopt_mpi_e2e_options *options)
{
    dopt__basis *b = &e2e->basis;
    int ranks;
    DOPT__MPI_TRY(check_alike(func, e2e->comm, e2e, options));
    (void)MPI_Comm_size(e2e->comm, &ranks);
    const int grid_rows = options->grid_rows, grid_cols = ranks / grid_rows;
    e2e->tall = e2e->rows > e2e->cols;
    b->k = e2e->tall ? e2e->cols : e2e->rows;
    b->d = e2e->tall ? e2e->rows : e2e->cols;
    b->comm = e2e->comm;
    dopt__grid_open(e2e->comm, e2e->tall ? grid_cols : grid_rows, e2e->tall ? grid_rows : grid_cols, e2e->tall,
                    options->block, &b->grid);
    const dopt_status status =
        allocate(e2e) ? DOPT_OK
                      : dopt__mpi_fail(DOPT_ERR_NOMEM, func, "no memory for the workspace of %td x %td matrices",
                                       e2e->rows, e2e->cols);
    return dopt_mpi_agree(e2e->comm, status);
}

void dopt_mpi_e2e_destroy(dopt_mpi_e2e **e2e)
{
    if (!e2e || !*e2e)
        return;
    const dopt_allocator allocator = (*e2e)->allocator;
    if ((*e2e)->basis.grid.block > 0)
        dopt__grid_close(&(*e2e)->basis.grid);
    (void)MPI_Comm_free(&(*e2e)->comm);
    dopt__mpi_release(&allocator, (*e2e)->memory);
    dopt__mpi_release(&allocator, (*e2e)->basis.iwork);
    dopt__mpi_release(&allocator, *e2e);
    *e2e = NULL;
}

dopt_status dopt_mpi_e2e_create(MPI_Comm comm, ptrdiff_t rows, ptrdiff_t cols, double depth,
                                const dopt_mpi_e2e_options *options, dopt_mpi_e2e **out)
{
    dopt_mpi_e2e_options known = DOPT_MPI_E2E_OPTIONS_INIT;
    MPI_Comm own;
    int ranks;
    dopt_mpi_e2e *e2e = NULL;
    DOPT__MPI_TRY(dopt__mpi_duplicate(__func__, comm, &own));
    (void)MPI_Comm_size(own, &ranks);
    dopt_status status = check_numbers(__func__, rows, cols, depth);
    if (status == DOPT_OK)
        status = read_options(__func__, ranks, options, &known);
    if (status == DOPT_OK && !out)
        status = dopt_fail(DOPT_ERR_INVALID, __func__, "out is NULL, must point to a handle");
    if (status == DOPT_OK) {
        e2e = dopt__mpi_alloc(&known.allocator, 1, sizeof *e2e);
        status = e2e ? DOPT_OK : dopt_fail(DOPT_ERR_NOMEM, __func__, "no memory for the handle");
    }
    status = dopt_mpi_agree(own, status);
    if (status != DOPT_OK) {
        dopt__mpi_release(&known.allocator, e2e);
        (void)MPI_Comm_free(&own);
        return status;
    }
    e2e->allocator = known.allocator;
    e2e->comm = own;
    e2e->rows = rows;
    e2e->cols = cols;
    e2e->depth = depth;
    status = set_up(e2e, __func__, &known);
    if (status != DOPT_OK)
        dopt_mpi_e2e_destroy(&e2e);
    else
        *out = e2e;
    return status;
}

ptrdiff_t dopt_mpi_e2e_local_rows(const dopt_mpi_e2e *e2e)
{
    if (!e2e)
        return 0;
    return e2e->tall ? e2e->basis.vt.local_cols : e2e->basis.vt.local_rows;
}

ptrdiff_t dopt_mpi_e2e_local_cols(const dopt_mpi_e2e *e2e)
{
    if (!e2e)
        return 0;
    return e2e->tall ? e2e->basis.vt.local_rows : e2e->basis.vt.local_cols;
}

ptrdiff_t dopt_mpi_e2e_row(const dopt_mpi_e2e *e2e, ptrdiff_t local_row)
{
    if (!e2e)
        return 0;
    return e2e->tall ? dopt__cyclic_col(&e2e->basis.grid, local_row) : dopt__cyclic_row(&e2e->basis.grid, local_row);
}

ptrdiff_t dopt_mpi_e2e_col(const dopt_mpi_e2e *e2e, ptrdiff_t local_col)
{
    if (!e2e)
        return 0;
    return e2e->tall ? dopt__cyclic_row(&e2e->basis.grid, local_col) : dopt__cyclic_col(&e2e->basis.grid, local_col);
}

static dopt_status check_local(const dopt_mpi_e2e *e2e, const char *func, const char *name, dopt_cmat m,
                               dopt_dtype dtype)
{
    const ptrdiff_t rows = dopt_mpi_e2e_local_rows(e2e), cols = dopt_mpi_e2e_local_cols(e2e);
    if (m.rows != rows || m.cols != cols)
        return dopt__mpi_fail(DOPT_ERR_SHAPE, func, "%s is %td x %td, must be %td x %td on this rank", name, m.rows,
                              m.cols, rows, cols);
    if (m.dtype != dtype)
        return dopt__mpi_fail(DOPT_ERR_DTYPE, func, "%s.dtype is %d, must be that of w, %d", name, (int)m.dtype,
                              (int)dtype);
    if (rows == 0 || cols == 0)
        return DOPT_OK;
    if (!m.data)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "%s.data is NULL, must point to the elements", name);
    if (!(m.col_stride == 1 && m.row_stride >= cols) && !(m.row_stride == 1 && m.col_stride >= rows))
        return dopt__mpi_fail(DOPT_ERR_SHAPE, func, "%s has row_stride %td and col_stride %td; one must be 1", name,
                              m.row_stride, m.col_stride);
    return DOPT_OK;
}

static double element(dopt_cmat m, ptrdiff_t i, ptrdiff_t j)
{
    const ptrdiff_t at = i * m.row_stride + j * m.col_stride;
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[at] : (double)((const float *)m.data)[at];
}

/* The largest magnitude; NaN becomes infinity. */
static double largest_of(dopt_cmat m)
{
    double largest = 0.0;
    for (ptrdiff_t i = 0; i < m.rows; i++)
        for (ptrdiff_t j = 0; j < m.cols; j++) {
            const double x = fabs(element(m, i, j));
            largest = isfinite(x) ? fmax(largest, x) : INFINITY;
        }
    return largest;
}

static dopt_status check_mine(const dopt_mpi_e2e *e2e, move *m)
{
    if (m->w.dtype != DOPT_F64 && m->w.dtype != DOPT_F32)
        return dopt__mpi_fail(DOPT_ERR_DTYPE, m->func, "w.dtype is %d, must be DOPT_F64 or DOPT_F32", (int)m->w.dtype);
    DOPT__MPI_TRY(check_local(e2e, m->func, "w", m->w, m->w.dtype));
    DOPT__MPI_TRY(check_local(e2e, m->func, "grad", m->grad, m->w.dtype));
    DOPT__MPI_TRY(check_local(e2e, m->func, "out", dopt_const(m->out), m->w.dtype));
    if (!(isfinite(m->keep) && isfinite(m->rate) && m->rate <= 1.0))
        return dopt_fail(DOPT_ERR_INVALID, m->func, "lr and weight_decay must be in [0, inf)");
    m->largest[0] = largest_of(m->w);
    m->largest[1] = largest_of(m->grad);
    if (!isfinite(m->largest[0] + 0.0 * m->largest[1]))
        return dopt__mpi_fail(DOPT_ERR_NONFINITE, m->func, "%s holds a NaN or an infinity",
                              isfinite(m->largest[0]) ? "grad" : "w");
    return DOPT_OK;
}

/* Arguments of all ranks, in two messages. */
static dopt_status check_move(const dopt_mpi_e2e *e2e, move *m)
{
    DOPT__MPI_TRY(dopt_mpi_agree(e2e->comm, check_mine(e2e, m)));
    double all[] = {
        m->largest[0], m->largest[1], m->w.dtype, -(double)m->w.dtype, m->keep, -m->keep, m->rate, -m->rate
    };
    DOPT__MPI_TRY(dopt__mpi_status(m->func, MPI_Allreduce(MPI_IN_PLACE, all, 8, MPI_DOUBLE, MPI_MAX, e2e->comm)));
    if (all[2] != -all[3])
        return dopt_fail(DOPT_ERR_DTYPE, m->func, "w is float64 on one rank and float32 on another, must be the same");
    if (all[4] != -all[5] || all[6] != -all[7])
        return dopt_fail(DOPT_ERR_INVALID, m->func,
                         "the call, lr or weight_decay differs between ranks, must be the same");
    m->largest[0] = all[0];
    m->largest[1] = all[1];
    return DOPT_OK;
}

/* `from` times half * rest. */
static void copy_in(const dopt_mpi_e2e *e2e, dopt_cmat from, double half, double rest, const dopt__cyclic *to)
{
    const dopt_cmat wide = e2e->tall ? dopt_ctransposed(from) : from;
    for (ptrdiff_t j = 0; j < to->local_cols; j++)
        for (ptrdiff_t i = 0; i < to->local_rows; i++) {
            const double x = element(wide, i, j) * half * rest;
            if (to->at)
                to->at[i + j * to->local_rows] = x;
            else
                to->at32[i + j * to->local_rows] = (float)x;
        }
}

/* The basis of w, with values divided by the largest, *top. */
static dopt_status find_basis(dopt_mpi_e2e *e2e, const move *m, double *top)
{
    dopt__basis *b = &e2e->basis;
    int exponent = 0;
    if (m->largest[0] > 0.0 && (m->largest[0] < ordinary_min || m->largest[0] > ordinary_max))
        (void)frexp(m->largest[0], &exponent);
    const double half = ldexp(1.0, -exponent / 2), rest = ldexp(1.0, -(exponent - exponent / 2));
    copy_in(e2e, m->w, half, rest, &b->vt);
    DOPT__MPI_TRY(dopt__basis_find(b, m->func));
    double largest = 0.0;
    for (ptrdiff_t i = 0; i < b->k; i++)
        largest = fmax(largest, b->values[i]);
    for (ptrdiff_t i = 0; i < b->k; i++)
        b->values[i] = largest > 0.0 ? b->values[i] / largest : 0.0;
    *top = largest / half / rest;
    return isfinite(*top) ? DOPT_OK
                          : dopt_fail(DOPT_ERR_NUMERICAL, m->func, "the largest singular value of w overflows");
}

/* The dtype of the products: float64 also for float32 numbers whose products float32 might not hold. */
static dopt_dtype dtype_of(const dopt_mpi_e2e *e2e, const move *m)
{
    static const double high = 1e8, low = 1e-8;
    const double depth = isinf(e2e->depth) ? 1.0 : e2e->depth, rate = fabs(m->rate);
    const bool ordinary = m->largest[0] >= low && m->largest[0] <= high && m->largest[1] >= low &&
                          m->largest[1] <= high && rate >= low && rate * depth * (double)e2e->basis.d <= high &&
                          fabs(m->keep) <= high;
    return ordinary ? m->w.dtype : DOPT_F64;
}

/* rate P_w(grad) to *result. s^{2-2/N} is K(s, 0), and K(s, s) in the limit. */
static dopt_status precondition(dopt_mpi_e2e *e2e, const move *m, dopt__cyclic *result)
{
    const bool identity = e2e->depth == 1.0;
    double top = 0.0;
    *result = e2e->basis.wide;
    if (identity || m->largest[0] == 0.0) {
        copy_in(e2e, m->grad, identity ? m->rate : 0.0, 1.0, result);
        return DOPT_OK;
    }
    DOPT__MPI_TRY(find_basis(e2e, m, &top));
    dopt__factors f = dopt__factors_of(&e2e->basis, dtype_of(e2e, m));
    copy_in(e2e, m->grad, 1.0, 1.0, &f.grad);
    dopt__cyclic_product(&e2e->basis, e2e->depth,
                         m->rate * dopt_e2e_kernel(top, isinf(e2e->depth) ? top : 0.0, e2e->depth), e2e->null, &f);
    *result = f.grad;
    return DOPT_OK;
}

static double value_at(const dopt__cyclic *m, ptrdiff_t at)
{
    return m->at ? m->at[at] : (double)m->at32[at];
}

/* keep w + result to the caller, if all of it is finite on all ranks. */
static dopt_status hand_out(const dopt_mpi_e2e *e2e, const move *m, const dopt__cyclic *result)
{
    const dopt_mat out = e2e->tall ? dopt_transposed(m->out) : m->out;
    const dopt_cmat w = e2e->tall ? dopt_ctransposed(m->w) : m->w;
    const double limit = out.dtype == DOPT_F32 ? (double)FLT_MAX : DBL_MAX;
    const ptrdiff_t rows = result->local_rows, cols = result->local_cols;
    int finite = 1;
    for (ptrdiff_t j = 0; j < cols; j++)
        for (ptrdiff_t i = 0; i < rows; i++) {
            double x = value_at(result, i + j * rows);
            if (m->keep != 0.0)
                x += m->keep * element(w, i, j);
            finite = finite && fabs(x) <= limit;
        }
    DOPT__MPI_TRY(dopt__mpi_status(m->func, MPI_Allreduce(MPI_IN_PLACE, &finite, 1, MPI_INT, MPI_MIN, e2e->comm)));
    if (!finite)
        return dopt_fail(DOPT_ERR_NUMERICAL, m->func, "the result, or an eigenvalue of P, overflows");
    for (ptrdiff_t j = 0; j < cols; j++)
        for (ptrdiff_t i = 0; i < rows; i++) {
            const ptrdiff_t at = i * out.row_stride + j * out.col_stride;
            const double x = value_at(result, i + j * rows) + (m->keep != 0.0 ? m->keep * element(w, i, j) : 0.0);
            if (out.dtype == DOPT_F64)
                ((double *)out.data)[at] = x;
            else
                ((float *)out.data)[at] = (float)x;
        }
    return DOPT_OK;
}

static dopt_status run(dopt_mpi_e2e *e2e, move m)
{
    dopt__cyclic result;
    DOPT__MPI_TRY(check_move(e2e, &m));
    DOPT__MPI_TRY(precondition(e2e, &m, &result));
    return hand_out(e2e, &m, &result);
}

dopt_status dopt_mpi_e2e_apply(dopt_mpi_e2e *e2e, dopt_cmat w, dopt_cmat grad, dopt_mat out)
{
    const move m = { __func__, w, grad, out, 0.0, 1.0, { 0.0, 0.0 } };
    return e2e ? run(e2e, m) : dopt_fail(DOPT_ERR_INVALID, __func__, "e2e is NULL, must be a handle");
}

dopt_status dopt_mpi_e2e_update(dopt_mpi_e2e *e2e, dopt_mat w, dopt_cmat grad, double lr, double weight_decay)
{
    if (!e2e)
        return dopt_fail(DOPT_ERR_INVALID, __func__, "e2e is NULL, must be a handle");
    const double factors = isinf(e2e->depth) ? 1.0 : e2e->depth; /* that decay; the limit is per unit of lr N */
    const bool good = lr >= 0.0 && weight_decay >= 0.0; /* what is not, or not finite, is found where all ranks agree */
    const move m = {
        __func__, dopt_const(w), grad, w, good ? 1.0 - lr * weight_decay * factors : NAN, -lr, { 0.0, 0.0 }
    };
    return run(e2e, m);
}
