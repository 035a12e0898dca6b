/* SPDX-License-Identifier: MIT */
/* The search for a learning rate: which one wins, when a run is given up, and by how many threads. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "support/small_problem.h"

enum { d = SMALL_COLS };

static void search_takes_the_best_end(void **state)
{
    (void)state;
    small_problem p;
    const double grid[] = { 1e-4, 1e-2, 0.3, 1e3, 1e-3 }, hopeless[] = { 1e5, 1e6 };
    double w0[d] = { 0.5, 0.5, 0.5, 0.5 };
    small_problem_begin(&p, __func__);
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
    small_problem_end(&p);
}

/* Seven rows that fit, and one that does not: the batches' values differ by 1e13. */
static void search_knows_batches_from_growth(void **state)
{
    (void)state;
    const double x[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, y[8] = { 1, 1, 1, 1, 1, 1, 1, 100 }, w0 = 1.0 + 1e-5, grid = 1e-6;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = DOPT_MODEL_DIRECT;
    o.max_steps = 16;
    o.batch_size = 1;
    ASSERT_OK(dopt_loss_create_lp(2.0, NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, 8, 1), dopt_cmat_f64(y, 8, 1), loss, NULL, &objective));
    for (o.seed = 0; o.seed < 4; o.seed++) {
        dopt_lr_trial trial;
        int best = -1;
        ASSERT_OK(dopt_lr_search(objective, &o, dopt_cmat_f64(&w0, 1, 1), 1, &grid, 1, &trial, &best));
        assert_int_equal(trial.reason, DOPT_STOP_STEPS);
    }
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

/* A run is given up when its value has grown a million times: on the bowl (lr - 1)^2 times in a step. */
static void search_gives_up_at_a_million_times(void **state)
{
    (void)state;
    const double grid[] = { 1.0 + sqrt(1.1e6), 1.0 + sqrt(0.9e6) }, w0 = 2.0;
    dopt_objective *objective = NULL;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    dopt_lr_trial trials[2];
    int best = -1;
    o.model = DOPT_MODEL_DIRECT;
    o.max_steps = 1;
    ASSERT_OK(dopt_objective_create_custom(1, 1, small_bowl, NULL, &objective));
    ASSERT_OK(dopt_lr_search(objective, &o, dopt_cmat_f64(&w0, 1, 1), 2, grid, 1, trials, &best));
    assert_int_equal(trials[0].reason, DOPT_STOP_DIVERGED);
    assert_int_equal(trials[1].reason, DOPT_STOP_STEPS);
    ASSERT_CLOSE(trials[1].value, 0.45e6, 1e-9 * 0.45e6);
    dopt_objective_destroy(&objective);
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
    small_problem p;
    const double grid[] = { 1e-4, 1e-3, 1e-2 }, w0[d] = { 0.5, 0.5, 0.5, 0.5 };
    small_problem_begin(&p, __func__);
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
    small_problem_end(&p);
}

/* The winner may come first, and of two that end alike the smaller rate wins, wherever it stands. */
static void search_takes_the_first_and_the_smaller(void **state)
{
    (void)state;
    small_problem p;
    const double falling[] = { 1e-2, 1e-3, 1e-4 }, rising[] = { 1e-4, 1e-2 }, w0[d] = { 0.5, 0.5, 0.5, 0.5 };
    int best = -1;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    small_problem_begin(&p, __func__);
    o.max_steps = 20;
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 3, falling, 1, NULL, &best));
    assert_int_equal(best, 0);
    o.max_steps = 0; /* all end where they start */
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 3, falling, 1, NULL, &best));
    assert_int_equal(best, 2);
    ASSERT_OK(dopt_lr_search(p.objective, &o, dopt_cmat_f64(w0, 1, d), 2, rising, 1, NULL, &best));
    assert_int_equal(best, 0);
    small_problem_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_takes_the_best_end),
        cmocka_unit_test(search_knows_batches_from_growth),
        cmocka_unit_test(search_gives_up_at_a_million_times),
        cmocka_unit_test(search_uses_its_threads),
        cmocka_unit_test(search_takes_the_first_and_the_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
