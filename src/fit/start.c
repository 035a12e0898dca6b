/* SPDX-License-Identifier: MIT */
/* The first weights. Whatever the model, they are drawn as factors, so that models of one seed start at the same W. */

#include "fit/start.h"

#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "linalg/scan.h"

/* Stream of the generator that initialisations draw from. */
enum { init_stream = 1 };

static int factors_of(const dopt_fit_options *options)
{
    if (isinf(options->depth))
        return 2;
    return (int)fmin(fmax(nearbyint(options->depth), 1.0), DOPT_NET_DEPTH_MAX);
}

static dopt_status create_net(const char *func, const dopt_fit_options *options, dopt_mat start, dopt_net **net)
{
    const int depth = factors_of(options);
    const ptrdiff_t small = start.rows < start.cols ? start.rows : start.cols;
    dopt_net_options known = DOPT_NET_OPTIONS_INIT;
    ptrdiff_t *dims = dopt__alloc(&options->allocator, (size_t)depth + 1, sizeof *dims);
    if (!dims)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for %d widths", depth);
    for (int j = 1; j < depth; j++)
        dims[j] = options->width > 0 ? options->width : small;
    dims[0] = start.cols;
    dims[depth] = start.rows;
    known.allocator = options->allocator;
    known.block_rows = 1; /* a trainer works on W */
    const dopt_status status = dopt_net_create(start.dtype, depth, dims, &known, net);
    dopt__release(&options->allocator, dims);
    return status;
}

/* m += N(0, stddev^2), elementwise; m is a factor without gaps. */
static void add_noise(dopt_mat m, dopt_rng *rng, double stddev)
{
    for (ptrdiff_t i = 0; i < m.rows * m.cols; i++) {
        const double noise = stddev * dopt_rng_normal(rng);
        if (m.dtype == DOPT_F64)
            ((double *)m.data)[i] += noise;
        else
            ((float *)m.data)[i] += (float)noise;
    }
}

static dopt_status draw(const dopt_fit_options *options, dopt_net *net, dopt_mat start)
{
    dopt_rng rng = dopt_rng_init(options->seed, init_stream);
    if (options->init == DOPT_INIT_NORMAL) {
        DOPT_TRY(dopt_net_init_normal(net, &rng, options->init_std));
        return dopt_net_product(net, start);
    }
    if (options->init == DOPT_INIT_IDENTITY) {
        DOPT_TRY(dopt_net_init_identity(net, 1.0));
        for (int j = 1; j <= dopt_net_depth(net); j++)
            add_noise(dopt_net_factor(net, j), &rng, options->init_std);
        return dopt_net_product(net, start);
    }
    if (options->init == DOPT_INIT_BALANCED)
        DOPT_TRY(dopt_rng_fill_normal(&rng, start, options->init_std));
    return options->model == DOPT_MODEL_FACTORED ? dopt_net_init_balanced(net, dopt_const(start)) : DOPT_OK;
}

dopt_status dopt__start(const char *func, const dopt_fit_options *options, dopt_cmat w, dopt_mat start, dopt_net **net)
{
    *net = NULL;
    if (options->init == DOPT_INIT_GIVEN) {
        DOPT_TRY(dopt__check_finite(func, "w", w));
        dopt__copy(1.0, w, start);
    }
    const int factored = options->model == DOPT_MODEL_FACTORED;
    if (factored || options->init == DOPT_INIT_NORMAL || options->init == DOPT_INIT_IDENTITY)
        DOPT_TRY(create_net(func, options, start, net));
    dopt_status status = draw(options, *net, start);
    if (status == DOPT_OK && !dopt__all_finite(dopt_const(start)))
        status =
            dopt__fail(DOPT_ERR_NONFINITE, func, "the initial weights overflow, init_std is %g", options->init_std);
    if (status != DOPT_OK || !factored)
        dopt_net_destroy(net);
    return status;
}

void dopt__warn_of_rest(const char *func, const dopt_fit_options *options, dopt_cmat w)
{
    const bool given = options->init == DOPT_INIT_GIVEN;
    const bool zero = given ? dopt__max_abs(w) == 0.0 : options->init != DOPT_INIT_IDENTITY && options->init_std == 0.0;
    if (zero && options->depth > 1.0 && options->model != DOPT_MODEL_DIRECT)
        dopt__log(&options->logger, DOPT_LOG_WARNING,
                  "%s: %s is 0, and W = 0 is a fixed point at depth %g: no step will move it; start from small random "
                  "weights, options->init DOPT_INIT_BALANCED, say",
                  func, given ? "w" : "options->init_std", options->depth);
}
