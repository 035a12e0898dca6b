/* SPDX-License-Identifier: MIT */
#include "support/small_problem.h"

void small_problem_begin(small_problem *p, const char *test)
{
    enum { m = SMALL_ROWS, d = SMALL_COLS };
    dopt_rng rng = test_rng_begin(test);
    test_fill(&rng, dopt_mat_f64(p->x, m, d));
    for (int i = 0; i < m; i++)
        p->y[i] = p->x[i * d] - 2.0 * p->x[i * d + 1] + 0.1 * dopt_rng_normal(&rng);
    ASSERT_OK(dopt_loss_create_squared(NULL, &p->loss));
    ASSERT_OK(
        dopt_objective_create_data(dopt_cmat_f64(p->x, m, d), dopt_cmat_f64(p->y, m, 1), p->loss, NULL, &p->objective));
}

void small_problem_end(small_problem *p)
{
    dopt_objective_destroy(&p->objective);
    dopt_loss_destroy(&p->loss);
}

dopt_status small_bowl(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    const double x = test_get(w, 0, 0) - 1.0;
    (void)batch;
    (void)user;
    *value = 0.5 * x * x;
    if (grad.data)
        test_set(grad, 0, 0, x);
    return DOPT_OK;
}
