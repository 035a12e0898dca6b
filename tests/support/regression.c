/* SPDX-License-Identifier: MIT */
#include "support/regression.h"

#include <math.h>

static void standardise(double *x, ptrdiff_t count, ptrdiff_t stride)
{
    double mean = 0.0, square = 0.0;
    for (ptrdiff_t i = 0; i < count; i++)
        mean += x[i * stride] / (double)count;
    for (ptrdiff_t i = 0; i < count; i++)
        square += (x[i * stride] - mean) * (x[i * stride] - mean) / (double)count;
    for (ptrdiff_t i = 0; i < count; i++)
        x[i * stride] = (x[i * stride] - mean) / sqrt(square);
}

void regression_make(dopt_rng *rng, double p, ptrdiff_t outputs, regression *out)
{
    const ptrdiff_t m = REGRESSION_ROWS, d = REGRESSION_COLS;
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    options.weight = 1.0;
    out->outputs = outputs;
    out->loss = NULL;
    out->objective = NULL;
    for (ptrdiff_t i = 0; i < m; i++) { /* one signal that all features share, and seven weaker ones */
        double hidden[REGRESSION_COLS];
        for (ptrdiff_t c = 0; c < d; c++)
            hidden[c] = pow(0.5, (double)c) * dopt_rng_normal(rng);
        for (ptrdiff_t c = 0; c < d; c++) {
            out->x[i * d + c] = 0.0;
            for (ptrdiff_t l = 0; l < d; l++)
                out->x[i * d + c] += cos((double)(l * (2 * c + 1)) * 0.196349540849362) * hidden[l];
        }
        for (ptrdiff_t o = 0; o < outputs; o++) {
            out->y[i * outputs + o] = 0.1 * dopt_rng_normal(rng);
            for (ptrdiff_t l = 0; l < d; l++)
                out->y[i * outputs + o] += (o == 0 ? 1.0 : l % 2 == 0 ? 1.0 : -1.0) * hidden[l];
        }
    }
    for (ptrdiff_t c = 0; c < d; c++)
        standardise(out->x + c, m, d);
    for (ptrdiff_t o = 0; o < outputs; o++)
        standardise(out->y + o, m, outputs);
    ASSERT_OK(dopt_loss_create_lp(p, &options, &out->loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(out->x, m, d), dopt_cmat_f64(out->y, m, outputs), out->loss,
                                         NULL, &out->objective));
}

void regression_free(regression *r)
{
    dopt_objective_destroy(&r->objective);
    dopt_loss_destroy(&r->loss);
}

double regression_tuned(regression *r, dopt_fit_options options, double *best_lr)
{
    enum { count = 15 };
    static const double digits[] = { 1.0, 2.0, 5.0 };
    double grid[count], w[2 * REGRESSION_COLS] = { 0.0 };
    dopt_lr_trial trials[count];
    int best = 0;
    for (int i = 0; i < count; i++)
        grid[i] = digits[i % 3] * pow(10.0, i / 3 - 4);
    ASSERT_OK(dopt_lr_search(r->objective, &options, dopt_cmat_f64(w, r->outputs, REGRESSION_COLS), count, grid, 2,
                             trials, &best));
    if (best_lr)
        *best_lr = trials[best].lr;
    return trials[best].value;
}
