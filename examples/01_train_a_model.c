/* SPDX-License-Identifier: MIT */
/* Fit y = x . w by the mean of |error|^4 / 4, with the acceleration of a network three layers deep. */
#include <stdio.h>

#include <depthopt/depthopt.h>

enum { m = 200, d = 5 };

int main(void)
{
    /* Data: m rows of d features, and a target that depends on them. */
    double x[m * d], y[m], w[d] = { 0 };
    dopt_rng rng = dopt_rng_init(1, 0);
    if (dopt_rng_fill_normal(&rng, dopt_mat_f64(x, m, d), 1.0) != DOPT_OK)
        return 1;
    for (int i = 0; i < m; i++)
        y[i] = 2.0 * x[i * d] - x[i * d + 3] + 0.1 * dopt_rng_normal(&rng);

    /* What to minimise, and how. */
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    options.model = DOPT_MODEL_E2E;
    options.depth = 3;
    options.lr = 0.03;
    options.init = DOPT_INIT_NORMAL; /* W = 0 is a fixed point at any depth above 1 */
    options.init_std = 0.3;
    options.max_steps = 2000;
    if (dopt_loss_create_lp(4.0, NULL, &loss) == DOPT_OK &&
        dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1), loss, NULL, &objective) == DOPT_OK &&
        dopt_fit(objective, &options, dopt_mat_f64(w, 1, d), &report) == DOPT_OK)
        printf("ended (%s) after %lld steps at %.3g: w = %.2f %.2f %.2f %.2f %.2f\n",
               dopt_stop_reason_string(report.reason), (long long)report.steps, report.value, w[0], w[1], w[2], w[3],
               w[4]);
    else
        fprintf(stderr, "%s\n", dopt_last_error());
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    return w[0] > 1.9 ? 0 : 1;
}
