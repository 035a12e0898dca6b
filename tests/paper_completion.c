/* SPDX-License-Identifier: MIT */
/* Matrix completion: depth recovers a matrix of low rank from half of its entries, depth 1 only what it has seen. */
#include <math.h>
#include <string.h>

#include "support/support.h"

enum { n = 16, rank = 1, seen = 128 };

typedef struct task {
    double truth[n * n];
    ptrdiff_t entry[seen];
} task;

static dopt_status on_entries(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    const task *t = user;
    (void)batch;
    *value = 0.0;
    if (grad.data)
        memset(grad.data, 0, n * n * sizeof(double));
    for (int i = 0; i < seen; i++) {
        const double r = ((const double *)w.data)[t->entry[i]] - t->truth[t->entry[i]];
        *value += r * r / seen;
        if (grad.data)
            ((double *)grad.data)[t->entry[i]] = 2.0 * r / seen;
    }
    return DOPT_OK;
}

/* Mean squared error on the whole matrix, of entries of mean square 1. */
static double error_at(task *t, dopt_objective *objective, int depth)
{
    double w[n * n], sum = 0.0;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    o.model = DOPT_MODEL_FACTORED;
    o.depth = depth;
    o.width = n;
    o.init = DOPT_INIT_NORMAL;
    o.init_std = pow(1e-3, 1.0 / depth) / sqrt(n);
    o.optimizer = DOPT_OPTIM_GROUP_RMSPROP;
    o.lr = 2e-3;
    o.max_steps = 30000;
    o.target = 1e-5;
    ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(w, n, n), &report));
    assert_int_equal(report.reason, DOPT_STOP_TARGET);
    for (int i = 0; i < n * n; i++)
        sum += (w[i] - t->truth[i]) * (w[i] - t->truth[i]) / (n * n);
    return sum;
}

static void depth_finds_low_rank(void **state)
{
    (void)state;
    static task t;
    dopt_rng rng = test_rng_begin(__func__);
    dopt_objective *objective = NULL;
    double u[n], v[n], square = 0.0;
    for (int i = 0; i < n; i++) {
        u[i] = dopt_rng_normal(&rng);
        v[i] = dopt_rng_normal(&rng);
    }
    for (int i = 0; i < n * n; i++) {
        t.truth[i] = u[i / n] * v[i % n];
        square += t.truth[i] * t.truth[i];
    }
    for (int i = 0; i < n * n; i++)
        t.truth[i] *= n / sqrt(square);
    for (int i = 0; i < seen; i++)
        t.entry[i] = (ptrdiff_t)dopt_rng_permute(1, 0, n * n, (uint64_t)i);
    ASSERT_OK(dopt_objective_create_custom(n, n, on_entries, &t, &objective));
    const double one = error_at(&t, objective, 1), two = error_at(&t, objective, 2), three = error_at(&t, objective, 3);
    assert_true(one > 0.2);
    assert_true(two < 0.1 * one);
    assert_true(three < 0.5 * two); /* the tolerance of the fit is near */
    dopt_objective_destroy(&objective);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(depth_finds_low_rank) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
