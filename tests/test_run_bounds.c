/* SPDX-License-Identifier: MIT */
/* Bounds of objectives, runs, searches and analyses. */
#include "support/bounds.h"

static dopt_status flat(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    (void)w, (void)batch, (void)user;
    *value = 1.0;
    for (ptrdiff_t i = 0; i < grad.rows && grad.data; i++)
        for (ptrdiff_t j = 0; j < grad.cols; j++)
            test_set(grad, i, j, 1.0);
    return DOPT_OK;
}

enum { m = 6, d = 3 };

static void objective_options(const dopt_loss *loss, dopt_cmat x, dopt_cmat y)
{
    dopt_objective *made = NULL;
    const dopt_objective_options defaults = { sizeof defaults, no_memory, 0, DOPT_REDUCTION_AUTO, NULL, NULL, 0 };
    dopt_objective_options o = defaults;
    INSIDE(dopt_objective_create_data(x, y, loss, &o, &made));
    o.threads = 256;
    INSIDE(dopt_objective_create_data(x, y, loss, &o, &made));
    o.threads = 257;
    OUTSIDE(dopt_objective_create_data(x, y, loss, &o, &made), "options->threads is 257, must be in [0, 256]");
    o.threads = -1;
    OUTSIDE(dopt_objective_create_data(x, y, loss, &o, &made), "options->threads is -1");
    o = defaults;
    o.reduction = DOPT_REDUCTION_OFF;
    INSIDE(dopt_objective_create_data(x, y, loss, &o, &made));
    o.reduction = (dopt_reduction)(DOPT_REDUCTION_OFF + 1);
    OUTSIDE(dopt_objective_create_data(x, y, loss, &o, &made),
            "options->reduction is 3, must be 0 (auto), 1 (on) or 2 (off)");
    o.reduction = (dopt_reduction)-1;
    OUTSIDE(dopt_objective_create_data(x, y, loss, &o, &made), "options->reduction is -1");
    o = defaults;
    o.rows_step = -1;
    OUTSIDE(dopt_objective_create_data(x, y, loss, &o, &made), "options->rows_step is -1, must be >= 0");
    OUTSIDE(dopt_objective_create_data(x, y, NULL, NULL, &made), "loss is NULL");
    OUTSIDE(dopt_objective_create_data(x, y, loss, NULL, NULL), "out is NULL");
    assert_null(made);
}

static void batches(dopt_objective *objective, dopt_cmat w)
{
    static const ptrdiff_t good[] = { m - 1, 0, 0, m - 1 }, low[] = { 0, -1 }, high[] = { 0, 1, m };
    const dopt_batch inside[] = { { NULL, 0, m }, { NULL, m - 1, 1 }, { good, 0, 4 }, { good, 99, 1 } };
    const struct {
        dopt_batch batch;
        const char *text;
    } wrong[] = {
        { { NULL, 0, 0 }, "batch->count is 0, must be >= 1" },
        { { good, 0, -1 }, "batch->count is -1, must be >= 1" },
        { { NULL, -1, 2 }, "batch is 2 rows from -1, must be in [0, 6)" },
        { { NULL, m, 1 }, "batch is 1 rows from 6, must be in [0, 6)" },
        { { NULL, m - 1, 2 }, "batch is 2 rows from 5, must be in [0, 6)" },
        { { NULL, 0, m + 1 }, "batch is 7 rows from 0, must be in [0, 6)" },
        { { NULL, 1, PTRDIFF_MAX }, "must be in [0, 6)" },
        { { low, 0, 2 }, "batch->rows[1] is -1, must be in [0, 6)" },
        { { high, 0, 3 }, "batch->rows[2] is 6, must be in [0, 6)" },
    };
    double value = 5.0;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        ASSERT_OK(dopt_objective_eval(objective, w, &inside[i], &value, dopt_mat_none()));
    value = 5.0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        OUTSIDE(dopt_objective_eval(objective, w, &wrong[i].batch, &value, dopt_mat_none()), wrong[i].text);
    assert_true(value == 5.0);
}

static void objectives(void **state)
{
    (void)state;
    static double x[m * d], y[m], w[d];
    dopt_objective *made = NULL;
    dopt_loss *loss = NULL;
    ASSERT_OK(dopt_loss_create_squared(NULL, &loss));
    objective_options(loss, dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1), loss, NULL, &made));
    batches(made, dopt_cmat_f64(w, 1, d));
    MISSHAPEN(dopt_objective_eval(made, dopt_cmat_f64(w, d, 1), NULL, NULL, dopt_mat_none()),
              "w is 3 x 1, must be 1 x 3");
    MISSHAPEN(dopt_objective_eval(made, dopt_cmat_f64(w, 1, d), NULL, NULL, dopt_mat_f64(w, d, 1)),
              "grad is 3 x 1, must be 1 x 3");
    assert_int_equal(dopt_objective_examples(made), m);
    dopt_objective_destroy(&made);
    OUTSIDE(dopt_objective_create_custom(0, 1, flat, NULL, &made), "rows is 0, must be in [1, 2147483647]");
    OUTSIDE(dopt_objective_create_custom(1, 0, flat, NULL, &made), "cols is 0, must be in [1, 2147483647]");
    OUTSIDE(dopt_objective_create_custom(extent_max + 1, 1, flat, NULL, &made), "rows is 2147483648");
    OUTSIDE(dopt_objective_create_custom(1, extent_max + 1, flat, NULL, &made), "cols is 2147483648");
    OUTSIDE(dopt_objective_create_custom(1, 1, flat, NULL, NULL), "out is NULL");
    ASSERT_OK(dopt_objective_create_custom(extent_max, extent_max, flat, NULL, &made));
    assert_int_equal(dopt_objective_rows(made), extent_max);
    assert_int_equal(dopt_objective_cols(made), extent_max);
    assert_int_equal(dopt_objective_examples(made), 0);
    assert_int_equal(dopt_objective_route(made), DOPT_ROUTE_CUSTOM);
    OUTSIDE(dopt_objective_clone(made, NULL), "out is NULL");
    dopt_objective_destroy(&made);
    dopt_objective_destroy(&made);
    dopt_objective_destroy(NULL);
    OUTSIDE(dopt_objective_clone(NULL, &made), "objective is NULL");
    OUTSIDE(dopt_objective_eval(NULL, dopt_cmat_f64(w, 1, d), NULL, NULL, dopt_mat_none()), "objective is NULL");
    assert_int_equal(dopt_objective_rows(NULL), 0);
    assert_int_equal(dopt_objective_cols(NULL), 0);
    assert_int_equal(dopt_objective_examples(NULL), 0);
    assert_int_equal(dopt_objective_threads(NULL), 1);
    assert_int_equal(dopt_objective_dtype(NULL), DOPT_F64);
    assert_int_equal(dopt_objective_route(NULL), DOPT_ROUTE_CUSTOM);
    dopt_loss_destroy(&loss);
}

static dopt_objective *flat_objective; /* 2 x 3 */

/* Whether options are taken: they are where only memory is missing. */
static void options_inside(const dopt_fit_options *o)
{
    double w[6] = { 0 };
    dopt_trainer *made = NULL;
    INSIDE(dopt_trainer_create(flat_objective, o, dopt_mat_f64(w, 2, 3), &made));
    assert_null(made);
}

static void options_outside(const dopt_fit_options *o, const char *text)
{
    double w[6] = { 0 };
    dopt_trainer *made = NULL;
    char whole[128];
    (void)snprintf(whole, sizeof whole, "dopt_trainer_create: %s", text);
    OUTSIDE(dopt_trainer_create(flat_objective, o, dopt_mat_f64(w, 2, 3), &made), whole);
    assert_null(made);
}

/* A field with the range [0, inf). */
static void from_zero(dopt_fit_options *o, double *field, const char *name)
{
    char text[96];
    const double usual = *field;
    *field = DBL_MAX;
    options_inside(o);
    *field = -0x1p-1074;
    (void)snprintf(text, sizeof text, "options->%s is -4.94066e-324, must be in [0, inf)", name);
    options_outside(o, strcmp(name, "lr") == 0 ? "options->lr is -4.94066e-324, must be in (0, inf), or 0" : text);
    (void)snprintf(text, sizeof text, "options->%s is inf", name);
    *field = INFINITY;
    options_outside(o, text);
    *field = NAN;
    (void)snprintf(text, sizeof text, "options->%s is nan", name);
    options_outside(o, text);
    *field = usual;
}

static void fit_models(dopt_fit_options o)
{
    const dopt_fit_options defaults = o;
    o.model = (dopt_model)-1;
    options_outside(&o, "options->model is -1, must be 0 (direct), 1 (factored) or 2 (e2e)");
    o.model = (dopt_model)3;
    options_outside(&o, "options->model is 3");
    o = defaults;
    o.init = (dopt_init)-1;
    options_outside(&o, "options->init is -1, must be 0 (given)");
    o.init = (dopt_init)4;
    options_outside(&o, "options->init is 4");
    o = defaults;
    o.depth = below_one;
    options_outside(&o, "options->depth is 1, must be in [1, inf]");
    o.depth = INFINITY;
    options_inside(&o);
    o.model = DOPT_MODEL_FACTORED;
    options_outside(&o, "options->depth is inf, must be an integer in [1, 1024] for a factored model");
    o.depth = 1024.0;
    options_inside(&o);
    o.depth = 1025.0;
    options_outside(&o, "options->depth is 1025, must be an integer in [1, 1024]");
    o.depth = 2.5;
    options_outside(&o, "options->depth is 2.5, must be an integer in [1, 1024]");
    o = defaults;
    o.width = extent_max;
    options_inside(&o);
    o.width = extent_max + 1;
    options_outside(&o, "options->width is 2147483648, must be in [0, 2147483647]");
    o.width = -1;
    options_outside(&o, "options->width is -1");
}

static void fit_optimizers(dopt_fit_options o)
{
    const dopt_fit_options defaults = o;
    const dopt_hyper_value lr = { DOPT_LR, 0.5 };
    const dopt_hyper_value twice[] = { { DOPT_BETA1, 0.5 }, { DOPT_BETA2, 0.9 }, { DOPT_BETA1, 0.6 } };
    o.optimizer = (dopt_optim_kind)dopt_optim_kind_count();
    options_outside(&o, "options->optimizer is 8, must be 0 (gd)");
    o.optimizer = (dopt_optim_kind)-1;
    options_outside(&o, "options->optimizer is -1, must be 0 (gd)");
    o = defaults;
    o.hyper_count = -1;
    options_outside(&o, "options->hyper_count is -1 and options->hypers is NULL");
    o.hyper_count = 1;
    options_outside(&o, "options->hyper_count is 1 and options->hypers is NULL");
    o.hypers = &lr;
    options_outside(&o, "options->hypers[0] is lr, which is options->lr");
    o.optimizer = DOPT_OPTIM_ADAM;
    o.hyper_count = 3;
    o.hypers = twice;
    options_outside(&o, "options->hypers[2] is beta1, which hypers[0] is already");
    o = defaults;
    o.schedule.kind = DOPT_SCHEDULE_STEP;
    options_outside(&o, "options->schedule.period is 0, must be >= 1 for step");
}

static void fit_stops(dopt_fit_options o)
{
    const dopt_fit_options defaults = o;
    o.batch_size = -1;
    options_outside(&o, "options->batch_size is -1, must be >= 0");
    o.batch_size = 1;
    options_outside(&o, "options->batch_size is 1, must be 0 for an objective without examples");
    o = defaults;
    o.max_steps = -1;
    options_outside(&o, "options->max_steps is -1, must be >= 0");
    o.max_steps = 0;
    options_inside(&o);
    o.target = NAN;
    options_outside(&o, "options->target is nan");
    o = defaults;
    o.max_seconds = 0.0;
    options_outside(&o, "options->max_seconds is 0, must be in (0, inf]");
    o.max_seconds = 0x1p-1074;
    options_inside(&o);
}

static void fits(void **state)
{
    (void)state;
    double w[6] = { 0 };
    dopt_trainer *made = NULL;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.allocator = no_memory;
    ASSERT_OK(dopt_objective_create_custom(2, 3, flat, NULL, &flat_objective));
    options_inside(&o);
    fit_models(o);
    fit_optimizers(o);
    fit_stops(o);
    from_zero(&o, &o.init_std, "init_std");
    from_zero(&o, &o.lr, "lr");
    from_zero(&o, &o.weight_decay, "weight_decay");
    from_zero(&o, &o.value_tolerance, "value_tolerance");
    from_zero(&o, &o.gradient_tolerance, "gradient_tolerance");
    from_zero(&o, &o.step_tolerance, "step_tolerance");
    OUTSIDE(dopt_trainer_create(NULL, &o, dopt_mat_f64(w, 2, 3), &made), "objective is NULL");
    OUTSIDE(dopt_trainer_create(flat_objective, &o, dopt_mat_f64(w, 2, 3), NULL), "out is NULL");
    OUTSIDE(dopt_trainer_step(NULL, NULL), "trainer is NULL");
    const dopt_report report = dopt_trainer_report(NULL);
    assert_true(report.reason == DOPT_STOP_NONE && report.steps == 0 && report.value == 0.0);
    assert_null(dopt_trainer_net(NULL));
    dopt_trainer_destroy(&made);
    dopt_trainer_destroy(NULL);
    dopt_objective_destroy(&flat_objective);
}

static void searches(void **state)
{
    (void)state;
    const double w[6] = { 0 }, one[] = { 0x1p-1074 }, zero[] = { 0.1, 0.0 }, large[] = { 0.1, 0.2, INFINITY };
    const dopt_cmat w0 = dopt_cmat_f64(w, 2, 3);
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    int best = -7;
    ASSERT_OK(dopt_objective_create_custom(2, 3, flat, NULL, &flat_objective));
    o.allocator = no_memory;
    INSIDE(dopt_lr_search(flat_objective, &o, w0, 1, one, 0, NULL, &best));
    INSIDE(dopt_lr_search(flat_objective, &o, w0, 1, one, 256, NULL, &best));
    OUTSIDE(dopt_lr_search(flat_objective, &o, w0, 0, one, 0, NULL, &best), "count is 0, must be >= 1");
    OUTSIDE(dopt_lr_search(flat_objective, &o, w0, 1, one, 257, NULL, &best), "threads is 257, must be in [0, 256]");
    OUTSIDE(dopt_lr_search(flat_objective, &o, w0, 1, one, -1, NULL, &best), "threads is -1");
    OUTSIDE(dopt_lr_search(flat_objective, &o, w0, 2, zero, 0, NULL, &best), "grid[1] is 0, must be in (0, inf)");
    OUTSIDE(dopt_lr_search(flat_objective, &o, w0, 3, large, 0, NULL, &best), "grid[2] is inf, must be in (0, inf)");
    OUTSIDE(dopt_lr_search(flat_objective, &o, w0, 1, NULL, 0, NULL, &best), "grid is NULL");
    OUTSIDE(dopt_lr_search(flat_objective, &o, w0, 1, one, 0, NULL, NULL), "best is NULL");
    OUTSIDE(dopt_lr_search(NULL, &o, w0, 1, one, 0, NULL, &best), "objective is NULL");
    assert_int_equal(best, -7);
    dopt_objective_destroy(&flat_objective);
}

static dopt_status ones(dopt_cmat w, dopt_mat grad, void *user)
{
    return flat(w, NULL, &(double){ 0.0 }, grad, user);
}

static void analysis(void **state)
{
    (void)state;
    double a[] = { 1, 2 }, weights[6], rate, sigma[2];
    const dopt_cmat row = dopt_cmat_f64(a, 1, 2);
    const dopt_mat out = dopt_mat_f64(weights, 1, 2);
    dopt_circulation_options o = DOPT_CIRCULATION_OPTIONS_INIT;
    dopt_circulation found;
    ASSERT_OK(dopt_analysis_memory(0.0, 1, a, a, out));
    OUTSIDE(dopt_analysis_memory(-0x1p-1074, 1, a, a, out), "lr is -4.94066e-324, must be in [0, inf)");
    OUTSIDE(dopt_analysis_memory(INFINITY, 1, a, a, out), "lr is inf");
    OUTSIDE(dopt_analysis_memory(0.1, 0, a, a, out), "steps is 0, must be in [1, 2147483647)");
    OUTSIDE(dopt_analysis_memory(0.1, extent_max, a, a, out), "steps is 2147483647, must be in [1, 2147483647)");
    OUTSIDE(dopt_analysis_memory(0.1, 1, NULL, a, out), "hidden is NULL");
    OUTSIDE(dopt_analysis_memory(0.1, 1, a, NULL, out), "slope is NULL");
    OUTSIDE(dopt_analysis_split(below_one, row, row, &rate, out), "depth is 1, must be in [1, inf]");
    OUTSIDE(dopt_analysis_sigma_rates(NAN, row, row, sigma, sigma), "depth is nan");
    OUTSIDE(dopt_analysis_split(2.0, row, row, NULL, out), "rate is NULL");
    OUTSIDE(dopt_analysis_margin(row, row, NULL), "margin is NULL");
    OUTSIDE(dopt_analysis_sigma_rates(2.0, row, row, sigma, NULL), "rates is NULL");
    MISSHAPEN(dopt_analysis_margin(dopt_cmat_f64(a, order_max + 1, order_max + 1),
                                   dopt_cmat_f64(a, order_max + 1, order_max), &rate),
              "target is 32767 x 32766, must be 32767 x 32767");
    MISSHAPEN(dopt_analysis_split(2.0, dopt_cmat_f64(a, order_max + 1, order_max + 1),
                                  dopt_cmat_f64(a, order_max + 1, order_max + 1), &rate, out),
              "w is 32767 x 32767, the smaller extent must be at most 32766");
    o.allocator = no_memory;
    INSIDE(dopt_analysis_circulation(1, 2, ones, NULL, &o, &found));
    INSIDE(dopt_analysis_circulation(2, 1, ones, NULL, &o, &found));
    OUTSIDE(dopt_analysis_circulation(1, 1, ones, NULL, &o, &found),
            "rows is 1 and cols is 1, each must be >= 1, and one > 1");
    OUTSIDE(dopt_analysis_circulation(0, 2, ones, NULL, &o, &found), "rows is 0 and cols is 2");
    OUTSIDE(dopt_analysis_circulation(2, 0, ones, NULL, &o, &found), "rows is 2 and cols is 0");
    OUTSIDE(dopt_analysis_circulation(2, 2, NULL, NULL, &o, &found), "gradient is NULL");
    OUTSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, NULL), "out is NULL");
    o.depth = below_one;
    OUTSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found), "options->depth is 1, must be in [1, inf]");
    o.depth = 1.0;
    INSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found));
    o.tolerance = below_one;
    INSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found));
    o.tolerance = 1.0;
    OUTSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found), "options->tolerance is 1, must be in (0, 1)");
    o.tolerance = 0.0;
    OUTSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found), "options->tolerance is 0, must be in (0, 1)");
    o.tolerance = 0.5;
    o.inner = 0.0;
    OUTSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found), "must be 0 < inner < outer");
    o.inner = o.outer;
    OUTSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found), "must be 0 < inner < outer");
    o.outer = INFINITY;
    OUTSIDE(dopt_analysis_circulation(2, 2, ones, NULL, &o, &found), "options->inner is 1.1 and options->outer is inf");
}

static void generators(void **state)
{
    (void)state;
    double a[2] = { 5, 5 };
    ptrdiff_t rows[3] = { -5, -5, -5 };
    dopt_rng rng = dopt_rng_init(1, 1);
    ASSERT_OK(dopt_rng_fill_normal(&rng, dopt_mat_f64(a, 1, 2), 0.0));
    assert_true(a[0] == 0.0 && a[1] == 0.0);
    OUTSIDE(dopt_rng_fill_normal(&rng, dopt_mat_f64(a, 1, 2), -0x1p-1074), "stddev is -4.94066e-324");
    OUTSIDE(dopt_rng_fill_normal(&rng, dopt_mat_f64(a, 1, 2), INFINITY), "stddev is inf");
    OUTSIDE(dopt_rng_fill_normal(NULL, dopt_mat_f64(a, 1, 2), 1.0), "rng is NULL");
    ASSERT_OK(dopt_rng_permute_rows(1, 2, 3, 0, 3, rows));
    OUTSIDE(dopt_rng_permute_rows(1, 2, 3, 1, 3, rows), "dopt_rng_permute_rows");
    OUTSIDE(dopt_rng_permute_rows(1, 2, 3, -1, 2, rows), "dopt_rng_permute_rows");
    OUTSIDE(dopt_rng_permute_rows(1, 2, 0, 0, 1, rows), "dopt_rng_permute_rows");
    OUTSIDE(dopt_rng_permute_rows(1, 2, 3, 0, 1, NULL), "NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objectives), cmocka_unit_test(fits),       cmocka_unit_test(searches),
        cmocka_unit_test(analysis),   cmocka_unit_test(generators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
