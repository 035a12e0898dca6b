/* SPDX-License-Identifier: MIT */
/*
 * Section 7: ([1, 0], y_1), ([0, 1], y_2), L = |w_1 - y_1|^p / p + |w_2 - y_2|^p / p. The bound on the learning rate,
 * the speed-up of the small coordinate by depth 2, and the exponent that depth does not change.
 */
#include <math.h>

#include "support/support.h"

typedef struct points {
    double y[2];
    dopt_loss *loss;
    dopt_objective *objective;
} points;

static void points_make(double p, double y1, double y2, points *out)
{
    static const double identity[4] = { 1.0, 0.0, 0.0, 1.0 };
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    const points fresh = { .y = { y1, y2 } };
    options.weight = 2.0 / p; /* the mean is over two rows */
    *out = fresh;
    ASSERT_OK(dopt_loss_create_lp(p, &options, &out->loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(identity, 2, 2), dopt_cmat_f64(out->y, 2, 1), out->loss, NULL,
                                         &out->objective));
}

static void points_free(points *q)
{
    dopt_objective_destroy(&q->objective);
    dopt_loss_destroy(&q->loss);
}

static double target_error, target_y; /* where the callback stops */

static int there(const dopt_event *event, void *user)
{
    (void)user;
    return fabs(((const double *)event->w.data)[1] - target_y) <= target_error;
}

/* Train from (e1, e2); returns |w_2 - y_2|. */
static double train(points *q, double depth, double lr, int64_t steps, double e1, double e2, dopt_report *report)
{
    double w[2] = { e1, e2 };
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.depth = depth;
    o.lr = lr;
    o.max_steps = steps;
    target_y = q->y[1];
    o.callback = there;
    ASSERT_OK(dopt_fit(q->objective, &o, dopt_mat_f64(w, 1, 2), report));
    return fabs(w[1] - q->y[1]);
}

static void the_learning_rate_has_its_bound(void **state)
{
    (void)state;
    target_error = 0.0;
    for (double p = 2.0; p <= 6.0; p += 2.0)
        for (double y1 = 2.0; y1 <= 10.0; y1 += 8.0) {
            points q;
            dopt_report below, above;
            const double bound = 2.0 / pow(y1, p - 2.0);
            points_make(p, y1, 1.0, &q);
            (void)train(&q, 1.0, 0.98 * bound, 20000, 1e-6, 1e-6, &below);
            (void)train(&q, 1.0, 1.02 * bound, 20000, 1e-6, 1e-6, &above);
            assert_true(below.reason == DOPT_STOP_STEPS || below.reason == DOPT_STOP_GRADIENT);
            assert_true(below.value < 1.0);
            assert_int_equal(above.reason, DOPT_STOP_DIVERGED);
            points_free(&q);
        }
}

/* y_1 / (4 eps_1) as predicted, here 50 and 450, in steps until w_2 is there. */
static void depth_2_speeds_up_the_small_coordinate(void **state)
{
    (void)state;
    target_error = 0.02;
    for (double y1 = 10.0; y1 <= 30.0; y1 += 20.0) {
        points q;
        dopt_report plain, deep;
        const double eps = 0.5 / y1;
        points_make(4.0, y1, 1.0, &q);
        (void)train(&q, 1.0, 0.99 * 2.0 / (y1 * y1), 10000000, eps, eps / y1, &plain);
        (void)train(&q, 2.0, 1.0 / (2.0 * eps * y1 * y1), 10000000, eps, eps / y1, &deep);
        assert_int_equal(plain.reason, DOPT_STOP_CALLBACK);
        assert_int_equal(deep.reason, DOPT_STOP_CALLBACK);
        const double ratio = (double)plain.steps / (double)deep.steps * 4.0 * eps / y1;
        assert_true(ratio > 0.9 && ratio < 1.3);
        points_free(&q);
    }
}

static void the_exponent_is_that_of_depth_1(void **state)
{
    (void)state;
    target_error = 0.0;
    for (double depth = 1.0; depth <= 3.0; depth += 1.0) {
        points q;
        dopt_report report;
        const double lr = depth == 1.0 ? 0.05 : 0.01;
        points_make(4.0, 2.0, 1.0, &q);
        const double early = train(&q, depth, lr, 20000, 0.2, 0.1, &report);
        const double late = train(&q, depth, lr, 200000, 0.2, 0.1, &report);
        ASSERT_CLOSE(log10(late / early), -0.5, 0.04);
        if (depth == 1.0) /* the flow's solution, |D| = (|D_0|^-2 + 2 lr t)^-1/2 */
            ASSERT_CLOSE(late * sqrt(pow(0.9, -2.0) + 2.0 * lr * 200000.0), 1.0, 1e-3);
        points_free(&q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_learning_rate_has_its_bound),
                                        cmocka_unit_test(depth_2_speeds_up_the_small_coordinate),
                                        cmocka_unit_test(the_exponent_is_that_of_depth_1) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
