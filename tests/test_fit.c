/* SPDX-License-Identifier: MIT */
/* Training runs: closed forms, stop reasons, reports, and what happens when they diverge. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "support/support.h"

enum { m = 60, d = 4 };

typedef struct problem {
    double x[m * d], y[m];
    dopt_loss *loss;
    dopt_objective *objective;
} problem;

static void begin(problem *p, const char *test)
{
    dopt_rng rng = test_rng_begin(test);
    test_fill(&rng, dopt_mat_f64(p->x, m, d));
    for (int i = 0; i < m; i++)
        p->y[i] = p->x[i * d] - 2.0 * p->x[i * d + 1] + 0.1 * dopt_rng_normal(&rng);
    ASSERT_OK(dopt_loss_create_squared(NULL, &p->loss));
    ASSERT_OK(
        dopt_objective_create_data(dopt_cmat_f64(p->x, m, d), dopt_cmat_f64(p->y, m, 1), p->loss, NULL, &p->objective));
}

static void end(problem *p)
{
    dopt_objective_destroy(&p->objective);
    dopt_loss_destroy(&p->loss);
}

/* L = (w - 1)^2 / 2 in one number. */
static dopt_status bowl(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    const double x = test_get(w, 0, 0) - 1.0;
    (void)batch;
    (void)user;
    *value = 0.5 * x * x;
    if (grad.data)
        test_set(grad, 0, 0, x);
    return DOPT_OK;
}

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
    ASSERT_OK(dopt_objective_create_custom(1, 1, bowl, NULL, &objective));
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
    problem p;
    begin(&p, __func__);
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
    end(&p);
}

/* All models, optimizers and initialisations run, repeat bit by bit, and go down. */
static void every_combination_descends_and_repeats(void **state)
{
    (void)state;
    problem p;
    begin(&p, __func__);
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
    end(&p);
}

static int stop_at_seven(const dopt_event *event, void *user)
{
    *(int64_t *)user = event->step;
    return event->step == 7;
}

static dopt_stop_reason reason_of(problem *p, const dopt_fit_options *options)
{
    double w[d] = { 0.5, 0.5, 0.5, 0.5 };
    dopt_report report;
    ASSERT_OK(dopt_fit(p->objective, options, dopt_mat_f64(w, 1, d), &report));
    return report.reason;
}

static void every_reason_to_stop(void **state)
{
    (void)state;
    problem p;
    int64_t seen = -1;
    begin(&p, __func__);
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
    end(&p);
}

/* Rules that compare with the step before can end a run at the first step, and not before it. */
static void tolerances_compare_with_the_step_before(void **state)
{
    (void)state;
    problem p;
    begin(&p, __func__);
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
    end(&p);
}

/* A batch of all rows, or more, is no batch. */
static void batches_of_all_rows(void **state)
{
    (void)state;
    problem p;
    begin(&p, __func__);
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
    end(&p);
}

/* The start is the product of factors drawn from the seed: two of them where the depth is infinite. */
static void starts_are_products_of_factors(void **state)
{
    (void)state;
    static const double depths[] = { 1.0, 2.0, 2.6, 3.0, INFINITY };
    static const int factors[] = { 1, 2, 3, 3, 2 };
    problem p;
    begin(&p, __func__);
    for (int i = 0; i < 5; i++) {
        double w[d], product[d];
        const ptrdiff_t dims[] = { d, factors[i] > 1 ? 3 : 1, factors[i] > 2 ? 3 : 1, 1 };
        dopt_rng rng = dopt_rng_init(42, 1);
        dopt_net *net = NULL;
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        o.init = DOPT_INIT_NORMAL;
        o.init_std = 0.7;
        o.depth = depths[i];
        o.width = 3;
        o.seed = 42;
        o.max_steps = 0;
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), NULL));
        ASSERT_OK(dopt_net_create(DOPT_F64, factors[i], dims, NULL, &net));
        ASSERT_OK(dopt_net_init_normal(net, &rng, 0.7));
        ASSERT_OK(dopt_net_product(net, dopt_mat_f64(product, 1, d)));
        ASSERT_MAT_SAME(dopt_cmat_f64(w, 1, d), dopt_cmat_f64(product, 1, d));
        dopt_net_destroy(&net);
    }
    end(&p);
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
    problem p;
    begin(&p, __func__);
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
    end(&p);
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
    problem p;
    begin(&p, __func__);
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
    end(&p);
}

static void bad_options_touch_nothing(void **state)
{
    (void)state;
    problem p;
    double w[d] = { 1, 2, 3, 4 };
    dopt_report report = { .steps = 77 };
    const dopt_fit_options defaults = DOPT_FIT_OPTIONS_INIT;
    begin(&p, __func__);
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
    end(&p);
}

static void no_allocation_in_a_step(void **state)
{
    (void)state;
    problem p;
    begin(&p, __func__);
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
    end(&p);
}

static void search_takes_the_best_end(void **state)
{
    (void)state;
    problem p;
    const double grid[] = { 1e-4, 1e-2, 0.3, 1e3, 1e-3 }, hopeless[] = { 1e5, 1e6 };
    double w0[d] = { 0.5, 0.5, 0.5, 0.5 };
    begin(&p, __func__);
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.max_steps = 30;
    dopt_lr_trial one[5], many[5];
    int best = -1, other = -1;
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 5, grid, 1, one, &best));
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 5, grid, 4, many, &other));
    assert_int_equal(best, 2);
    assert_int_equal(other, 2);
    assert_true(one[3].reason == DOPT_STOP_DIVERGED && isinf(one[3].value));
    for (int i = 0; i < 5; i++) {
        double w[d] = { 0.5, 0.5, 0.5, 0.5 }, value;
        dopt_report report;
        assert_true(one[i].value == many[i].value && one[i].steps == many[i].steps && one[i].lr == grid[i]);
        o.lr = grid[i];
        ASSERT_OK(dopt_fit(p.objective, &o, dopt_mat_f64(w, 1, d), &report));
        ASSERT_OK(dopt_objective_eval(p.objective, dopt_cmat_f64(w, 1, d), NULL, &value, dopt_mat_none()));
        assert_true(one[i].value == (report.reason == DOPT_STOP_DIVERGED ? INFINITY : value));
    }
    /* A rate a little beyond stability grows slowly; it is given up long before it overflows. */
    const double unstable[] = { 3.0, 0.3 };
    dopt_lr_trial slow[2];
    o.model = DOPT_MODEL_DIRECT;
    o.max_steps = 100000;
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 2, unstable, 2, slow, &best));
    assert_true(best == 1 && slow[0].reason == DOPT_STOP_DIVERGED && slow[0].steps < 100 && isinf(slow[0].value));
    o.model = DOPT_MODEL_E2E;
    o.max_steps = 30;
    best = 9;
    ASSERT_FAILS(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 2, hopeless, 2, NULL, &best),
                 DOPT_ERR_NUMERICAL, "smaller ones");
    ASSERT_FAILS(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 0, grid, 1, NULL, &best), DOPT_ERR_INVALID,
                 "count is 0");
    w0[0] = NAN;
    ASSERT_FAILS(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 5, grid, 2, NULL, &best), DOPT_ERR_NONFINITE,
                 "the run with lr 0.0001 failed");
    assert_int_equal(best, 9);
    end(&p);
}

/* Runs of a search meet in the callback, or time is up. */
typedef struct meeting {
    pthread_t caller;
    atomic_int here, elsewhere;
    int wanted;
} meeting;

static int meet(const dopt_event *event, void *user)
{
    meeting *all = user;
    const struct timespec moment = { 0, 1000000 };
    if (event->step > 0)
        return 0;
    atomic_fetch_add(&all->elsewhere, !pthread_equal(pthread_self(), all->caller));
    atomic_fetch_add(&all->here, 1);
    for (int i = 0; i < 20000 && atomic_load(&all->here) < all->wanted; i++)
        (void)nanosleep(&moment, NULL);
    return 0;
}

/* As many runs at a time as there are threads: no less, and no more. */
static void search_uses_its_threads(void **state)
{
    (void)state;
    problem p;
    const double grid[] = { 1e-4, 1e-3, 1e-2 }, w0[d] = { 0.5, 0.5, 0.5, 0.5 };
    begin(&p, __func__);
    for (int threads = 1; threads <= 3; threads++) {
        meeting all = { .caller = pthread_self(), .wanted = threads };
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        int best = -1;
        o.max_steps = 3;
        o.callback = meet;
        o.user = &all;
        ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 3, grid, threads, NULL, &best));
        assert_int_equal(atomic_load(&all.here), 3);
        assert_int_equal(best, 2);
        if (threads == 1)
            assert_int_equal(atomic_load(&all.elsewhere), 0);
        else
            assert_true(atomic_load(&all.elsewhere) >= threads - 1);
    }
    end(&p);
}

/* The winner may come first, and of two that end alike the smaller rate wins, wherever it stands. */
static void search_takes_the_first_and_the_smaller(void **state)
{
    (void)state;
    problem p;
    const double falling[] = { 1e-2, 1e-3, 1e-4 }, rising[] = { 1e-4, 1e-2 }, w0[d] = { 0.5, 0.5, 0.5, 0.5 };
    int best = -1;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    begin(&p, __func__);
    o.max_steps = 20;
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 3, falling, 1, NULL, &best));
    assert_int_equal(best, 0);
    o.max_steps = 0; /* all end where they start */
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 3, falling, 1, NULL, &best));
    assert_int_equal(best, 2);
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 2, rising, 1, NULL, &best));
    assert_int_equal(best, 0);
    end(&p);
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
        cmocka_unit_test(search_takes_the_best_end),
        cmocka_unit_test(tolerances_compare_with_the_step_before),
        cmocka_unit_test(batches_of_all_rows),
        cmocka_unit_test(starts_are_products_of_factors),
        cmocka_unit_test(steps_that_overflow_are_not_counted),
        cmocka_unit_test(steps_from_far_out_overflow),
        cmocka_unit_test(search_uses_its_threads),
        cmocka_unit_test(search_takes_the_first_and_the_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
