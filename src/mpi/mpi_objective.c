/* SPDX-License-Identifier: MIT */
/* Objectives over ranks: made, cloned, freed. shards.c evaluates them. */

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "mpi/agree.h"
#include "mpi/shards.h"
#include "mpi/spread.h"

/* Doubles in a piece of the gradient that are worth a reduction of their own, and outputs. */
enum { piece_doubles = 16384, piece_outputs = 8, pieces_max = 8 };

/* Rows of a rank up to which there is something to gain: pieces read X again, and cost a fifth more than they may hide.
 */
enum { piece_rows = 1024 };

static void shards_destroy(void *state)
{
    dopt__shards *s = state;
    const dopt_allocator allocator = s->allocator;
    if (s->owns)
        dopt_objective_destroy(&s->local);
    dopt__tree_destroy(s->tree);
    dopt__mpi_release(&allocator, s->sums);
    dopt__mpi_release(&allocator, s->part.data);
    dopt__mpi_release(&allocator, s->listed);
    dopt__mpi_release(&allocator, s->blocks);
    dopt__mpi_release(&allocator, s->sorted);
    dopt__mpi_release(&allocator, s->starts);
    if (s->comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&s->comm);
    dopt__mpi_release(&allocator, s);
}

static bool allocate(dopt__shards *s, bool reproducible)
{
    const size_t all = (size_t)s->k * (size_t)s->d, rows = (size_t)s->rows;
    const size_t size = s->dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const dopt_mat part = { dopt__mpi_alloc(&s->allocator, all, size), s->k, s->d, s->d, 1, s->dtype };
    s->part = part;
    s->sums = dopt__mpi_alloc(&s->allocator, all + DOPT__EXTRA, sizeof *s->sums);
    s->listed = dopt__mpi_alloc(&s->allocator, rows, sizeof *s->listed);
    if (!s->part.data || !s->sums || !s->listed)
        return false;
    if (!reproducible)
        return true;
    const ptrdiff_t mine = s->blocks[s->rank + 1] - s->blocks[s->rank];
    s->sorted = dopt__mpi_alloc(&s->allocator, rows, sizeof *s->sorted);
    s->starts = dopt__mpi_alloc(&s->allocator, (size_t)mine + 2, sizeof *s->starts);
    s->tree = dopt__tree_create(s->comm, s->blocks, (ptrdiff_t)all + 1, &s->allocator);
    return s->sorted && s->starts && s->tree;
}

/* Outputs can be taken one after the other, and are many and long enough. */
static int pieces_of(const dopt_objective *local, ptrdiff_t k, ptrdiff_t d)
{
    const char *loss = dopt_loss_name(dopt_objective_loss(local));
    if (dopt_objective_route(local) != DOPT_ROUTE_PRODUCTS || strcmp(loss, "softmax_ce") == 0 ||
        strcmp(loss, "custom") == 0)
        return 1;
    const ptrdiff_t by_size = (ptrdiff_t)((double)k * (double)d / piece_doubles), by_outputs = k / piece_outputs;
    const ptrdiff_t pieces = by_size < by_outputs ? by_size : by_outputs;
    return pieces < 1 ? 1 : pieces > pieces_max ? pieces_max : (int)pieces;
}

/* The fewest pieces that any rank wants: a rank without rows, or with few, has no say. */
static dopt_status agree_on_pieces(dopt__shards *s, const char *func)
{
    const bool pays = s->ranks > 1 && s->all / s->ranks <= piece_rows;
    int mine = !pays ? 1 : s->local ? pieces_of(s->local, s->k, s->d) : pieces_max;
    return dopt__mpi_status(func, MPI_Allreduce(&mine, &s->pieces, 1, MPI_INT, MPI_MIN, s->comm));
}

static double number_of(const char *name)
{
    double number = 0.0;
    for (const char *at = name; *at; at++)
        number = 31.0 * fmod(number, 1e12) + (double)*at;
    return number;
}

/* Shape and dtype, then the loss; the same complaint on all ranks. */
static dopt_status check_alike(const char *func, const dopt__shards *s, const dopt_loss *loss, bool custom)
{
    static const char *const shapes[] = { "local: k (outputs)", "local: d (features)" };
    static const char *const types[] = { "local: dtype" };
    static const char *const losses[] = { "loss: kind", "loss: p or delta", "loss: weight", "local: callback or data" };
    const double of_shape[] = { (double)s->k, (double)s->d }, of_type[] = { (double)s->dtype };
    const double of_loss[] = { number_of(dopt_loss_name(loss)), dopt_loss_parameter(loss), dopt_loss_weight(loss),
                               custom ? 1.0 : 0.0 };
    dopt_status status = dopt__spread_same(func, s->comm, 2, of_shape, shapes);
    if (status != DOPT_OK)
        return status == DOPT_ERR_INVALID ? DOPT_ERR_SHAPE : status;
    status = dopt__spread_same(func, s->comm, 1, of_type, types);
    if (status != DOPT_OK)
        return status == DOPT_ERR_INVALID ? DOPT_ERR_DTYPE : status;
    return dopt__spread_same(func, s->comm, 4, of_loss, losses);
}

/* Where this rank's rows are, and how many there are. */
static dopt_status place(dopt__shards *s, const char *func, const dopt_mpi_objective_options *options, bool custom)
{
    static const char *const names[] = { "options->reproducible", "options->block_rows" };
    const double values[] = { options->reproducible ? 1.0 : 0.0, (double)options->block_rows };
    DOPT__MPI_TRY(dopt__spread_same(func, s->comm, 2, values, names));
    ptrdiff_t *starts = dopt__mpi_alloc(&s->allocator, (size_t)s->ranks + 1, sizeof *starts);
    dopt_status status = starts ? DOPT_OK : dopt_fail(DOPT_ERR_NOMEM, func, "no memory for the ranks");
    status = dopt_mpi_agree(s->comm, status);
    if (status == DOPT_OK)
        status = dopt__spread_rows(func, s->comm, s->rows, starts);
    if (status == DOPT_OK) {
        s->first = starts[s->rank];
        s->all = starts[s->ranks];
        if (s->all == 0 && !custom)
            status = dopt_fail(DOPT_ERR_INVALID, func, "x has no rows on any rank, must have some");
    }
    if (status == DOPT_OK && options->reproducible) {
        s->block_rows = options->block_rows > 0 ? options->block_rows : dopt_mpi_block_rows(s->d);
        status = dopt__spread_blocks(func, s->ranks, s->block_rows, starts);
        s->blocks = starts;
    } else {
        dopt__mpi_release(&s->allocator, starts);
    }
    return status;
}

static dopt_status set_up(dopt__shards *s, const char *func, const dopt_loss *loss,
                          const dopt_mpi_objective_options *options, bool custom)
{
    DOPT__MPI_TRY(check_alike(func, s, loss, custom));
    DOPT__MPI_TRY(place(s, func, options, custom));
    DOPT__MPI_TRY(agree_on_pieces(s, func));
    const bool small = (double)s->k * (double)s->d <= (double)(INT_MAX - DOPT__EXTRA);
    dopt_status status = DOPT_OK;
    if (!small)
        status = dopt__mpi_fail(DOPT_ERR_SHAPE, func, "w is %td x %td, must have fewer than 2^31 elements", s->k, s->d);
    else if (!allocate(s, options->reproducible))
        status = dopt__mpi_fail(DOPT_ERR_NOMEM, func, "no memory for sums of %td x %td", s->k, s->d);
    return dopt_mpi_agree(s->comm, status);
}

static dopt_status shards_clone(void *state, void **out);

static const dopt_objective_kind shards_kind = { sizeof(dopt_objective_kind),
                                                 0,
                                                 DOPT_F64,
                                                 dopt__shards_eval,
                                                 shards_clone,
                                                 shards_destroy,
                                                 dopt__shards_refuse,
                                                 dopt__shards_agree,
                                                 dopt__shards_watch };

/* `s` has its communicator and what this rank brings; it is freed on failure. */
static dopt_status finish(dopt__shards *s, const char *func, const dopt_loss *loss,
                          const dopt_mpi_objective_options *options, dopt_objective **out)
{
    const bool custom = s->local && dopt_objective_examples(s->local) == 0;
    dopt_objective *made = NULL;
    dopt_status status = set_up(s, func, loss, options, custom);
    if (status == DOPT_OK) {
        dopt_objective_kind kind = shards_kind;
        kind.examples = s->all;
        kind.dtype = s->dtype;
        status = dopt_mpi_agree(s->comm, dopt_objective_create_kind(s->k, s->d, &kind, s, &made));
    }
    if (status == DOPT_OK)
        *out = made;
    else if (made)
        dopt_objective_destroy(&made);
    else
        shards_destroy(s);
    return status;
}

/* Collective: a state with a communicator of its own, if `status` and memory allow it on all ranks. */
static dopt_status begin(const char *func, MPI_Comm comm, const dopt_allocator *allocator, dopt_status status,
                         dopt__shards **out)
{
    MPI_Comm own;
    DOPT__MPI_TRY(dopt__mpi_duplicate(func, comm, &own));
    dopt__shards *s = status == DOPT_OK ? dopt__mpi_alloc(allocator, 1, sizeof *s) : NULL;
    if (status == DOPT_OK && !s)
        status = dopt_fail(DOPT_ERR_NOMEM, func, "no memory for the handle");
    status = dopt_mpi_agree(own, status);
    if (status != DOPT_OK) {
        dopt__mpi_release(allocator, s);
        (void)MPI_Comm_free(&own);
        return status;
    }
    if (allocator)
        s->allocator = *allocator;
    s->comm = own;
    (void)MPI_Comm_rank(own, &s->rank);
    (void)MPI_Comm_size(own, &s->ranks);
    *out = s;
    return DOPT_OK;
}

static void bring(dopt__shards *s, dopt_objective *local)
{
    s->local = local;
    s->k = dopt_objective_rows(local);
    s->d = dopt_objective_cols(local);
    s->dtype = dopt_objective_dtype(local);
    s->rows = dopt_objective_examples(local);
}

dopt_status dopt_mpi_objective_create(MPI_Comm comm, dopt_objective *local, dopt_objective **out)
{
    const dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    dopt__shards *s;
    char why[200];
    dopt_status status = DOPT_OK;
    if (!local) {
        (void)strncpy(why, dopt_last_error(), sizeof why - 1);
        why[sizeof why - 1] = '\0';
        status = dopt__mpi_fail(DOPT_ERR_INVALID, __func__, "local is NULL, must be a handle; last error: %s",
                                *why ? why : "none");
    } else if (dopt_objective_is_shared(local)) {
        status = dopt_fail(DOPT_ERR_INVALID, __func__, "local is one of several ranks, must be one of this rank");
    } else if (!out) {
        status = dopt_fail(DOPT_ERR_INVALID, __func__, "out is NULL, must point to a handle");
    }
    DOPT__MPI_TRY(begin(__func__, comm, NULL, status, &s));
    bring(s, local);
    return finish(s, __func__, dopt_objective_loss(local), &options, out);
}

static dopt_status read_options(const char *func, const dopt_mpi_objective_options *options,
                                dopt_mpi_objective_options *out)
{
    if (options && options->struct_size != sizeof *options)
        return dopt__mpi_fail(options->struct_size > sizeof *options ? DOPT_ERR_VERSION : DOPT_ERR_INVALID, func,
                              "options->struct_size is %zu, must be %zu; start from the INIT macro",
                              options->struct_size, sizeof *options);
    if (options)
        *out = *options;
    if (out->block_rows < 0 || out->block_rows > INT_MAX)
        return dopt__mpi_fail(DOPT_ERR_INVALID, func, "options->block_rows is %td, must be in [0, %d]", out->block_rows,
                              INT_MAX);
    if (!out->allocator.allocate != !out->allocator.release)
        return dopt_fail(DOPT_ERR_INVALID, func, "options->allocator sets one of its callbacks, must set both or none");
    return DOPT_OK;
}

/* This rank's own objective; NULL for no rows. */
static dopt_status make_local(const char *func, dopt_cmat x, dopt_cmat y, const dopt_loss *loss,
                              const dopt_objective_options *options, dopt_objective **out)
{
    *out = NULL;
    if (!loss)
        return dopt_fail(DOPT_ERR_INVALID, func, "loss is NULL, must be a handle");
    if (x.rows == 0 && y.rows == 0 && x.cols >= 1 && y.cols >= 1 && x.dtype == y.dtype)
        return DOPT_OK;
    return dopt_objective_create_data(x, y, loss, options, out);
}

dopt_status dopt_mpi_objective_create_data(MPI_Comm comm, dopt_cmat x, dopt_cmat y, const dopt_loss *loss,
                                           const dopt_objective_options *data_options,
                                           const dopt_mpi_objective_options *options, dopt_objective **out)
{
    dopt_mpi_objective_options known = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    dopt_objective_options of_data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *local = NULL;
    dopt__shards *s;
    if (data_options && data_options->struct_size == sizeof of_data)
        of_data = *data_options;
    dopt_status status = read_options(__func__, options, &known);
    if (status == DOPT_OK && !out)
        status = dopt_fail(DOPT_ERR_INVALID, __func__, "out is NULL, must point to a handle");
    if (known.reproducible)
        of_data.reduction = DOPT_REDUCTION_OFF;
    if (status == DOPT_OK)
        status =
            make_local(__func__, x, y, loss,
                       data_options && data_options->struct_size != sizeof of_data ? data_options : &of_data, &local);
    status = begin(__func__, comm, &known.allocator, status, &s);
    if (status != DOPT_OK) {
        dopt_objective_destroy(&local);
        return status;
    }
    s->local = local;
    s->owns = true;
    s->k = y.cols;
    s->d = x.cols;
    s->dtype = x.dtype;
    s->rows = x.rows;
    return finish(s, __func__, loss, &known, out);
}

static dopt_status shards_clone(void *state, void **out)
{
    static const char func[] = "dopt_objective_clone";
    const dopt__shards *like = state;
    dopt_objective *local = NULL;
    dopt__shards *s;
    dopt_status status = like->local ? dopt_objective_clone(like->local, &local) : DOPT_OK;
    status = begin(func, like->comm, &like->allocator, status, &s);
    if (status != DOPT_OK) {
        dopt_objective_destroy(&local);
        return status;
    }
    const MPI_Comm own = s->comm;
    *s = *like;
    s->comm = own;
    s->local = local;
    s->owns = true;
    s->sums = NULL;
    s->part.data = NULL;
    s->listed = s->blocks = s->sorted = s->starts = NULL;
    s->tree = NULL;
    s->watching = s->watched = false;
    if (like->blocks)
        s->blocks = dopt__mpi_alloc(&s->allocator, (size_t)s->ranks + 1, sizeof *s->blocks);
    if (s->blocks)
        memcpy(s->blocks, like->blocks, ((size_t)s->ranks + 1) * sizeof *s->blocks);
    if ((like->blocks && !s->blocks) || !allocate(s, like->blocks != NULL))
        status = dopt_fail(DOPT_ERR_NOMEM, func, "no memory for the sums");
    status = dopt_mpi_agree(own, status);
    if (status == DOPT_OK)
        *out = s;
    else
        shards_destroy(s);
    return status;
}
