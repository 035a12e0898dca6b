/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of every function that allocates fails once, by malloc and by the caller's allocator: the status is
 * DOPT_ERR_NOMEM, nothing leaks, outputs are as before. Threads that cannot be started are done without.
 *
 * The linker sends malloc, free and pthread_create of the library here (--wrap).
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

enum { endless = 1000000 };

static atomic_int left = endless; /* allocations that still succeed */
static atomic_bool lasting;       /* all fail after the first that does */
static atomic_int live;
static atomic_int threads_left = endless;

void *__real_malloc(size_t size);
void __real_free(void *ptr);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*work)(void *), void *argument);
void *__wrap_malloc(size_t size);
void __wrap_free(void *ptr);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*work)(void *), void *argument);

void *__wrap_malloc(size_t size)
{
    const int before = atomic_fetch_sub(&left, 1);
    if (before == 0 || (before < 0 && atomic_load(&lasting)))
        return NULL;
    atomic_fetch_add(&live, 1);
    return __real_malloc(size);
}

void __wrap_free(void *ptr)
{
    if (ptr)
        atomic_fetch_sub(&live, 1);
    __real_free(ptr);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*work)(void *), void *argument)
{
    return atomic_fetch_sub(&threads_left, 1) > 0 ? __real_pthread_create(thread, attr, work, argument) : 11;
}

/* Problem data that all cases share; nothing of it may change. */
enum { m = 40, k = 3, d = 4 };
static double x[m * d], y[m * k], w0[k * d], target[k * d];
static dopt_allocator allocator; /* of the case at hand: zero, or the test's own */

static dopt_cmat data_x(void)
{
    return dopt_cmat_f64(x, m, d);
}
static dopt_cmat start(void)
{
    return dopt_cmat_f64(w0, k, d);
}

static dopt_status make_e2e(ptrdiff_t rows, ptrdiff_t cols, dopt_e2e_method method)
{
    dopt_e2e *e2e = NULL;
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.method = method;
    options.allocator = allocator;
    const dopt_status status = dopt_e2e_create(rows, cols, 3.0, &options, &e2e);
    assert_int_equal(e2e != NULL, status == DOPT_OK);
    dopt_e2e_destroy(&e2e);
    return status;
}

static dopt_status nested_e2e(void)
{
    return make_e2e(7, 5, DOPT_E2E_NESTED);
}
static dopt_status svd_e2e(void)
{
    return make_e2e(7, 5, DOPT_E2E_SVD);
}
static dopt_status vector_e2e(void)
{
    return make_e2e(1, 5, DOPT_E2E_NESTED);
}

static dopt_status make_net(dopt_dtype dtype, dopt_net **net)
{
    static const ptrdiff_t dims[] = { d, 5, 4, k };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    options.bias = options.keep_activations = options.penalty = 1;
    options.block_rows = 8;
    options.allocator = allocator;
    const dopt_status status = dopt_net_create(dtype, 3, dims, &options, net);
    assert_int_equal(*net != NULL, status == DOPT_OK);
    return status;
}

static dopt_status net(void)
{
    dopt_net *made = NULL;
    const dopt_status status = make_net(DOPT_F64, &made);
    dopt_net_destroy(&made);
    return status;
}

static double factor_sum(dopt_net *made)
{
    double sum = 0.0;
    for (int j = 1; j <= dopt_net_depth(made); j++)
        sum += test_norm(dopt_const(dopt_net_factor(made, j)));
    return sum;
}

/* The inits and the collapse of a net that is there: factors as before, or as wanted. */
static dopt_status change_net(dopt_dtype dtype, dopt_status (*change)(dopt_net *made))
{
    dopt_net *made = NULL;
    dopt_status status = make_net(dtype, &made);
    if (status == DOPT_OK) {
        dopt_rng rng = dopt_rng_init(5, 0);
        ASSERT_OK(dopt_net_init_normal(made, &rng, 1.0));
        const double before = factor_sum(made);
        status = change(made);
        assert_int_equal(factor_sum(made) == before, status != DOPT_OK);
    }
    dopt_net_destroy(&made);
    return status;
}

static dopt_status orthogonalise(dopt_net *made)
{
    const dopt_rng before = dopt_rng_init(6, 0);
    dopt_rng rng = before;
    const dopt_status status = dopt_net_init_orthogonal(made, &rng, 1.0);
    assert_int_equal(memcmp(&rng, &before, sizeof rng) != 0, status == DOPT_OK);
    return status;
}

static dopt_status balance(dopt_net *made)
{
    return dopt_net_init_balanced(made, start());
}
static dopt_status orthogonal_net(void)
{
    return change_net(DOPT_F64, orthogonalise);
}
static dopt_status orthogonal_net_f32(void)
{
    return change_net(DOPT_F32, orthogonalise);
}
static dopt_status balanced_net(void)
{
    return change_net(DOPT_F64, balance);
}
static dopt_status collapsed_net(void)
{
    return change_net(DOPT_F64, dopt_net_collapse);
}
static dopt_status collapsed_net_f32(void)
{
    return change_net(DOPT_F32, dopt_net_collapse);
}

static dopt_status losses(void)
{
    dopt_loss *loss = NULL;
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    options.allocator = allocator;
    dopt_status status = dopt_loss_create_lp(3.0, &options, &loss);
    for (int kind = 0; kind < 4 && status == DOPT_OK; kind++) {
        dopt_loss_destroy(&loss);
        status = kind == 0   ? dopt_loss_create_squared(&options, &loss)
                 : kind == 1 ? dopt_loss_create_huber(1.0, &options, &loss)
                 : kind == 2 ? dopt_loss_create_logistic(&options, &loss)
                             : dopt_loss_create_softmax_ce(&options, &loss);
    }
    assert_int_equal(loss != NULL, status == DOPT_OK);
    dopt_loss_destroy(&loss);
    return status;
}

static dopt_status optim(void)
{
    double w[k * d] = { 0 }, b[k] = { 0 };
    const dopt_mat blocks[] = { dopt_mat_f64(w, k, d), dopt_mat_f64(b, 1, k) };
    dopt_optim *made = NULL;
    dopt_status status = dopt_optim_create_with(DOPT_OPTIM_ADAM, &allocator, &made);
    assert_int_equal(made != NULL, status == DOPT_OK);
    if (status == DOPT_OK)
        status = dopt_optim_prepare(made, 2, blocks);
    dopt_optim_destroy(&made);
    return status;
}

/* After a failed step the same optimizer takes another, larger net. */
static dopt_status optim_on_nets(void)
{
    static const ptrdiff_t dims[] = { d, 4, 4, 4, 4, 4, k };
    dopt_net *small = NULL, *large = NULL;
    dopt_optim *made = NULL;
    dopt_status status = make_net(DOPT_F64, &small);
    if (status == DOPT_OK)
        status = dopt_net_create(DOPT_F64, 6, dims, NULL, &large);
    if (status == DOPT_OK)
        status = dopt_optim_create_with(DOPT_OPTIM_MOMENTUM, &allocator, &made);
    if (status == DOPT_OK) {
        status = dopt_optim_apply_net(made, small);
        if (status != DOPT_OK) {
            assert_int_equal(dopt_optim_steps(made), 0);
            if (!atomic_load(&lasting))
                ASSERT_OK(dopt_optim_apply_net(made, large));
        }
    }
    dopt_optim_destroy(&made);
    dopt_net_destroy(&large);
    dopt_net_destroy(&small);
    return status;
}

static dopt_status make_objective(dopt_reduction reduction, ptrdiff_t outputs, int threads, const dopt_loss *loss,
                                  dopt_objective **out)
{
    dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
    options.allocator = allocator;
    options.threads = threads;
    options.reduction = reduction;
    return dopt_objective_create_data(data_x(), dopt_cmat_f64(y, m, outputs), loss, &options, out);
}

static dopt_loss *borrowed; /* made before anything fails */

static dopt_status objective(dopt_reduction reduction, ptrdiff_t outputs, int threads)
{
    dopt_objective *made = NULL, *clone = NULL;
    dopt_status status = make_objective(reduction, outputs, threads, borrowed, &made);
    assert_int_equal(made != NULL, status == DOPT_OK);
    if (status == DOPT_OK)
        status = dopt_objective_clone(made, &clone);
    assert_int_equal(clone != NULL, status == DOPT_OK);
    if (clone) {
        double value, again;
        ASSERT_OK(dopt_objective_eval(made, dopt_cmat_f64(w0, outputs, d), NULL, &value, dopt_mat_none()));
        dopt_objective_destroy(&made);
        ASSERT_OK(dopt_objective_eval(clone, dopt_cmat_f64(w0, outputs, d), NULL, &again, dopt_mat_none()));
        assert_true(value == again);
    }
    dopt_objective_destroy(&clone);
    dopt_objective_destroy(&made);
    return status;
}

static dopt_status one_output(void)
{
    return objective(DOPT_REDUCTION_OFF, 1, 3);
}
static dopt_status many_outputs(void)
{
    return objective(DOPT_REDUCTION_OFF, k, 0);
}
static dopt_status reduced(void)
{
    return objective(DOPT_REDUCTION_ON, k, 0);
}
static dopt_status reduced_one(void)
{
    return objective(DOPT_REDUCTION_ON, 1, 2);
}

static dopt_status constant(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    (void)w, (void)batch, (void)user;
    *value = 1.0;
    for (ptrdiff_t i = 0; i < grad.rows * grad.cols && grad.data; i++)
        ((double *)grad.data)[i] = 1.0;
    return DOPT_OK;
}

static dopt_status custom_objective(void)
{
    dopt_objective *made = NULL;
    const dopt_status status = dopt_objective_create_custom(k, d, constant, NULL, &made);
    assert_int_equal(made != NULL, status == DOPT_OK);
    dopt_objective_destroy(&made);
    return status;
}

/* Every model with a rule of its own, every start, batches: w and the report as before. */
static dopt_fit_options fit_options(int kind)
{
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    options.model = (dopt_model)(kind % 3);
    options.init = (dopt_init)(kind % 4);
    options.optimizer = kind % 2 ? DOPT_OPTIM_ADAM : DOPT_OPTIM_GD;
    options.depth = 3.0;
    options.max_steps = 3;
    options.batch_size = kind % 5 == 0 ? 16 : 0;
    options.allocator = allocator;
    return options;
}

static dopt_objective *data; /* made before anything fails */

static dopt_status fit(void)
{
    for (int kind = 0; kind < 12; kind++) {
        double w[k * d];
        const dopt_mat view = dopt_mat_f64(w, k, d);
        dopt_report report = { .steps = -1 };
        const dopt_fit_options options = fit_options(kind);
        test_copy(start(), view);
        const dopt_status status = dopt_fit(data, &options, view, &report);
        if (status != DOPT_OK) {
            ASSERT_MAT_SAME(dopt_const(view), start());
            assert_int_equal(report.steps, -1);
            return status;
        }
        assert_int_equal(report.steps, 3);
    }
    return DOPT_OK;
}

static dopt_status lr_search(void)
{
    static const double grid[] = { 1e-4, 1e-3, 1e-2 };
    dopt_lr_trial trials[3] = { { .steps = -1 }, { .steps = -1 }, { .steps = -1 } };
    const dopt_fit_options options = fit_options(2);
    int best = -1;
    const dopt_status status = dopt_lr_search(data, &options, start(), 3, grid, 2, trials, &best);
    assert_int_equal(best >= 0, status == DOPT_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(trials[i].steps, status == DOPT_OK ? 3 : -1);
    return status;
}

static dopt_status sym_power(void)
{
    const double a[] = { 2.0, 1.0, 1.0, 3.0 };
    double out[] = { NAN, NAN, NAN, NAN };
    const dopt_status status = dopt_sym_power(dopt_cmat_f64(a, 2, 2), 0.5, dopt_mat_f64(out, 2, 2));
    assert_int_equal(isfinite(out[0]) != 0, status == DOPT_OK);
    return status;
}

static dopt_status split(void)
{
    double rate = NAN, momentum[k * d];
    momentum[0] = NAN;
    const dopt_status status =
        dopt_analysis_split(3.0, start(), dopt_cmat_f64(target, k, d), &rate, dopt_mat_f64(momentum, k, d));
    assert_int_equal(isfinite(rate) && isfinite(momentum[0]), status == DOPT_OK);
    return status;
}

static dopt_status margin(void)
{
    double found = NAN;
    const dopt_status status = dopt_analysis_margin(start(), dopt_cmat_f64(target, k, d), &found);
    assert_int_equal(isfinite(found) != 0, status == DOPT_OK);
    return status;
}

static dopt_status sigma_rates(void)
{
    double sigma[k] = { NAN }, rates[k] = { NAN };
    const dopt_status status = dopt_analysis_sigma_rates(3.0, start(), dopt_cmat_f64(target, k, d), sigma, rates);
    assert_int_equal(isfinite(sigma[0]) && isfinite(rates[0]), status == DOPT_OK);
    return status;
}

static dopt_status pull_to_target(dopt_cmat w, dopt_mat grad, void *user)
{
    (void)user;
    for (ptrdiff_t i = 0; i < k * d; i++)
        ((double *)grad.data)[i] = ((const double *)w.data)[i] - target[i];
    return DOPT_OK;
}

static dopt_status circulation(void)
{
    dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
    dopt_circulation found = { .value = NAN };
    options.allocator = allocator;
    options.tolerance = 1e-3;
    const dopt_status status = dopt_analysis_circulation(k, d, pull_to_target, NULL, &options, &found);
    assert_int_equal(isfinite(found.value) != 0, status == DOPT_OK);
    return status;
}

typedef struct test_case {
    const char *name;
    dopt_status (*run)(void);
    int takes_allocator, least; /* allocations that a success makes, at least */
} test_case;

static const test_case cases[] = {
    { "nested e2e", nested_e2e, 1, 5 },
    { "svd e2e", svd_e2e, 1, 5 },
    { "vector e2e", vector_e2e, 1, 1 },
    { "net", net, 1, 3 },
    { "orthogonal net", orthogonal_net, 1, 5 },
    { "orthogonal net, float32", orthogonal_net_f32, 1, 5 },
    { "balanced net", balanced_net, 1, 5 },
    { "collapsed net", collapsed_net, 1, 5 },
    { "collapsed net, float32", collapsed_net_f32, 1, 6 },
    { "losses", losses, 1, 5 },
    { "optim", optim, 1, 6 },
    { "optim on nets", optim_on_nets, 1, 9 },
    { "objective of one output", one_output, 1, 8 },
    { "objective of many outputs", many_outputs, 1, 4 },
    { "reduced objective", reduced, 1, 9 },
    { "reduced objective of one output", reduced_one, 1, 9 },
    { "custom objective", custom_objective, 0, 1 },
    { "fit", fit, 1, 60 },
    { "search", lr_search, 1, 20 },
    { "power", sym_power, 0, 2 },
    { "split", split, 0, 4 },
    { "margin", margin, 0, 3 },
    { "rates", sigma_rates, 0, 4 },
    { "circulation", circulation, 1, 5 },
};

static void set_up(void)
{
    dopt_rng rng = test_rng_begin(__func__);
    test_fill(&rng, dopt_mat_f64(x, m, d));
    test_fill(&rng, dopt_mat_f64(y, m, k));
    test_fill(&rng, dopt_mat_f64(w0, k, d));
    test_fill(&rng, dopt_mat_f64(target, k, d));
    ASSERT_OK(dopt_loss_create_squared(NULL, &borrowed));
    ASSERT_OK(make_objective(DOPT_REDUCTION_OFF, k, 0, borrowed, &data));
}

static void tear_down(void)
{
    dopt_objective_destroy(&data);
    dopt_loss_destroy(&borrowed);
    assert_int_equal(atomic_load(&live), 0);
}

/* The case with its n-th allocation failing, n = 0, 1, ... until nothing fails any more. */
static void fail_each(const test_case *c, void (*arm)(int n), int (*blocks)(void))
{
    const int before = blocks();
    int n = 0;
    dopt_status status = DOPT_ERR_NOMEM;
    for (; status != DOPT_OK; n++) {
        arm(n);
        status = c->run();
        arm(endless);
        if (blocks() != before || (status != DOPT_OK && status != DOPT_ERR_NOMEM) || n > 5000)
            fail_msg("%s, allocation %d: %s, %d blocks leaked; last error %s", c->name, n, dopt_status_string(status),
                     blocks() - before, dopt_last_error());
        if (status == DOPT_ERR_NOMEM &&
            (!strstr(dopt_last_error(), "memory") || strncmp(dopt_last_error(), "dopt__", 6) == 0))
            fail_msg("%s, allocation %d: the message is %s", c->name, n, dopt_last_error());
    }
    if (n <= c->least)
        fail_msg("%s succeeds when allocation %d fails", c->name, n - 1);
}

static void arm_malloc(int n)
{
    atomic_store(&left, n);
}

static int malloc_blocks(void)
{
    return atomic_load(&live);
}

static void by_malloc(void **state)
{
    (void)state;
    set_up();
    for (int how = 0; how < 2; how++) {
        atomic_store(&lasting, how == 1);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            fail_each(&cases[i], arm_malloc, malloc_blocks);
    }
    atomic_store(&lasting, false);
    tear_down();
}

/* By the caller's allocator, where malloc must not be called at all. */
static atomic_int own_left = endless, own_live;

static void *own_allocate(size_t size, void *user)
{
    assert_ptr_equal(user, &own_live);
    const int before = atomic_fetch_sub(&own_left, 1);
    if (before == 0 || (before < 0 && atomic_load(&lasting)))
        return NULL;
    atomic_fetch_add(&own_live, 1);
    return __real_malloc(size);
}

static void own_release(void *ptr, void *user)
{
    assert_ptr_equal(user, &own_live);
    assert_non_null(ptr);
    atomic_fetch_sub(&own_live, 1);
    __real_free(ptr);
}

static void arm_own(int n)
{
    atomic_store(&own_left, n);
    atomic_store(&left, n == endless ? endless : 0);
    atomic_store(&lasting, n != endless);
}

static int own_blocks(void)
{
    return atomic_load(&own_live);
}

static void by_the_callers_allocator(void **state)
{
    (void)state;
    const dopt_allocator own = { own_allocate, own_release, &own_live };
    allocator = own;
    set_up();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].takes_allocator && cases[i].run != optim_on_nets) /* which makes a net with malloc */
            fail_each(&cases[i], arm_own, own_blocks);
    tear_down();
    assert_int_equal(atomic_load(&own_live), 0);
    const dopt_allocator none = { NULL, NULL, NULL };
    allocator = none;
}

static void without_threads(void **state)
{
    (void)state;
    set_up();
    for (int n = 0; n < 4; n++) {
        atomic_store(&threads_left, n);
        ASSERT_OK(one_output());
        ASSERT_OK(lr_search());
    }
    atomic_store(&threads_left, endless);
    ASSERT_OK(lr_search()); /* on two threads: the caller's, and one more */
    assert_int_equal(atomic_load(&threads_left), endless - 1);
    atomic_store(&threads_left, endless);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_malloc),
        cmocka_unit_test(by_the_callers_allocator),
        cmocka_unit_test(without_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
