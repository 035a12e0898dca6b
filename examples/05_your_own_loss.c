/* SPDX-License-Identifier: MIT */
/* A loss of your own, of quantile regression: which line has nine tenths of the targets below it? */
#include <math.h>
#include <stdio.h>

#include <depthopt/depthopt.h>

enum { m = 2000 };

/* Sum over the rows of tau r above the line and (tau - 1) r below it, r = y - z; `user` is tau. */
static dopt_status pinball(dopt_cmat z, dopt_cmat y, double *sum, dopt_mat dz, void *user)
{
    const double tau = *(const double *)user;
    *sum = 0.0;
    for (ptrdiff_t i = 0; i < z.rows; i++)
        for (ptrdiff_t c = 0; c < z.cols; c++) {
            const double r = ((const double *)y.data)[i * y.row_stride + c * y.col_stride] -
                             ((const double *)z.data)[i * z.row_stride + c * z.col_stride];
            *sum += r > 0.0 ? tau * r : (tau - 1.0) * r;
            if (dz.data)
                ((double *)dz.data)[i * dz.row_stride + c * dz.col_stride] = r > 0.0 ? -tau : 1.0 - tau;
        }
    return DOPT_OK;
}

/* Targets 1 + 2 x and noise that grows with x, in [0, 1); the first feature is 1. */
static void draw(double x[m][2], double y[m])
{
    dopt_rng rng = dopt_rng_init(5, 0);
    for (int i = 0; i < m; i++) {
        x[i][0] = 1.0;
        x[i][1] = dopt_rng_uniform(&rng);
        y[i] = 1.0 + 2.0 * x[i][1] + (0.1 + 0.4 * x[i][1]) * dopt_rng_normal(&rng);
    }
}

int main(void)
{
    static double x[m][2], y[m];
    double tau = 0.9, w[2] = { 0.5, 0.5 };
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    draw(x, y);
    options.depth = 2;
    options.lr = 0.1;
    options.schedule.kind = DOPT_SCHEDULE_INVERSE_TIME; /* the loss has a kink: steps must shrink */
    options.schedule.period = 300;
    options.schedule.factor = 1.0;
    options.max_steps = 5000;
    if (dopt_loss_create_custom(pinball, &tau, NULL, &loss) != DOPT_OK ||
        dopt_objective_create_data(dopt_cmat_f64(&x[0][0], m, 2), dopt_cmat_f64(y, m, 1), loss, NULL, &objective) !=
            DOPT_OK ||
        dopt_fit(objective, &options, dopt_mat_f64(w, 1, 2), &report) != DOPT_OK)
        fprintf(stderr, "%s\n", dopt_last_error());
    int below = 0;
    for (int i = 0; i < m; i++)
        below += y[i] < w[0] + w[1] * x[i][1];
    printf("%.2f + %.2f x: %.1f %% of the targets are below\n", w[0], w[1], 100.0 * below / m);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    return fabs(below / (double)m - tau) < 0.02 ? 0 : 1;
}
