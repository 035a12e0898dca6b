/* SPDX-License-Identifier: MIT */
/* What every update rule promises; rules are taken from the registry. */
#include <math.h>
#include <string.h>

#include "support/support.h"

static dopt_optim *create(int kind)
{
    dopt_optim *optim = NULL;
    ASSERT_OK(dopt_optim_create((dopt_optim_kind)kind, &optim));
    return optim;
}

static void zero_gradient_moves_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++) {
        double p[4] = { 1, -2, 3, 0 }, g[4] = { 0 };
        const dopt_mat block = dopt_mat_f64(p, 2, 2);
        const dopt_cmat grad = dopt_cmat_f64(g, 2, 2);
        dopt_optim *optim = create(kind);
        for (int t = 0; t < 3; t++)
            ASSERT_OK(dopt_optim_apply(optim, 1, &block, &grad));
        assert_true(p[0] == 1.0 && p[1] == -2.0 && p[2] == 3.0 && p[3] == 0.0);
        dopt_optim_destroy(&optim);
    }
}

static void a_quadratic_descends(void **state)
{
    (void)state;
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++) {
        double p[2] = { 1.0, -1.0 };
        const dopt_mat block = dopt_mat_f64(p, 1, 2);
        dopt_optim *optim = create(kind);
        for (int t = 0; t < 2000; t++) {
            const double g[2] = { p[0], 3.0 * p[1] };
            const dopt_cmat grad = dopt_cmat_f64(g, 1, 2);
            ASSERT_OK(dopt_optim_apply(optim, 1, &block, &grad));
        }
        assert_true(p[0] * p[0] + 3.0 * p[1] * p[1] < 2.0);
        dopt_optim_destroy(&optim);
    }
}

/* Steps in any layout and after a reset give the same bits as the first ones in rows. */
static void reset_and_layouts_repeat(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++)
        for (int dtype = DOPT_F64; dtype <= DOPT_F32; dtype++) {
            dopt_optim *optim = create(kind);
            test_array start = test_array_new(5, 300, (dopt_dtype)dtype, TEST_ROWS);
            test_array g = test_array_new(5, 300, (dopt_dtype)dtype, TEST_COLS);
            test_fill(&rng, start.view);
            test_fill(&rng, g.view);
            test_array first = test_array_new(5, 300, (dopt_dtype)dtype, TEST_ROWS);
            for (int layout = 0; layout < TEST_LAYOUTS; layout++) {
                test_array p = test_array_new(5, 300, (dopt_dtype)dtype, (test_layout)layout);
                const dopt_cmat grad = dopt_const(g.view);
                dopt_optim *fresh = create(kind);
                test_copy(dopt_const(start.view), p.view);
                for (int t = 0; t < 5; t++)
                    ASSERT_OK(dopt_optim_apply(layout == TEST_COLS         ? fresh
                                               : layout == TEST_COLS_BLOCK ? fresh
                                                                           : optim,
                                               1, &p.view, &grad));
                if (layout == 0)
                    test_copy(dopt_const(p.view), first.view);
                ASSERT_MAT_SAME(dopt_const(p.view), dopt_const(first.view));
                test_array_padding(&p);
                test_array_free(&p);
                dopt_optim_destroy(&fresh);
                dopt_optim_reset(optim);
                assert_int_equal(dopt_optim_steps(optim), 0);
            }
            test_array_free(&start);
            test_array_free(&first);
            test_array_free(&g);
            dopt_optim_destroy(&optim);
        }
}

/* All that `from` remembers, to another optimizer of its kind. Returns how many matrices that is. */
static int hand_over(dopt_optim *from, dopt_optim *to)
{
    int count = 0;
    for (int block = -1; block < 2; block++)
        for (int s = 0; dopt_optim_state(from, block, s).data; s++, count++)
            test_copy(dopt_const(dopt_optim_state(from, block, s)), dopt_optim_state(to, block, s));
    ASSERT_OK(dopt_optim_set_steps(to, dopt_optim_steps(from)));
    return count;
}

/* A fresh optimizer that is given the state of another one goes on as that one does. */
static void state_is_all_that_it_remembers(void **state)
{
    enum { steps = 9, broken = 4 };
    static const int expected[] = { 0, 2, 2, 2, 4, 2, 4, 1 };
    (void)state;
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++) {
        dopt_rng rng = test_rng_begin(__func__);
        dopt_optim *alone = create(kind), *other = NULL;
        double p[2][10], g[10];
        float q[2][6], h[6];
        for (int i = 0; i < 10; i++)
            p[0][i] = p[1][i] = dopt_rng_normal(&rng);
        for (int i = 0; i < 6; i++)
            q[0][i] = q[1][i] = (float)dopt_rng_normal(&rng);
        for (int t = 0; t < steps; t++) {
            const dopt_cmat grads[] = { dopt_cmat_f64(g, 2, 5), dopt_ctransposed(dopt_cmat_f32(h, 2, 3)) };
            for (int i = 0; i < 10; i++)
                g[i] = dopt_rng_normal(&rng);
            for (int i = 0; i < 6; i++)
                h[i] = (float)dopt_rng_normal(&rng);
            for (int which = 0; which < 2; which++) {
                const dopt_mat params[] = { dopt_mat_f64(p[which], 2, 5),
                                            dopt_transposed(dopt_mat_f32(q[which], 2, 3)) };
                if (which == 1 && t % broken == 0) {
                    dopt_optim *fresh = create(kind);
                    ASSERT_OK(dopt_optim_prepare(fresh, 2, params));
                    if (t > 0)
                        assert_int_equal(hand_over(other, fresh), expected[kind]);
                    dopt_optim_destroy(&other);
                    other = fresh;
                }
                ASSERT_OK(dopt_optim_apply(which ? other : alone, 2, params, grads));
            }
        }
        assert_memory_equal(p[0], p[1], sizeof p[0]);
        assert_memory_equal(q[0], q[1], sizeof q[0]);
        dopt_optim_destroy(&alone);
        dopt_optim_destroy(&other);
    }
}

static void states_have_bounds(void **state)
{
    (void)state;
    double p[4] = { 0 };
    const dopt_mat block = dopt_mat_f64(p, 2, 2);
    dopt_optim *optim = create(DOPT_OPTIM_ADAM);
    assert_null(dopt_optim_state(NULL, 0, 0).data);
    assert_null(dopt_optim_state(optim, 0, 0).data);
    ASSERT_OK(dopt_optim_prepare(optim, 1, &block));
    assert_non_null(dopt_optim_state(optim, 0, 1).data);
    assert_null(dopt_optim_state(optim, 0, 2).data);
    assert_null(dopt_optim_state(optim, 0, -1).data);
    assert_null(dopt_optim_state(optim, 1, 0).data);
    assert_null(dopt_optim_state(optim, -1, 0).data);
    assert_null(dopt_optim_state(optim, -2, 0).data);
    ASSERT_FAILS(dopt_optim_set_steps(NULL, 0), DOPT_ERR_INVALID, "optim is NULL");
    ASSERT_FAILS(dopt_optim_set_steps(optim, -1), DOPT_ERR_INVALID, "steps is -1, must be >= 0");
    assert_int_equal(dopt_optim_steps(optim), 0);
    dopt_optim_destroy(&optim);
    optim = create(DOPT_OPTIM_GROUP_RMSPROP);
    assert_null(dopt_optim_state(optim, -1, 0).data);
    ASSERT_OK(dopt_optim_prepare(optim, 1, &block));
    assert_non_null(dopt_optim_state(optim, -1, 0).data);
    assert_null(dopt_optim_state(optim, -1, 1).data);
    assert_null(dopt_optim_state(optim, -2, 0).data);
    dopt_optim_destroy(&optim);
}

/* A row of every third number moves as one without gaps, whichever of parameters and gradients it is. */
static void gaps_do_not_count(void **state)
{
    (void)state;
    enum { n = 7, gap = 3 };
    dopt_rng rng = test_rng_begin(__func__);
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++)
        for (int which = 1; which < 4; which++) {
            double p[n], g[n], wide_p[n * gap], wide_g[n * gap];
            dopt_mat params = dopt_mat_f64(p, 1, n), apart = { wide_p, 1, n, 1, gap, DOPT_F64 };
            dopt_cmat grads = dopt_cmat_f64(g, 1, n), grads_apart = { wide_g, 1, n, 1, gap, DOPT_F64 };
            dopt_optim *one = create(kind), *other = create(kind);
            test_fill(&rng, params);
            for (int i = 0; i < n * gap; i++)
                wide_p[i] = wide_g[i] = -3.0;
            for (int i = 0; i < n; i++)
                wide_p[i * gap] = p[i];
            if (!(which & 1))
                memcpy(wide_p, p, sizeof p);
            apart = which & 1 ? apart : dopt_mat_f64(wide_p, 1, n);
            for (int t = 0; t < 3; t++) {
                test_fill(&rng, dopt_mat_f64(g, 1, n));
                for (int i = 0; i < n; i++)
                    wide_g[i * gap] = g[i];
                ASSERT_OK(dopt_optim_apply(one, 1, &params, &grads));
                ASSERT_OK(dopt_optim_apply(other, 1, &apart, which & 2 ? &grads_apart : &grads));
            }
            ASSERT_MAT_SAME(dopt_const(params), dopt_const(apart));
            for (int i = 0; i < n * gap && (which & 1); i++)
                assert_true(i % gap == 0 || wide_p[i] == -3.0);
            dopt_optim_destroy(&one);
            dopt_optim_destroy(&other);
        }
}

/* Decay as it is documented: of the gradient, or, decoupled, w <- (1 - lr decay) w before the step; of every element.
 */
static void decay_has_its_formula(void **state)
{
    (void)state;
    const double lr = 0.5, decay = 0.25;
    for (int decoupled = 0; decoupled < 2; decoupled++)
        for (int layout = 0; layout < TEST_LAYOUTS; layout++) {
            test_array p = test_array_new(3, 700, DOPT_F64, (test_layout)layout);
            test_array g = test_array_new(3, 700, DOPT_F64, TEST_ROWS);
            const dopt_cmat grad = dopt_const(g.view);
            dopt_optim *optim = create(DOPT_OPTIM_GD);
            ASSERT_OK(dopt_optim_set(optim, DOPT_LR, lr));
            ASSERT_OK(dopt_optim_set(optim, DOPT_WEIGHT_DECAY, decay));
            ASSERT_OK(dopt_optim_set(optim, DOPT_DECOUPLED, decoupled));
            for (ptrdiff_t i = 0; i < 3 * 700; i++) {
                test_set(p.view, i / 700, i % 700, (double)i);
                test_set(g.view, i / 700, i % 700, 2.0);
            }
            ASSERT_OK(dopt_optim_apply(optim, 1, &p.view, &grad));
            for (ptrdiff_t i = 0; i < 3 * 700; i++) /* all numbers are exact */
                assert_true(test_get(dopt_const(p.view), i / 700, i % 700) ==
                            (double)i * (1.0 - lr * decay) - lr * 2.0);
            test_array_padding(&p);
            test_array_free(&p);
            test_array_free(&g);
            dopt_optim_destroy(&optim);
        }
}

/* The gradient is that of the end-to-end matrix: outputs x inputs, whatever lies between. */
static void step_wants_its_shape(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 4, 3, 2 };
    double g[12] = { 0 };
    dopt_net *net = NULL;
    dopt_optim *optim = create(DOPT_OPTIM_GD);
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_OK(dopt_step(optim, net, dopt_cmat_f64(g, 2, 4)));
    ASSERT_FAILS(dopt_step(optim, net, dopt_cmat_f64(g, 2, 3)), DOPT_ERR_SHAPE, "grad is 2 x 3, must be 2 x 4");
    ASSERT_FAILS(dopt_step(optim, net, dopt_cmat_f64(g, 3, 4)), DOPT_ERR_SHAPE, "grad is 3 x 4, must be 2 x 4");
    assert_int_equal(dopt_optim_steps(optim), 1);
    dopt_net_destroy(&net);
    dopt_optim_destroy(&optim);
}

/* The table of optim.h; what is not in this one is 0. */
static void defaults_are_documented(void **state)
{
    static const struct {
        int kind;
        dopt_hyper hyper;
        double value;
    } table[] = { { DOPT_OPTIM_ADADELTA, DOPT_LR, 1.0 },
                  { DOPT_OPTIM_ADAM, DOPT_LR, 1e-3 },
                  { DOPT_OPTIM_GROUP_RMSPROP, DOPT_LR, 1e-3 },
                  { DOPT_OPTIM_MOMENTUM, DOPT_MOMENTUM, 0.9 },
                  { DOPT_OPTIM_NESTEROV, DOPT_MOMENTUM, 0.9 },
                  { DOPT_OPTIM_ADADELTA, DOPT_RHO, 0.9 },
                  { DOPT_OPTIM_RMSPROP, DOPT_RHO, 0.99 },
                  { DOPT_OPTIM_GROUP_RMSPROP, DOPT_RHO, 0.99 },
                  { DOPT_OPTIM_ADAM, DOPT_BETA1, 0.9 },
                  { DOPT_OPTIM_ADAM, DOPT_BETA2, 0.999 },
                  { DOPT_OPTIM_ADAGRAD, DOPT_EPSILON, 1e-10 },
                  { DOPT_OPTIM_ADADELTA, DOPT_EPSILON, 1e-6 },
                  { DOPT_OPTIM_RMSPROP, DOPT_EPSILON, 1e-8 },
                  { DOPT_OPTIM_ADAM, DOPT_EPSILON, 1e-8 },
                  { DOPT_OPTIM_GROUP_RMSPROP, DOPT_EPSILON, 1e-4 } };
    (void)state;
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++)
        for (int h = 0; h < DOPT_HYPER_COUNT; h++) {
            dopt_hyper_bounds b;
            double want = h == DOPT_LR ? 1e-2 : 0.0;
            if (dopt_optim_bounds((dopt_optim_kind)kind, (dopt_hyper)h, &b) != DOPT_OK)
                continue;
            for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                if (table[i].kind == kind && table[i].hyper == (dopt_hyper)h)
                    want = table[i].value;
            assert_true(b.initial == want);
        }
}

static void hyperparameters_have_bounds(void **state)
{
    (void)state;
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++) {
        dopt_optim *optim = create(kind);
        dopt_optim_kind found;
        ASSERT_OK(dopt_optim_kind_by_name(dopt_optim_kind_name((dopt_optim_kind)kind), &found));
        assert_int_equal(found, kind);
        for (int h = 0; h < DOPT_HYPER_COUNT; h++) {
            dopt_hyper_bounds b = { 0 };
            if (isnan(dopt_optim_get(optim, (dopt_hyper)h))) {
                ASSERT_FAILS(dopt_optim_set(optim, (dopt_hyper)h, 0.5), DOPT_ERR_INVALID, "has no hyperparameter");
                assert_int_equal(dopt_optim_bounds((dopt_optim_kind)kind, (dopt_hyper)h, &b), DOPT_ERR_INVALID);
                continue;
            }
            ASSERT_OK(dopt_optim_bounds((dopt_optim_kind)kind, (dopt_hyper)h, &b));
            assert_true(dopt_optim_get(optim, (dopt_hyper)h) == b.initial);
            ASSERT_OK(dopt_optim_set(optim, (dopt_hyper)h, b.initial));
            assert_int_equal(dopt_optim_set(optim, (dopt_hyper)h, b.lower) == DOPT_OK, !b.lower_open);
            assert_int_equal(dopt_optim_set(optim, (dopt_hyper)h, b.upper) == DOPT_OK, !b.upper_open);
            ASSERT_FAILS(dopt_optim_set(optim, (dopt_hyper)h, -1.0), DOPT_ERR_INVALID, "is -1, must be in");
            assert_int_equal(dopt_optim_set(optim, (dopt_hyper)h, NAN), DOPT_ERR_INVALID);
        }
        dopt_optim_destroy(&optim);
    }
}

static void bad_steps_change_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++) {
        double p[4] = { 1, 2, 3, 4 }, q[4] = { 1, 2, 3, 4 }, g[4] = { 1, 1, 1, 1 }, bad[4] = { 1, 1, NAN, 1 };
        const dopt_mat blocks[2] = { dopt_mat_f64(p, 2, 2), dopt_mat_f64(q, 2, 2) };
        const dopt_cmat grads[2] = { dopt_cmat_f64(g, 2, 2), dopt_cmat_f64(bad, 2, 2) };
        const dopt_cmat other[2] = { dopt_cmat_f64(g, 2, 2), dopt_cmat_f64(g, 1, 4) };
        dopt_optim *optim = create(kind);
        ASSERT_FAILS(dopt_optim_apply(optim, 2, blocks, grads), DOPT_ERR_NONFINITE, "grads[1][1, 0] is nan");
        ASSERT_FAILS(dopt_optim_apply(optim, 2, blocks, other), DOPT_ERR_SHAPE, "grads[1] is 1 x 4, must be 2 x 2");
        ASSERT_FAILS(dopt_optim_apply(optim, 0, blocks, grads), DOPT_ERR_INVALID, "blocks is 0");
        ASSERT_FAILS(dopt_optim_apply(optim, 2, NULL, grads), DOPT_ERR_INVALID, "params is NULL");
        ASSERT_FAILS(dopt_optim_apply(NULL, 2, blocks, grads), DOPT_ERR_INVALID, "optim is NULL");
        ASSERT_OK(dopt_optim_prepare(optim, 2, blocks));
        ASSERT_FAILS(dopt_optim_prepare(optim, 1, blocks), DOPT_ERR_SHAPE, "blocks is 1, was 2 at first");
        assert_true(p[0] == 1.0 && q[3] == 4.0);
        assert_int_equal(dopt_optim_steps(optim), 0);
        dopt_optim_destroy(&optim);
    }
    dopt_optim *none = NULL;
    dopt_optim_kind kind = DOPT_OPTIM_ADAM;
    ASSERT_FAILS(dopt_optim_create((dopt_optim_kind)99, &none), DOPT_ERR_INVALID, "kind is 99");
    ASSERT_FAILS(dopt_optim_kind_by_name("sgd", &kind), DOPT_ERR_INVALID, "must be one of gd, momentum");
    assert_int_equal(kind, DOPT_OPTIM_ADAM);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    double p[4] = { 1, 2, 3, 4 }, g[4] = { 1, 1, 1, 1 };
    const dopt_mat blocks[2] = { dopt_mat_f64(p, 1, 2), dopt_mat_f64(p + 2, 2, 1) };
    const dopt_cmat grads[2] = { dopt_cmat_f64(g, 1, 2), dopt_cmat_f64(g + 2, 2, 1) };
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++)
        for (int left = 0;; left++) {
            test_memory memory = { .left = left };
            const dopt_allocator allocator = test_allocator(&memory);
            dopt_optim *optim = NULL;
            dopt_status status = dopt_optim_create_with((dopt_optim_kind)kind, &allocator, &optim);
            if (status == DOPT_OK)
                status = dopt_optim_prepare(optim, 2, blocks);
            if (status == DOPT_OK) {
                const long calls = memory.calls;
                ASSERT_OK(dopt_optim_apply(optim, 2, blocks, grads));
                assert_int_equal(memory.calls, calls);
            }
            dopt_optim_destroy(&optim);
            assert_int_equal(memory.live, 0);
            if (status == DOPT_OK)
                break;
            assert_int_equal(status, DOPT_ERR_NOMEM);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_gradient_moves_nothing), cmocka_unit_test(a_quadratic_descends),
        cmocka_unit_test(reset_and_layouts_repeat),    cmocka_unit_test(hyperparameters_have_bounds),
        cmocka_unit_test(bad_steps_change_nothing),    cmocka_unit_test(survives_every_failed_allocation),
        cmocka_unit_test(gaps_do_not_count),           cmocka_unit_test(decay_has_its_formula),
        cmocka_unit_test(step_wants_its_shape),        cmocka_unit_test(state_is_all_that_it_remembers),
        cmocka_unit_test(states_have_bounds),          cmocka_unit_test(defaults_are_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
