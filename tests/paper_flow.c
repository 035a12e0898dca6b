/* SPDX-License-Identifier: MIT */
/*
 * Gradient flow on L(W) = 1/2 || W - Phi ||_F^2 by the classical Runge-Kutta method: the flow of balanced factors is
 * the end-to-end flow, imbalances are conserved, Saxe's closed form holds, and so does the rate that a deficiency
 * margin promises. (examples/flow.c does the same to 1e-12 by CVODE.)
 */
#include <math.h>

#include "support/support.h"

enum { k = 2, d = 3, kd = k * d };

static void residual(const double *w, const double *target, double *out)
{
    for (int i = 0; i < kd; i++)
        out[i] = w[i] - target[i];
}

static double loss_of(const double *w, const double *target)
{
    double r[kd], sum = 0.0;
    residual(w, target, r);
    for (int i = 0; i < kd; i++)
        sum += 0.5 * r[i] * r[i];
    return sum;
}

static void rule_slope(dopt_e2e *e2e, const double *w, const double *target, double *out)
{
    double g[kd];
    residual(w, target, g);
    ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(out, k, d)));
}

/* One step of the end-to-end flow. */
static void rule_step(dopt_e2e *e2e, const double *target, double h, double *w)
{
    static const double at[4] = { 0.0, 0.5, 0.5, 1.0 }, weight[4] = { 1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6 };
    double start[kd], slope[kd] = { 0 }, here[kd];
    for (int i = 0; i < kd; i++)
        start[i] = w[i];
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < kd; i++)
            here[i] = start[i] - at[stage] * h * slope[i];
        rule_slope(e2e, here, target, slope);
        for (int i = 0; i < kd; i++)
            w[i] -= weight[stage] * h * slope[i];
    }
}

/* One step of the flow of the factors: `start` keeps where they were, `move` sums up. All nets are alike. */
static void factor_step(dopt_net *net, dopt_net *start, dopt_net *move, const double *target, double h)
{
    static const double at[4] = { 0.5, 0.5, 1.0, 0.0 }, weight[4] = { 1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6 };
    double w[kd], g[kd];
    for (int j = 1; j <= dopt_net_depth(net); j++) {
        test_copy(dopt_const(dopt_net_factor(net, j)), dopt_net_factor(start, j));
        test_copy(dopt_const(dopt_net_factor(net, j)), dopt_net_factor(move, j));
    }
    for (int stage = 0; stage < 4; stage++) {
        ASSERT_OK(dopt_net_product(net, dopt_mat_f64(w, k, d)));
        residual(w, target, g);
        ASSERT_OK(dopt_net_backward(net, dopt_cmat_f64(g, k, d)));
        for (int j = 1; j <= dopt_net_depth(net); j++) {
            const dopt_mat factor = dopt_net_factor(net, j), slope = dopt_net_grad(net, j);
            double *x = factor.data, *sum = dopt_net_factor(move, j).data, *s = slope.data;
            const double *from = dopt_net_factor(start, j).data;
            for (ptrdiff_t i = 0; i < factor.rows * factor.cols; i++) {
                sum[i] -= weight[stage] * h * s[i];
                x[i] = stage == 3 ? sum[i] : from[i] - at[stage] * h * s[i];
            }
        }
    }
}

static void make_nets(int depth, dopt_net **nets)
{
    const ptrdiff_t dims[] = { d, k, k, k, k };
    ptrdiff_t these[5];
    for (int j = 0; j <= depth; j++)
        these[j] = dims[j];
    for (int i = 0; i < 3; i++) {
        nets[i] = NULL;
        ASSERT_OK(dopt_net_create(DOPT_F64, depth, these, NULL, &nets[i]));
    }
}

static void factors_and_rule_flow_together(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int depth = 2; depth <= 4; depth++) {
        double target[kd], w[kd], product[kd], unbalanced;
        dopt_net *nets[3];
        dopt_e2e *e2e = NULL;
        test_fill(&rng, dopt_mat_f64(target, k, d));
        test_fill(&rng, dopt_mat_f64(w, k, d));
        make_nets(depth, nets);
        ASSERT_OK(dopt_e2e_create(k, d, depth, NULL, &e2e));
        ASSERT_OK(dopt_net_init_balanced(nets[0], dopt_cmat_f64(w, k, d)));
        for (int step = 0; step < 1000; step++) {
            rule_step(e2e, target, 1e-3, w);
            factor_step(nets[0], nets[1], nets[2], target, 1e-3);
        }
        ASSERT_OK(dopt_net_product(nets[0], dopt_mat_f64(product, k, d)));
        assert_true(test_distance(dopt_cmat_f64(w, k, d), dopt_cmat_f64(product, k, d)) < 1e-8);
        assert_true(dopt_net_imbalance(nets[0]) < 1e-8);
        ASSERT_OK(dopt_net_init_normal(nets[0], &rng, 0.7));
        unbalanced = dopt_net_imbalance(nets[0]);
        for (int step = 0; step < 1000; step++)
            factor_step(nets[0], nets[1], nets[2], target, 1e-3);
        ASSERT_CLOSE(dopt_net_imbalance(nets[0]), unbalanced, 1e-8);
        assert_true(unbalanced > 0.1);
        for (int i = 0; i < 3; i++)
            dopt_net_destroy(&nets[i]);
        dopt_e2e_destroy(&e2e);
    }
}

/* u(t) = s e^{2st} / (e^{2st} - 1 + s/u0) at depth 2. */
static void a_mode_has_the_closed_form(void **state)
{
    (void)state;
    const double s = 1.5, u0 = 0.01;
    double target[kd] = { s }, w[kd] = { u0 };
    dopt_e2e *e2e = NULL;
    ASSERT_OK(dopt_e2e_create(k, d, 2.0, NULL, &e2e));
    for (int step = 1; step <= 3000; step++) {
        rule_step(e2e, target, 1e-3, w);
        const double e = exp(2.0 * s * 1e-3 * step);
        ASSERT_CLOSE(w[0], s * e / (e - 1.0 + s / u0), 1e-9);
    }
    dopt_e2e_destroy(&e2e);
}

/* The loss stays below its bound; without a margin it need not: the mode that starts at 0 never comes. */
static void a_deficiency_margin_gives_the_rate(void **state)
{
    (void)state;
    const double target[kd] = { 1.4, 0, 0, 0, 1.0, 0 }, none[kd] = { 1.4, 0, 0, 0, 0, 0 };
    for (int depth = 2; depth <= 4; depth++) {
        double w[kd] = { 1.0, 0.1, 0, -0.1, 0.7, 0.1 }, stuck[kd] = { 1.4 }, margin, without;
        dopt_e2e *e2e = NULL;
        ASSERT_OK(dopt_e2e_create(k, d, depth, NULL, &e2e));
        ASSERT_OK(dopt_analysis_margin(dopt_cmat_f64(w, k, d), dopt_cmat_f64(target, k, d), &margin));
        ASSERT_OK(dopt_analysis_margin(dopt_cmat_f64(none, k, d), dopt_cmat_f64(target, k, d), &without));
        assert_true(margin > 0.3 && without <= 0.0);
        const double first = loss_of(w, target), rate = 2.0 * pow(margin, 2.0 * (depth - 1.0) / depth);
        for (int step = 1; step <= 4000; step++) {
            rule_step(e2e, target, 1e-3, w);
            assert_true(loss_of(w, target) <= first * exp(-rate * 1e-3 * step));
            rule_step(e2e, target, 1e-3, stuck);
        }
        ASSERT_CLOSE(loss_of(stuck, target), 0.5, 1e-12);
        dopt_e2e_destroy(&e2e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(factors_and_rule_flow_together),
                                        cmocka_unit_test(a_mode_has_the_closed_form),
                                        cmocka_unit_test(a_deficiency_margin_gives_the_rate) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
