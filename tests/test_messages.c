/* SPDX-License-Identifier: MIT */
/* What a newcomer reads when a call fails: the function that was called, the argument by its name, and what to pass. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

enum { m = 8, d = 3 };

typedef struct problem {
    double x[m * d], y[m], w[d];
    dopt_loss *loss;
    dopt_objective *objective;
} problem;

static void begin(problem *p)
{
    dopt_rng rng = test_rng_begin("messages");
    test_fill(&rng, dopt_mat_f64(p->x, m, d));
    test_fill(&rng, dopt_mat_f64(p->y, m, 1));
    test_fill(&rng, dopt_mat_f64(p->w, 1, d));
    ASSERT_OK(dopt_loss_create_squared(NULL, &p->loss));
    ASSERT_OK(
        dopt_objective_create_data(dopt_cmat_f64(p->x, m, d), dopt_cmat_f64(p->y, m, 1), p->loss, NULL, &p->objective));
}

static void end(problem *p)
{
    dopt_objective_destroy(&p->objective);
    dopt_loss_destroy(&p->loss);
}

/* The same mistake in options through each of the three doors. */
static void expect_of_all(problem *p, const dopt_fit_options *o, const char *text)
{
    const dopt_mat w = dopt_mat_f64(p->w, 1, d);
    const double grid[] = { 0.1 };
    dopt_trainer *trainer = NULL;
    char line[256];
    int best;
    (void)snprintf(line, sizeof line, "dopt_fit: %s", text);
    ASSERT_FAILS(dopt_fit(p->objective, o, w, NULL), DOPT_ERR_INVALID, line);
    (void)snprintf(line, sizeof line, "dopt_trainer_create: %s", text);
    ASSERT_FAILS(dopt_trainer_create(p->objective, o, w, &trainer), DOPT_ERR_INVALID, line);
    (void)snprintf(line, sizeof line, "dopt_lr_search: %s", text);
    ASSERT_FAILS(dopt_lr_search(p->objective, o, dopt_const(w), 1, grid, 1, NULL, &best), DOPT_ERR_INVALID, line);
}

static void choices_have_names(void **state)
{
    (void)state;
    problem p;
    begin(&p);
    const dopt_fit_options defaults = DOPT_FIT_OPTIONS_INIT;
    dopt_fit_options o = defaults;
    o.model = (dopt_model)7;
    expect_of_all(&p, &o, "options->model is 7, must be 0 (direct), 1 (factored) or 2 (e2e)");
    o = defaults;
    o.init = (dopt_init)-1;
    expect_of_all(&p, &o, "options->init is -1, must be 0 (given), 1 (normal), 2 (identity) or 3 (balanced)");
    o = defaults;
    o.optimizer = (dopt_optim_kind)9;
    expect_of_all(&p, &o,
                  "options->optimizer is 9, must be 0 (gd), 1 (momentum), 2 (nesterov), 3 (adagrad), 4 (adadelta), 5 "
                  "(rmsprop), 6 (adam) or 7 (group_rmsprop)");
    o = defaults;
    o.schedule.kind = (dopt_schedule_kind)7;
    expect_of_all(&p, &o,
                  "options->schedule.kind is 7, must be 0 (constant), 1 (step), 2 (exponential), 3 (cosine) or 4 "
                  "(inverse_time)");
    o.schedule.kind = DOPT_SCHEDULE_COSINE;
    expect_of_all(&p, &o, "options->schedule.period is 0, must be >= 1 for cosine");
    o.schedule.period = 10;
    o.schedule.factor = 1.5;
    expect_of_all(&p, &o, "options->schedule.factor is 1.5, must be in [0, 1] for cosine");
    end(&p);
}

static void hyperparameters_are_found_before_the_run(void **state)
{
    (void)state;
    problem p;
    begin(&p);
    dopt_hyper_value list[] = { { DOPT_MOMENTUM, 0.5 }, { DOPT_MOMENTUM, 2.0 } };
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.optimizer = DOPT_OPTIM_MOMENTUM;
    o.hypers = list;
    o.hyper_count = 2;
    expect_of_all(&p, &o, "options->hypers[1]: momentum is 2, must be in [0, 1)");
    list[1].hyper = DOPT_BETA1;
    expect_of_all(&p, &o, "options->hypers[1]: momentum has no hyperparameter beta1");
    list[1].hyper = (dopt_hyper)9;
    expect_of_all(&p, &o, "options->hypers[1]: hyper is 9, must be 0 (lr), 1 (weight_decay), 2 (decoupled)");
    end(&p);
}

static void *nothing(size_t size, void *user)
{
    int *left = user;
    return (*left)-- > 0 ? malloc(size) : NULL;
}

static void give_back(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

/* Wherever memory ends, in whatever function below, the message begins with the one that was called. */
static void failures_inside_name_the_call(void **state)
{
    (void)state;
    problem p;
    begin(&p);
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = DOPT_MODEL_FACTORED;
    o.optimizer = DOPT_OPTIM_ADAM;
    o.max_steps = 2;
    dopt_status status = DOPT_ERR_NOMEM;
    int failures = -1;
    for (int allowed = 0; status == DOPT_ERR_NOMEM; allowed++, failures++) {
        int left = allowed;
        o.allocator = (dopt_allocator){ nothing, give_back, &left };
        status = dopt_fit(p.objective, &o, dopt_mat_f64(p.w, 1, d), NULL);
        if (status == DOPT_ERR_NOMEM && strncmp(dopt_last_error(), "dopt_fit: ", 10) != 0)
            fail_msg("allocation %d: %s", allowed, dopt_last_error());
        assert_null(strstr(dopt_last_error(), "dopt_fit: dopt_fit: ")); /* and says it once */
    }
    ASSERT_OK(status);
    assert_true(failures > 5);
    end(&p);
}

static dopt_status disk_is_gone(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    (void)w, (void)batch, (void)value, (void)grad;
    return *(int *)user ? dopt_fail(DOPT_ERR_IO, "disk_is_gone", "rows.bin: no such file") : DOPT_ERR_IO;
}

static dopt_status loss_is_lost(dopt_cmat z, dopt_cmat y, double *sum, dopt_mat dz, void *user)
{
    (void)z, (void)y, (void)sum, (void)dz, (void)user;
    return dopt_fail(DOPT_ERR_FORMAT, "loss_is_lost", "target 3 is no number");
}

/* What a callback recorded is kept; a callback that records nothing does not leave an old text standing. */
static void callbacks_speak_for_themselves(void **state)
{
    (void)state;
    int speaks = 1;
    double w = 1.0, y[2] = { 1, 2 }, value;
    dopt_objective *objective = NULL;
    dopt_loss *loss = NULL;
    ASSERT_OK(dopt_objective_create_custom(1, 1, disk_is_gone, &speaks, &objective));
    ASSERT_FAILS(dopt_fit(objective, NULL, dopt_mat_f64(&w, 1, 1), NULL), DOPT_ERR_IO,
                 "dopt_fit: dopt_objective_eval: disk_is_gone: rows.bin: no such file");
    speaks = 0;
    ASSERT_FAILS(dopt_fit(objective, NULL, dopt_mat_f64(&w, 1, 1), NULL), DOPT_ERR_IO,
                 "dopt_fit: dopt_objective_eval: the callback returned \"input or output failed\"");
    ASSERT_OK(dopt_loss_create_custom(loss_is_lost, NULL, NULL, &loss));
    ASSERT_FAILS(dopt_loss_eval(loss, dopt_cmat_f64(y, 2, 1), dopt_cmat_f64(y, 2, 1), &value, dopt_mat_none()),
                 DOPT_ERR_FORMAT, "dopt_loss_eval: dopt_loss_fn: loss_is_lost: target 3 is no number");
    dopt_loss_destroy(&loss);
    dopt_objective_destroy(&objective);
}

static void transposes_are_recognised(void **state)
{
    (void)state;
    problem p;
    dopt_objective *made = NULL;
    begin(&p);
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(p.x, m, d), dopt_cmat_f64(p.y, 1, m), p.loss, NULL, &made),
                 DOPT_ERR_SHAPE, "y is 1 x 8, must have one row for each of the 8 rows of x: pass dopt_ctransposed(y)");
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(p.x, m, d), dopt_cmat_f64(p.y, 3, 2), p.loss, NULL, &made),
                 DOPT_ERR_SHAPE, "y is 3 x 2, must have one row for each of the 8 rows of x");
    assert_null(strstr(dopt_last_error(), "dopt_ctransposed"));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(p.x, m, d), dopt_ctransposed(dopt_cmat_f64(p.y, 1, m)), p.loss,
                                         NULL, &made)); /* what the message says */
    ASSERT_FAILS(dopt_fit(made, NULL, dopt_mat_f64(p.w, d, 1), NULL), DOPT_ERR_SHAPE,
                 "dopt_fit: w is 3 x 1, must be 1 x 3, its transpose");
    dopt_objective_destroy(&made);
    end(&p);
}

static void overflow_names_its_arguments(void **state)
{
    (void)state;
    double w[4] = { 1e200, 0, 0, 1e200 }, g[4] = { 1e200, 0, 0, 1 }, out[4], sigma[2], eigenvalues[4];
    dopt_e2e *e2e = NULL;
    ASSERT_OK(dopt_e2e_create(2, 2, 2.0, NULL, &e2e));
    ASSERT_FAILS(dopt_e2e_apply(e2e, dopt_cmat_f64(w, 2, 2), dopt_cmat_f64(g, 2, 2), dopt_mat_f64(out, 2, 2)),
                 DOPT_ERR_NUMERICAL,
                 "out overflows, or an eigenvalue of P: w holds numbers of size 1e+200, grad of 1e+200");
    ASSERT_FAILS(
        dopt_e2e_update(e2e, dopt_mat_f64(w, 2, 2), dopt_cmat_f64(g, 2, 2), 1e10, 0.0), DOPT_ERR_NUMERICAL,
        "the new w overflows, or an eigenvalue of P: w holds numbers of size 1e+200, grad of 1e+200, lr is 1e+10");
    dopt_e2e_destroy(&e2e);
    ASSERT_OK(dopt_e2e_create(2, 2, 4.0, NULL, &e2e));
    w[0] = 1e300;
    ASSERT_FAILS(dopt_e2e_spectrum(e2e, dopt_cmat_f64(w, 2, 2), sigma, eigenvalues), DOPT_ERR_NUMERICAL,
                 "eigenvalues[0] overflows at depth 4: w has the singular value 1e+300");
    dopt_e2e_destroy(&e2e);
}

typedef struct told {
    int warnings;
    char line[256];
} told;

static void hear(dopt_log_level level, const char *message, void *user)
{
    told *t = user;
    t->warnings += level == DOPT_LOG_WARNING;
    (void)snprintf(t->line, sizeof t->line, "%s", message);
}

static int warnings_of(problem *p, dopt_fit_options o, const double *start)
{
    told t = { 0 };
    double w[d];
    memcpy(w, start, sizeof w);
    o.logger = (dopt_logger){ hear, &t };
    o.max_steps = 3;
    ASSERT_OK(dopt_fit(p->objective, &o, dopt_mat_f64(w, 1, d), NULL));
    assert_true(t.warnings == 0 || strstr(t.line, "a fixed point at depth"));
    assert_true((t.warnings > 0) ==
                (w[0] == start[0] && w[1] == start[1] && w[2] == start[2])); /* warned of: those that do not move */
    return t.warnings;
}

static void a_start_at_rest_is_told(void **state)
{
    (void)state;
    problem p;
    const double zero[d] = { 0 }, small[d] = { 0, 1e-3, 0 }, grid[] = { 0.1, 0.2 };
    begin(&p);
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    assert_int_equal(warnings_of(&p, o, zero), 1);
    assert_int_equal(warnings_of(&p, o, small), 0);
    o.init = DOPT_INIT_BALANCED;
    assert_int_equal(warnings_of(&p, o, zero), 0);
    o.init_std = 0.0;
    assert_int_equal(warnings_of(&p, o, zero), 1);
    o.model = DOPT_MODEL_FACTORED;
    assert_int_equal(warnings_of(&p, o, zero), 1);
    o.depth = 1.0;
    assert_int_equal(warnings_of(&p, o, zero), 0);
    o.model = DOPT_MODEL_DIRECT;
    o.depth = 2.0;
    assert_int_equal(warnings_of(&p, o, zero), 0);
    told t = { 0 };
    int best;
    dopt_fit_options searched = DOPT_FIT_OPTIONS_INIT;
    searched.logger = (dopt_logger){ hear, &t };
    searched.max_steps = 2;
    ASSERT_OK(dopt_lr_search(p.objective, &searched, dopt_cmat_f64(zero, 1, d), 2, grid, 2, NULL, &best));
    assert_int_equal(t.warnings, 1); /* once, whatever the number of runs */
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_have_names),
        cmocka_unit_test(hyperparameters_are_found_before_the_run),
        cmocka_unit_test(failures_inside_name_the_call),
        cmocka_unit_test(callbacks_speak_for_themselves),
        cmocka_unit_test(transposes_are_recognised),
        cmocka_unit_test(overflow_names_its_arguments),
        cmocka_unit_test(a_start_at_rest_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
