/* SPDX-License-Identifier: MIT */
/* Training runs: closed forms, stop reasons, reports, and what happens when they diverge. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <string.h>
#include <time.h>

#include "support/small_problem.h"

enum { m = SMALL_ROWS, d = SMALL_COLS };

static void gd_on_a_bowl_is_geometric(void **state)
{
    (void)state;
    double w = 3.0;
    dopt_objective *objective = NULL;
    dopt_report report;
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    options.model = DOPT_MODEL_DIRECT;
    options.lr = 0.1;
    options.max_steps = 50;
    ASSERT_OK(dopt_objective_create_custom(1, 1, small_bowl, NULL, &objective));
    ASSERT_OK(dopt_fit(objective, &options, dopt_mat_f64(&w, 1, 1), &report));
    ASSERT_CLOSE(w, 1.0 + 2.0 * pow(0.9, 50), 1e-14);
    assert_int_equal(report.reason, DOPT_STOP_STEPS);
    assert_int_equal(report.steps, 50);
    assert_int_equal(report.best_step, 50);
    ASSERT_CLOSE(report.value, 0.5 * (w - 1.0) * (w - 1.0), 1e-16);
    ASSERT_CLOSE(report.gradient_norm, fabs(w - 1.0), 1e-16);
    assert_true(report.best_value == report.value && report.seconds >= 0.0);
    dopt_objective_destroy(&objective);
}

/* From a balanced start and with small steps, the factored and the e2e model stay together; depth 1 is direct. */
static void models_agree_where_theory_says_so(void **state)
{
    (void)state;
    small_problem p;
    small_problem_begin(&p, __func__);
    double e2e[d], factored[d], direct[d], start[d] = { 0.3, 0.2, -0.1, 0.1 };
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    options.depth = 3.0;
    options.lr = 1e-4;
    options.max_steps = 2000;
    memcpy(e2e, start, sizeof start);
    memcpy(factored, start, sizeof start);
    ASSERT_OK(dopt_fit(p.objective, &options, dopt_mat_f64(e2e, 1, d), NULL));
    options.model = DOPT_MODEL_FACTORED;
    ASSERT_OK(dopt_fit(p.objective, &options, dopt_mat_f64(factored, 1, d), NULL));
    ASSERT_CLOSE(test_distance(dopt_cmat_f64(e2e, 1, d), dopt_cmat_f64(factored, 1, d)), 0.0, 1e-3);
    assert_true(test_distance(dopt_cmat_f64(e2e, 1, d), dopt_cmat_f64(start, 1, d)) > 0.1);
    options.depth = 1.0;
    memcpy(e2e, start, sizeof start);
    memcpy(direct, start, sizeof start);
    options.model = DOPT_MODEL_E2E;
    ASSERT_OK(dopt_fit(p.objective, &options, dopt_mat_f64(e2e, 1, d), NULL));
    options.model = DOPT_MODEL_DIRECT;
    ASSERT_OK(dopt_fit(p.objective, &options, dopt_mat_f64(direct, 1, d), NULL));
    ASSERT_MAT_CLOSE(dopt_cmat_f64(e2e, 1, d), dopt_cmat_f64(direct, 1, d), 2000.0);
    small_problem_end(&p);
}

/* All models, optimizers and initialisations run, repeat bit by bit, and go down. */
static void every_combination_descends_and_repeats(void **state)
{
    (void)state;
    small_problem p;
    small_problem_begin(&p, __func__);
    for (int model = DOPT_MODEL_DIRECT; model <= DOPT_MODEL_E2E; model++)
        for (int kind = 0; kind < dopt_optim_kind_count(); kind++)
            for (int init = DOPT_INIT_NORMAL; init <= DOPT_INIT_BALANCED; init++) {
                double w[2][d], zero[d] = { 0 }, first = 0.0;
                dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
                dopt_report report;
                options.model = (dopt_model)model;
                options.optimizer = (dopt_optim_kind)kind;
                options.init = (dopt_init)init;
                options.init_std = 0.3;
                options.batch_size = 7;
                options.seed = 5;
                options.max_steps = 400;
                for (int i = 0; i < 2; i++)
                    ASSERT_OK(dopt_fit(p.objective, &options, dopt_mat_f64(w[i], 1, d), &report));
                ASSERT_MAT_SAME(dopt_cmat_f64(w[0], 1, d), dopt_cmat_f64(w[1], 1, d));
                assert_int_equal(report.reason, DOPT_STOP_STEPS);
                ASSERT_OK(dopt_objective_eval(p.objective, dopt_cmat_f64(zero, 1, d), NULL, &first, dopt_mat_none()));
                double last = 0.0;
                ASSERT_OK(dopt_objective_eval(p.objective, dopt_cmat_f64(w[0], 1, d), NULL, &last, dopt_mat_none()));
                assert_true(last < first);
            }
    small_problem_end(&p);
}

static int stop_at_seven(const dopt_event *event, void *user)
{
    *(int64_t *)user = event->step;
    return event->step == 7;
}

static dopt_stop_reason reason_of(small_problem *p, const dopt_fit_options *options)
{
    double w[d] = { 0.5, 0.5, 0.5, 0.5 };
    dopt_report report;
    ASSERT_OK(dopt_fit(p->objective, options, dopt_mat_f64(w, 1, d), &report));
    return report.reason;
}

static void every_reason_to_stop(void **state)
{
    (void)state;
    small_problem p;
    int64_t seen = -1;
    small_problem_begin(&p, __func__);
    const dopt_fit_options defaults = DOPT_FIT_OPTIONS_INIT;
    dopt_fit_options o = defaults;
    o.lr = 0.1;
    o.max_steps = 5;
    assert_int_equal(reason_of(&p, &o), DOPT_STOP_STEPS);
    o.max_steps = 100000;
    o.target = 0.5;
    assert_int_equal(reason_of(&p, &o), DOPT_STOP_TARGET);
    o.target = -INFINITY;
    o.value_tolerance = 1e-4;
    assert_int_equal(reason_of(&p, &o), DOPT_STOP_VALUE);
    o.value_tolerance = 0.0;
    o.gradient_tolerance = 1e-3;
    assert_int_equal(reason_of(&p, &o), DOPT_STOP_GRADIENT);
    o.gradient_tolerance = 0.0;
    o.step_tolerance = 1e-3;
    assert_int_equal(reason_of(&p, &o), DOPT_STOP_STEP);
    o.step_tolerance = 0.0;
    o.callback = stop_at_seven;
    o.user = &seen;
    assert_int_equal(reason_of(&p, &o), DOPT_STOP_CALLBACK);
    assert_int_equal(seen, 7);
    o.callback = NULL;
    o.max_seconds = 1e-9;
    assert_int_equal(reason_of(&p, &o), DOPT_STOP_SECONDS);
    for (int reason = DOPT_STOP_NONE; reason <= DOPT_STOP_DIVERGED; reason++)
        assert_string_not_equal(dopt_stop_reason_string((dopt_stop_reason)reason), "unknown");
    small_problem_end(&p);
}

static dopt_status flat(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    (void)w, (void)batch, (void)user;
    *value = 1.0;
    if (grad.data)
        *(double *)grad.data = 0.0;
    return DOPT_OK;
}

static dopt_report run_on_a_plain(dopt_optim_kind optimizer, double weight_decay, double *w)
{
    dopt_objective *objective = NULL;
    dopt_report report;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = DOPT_MODEL_DIRECT;
    o.lr = 0.1;
    o.optimizer = optimizer;
    o.weight_decay = weight_decay;
    o.max_steps = 20;
    *w = 3.0;
    ASSERT_OK(dopt_objective_create_custom(1, 1, flat, NULL, &objective));
    ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(w, 1, 1), &report));
    dopt_objective_destroy(&objective);
    return report;
}

/* A gradient of 0 ends a run where nothing else would move W. */
static void no_gradient_is_an_end_for_some(void **state)
{
    double w;
    (void)state;
    for (dopt_optim_kind kind = DOPT_OPTIM_GD; (int)kind < dopt_optim_kind_count(); kind++) {
        const int goes_on = kind == DOPT_OPTIM_MOMENTUM || kind == DOPT_OPTIM_NESTEROV || kind == DOPT_OPTIM_ADAM;
        const dopt_report report = run_on_a_plain(kind, 0.0, &w);
        assert_int_equal(report.reason, goes_on ? DOPT_STOP_STEPS : DOPT_STOP_GRADIENT);
        assert_int_equal(report.steps, goes_on ? 20 : 0);
    }
    assert_int_equal(run_on_a_plain(DOPT_OPTIM_GD, 0.5, &w).reason, DOPT_STOP_STEPS);
    ASSERT_CLOSE(w, 3.0 * pow(1.0 - 0.1 * 0.5, 20), 1e-14);
}

/* A batch without a gradient says nothing of the others. */
static void no_gradient_of_a_batch_is_no_end(void **state)
{
    const double x[3] = { 0.0, 1.0, 1.0 }, y[3] = { 0.0, 2.0, 2.0 };
    double w = 0.5;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_report report;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    (void)state;
    o.model = DOPT_MODEL_DIRECT;
    o.lr = 0.1;
    o.batch_size = 1;
    o.max_steps = 600;
    ASSERT_OK(dopt_loss_create_lp(2.0, NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, 3, 1), dopt_cmat_f64(y, 3, 1), loss, NULL, &objective));
    ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(&w, 1, 1), &report));
    assert_int_equal(report.reason, DOPT_STOP_STEPS);
    ASSERT_CLOSE(w, 2.0, 1e-12);
    o.gradient_tolerance = 1e-3; /* asked for, it is one */
    w = 0.5;
    ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(&w, 1, 1), &report));
    assert_int_equal(report.reason, DOPT_STOP_GRADIENT);
    assert_true(report.steps < 3);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

/* Rules that compare with the step before can end a run at the first step, and not before it. */
static void tolerances_compare_with_the_step_before(void **state)
{
    (void)state;
    small_problem p;
    small_problem_begin(&p, __func__);
    for (int rule = 0; rule < 2; rule++) {
        double w[d] = { 0.5, 0.5, 0.5, 0.5 };
        dopt_report report;
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        o.lr = 1e-3;
        *(rule ? &o.step_tolerance : &o.value_tolerance) = 1e3;
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report));
        assert_int_equal(report.reason, rule ? DOPT_STOP_STEP : DOPT_STOP_VALUE);
        assert_int_equal(report.steps, 1);
    }
    small_problem_end(&p);
    for (int below = 0; below < 2; below++) { /* of the bowl's value a step takes 1 - 0.9^2 = 0.19 */
        double w = 3.0;
        dopt_objective *objective = NULL;
        dopt_report report;
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        o.model = DOPT_MODEL_DIRECT;
        o.lr = 0.1;
        o.max_steps = 20;
        o.value_tolerance = below ? 0.189 : 0.191;
        ASSERT_OK(dopt_objective_create_custom(1, 1, small_bowl, NULL, &objective));
        ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(&w, 1, 1), &report));
        assert_int_equal(report.reason, below ? DOPT_STOP_STEPS : DOPT_STOP_VALUE);
        assert_int_equal(report.steps, below ? 20 : 1);
        dopt_objective_destroy(&objective);
    }
}

static int sleep_a_moment(const dopt_event *event, void *user)
{
    const struct timespec moment = { 0, 20000000 };
    (void)event, (void)user;
    return nanosleep(&moment, NULL) != 0;
}

/* Seconds of a run that sleeps, against a clock around it. */
static void seconds_are_measured(void **state)
{
    (void)state;
    struct timespec before, after;
    double w = 3.0;
    dopt_objective *objective = NULL;
    dopt_report report;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.max_steps = 3;
    o.callback = sleep_a_moment;
    ASSERT_OK(dopt_objective_create_custom(1, 1, small_bowl, NULL, &objective));
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(&w, 1, 1), &report));
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    const double around = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    assert_true(report.seconds >= 0.039 && report.seconds <= around); /* at least two of the moments lie within */
    dopt_objective_destroy(&objective);
}

/* A batch of all rows, or more, is no batch. */
static void batches_of_all_rows(void **state)
{
    (void)state;
    small_problem p;
    small_problem_begin(&p, __func__);
    double all[d] = { 0.5, 0.5, 0.5, 0.5 };
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.lr = 0.01;
    o.max_steps = 20;
    ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(all, 1, d), NULL));
    for (o.batch_size = m - 1; o.batch_size <= m + 1; o.batch_size++) {
        double w[d] = { 0.5, 0.5, 0.5, 0.5 };
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), NULL));
        assert_int_equal(memcmp(w, all, sizeof w) == 0, o.batch_size >= m);
    }
    small_problem_end(&p);
}

/* A start by NORMAL or IDENTITY, as fit.h has it. */
static void draw(dopt_net *net, dopt_init init, double stddev)
{
    dopt_rng rng = dopt_rng_init(42, 1);
    if (init == DOPT_INIT_NORMAL) {
        ASSERT_OK(dopt_net_init_normal(net, &rng, stddev));
        return;
    }
    ASSERT_OK(dopt_net_init_identity(net, 1.0));
    for (int j = 1; j <= dopt_net_depth(net); j++) {
        const dopt_mat factor = dopt_net_factor(net, j);
        for (ptrdiff_t i = 0; i < factor.rows * factor.cols; i++)
            ((double *)factor.data)[i] += stddev * dopt_rng_normal(&rng);
    }
}

/* The start is the product of factors drawn from the seed: two of them where the depth is infinite. */
static void starts_are_products_of_factors(void **state)
{
    (void)state;
    static const double depths[] = { 1.0, 2.0, 2.6, 3.0, INFINITY };
    static const int factors[] = { 1, 2, 3, 3, 2 };
    small_problem p;
    small_problem_begin(&p, __func__);
    for (int at = 0; at < 10; at++) {
        double w[d], product[d];
        const int i = at / 2;
        const ptrdiff_t dims[] = { d, factors[i] > 1 ? 3 : 1, factors[i] > 2 ? 3 : 1, 1 };
        dopt_net *net = NULL;
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        o.init = at % 2 ? DOPT_INIT_NORMAL : DOPT_INIT_IDENTITY;
        o.init_std = 0.7;
        o.depth = depths[i];
        o.width = 3;
        o.seed = 42;
        o.max_steps = 0;
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), NULL));
        ASSERT_OK(dopt_net_create(DOPT_F64, factors[i], dims, NULL, &net));
        draw(net, o.init, o.init_std);
        ASSERT_OK(dopt_net_product(net, dopt_mat_f64(product, 1, d)));
        ASSERT_MAT_SAME(dopt_cmat_f64(w, 1, d), dopt_cmat_f64(product, 1, d));
        dopt_net_destroy(&net);
    }
    small_problem_end(&p);
}

static int count_events(const dopt_event *event, void *user)
{
    (void)event;
    ++*(int64_t *)user;
    return 0;
}

/* A step that overflows ends the run where it stood. */
static void steps_that_overflow_are_not_counted(void **state)
{
    (void)state;
    static const double depths[] = { 1.0, 1.5, 2.0, 3.0, 8.0, INFINITY };
    small_problem p;
    small_problem_begin(&p, __func__);
    for (int i = 0; i < 6; i++) {
        double w[d] = { 0.5, 0.5, 0.5, 0.5 };
        int64_t events = 0;
        dopt_report report;
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        o.depth = depths[i];
        o.lr = 1e308;
        o.callback = count_events;
        o.user = &events;
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report));
        assert_int_equal(report.reason, DOPT_STOP_DIVERGED);
        assert_int_equal(report.steps, 0);
        assert_int_equal(events, 1);
        for (int c = 0; c < d; c++)
            assert_true(w[c] == 0.5);
    }
    small_problem_end(&p);
}

/* L = w_1; but its gradient is the next of `user`. */
static dopt_status slope(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    const double **next = user;
    (void)batch;
    *value = test_get(w, 0, 0);
    if (grad.data) {
        test_set(grad, 0, 0, *(*next)++);
        test_set(grad, 0, 1, 0.0);
    }
    return DOPT_OK;
}

/* So does one that overflows by the size of W alone, which counts to the power 2 - 2/N. */
static void steps_from_far_out_overflow(void **state)
{
    (void)state;
    static const double gradients[] = { 1.0, 0.5, 1e305 };
    const double *next = gradients;
    double w[2] = { 1e250, 1e250 };
    dopt_objective *objective = NULL;
    dopt_report report;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = DOPT_MODEL_E2E;
    o.depth = 4.0;
    o.lr = 1.0;
    ASSERT_OK(dopt_objective_create_custom(1, 2, slope, &next, &objective));
    ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(w, 1, 2), &report));
    assert_int_equal(report.reason, DOPT_STOP_DIVERGED);
    assert_true(report.steps == 0 && w[0] == 1e250 && w[1] == 1e250);
    w[0] = 3.0; /* the second step: the first one counts */
    w[1] = 4.0;
    o.depth = 1.0;
    o.lr = 1e10;
    ASSERT_OK(dopt_fit(objective, &o, dopt_mat_f64(w, 1, 2), &report));
    assert_int_equal(report.reason, DOPT_STOP_DIVERGED);
    assert_true(report.steps == 1 && w[0] == 3.0 - 0.5e10 && w[1] == 4.0);
    dopt_objective_destroy(&objective);
}

static void divergence_keeps_the_last_finite_weights(void **state)
{
    (void)state;
    small_problem p;
    small_problem_begin(&p, __func__);
    for (int model = DOPT_MODEL_DIRECT; model <= DOPT_MODEL_E2E; model++) {
        double w[d] = { 0.5, 0.5, 0.5, 0.5 }, value;
        dopt_report report;
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        o.model = (dopt_model)model;
        o.lr = 100.0;
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report));
        assert_int_equal(report.reason, DOPT_STOP_DIVERGED);
        assert_true(report.steps >= 1 && report.steps < 1000);
        ASSERT_OK(dopt_objective_eval(p.objective, dopt_cmat_f64(w, 1, d), NULL, &value, dopt_mat_none()));
        assert_true(value == report.value && report.best_value <= value);
        o.max_steps = report.steps; /* the same run, stopped there, has the same weights */
        double again[d] = { 0.5, 0.5, 0.5, 0.5 };
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(again, 1, d), &report));
        assert_int_equal(report.reason, DOPT_STOP_STEPS);
        ASSERT_MAT_SAME(dopt_cmat_f64(w, 1, d), dopt_cmat_f64(again, 1, d));
    }
    small_problem_end(&p);
}

static void bad_options_touch_nothing(void **state)
{
    (void)state;
    small_problem p;
    double w[d] = { 1, 2, 3, 4 };
    dopt_report report = { .steps = 77 };
    const dopt_fit_options defaults = DOPT_FIT_OPTIONS_INIT;
    small_problem_begin(&p, __func__);
    dopt_fit_options o = defaults;
    o.depth = 0.5;
    ASSERT_FAILS(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report), DOPT_ERR_INVALID, "options->depth is 0.5");
    o = defaults;
    o.model = DOPT_MODEL_FACTORED;
    o.depth = 2.5;
    ASSERT_FAILS(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report), DOPT_ERR_INVALID, "an integer");
    o = defaults;
    o.lr = NAN;
    ASSERT_FAILS(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report), DOPT_ERR_INVALID, "options->lr");
    o = defaults;
    o.schedule.kind = DOPT_SCHEDULE_STEP;
    ASSERT_FAILS(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report), DOPT_ERR_INVALID, "options->schedule");
    ASSERT_FAILS(dopt_fit(p.objective, NULL, dopt_mat_f64(w, 2, 2), &report), DOPT_ERR_SHAPE,
                 "w is 2 x 2, must be 1 x 4");
    ASSERT_FAILS(dopt_fit(NULL, NULL, dopt_mat_f64(w, 1, d), &report), DOPT_ERR_INVALID, "objective is NULL");
    w[1] = INFINITY;
    ASSERT_FAILS(dopt_fit(p.objective, NULL, dopt_mat_f64(w, 1, d), &report), DOPT_ERR_NONFINITE, "w[0, 1] is inf");
    assert_true(w[0] == 1.0 && w[3] == 4.0 && report.steps == 77);
    small_problem_end(&p);
}

static void no_allocation_in_a_step(void **state)
{
    (void)state;
    small_problem p;
    small_problem_begin(&p, __func__);
    for (int model = DOPT_MODEL_DIRECT; model <= DOPT_MODEL_E2E; model++)
        for (int left = 0;; left++) {
            test_memory memory = { .left = left };
            double w[d] = { 1, 2, 3, 4 };
            dopt_trainer *trainer = NULL;
            dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
            o.model = (dopt_model)model;
            o.optimizer = DOPT_OPTIM_ADAM;
            o.batch_size = 8;
            o.allocator = test_allocator(&memory);
            const dopt_status status = dopt_trainer_create(p.objective, &o, dopt_mat_f64(w, 1, d), &trainer);
            if (status == DOPT_OK) {
                const long calls = memory.calls;
                for (int i = 0; i < 20; i++)
                    ASSERT_OK(dopt_trainer_step(trainer, NULL));
                assert_int_equal(memory.calls, calls);
                assert_int_equal(dopt_trainer_report(trainer).steps, 20);
                assert_int_equal(dopt_trainer_net(trainer) != NULL, model == DOPT_MODEL_FACTORED);
            } else {
                assert_int_equal(status, DOPT_ERR_NOMEM);
                assert_true(w[0] == 1.0 && w[3] == 4.0);
            }
            dopt_trainer_destroy(&trainer);
            assert_int_equal(memory.live, 0);
            if (status == DOPT_OK)
                break;
        }
    small_problem_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gd_on_a_bowl_is_geometric),
        cmocka_unit_test(models_agree_where_theory_says_so),
        cmocka_unit_test(every_combination_descends_and_repeats),
        cmocka_unit_test(every_reason_to_stop),
        cmocka_unit_test(divergence_keeps_the_last_finite_weights),
        cmocka_unit_test(bad_options_touch_nothing),
        cmocka_unit_test(no_allocation_in_a_step),
        cmocka_unit_test(no_gradient_is_an_end_for_some),
        cmocka_unit_test(no_gradient_of_a_batch_is_no_end),
        cmocka_unit_test(tolerances_compare_with_the_step_before),
        cmocka_unit_test(batches_of_all_rows),
        cmocka_unit_test(starts_are_products_of_factors),
        cmocka_unit_test(steps_that_overflow_are_not_counted),
        cmocka_unit_test(steps_from_far_out_overflow),
        cmocka_unit_test(seconds_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
