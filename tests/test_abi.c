/* SPDX-License-Identifier: MIT */
/*
 * The binary interface, pinned: values that programs were compiled with, the layout of structs that are passed by
 * value, and options structs of callers who know fewer or more fields than the library.
 */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "support/support.h"

/* dopt_status */
_Static_assert(DOPT_OK == 0, "DOPT_OK");
_Static_assert(DOPT_ERR_INVALID == -1, "DOPT_ERR_INVALID");
_Static_assert(DOPT_ERR_SHAPE == -2, "DOPT_ERR_SHAPE");
_Static_assert(DOPT_ERR_DTYPE == -3, "DOPT_ERR_DTYPE");
_Static_assert(DOPT_ERR_NOMEM == -4, "DOPT_ERR_NOMEM");
_Static_assert(DOPT_ERR_NONFINITE == -5, "DOPT_ERR_NONFINITE");
_Static_assert(DOPT_ERR_NUMERICAL == -6, "DOPT_ERR_NUMERICAL");
_Static_assert(DOPT_ERR_IO == -7, "DOPT_ERR_IO");
_Static_assert(DOPT_ERR_FORMAT == -8, "DOPT_ERR_FORMAT");
_Static_assert(DOPT_ERR_VERSION == -9, "DOPT_ERR_VERSION");
_Static_assert(DOPT_ERR_BUSY == -10, "DOPT_ERR_BUSY");

/* dopt_dtype */
_Static_assert(DOPT_F64 == 0, "DOPT_F64");
_Static_assert(DOPT_F32 == 1, "DOPT_F32");

/* dopt_log_level */
_Static_assert(DOPT_LOG_INFO == 0, "DOPT_LOG_INFO");
_Static_assert(DOPT_LOG_WARNING == 1, "DOPT_LOG_WARNING");

/* dopt_e2e_method */
_Static_assert(DOPT_E2E_NESTED == 0, "DOPT_E2E_NESTED");
_Static_assert(DOPT_E2E_SVD == 1, "DOPT_E2E_SVD");

/* dopt_e2e_route */
_Static_assert(DOPT_E2E_ROUTE_NONE == 0, "DOPT_E2E_ROUTE_NONE");
_Static_assert(DOPT_E2E_ROUTE_IDENTITY == 1, "DOPT_E2E_ROUTE_IDENTITY");
_Static_assert(DOPT_E2E_ROUTE_CLOSED_FORM == 2, "DOPT_E2E_ROUTE_CLOSED_FORM");
_Static_assert(DOPT_E2E_ROUTE_NESTED == 3, "DOPT_E2E_ROUTE_NESTED");
_Static_assert(DOPT_E2E_ROUTE_NESTED_MRRR == 4, "DOPT_E2E_ROUTE_NESTED_MRRR");
_Static_assert(DOPT_E2E_ROUTE_SVD == 5, "DOPT_E2E_ROUTE_SVD");
_Static_assert(DOPT_E2E_ROUTE_JACOBI == 6, "DOPT_E2E_ROUTE_JACOBI");
_Static_assert(DOPT_E2E_ROUTE_REUSED == 7, "DOPT_E2E_ROUTE_REUSED");

/* dopt_optim_kind */
_Static_assert(DOPT_OPTIM_GD == 0, "DOPT_OPTIM_GD");
_Static_assert(DOPT_OPTIM_MOMENTUM == 1, "DOPT_OPTIM_MOMENTUM");
_Static_assert(DOPT_OPTIM_NESTEROV == 2, "DOPT_OPTIM_NESTEROV");
_Static_assert(DOPT_OPTIM_ADAGRAD == 3, "DOPT_OPTIM_ADAGRAD");
_Static_assert(DOPT_OPTIM_ADADELTA == 4, "DOPT_OPTIM_ADADELTA");
_Static_assert(DOPT_OPTIM_RMSPROP == 5, "DOPT_OPTIM_RMSPROP");
_Static_assert(DOPT_OPTIM_ADAM == 6, "DOPT_OPTIM_ADAM");
_Static_assert(DOPT_OPTIM_GROUP_RMSPROP == 7, "DOPT_OPTIM_GROUP_RMSPROP");

/* dopt_hyper */
_Static_assert(DOPT_LR == 0, "DOPT_LR");
_Static_assert(DOPT_WEIGHT_DECAY == 1, "DOPT_WEIGHT_DECAY");
_Static_assert(DOPT_DECOUPLED == 2, "DOPT_DECOUPLED");
_Static_assert(DOPT_MOMENTUM == 3, "DOPT_MOMENTUM");
_Static_assert(DOPT_RHO == 4, "DOPT_RHO");
_Static_assert(DOPT_BETA1 == 5, "DOPT_BETA1");
_Static_assert(DOPT_BETA2 == 6, "DOPT_BETA2");
_Static_assert(DOPT_EPSILON == 7, "DOPT_EPSILON");
_Static_assert(DOPT_ACCUMULATOR == 8, "DOPT_ACCUMULATOR");

/* dopt_schedule_kind */
_Static_assert(DOPT_SCHEDULE_CONSTANT == 0, "DOPT_SCHEDULE_CONSTANT");
_Static_assert(DOPT_SCHEDULE_STEP == 1, "DOPT_SCHEDULE_STEP");
_Static_assert(DOPT_SCHEDULE_EXPONENTIAL == 2, "DOPT_SCHEDULE_EXPONENTIAL");
_Static_assert(DOPT_SCHEDULE_COSINE == 3, "DOPT_SCHEDULE_COSINE");
_Static_assert(DOPT_SCHEDULE_INVERSE_TIME == 4, "DOPT_SCHEDULE_INVERSE_TIME");

/* dopt_reduction */
_Static_assert(DOPT_REDUCTION_AUTO == 0, "DOPT_REDUCTION_AUTO");
_Static_assert(DOPT_REDUCTION_ON == 1, "DOPT_REDUCTION_ON");
_Static_assert(DOPT_REDUCTION_OFF == 2, "DOPT_REDUCTION_OFF");

/* dopt_route */
_Static_assert(DOPT_ROUTE_CUSTOM == 0, "DOPT_ROUTE_CUSTOM");
_Static_assert(DOPT_ROUTE_PASS == 1, "DOPT_ROUTE_PASS");
_Static_assert(DOPT_ROUTE_PRODUCTS == 2, "DOPT_ROUTE_PRODUCTS");
_Static_assert(DOPT_ROUTE_REDUCED == 3, "DOPT_ROUTE_REDUCED");

/* dopt_model */
_Static_assert(DOPT_MODEL_DIRECT == 0, "DOPT_MODEL_DIRECT");
_Static_assert(DOPT_MODEL_FACTORED == 1, "DOPT_MODEL_FACTORED");
_Static_assert(DOPT_MODEL_E2E == 2, "DOPT_MODEL_E2E");

/* dopt_init */
_Static_assert(DOPT_INIT_GIVEN == 0, "DOPT_INIT_GIVEN");
_Static_assert(DOPT_INIT_NORMAL == 1, "DOPT_INIT_NORMAL");
_Static_assert(DOPT_INIT_IDENTITY == 2, "DOPT_INIT_IDENTITY");
_Static_assert(DOPT_INIT_BALANCED == 3, "DOPT_INIT_BALANCED");

/* dopt_stop_reason */
_Static_assert(DOPT_STOP_NONE == 0, "DOPT_STOP_NONE");
_Static_assert(DOPT_STOP_STEPS == 1, "DOPT_STOP_STEPS");
_Static_assert(DOPT_STOP_TARGET == 2, "DOPT_STOP_TARGET");
_Static_assert(DOPT_STOP_VALUE == 3, "DOPT_STOP_VALUE");
_Static_assert(DOPT_STOP_GRADIENT == 4, "DOPT_STOP_GRADIENT");
_Static_assert(DOPT_STOP_STEP == 5, "DOPT_STOP_STEP");
_Static_assert(DOPT_STOP_SECONDS == 6, "DOPT_STOP_SECONDS");
_Static_assert(DOPT_STOP_CALLBACK == 7, "DOPT_STOP_CALLBACK");
_Static_assert(DOPT_STOP_DIVERGED == 8, "DOPT_STOP_DIVERGED");

/* Structs that are frozen, where pointers and ptrdiff_t have 8 bytes. */
#define PINNED(type, size) _Static_assert(sizeof(void *) != 8 || sizeof(type) == (size), #type)
PINNED(dopt_mat, 48);
PINNED(dopt_cmat, 48);
PINNED(dopt_rng, 32);
PINNED(dopt_schedule, 32);
PINNED(dopt_event, 80);
PINNED(dopt_report, 64);
PINNED(dopt_lr_trial, 32);
PINNED(dopt_batch, 24);
PINNED(dopt_allocator, 24);
PINNED(dopt_logger, 16);
PINNED(dopt_hyper_value, 16);
PINNED(dopt_hyper_bounds, 32);
PINNED(dopt_net_cost, 48);
PINNED(dopt_circulation, 56);

/* An options struct as a later header may have it: fields appended. */
enum { appended = 16, largest = 512 };

typedef union longer {
    size_t struct_size;
    unsigned char bytes[largest];
    max_align_t align;
} longer;

static void *longer_than(longer *out, const void *options, size_t size)
{
    assert_true(size + appended <= sizeof *out);
    memset(out, 0, sizeof *out);
    memcpy(out, options, size);
    out->struct_size = size + appended;
    return out;
}

static double x[6] = { 1, 2, 3, 4, 5, 6 }, y[3] = { 1, 0, 1 }, w[2];
static dopt_loss *loss;
static dopt_objective *objective;

static dopt_status create_net(const void *options)
{
    const ptrdiff_t dims[] = { 2, 1 };
    dopt_net *net = NULL;
    const dopt_status status = dopt_net_create(DOPT_F64, 1, dims, options, &net);
    dopt_net_destroy(&net);
    return status;
}

static dopt_status create_e2e(const void *options)
{
    dopt_e2e *e2e = NULL;
    const dopt_status status = dopt_e2e_create(2, 2, 2.0, options, &e2e);
    dopt_e2e_destroy(&e2e);
    return status;
}

static dopt_status create_loss(const void *options)
{
    dopt_loss *made = NULL;
    const dopt_status status = dopt_loss_create_squared(options, &made);
    dopt_loss_destroy(&made);
    return status;
}

static dopt_status create_objective(const void *options)
{
    dopt_objective *made = NULL;
    const dopt_status status =
        dopt_objective_create_data(dopt_cmat_f64(x, 3, 2), dopt_cmat_f64(y, 3, 1), loss, options, &made);
    dopt_objective_destroy(&made);
    return status;
}

static dopt_status create_trainer(const void *options)
{
    dopt_trainer *trainer = NULL;
    const dopt_status status = dopt_trainer_create(objective, options, dopt_mat_f64(w, 1, 2), &trainer);
    dopt_trainer_destroy(&trainer);
    return status;
}

static dopt_status slope_of_nothing(dopt_cmat at, dopt_mat grad, void *user)
{
    (void)at;
    (void)user;
    for (ptrdiff_t i = 0; i < 4; i++)
        ((double *)grad.data)[i] = 1.0;
    return DOPT_OK;
}

static dopt_status integrate(const void *options)
{
    dopt_circulation out;
    return dopt_analysis_circulation(2, 2, slope_of_nothing, NULL, options, &out);
}

static void options_may_be_longer(void **state)
{
    const dopt_net_options net = DOPT_NET_OPTIONS_INIT;
    const dopt_e2e_options e2e = DOPT_E2E_OPTIONS_INIT;
    const dopt_loss_options of_loss = DOPT_LOSS_OPTIONS_INIT;
    const dopt_objective_options of_objective = DOPT_OBJECTIVE_OPTIONS_INIT;
    const dopt_fit_options fit = DOPT_FIT_OPTIONS_INIT;
    const dopt_circulation_options circulation = DOPT_CIRCULATION_OPTIONS_INIT;
    const struct {
        const void *options;
        size_t size;
        dopt_status (*create)(const void *options);
    } all[] = { { &net, sizeof net, create_net },          { &e2e, sizeof e2e, create_e2e },
                { &of_loss, sizeof of_loss, create_loss }, { &of_objective, sizeof of_objective, create_objective },
                { &fit, sizeof fit, create_trainer },      { &circulation, sizeof circulation, integrate } };
    (void)state;
    ASSERT_OK(dopt_loss_create_squared(NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, 3, 2), dopt_cmat_f64(y, 3, 1), loss, NULL, &objective));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        longer newer;
        ASSERT_OK(all[i].create(longer_than(&newer, all[i].options, all[i].size)));
        for (size_t at = all[i].size; at < all[i].size + appended; at++) {
            newer.bytes[at] = 1;
            ASSERT_FAILS(all[i].create(&newer), DOPT_ERR_VERSION, "fields unknown to this release");
            newer.bytes[at] = 0;
        }
        newer.bytes[all[i].size + appended] = 1; /* beyond what the caller says it has */
        ASSERT_OK(all[i].create(&newer));
        newer.struct_size = 0;
        ASSERT_FAILS(all[i].create(&newer), DOPT_ERR_INVALID, "struct_size is 0");
        newer.struct_size = all[i].size - 1; /* no release has had a shorter one */
        ASSERT_FAILS(all[i].create(&newer), DOPT_ERR_INVALID, "struct_size");
        newer.struct_size = 65537;
        ASSERT_FAILS(all[i].create(&newer), DOPT_ERR_INVALID, "struct_size is 65537");
    }
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

/* What all of them read with: of a caller with fewer fields the rest keeps its defaults, at every length. */
static void options_may_be_shorter(void **state)
{
    struct {
        size_t struct_size;
        double numbers[4];
    } theirs = { 0, { 1.0, 2.0, 3.0, 4.0 } };
    (void)state;
    for (size_t known = 1; known <= 4; known++) {
        struct {
            size_t struct_size;
            double numbers[4];
        } mine = { 0, { -1.0, -2.0, -3.0, -4.0 } };
        theirs.struct_size = sizeof(size_t) + known * sizeof(double);
        ASSERT_OK(dopt__read_options("f", &theirs, sizeof(size_t) + sizeof(double), sizeof mine, &mine));
        assert_int_equal(mine.struct_size, sizeof mine);
        for (size_t i = 0; i < 4; i++)
            ASSERT_CLOSE(mine.numbers[i], i < known ? theirs.numbers[i] : -1.0 - (double)i, 0.0);
    }
    theirs.struct_size = sizeof(size_t);
    assert_int_equal(dopt__read_options("f", &theirs, sizeof(size_t) + sizeof(double), sizeof theirs, &theirs),
                     DOPT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_be_longer),
        cmocka_unit_test(options_may_be_shorter),
    };
    return cmocka_run_group_tests_name("abi", tests, NULL, NULL);
}
