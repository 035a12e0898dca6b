/* SPDX-License-Identifier: MIT */
/* Creation of losses, and their evaluation on matrices of any layout, in pieces of double. */

#include <depthopt/loss.h>

#include <math.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/lines.h"
#include "linalg/scan.h"
#include "loss/loss_rows.h"
#include "loss/loss_state.h"

static dopt_status create(const char *func, const dopt__loss_kind *kind, double parameter, double default_weight,
                          const dopt_loss_options *options, dopt_loss **out)
{
    if (!out)
        return dopt__fail(DOPT_ERR_INVALID, func, "out is NULL, must point to a handle");
    dopt_loss_options known = DOPT_LOSS_OPTIONS_INIT;
    DOPT_TRY(dopt__read_options(func, options, DOPT__SIZE_THROUGH(dopt_loss_options, allocator), sizeof known, &known));
    if (!(known.weight >= 0.0 && isfinite(known.weight)))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->weight is %g, must be in (0, inf), or 0 for the default",
                          known.weight);
    DOPT_TRY(dopt__check_allocator(func, &known.allocator));
    dopt_loss *loss = dopt__alloc(&known.allocator, 1, sizeof *loss);
    if (!loss)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the handle");
    loss->allocator = known.allocator;
    loss->kind = kind;
    loss->parameter = parameter;
    loss->weight = known.weight > 0.0 ? known.weight : default_weight;
    *out = loss;
    return DOPT_OK;
}

dopt_status dopt_loss_create_lp(double p, const dopt_loss_options *options, dopt_loss **out)
{
    DOPT_REQUIRE(p >= 1.0 && isfinite(p), DOPT_ERR_INVALID, "p is %g, must be in [1, inf)", p);
    return create(__func__, &dopt__loss_lp, p, 1.0 / p, options, out);
}

dopt_status dopt_loss_create_squared(const dopt_loss_options *options, dopt_loss **out)
{
    return create(__func__, &dopt__loss_squared, 0.0, 0.5, options, out);
}

dopt_status dopt_loss_create_huber(double delta, const dopt_loss_options *options, dopt_loss **out)
{
    DOPT_REQUIRE(delta > 0.0 && isfinite(delta), DOPT_ERR_INVALID, "delta is %g, must be in (0, inf)", delta);
    return create(__func__, &dopt__loss_huber, delta, 1.0, options, out);
}

dopt_status dopt_loss_create_logistic(const dopt_loss_options *options, dopt_loss **out)
{
    return create(__func__, &dopt__loss_logistic, 0.0, 1.0, options, out);
}

dopt_status dopt_loss_create_softmax_ce(const dopt_loss_options *options, dopt_loss **out)
{
    return create(__func__, &dopt__loss_softmax_ce, 0.0, 1.0, options, out);
}

dopt_status dopt_loss_create_custom(dopt_loss_fn fn, void *user, const dopt_loss_options *options, dopt_loss **out)
{
    DOPT_REQUIRE(fn, DOPT_ERR_INVALID, "fn is NULL, must be a function");
    DOPT_TRY(create(__func__, &dopt__loss_custom, 0.0, 1.0, options, out));
    (*out)->fn = fn;
    (*out)->user = user;
    return DOPT_OK;
}

void dopt_loss_destroy(dopt_loss **loss)
{
    if (!loss || !*loss)
        return;
    const dopt_allocator allocator = (*loss)->allocator;
    dopt__release(&allocator, *loss);
    *loss = NULL;
}

const char *dopt_loss_name(const dopt_loss *loss)
{
    return loss ? loss->kind->name : "";
}

double dopt_loss_weight(const dopt_loss *loss)
{
    return loss ? loss->weight : 0.0;
}

double dopt_loss_parameter(const dopt_loss *loss)
{
    if (loss && loss->kind == &dopt__loss_squared)
        return 2.0;
    return loss ? loss->parameter : 0.0;
}

bool dopt__loss_elementwise(const dopt_loss *loss)
{
    return loss->kind->piece != NULL;
}

dopt__loss_form dopt__loss_form_of(const dopt_loss *loss, double *parameter)
{
    const bool lp = loss->kind == &dopt__loss_lp;
    *parameter = loss->parameter;
    if (loss->kind == &dopt__loss_squared || (lp && loss->parameter == 2.0))
        return DOPT__FORM_SQUARE;
    if (lp && loss->parameter == 3.0)
        return DOPT__FORM_CUBIC;
    if (lp && loss->parameter == 4.0)
        return DOPT__FORM_QUARTIC;
    if (lp && loss->parameter == 6.0)
        return DOPT__FORM_SEXTIC;
    return loss->kind == &dopt__loss_huber ? DOPT__FORM_HUBER : DOPT__FORM_OTHER;
}

double dopt__loss_piece(const dopt_loss *loss, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    const double sum = loss->kind->piece(loss->parameter, count, z, y, slope);
    for (ptrdiff_t i = 0; i < count; i++)
        slope[i] *= loss->weight;
    return loss->weight * sum;
}

static bool packed_rows(dopt_cmat m)
{
    return m.col_stride == 1 && m.row_stride == m.cols;
}

static dopt_cmat one_row(dopt_cmat m)
{
    const dopt_cmat row = { m.data, 1, m.rows * m.cols, m.rows * m.cols, 1, m.dtype };
    return row;
}

/* Rows without gaps are one long row: a few outputs would be many short lines. */
static double elementwise_sum(const dopt_loss *loss, dopt_cmat z, dopt_cmat y, dopt_mat dz)
{
    if (z.rows > 1 && packed_rows(z) && packed_rows(y) && (!dz.data || packed_rows(dopt_const(dz)))) {
        const ptrdiff_t all = z.rows * z.cols;
        const dopt_mat slopes = { dz.data, 1, all, all, 1, dz.dtype };
        return elementwise_sum(loss, one_row(z), one_row(y), dz.data ? slopes : dz);
    }
    const dopt__walk walk = dopt__walk_along(z);
    double sum = 0.0;
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double of_z[DOPT__PIECE], of_y[DOPT__PIECE], of_dz[DOPT__PIECE];
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *from = dopt__load(z, piece, of_z), *target = dopt__load(y, piece, of_y);
            double *slope = dz.data ? dopt__target(dz, piece, of_dz) : of_dz;
            sum += dopt__loss_piece(loss, piece.count, from, target, slope);
            if (dz.data)
                dopt__store(dz, piece, slope);
        }
    return sum;
}

dopt_status dopt__loss_sum(const dopt_loss *loss, dopt_cmat z, dopt_cmat y, double *sum, dopt_mat dz)
{
    if (loss->kind->piece) {
        *sum = elementwise_sum(loss, z, y, dz);
    } else if (loss->fn) {
        double plain;
        const unsigned long before = dopt__failures();
        const dopt_status status = loss->fn(z, y, &plain, dz, loss->user);
        if (status != DOPT_OK)
            return dopt__callback_failed("dopt_loss_fn", before, status);
        *sum = loss->weight * plain;
        if (dz.data && loss->weight != 1.0)
            dopt__copy(loss->weight, dopt_const(dz), dz);
    } else {
        *sum = dopt__softmax_sum(z, y, loss->weight, dz);
    }
    return DOPT_OK;
}

static dopt_status check_elements(const dopt_loss *loss, const char *func, const char *name, dopt_cmat y)
{
    const dopt__walk walk = dopt__walk_along(y);
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double buffer[DOPT__PIECE];
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *target = dopt__load(y, piece, buffer);
            for (ptrdiff_t i = 0; i < piece.count; i++)
                if (!loss->kind->allowed(target[i]))
                    return dopt__fail(DOPT_ERR_INVALID, func, "%s[%td, %td] is %g, must be %s for %s", name,
                                      walk.by_rows ? line : at + i, walk.by_rows ? at + i : line, target[i],
                                      loss->kind->targets, loss->kind->name);
        }
    return DOPT_OK;
}

dopt_status dopt__loss_check_targets(const dopt_loss *loss, const char *func, const char *name, dopt_cmat y)
{
    if (loss->kind == &dopt__loss_softmax_ce)
        return dopt__softmax_check(func, name, y);
    return loss->kind->allowed ? check_elements(loss, func, name, y) : DOPT_OK;
}

static dopt_status check_slopes(const char *func, dopt_cmat z, dopt_cmat y, dopt_cmat dz)
{
    DOPT_TRY(dopt__check_matrix(func, "dz", dz, z.rows, z.cols, z.dtype));
    DOPT_TRY(dopt__check_apart(func, "dz", dz, "y", y));
    return dopt__check_apart_or_same(func, "dz", dz, "z", z);
}

dopt_status dopt_loss_eval(const dopt_loss *loss, dopt_cmat z, dopt_cmat y, double *value, dopt_mat dz)
{
    DOPT_REQUIRE(loss, DOPT_ERR_INVALID, "loss is NULL, must be a handle");
    DOPT_TRY(dopt__check_view(__func__, "z", z));
    DOPT_TRY(dopt__check_matrix(__func__, "y", y, z.rows, z.cols, z.dtype));
    if (dz.data)
        DOPT_TRY(check_slopes(__func__, z, y, dopt_const(dz)));
    DOPT_TRY(dopt__check_finite(__func__, "z", z));
    DOPT_TRY(dopt__check_finite(__func__, "y", y));
    DOPT_TRY(dopt__loss_check_targets(loss, __func__, "y", y));
    double sum = 0.0;
    DOPT_TRY(dopt__within(__func__, dopt__loss_sum(loss, z, y, &sum, dz)));
    if (dz.data)
        dopt__copy(1.0 / (double)z.rows, dopt_const(dz), dz);
    if (value)
        *value = sum / (double)z.rows;
    return DOPT_OK;
}
