/* SPDX-License-Identifier: MIT */
/*
 * A handle serves one call at a time: a second one, from another thread or from a callback, is refused and changes
 * nothing, and the first one does not notice.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "e2e/e2e_state.h"
#include "net/net_state.h"
#include "support/support.h"

#define ASSERT_BUSY(call) ASSERT_FAILS(call, DOPT_ERR_BUSY, "is in use by another call")

enum { m = 64, k = 5, d = 40 };
static double x_[m * d], y_[m * k], w_[k * d], grad_[k * d];

static dopt_cmat x(void)
{
    return dopt_cmat_f64(x_, m, d);
}

static dopt_cmat y(ptrdiff_t outputs)
{
    return dopt_cmat_f64(y_, m, outputs);
}

static dopt_cmat w(void)
{
    return dopt_cmat_f64(w_, k, d);
}

static dopt_cmat grad(void)
{
    return dopt_cmat_f64(grad_, k, d);
}

static int fill(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin("in use");
    test_fill(&rng, dopt_mat_f64(x_, m, d));
    test_fill(&rng, dopt_mat_f64(y_, m, k));
    test_fill(&rng, dopt_mat_f64(w_, k, d));
    test_fill(&rng, dopt_mat_f64(grad_, k, d));
    return 0;
}

static dopt_net *net_new(void)
{
    const ptrdiff_t dims[] = { d, 7, k };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    dopt_rng rng = dopt_rng_init(7, 0);
    dopt_net *net = NULL;
    options.bias = options.penalty = 1;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, &options, &net));
    ASSERT_OK(dopt_net_init_normal(net, &rng, 0.5));
    return net;
}

/* Two threads on one handle. */

/* What both do, with arguments of their own: `out` holds up to m * d numbers. */
typedef struct task {
    const char *name;
    void *(*make)(void);
    dopt_status (*call)(void *handle, double scale, double *out);
    void (*destroy)(void *handle);
} task;

/* A worker scales its arguments by a number of its own, and knows what must come of them. */
typedef struct worker {
    const task *task;
    void *handle;
    double scale, out[m * d], want[m * d];
    long done;
    bool wrong;
} worker;

static const double unset = -77.5;
static atomic_long refused;
static time_t deadline;

static void *work(void *argument)
{
    worker *own = argument;
    while (!own->wrong && time(NULL) < deadline && !(own->done >= 50 && atomic_load(&refused) >= 5)) {
        for (int i = 0; i < m * d; i++)
            own->out[i] = unset;
        const dopt_status status = own->task->call(own->handle, own->scale, own->out);
        own->done += status == DOPT_OK;
        if (status == DOPT_ERR_BUSY)
            atomic_fetch_add(&refused, 1);
        own->wrong = status != DOPT_OK && status != DOPT_ERR_BUSY;
        for (int i = 0; i < m * d; i++)
            own->wrong |= !(own->out[i] == (status == DOPT_OK ? own->want[i] : unset));
    }
    return NULL;
}

static void run_task(const task *t)
{
    static worker workers[2];
    pthread_t threads[2];
    void *handle = t->make();
    for (int i = 0; i < 2; i++) {
        const worker fresh = { .task = t, .handle = handle, .scale = 1.0 + i };
        workers[i] = fresh;
        for (int j = 0; j < m * d; j++)
            workers[i].want[j] = unset;
        ASSERT_OK(t->call(handle, workers[i].scale, workers[i].want));
    }
    atomic_store(&refused, 0);
    deadline = time(NULL) + 20;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (workers[0].wrong || workers[1].wrong || workers[0].done < 50 || workers[1].done < 50 ||
        atomic_load(&refused) < 5)
        fail_msg("%s: %ld and %ld calls done, %ld refused%s", t->name, workers[0].done, workers[1].done,
                 atomic_load(&refused), workers[0].wrong || workers[1].wrong ? ", a wrong result" : "");
    t->destroy(handle);
}

static void *make_e2e(void)
{
    dopt_e2e *e2e = NULL;
    ASSERT_OK(dopt_e2e_create(k, d, 3.0, NULL, &e2e));
    return e2e;
}

static dopt_status call_e2e(void *handle, double scale, double *out)
{
    double scaled[k * d];
    for (int i = 0; i < k * d; i++)
        scaled[i] = scale * w_[i];
    return dopt_e2e_apply(handle, dopt_cmat_f64(scaled, k, d), grad(), dopt_mat_f64(out, k, d));
}

static void destroy_e2e(void *handle)
{
    dopt_e2e *e2e = handle;
    dopt_e2e_destroy(&e2e);
}

static void *make_net(void)
{
    return net_new();
}

static dopt_status call_net(void *handle, double scale, double *out)
{
    double scaled[m * d];
    for (int i = 0; i < m * d; i++)
        scaled[i] = scale * x_[i];
    return dopt_net_forward(handle, dopt_cmat_f64(scaled, m, d), dopt_mat_f64(out, m, k));
}

static void destroy_net(void *handle)
{
    dopt_net *net = handle;
    dopt_net_destroy(&net);
}

/* Gradient descent has no state, so the results do not depend on who came first. */
static void *make_optim(void)
{
    dopt_optim *optim = NULL;
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &optim));
    return optim;
}

static dopt_status call_optim(void *handle, double scale, double *out)
{
    double moved[k * d];
    const dopt_mat params = dopt_mat_f64(moved, k, d);
    const dopt_cmat grads = grad();
    for (int i = 0; i < k * d; i++)
        moved[i] = scale * w_[i];
    const dopt_status status = dopt_optim_apply(handle, 1, &params, &grads);
    for (int i = 0; i < k * d && status == DOPT_OK; i++)
        out[i] = moved[i];
    for (int i = 0; i < k * d && status != DOPT_OK; i++)
        if (moved[i] != scale * w_[i])
            return DOPT_ERR_INVALID; /* not untouched */
    return status;
}

static void destroy_optim(void *handle)
{
    dopt_optim *optim = handle;
    dopt_optim_destroy(&optim);
}

static dopt_loss *squared;

static void *make_objective(ptrdiff_t outputs, dopt_reduction reduction)
{
    dopt_objective *objective = NULL;
    dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
    options.reduction = reduction;
    ASSERT_OK(dopt_objective_create_data(x(), y(outputs), squared, &options, &objective));
    return objective;
}

static void *make_pass(void)
{
    return make_objective(1, DOPT_REDUCTION_OFF);
}

static void *make_products(void)
{
    return make_objective(k, DOPT_REDUCTION_OFF);
}

static void *make_reduced(void)
{
    return make_objective(k, DOPT_REDUCTION_ON);
}

static dopt_status call_objective(void *handle, double scale, double *out)
{
    double scaled[k * d];
    const ptrdiff_t outputs = dopt_objective_rows(handle);
    for (int i = 0; i < k * d; i++)
        scaled[i] = scale * w_[i];
    return dopt_objective_eval(handle, dopt_cmat_f64(scaled, outputs, d), NULL, out + k * d,
                               dopt_mat_f64(out, outputs, d));
}

static void destroy_objective(void *handle)
{
    dopt_objective *objective = handle;
    dopt_objective_destroy(&objective);
}

static void two_threads(void **state)
{
    (void)state;
    static const task tasks[] = {
        { "e2e", make_e2e, call_e2e, destroy_e2e },
        { "net", make_net, call_net, destroy_net },
        { "optim", make_optim, call_optim, destroy_optim },
        { "objective, one output", make_pass, call_objective, destroy_objective },
        { "objective, products", make_products, call_objective, destroy_objective },
        { "objective, reduced", make_reduced, call_objective, destroy_objective },
    };
    ASSERT_OK(dopt_loss_create_squared(NULL, &squared));
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        run_task(&tasks[i]);
    dopt_loss_destroy(&squared);
}

/* Every function of a handle that is in use. */

static void e2e_functions(void **state)
{
    (void)state;
    double out[k * d] = { 5.0 }, sigma[k] = { 5.0 };
    dopt_e2e *e2e = make_e2e();
    atomic_store(&e2e->busy.up, true);
    ASSERT_BUSY(dopt_e2e_apply(e2e, w(), grad(), dopt_mat_f64(out, k, d)));
    ASSERT_BUSY(dopt_e2e_update(e2e, dopt_mat_f64(out, k, d), grad(), 0.1, 0.0));
    ASSERT_BUSY(dopt_e2e_spectrum(e2e, w(), sigma, out));
    assert_true(out[0] == 5.0 && sigma[0] == 5.0);
    atomic_store(&e2e->busy.up, false);
    ASSERT_OK(dopt_e2e_apply(e2e, w(), grad(), dopt_mat_f64(out, k, d)));
    ASSERT_FAILS(dopt_e2e_apply(e2e, x(), grad(), dopt_mat_f64(out, k, d)), DOPT_ERR_SHAPE, "w is 64 x 40");
    ASSERT_OK(dopt_e2e_spectrum(e2e, w(), sigma, out)); /* a call that fails lets go too */
    dopt_e2e_destroy(&e2e);
}

static void net_functions(void **state)
{
    (void)state;
    static double out[m * d] = { 5.0 };
    const dopt_mat z = dopt_mat_f64(out, m, k);
    double value = 5.0;
    dopt_rng rng = dopt_rng_init(1, 0);
    const dopt_rng before = rng;
    dopt_net *net = net_new();
    dopt_optim *optim = make_optim();
    const double weight = test_get(dopt_const(dopt_net_factor(net, 1)), 0, 0);
    atomic_store(&net->busy.up, true);
    ASSERT_BUSY(dopt_net_init_normal(net, &rng, 1.0));
    ASSERT_BUSY(dopt_net_init_identity(net, 1.0));
    ASSERT_BUSY(dopt_net_init_orthogonal(net, &rng, 1.0));
    ASSERT_BUSY(dopt_net_init_balanced(net, w()));
    ASSERT_BUSY(dopt_net_product(net, dopt_mat_f64(out, k, d)));
    ASSERT_BUSY(dopt_net_collapse(net));
    ASSERT_BUSY(dopt_net_backward(net, grad()));
    ASSERT_BUSY(dopt_net_forward(net, x(), z));
    ASSERT_BUSY(dopt_net_backprop(net, x(), dopt_const(z), dopt_mat_none()));
    ASSERT_BUSY(dopt_net_penalty(net, 1.0, &value));
    ASSERT_BUSY(dopt_step(optim, net, grad()));
    ASSERT_BUSY(dopt_optim_apply_net(optim, net));
    ASSERT_BUSY(dopt_optim_prepare_net(optim, net));
    assert_true(isnan(dopt_net_imbalance(net)));
    assert_null(dopt_net_grad(net, 1).data);
    atomic_store(&net->busy.up, false);
    assert_true(out[0] == 5.0 && value == 5.0 && dopt_optim_steps(optim) == 0);
    assert_memory_equal(&rng, &before, sizeof rng);
    assert_int_equal(dopt_net_depth(net), 2);
    assert_true(test_get(dopt_const(dopt_net_factor(net, 1)), 0, 0) == weight);
    ASSERT_OK(dopt_step(optim, net, grad())); /* which was not left in use by the steps refused above */
    assert_true(isfinite(dopt_net_imbalance(net)));
    assert_non_null(dopt_net_grad(net, 1).data);
    ASSERT_OK(dopt_net_collapse(net));
    ASSERT_OK(dopt_net_product(net, dopt_mat_f64(out, k, d)));
    dopt_optim_destroy(&optim);
    dopt_net_destroy(&net);
}

/* An allocation of the optimizer, in which it is in use. */
typedef struct visit {
    dopt_optim *optim;
    dopt_net *net;
    int visits;
} visit;

static void *allocate(size_t size, void *user)
{
    visit *v = user;
    double moved[k * d] = { 5.0 };
    const dopt_mat params = dopt_mat_f64(moved, k, d);
    const dopt_cmat grads = grad();
    if (v->optim) {
        v->visits++;
        ASSERT_BUSY(dopt_optim_apply(v->optim, 1, &params, &grads));
        ASSERT_BUSY(dopt_optim_prepare(v->optim, 1, &params));
        ASSERT_BUSY(dopt_optim_prepare_net(v->optim, v->net));
        ASSERT_BUSY(dopt_optim_apply_net(v->optim, v->net));
        ASSERT_BUSY(dopt_step(v->optim, v->net, grad()));
        ASSERT_BUSY(dopt_optim_set(v->optim, DOPT_LR, 0.5));
        ASSERT_BUSY(dopt_optim_set_steps(v->optim, 5));
        dopt_optim_reset(v->optim);
        assert_true(moved[0] == 5.0);
    }
    return malloc(size);
}

static void release(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

static void optim_functions(void **state)
{
    (void)state;
    visit v = { NULL, net_new(), 0 };
    const dopt_allocator allocator = { allocate, release, &v };
    dopt_optim *optim = NULL;
    double moved[k * d] = { 0 };
    const dopt_mat params = dopt_mat_f64(moved, k, d);
    ASSERT_OK(dopt_optim_create_with(DOPT_OPTIM_ADAM, &allocator, &optim));
    const double lr = dopt_optim_get(optim, DOPT_LR);
    v.optim = optim;
    ASSERT_OK(dopt_optim_prepare(optim, 1, &params));
    v.optim = NULL;
    assert_int_equal(v.visits, 3);
    assert_true(dopt_optim_get(optim, DOPT_LR) == lr);
    ASSERT_OK(dopt_optim_set(optim, DOPT_LR, 0.5));
    dopt_optim_destroy(&optim);
    dopt_net_destroy(&v.net);
}

/* Callbacks that call back. */

static dopt_objective *visited;
static int visits;

static dopt_status visit_objective(dopt_cmat z, dopt_cmat targets, double *sum, dopt_mat dz, void *user)
{
    (void)targets, (void)user;
    double value = 5.0;
    dopt_objective *clone = NULL;
    visits++;
    ASSERT_BUSY(dopt_objective_eval(visited, w(), NULL, &value, dopt_mat_none()));
    ASSERT_BUSY(dopt_objective_clone(visited, &clone));
    assert_true(value == 5.0 && !clone);
    *sum = (double)z.rows;
    for (ptrdiff_t r = 0; r < z.rows && dz.data; r++)
        for (ptrdiff_t c = 0; c < z.cols; c++)
            test_set(dz, r, c, 1.0);
    return DOPT_OK;
}

static void objective_functions(void **state)
{
    (void)state;
    dopt_loss *loss = NULL;
    double value;
    ASSERT_OK(dopt_loss_create_custom(visit_objective, NULL, NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(x(), y(k), loss, NULL, &visited));
    ASSERT_OK(dopt_objective_eval(visited, w(), NULL, &value, dopt_mat_none()));
    assert_true(value == 1.0 && visits > 0);
    dopt_objective_destroy(&visited);
    dopt_loss_destroy(&loss);
}

typedef struct context {
    dopt_trainer *trainer;
    dopt_objective *objective;
    int events, writes;
} context;

static int write_nothing(const void *data, size_t size, void *user)
{
    context *c = user;
    (void)data, (void)size;
    c->writes++;
    ASSERT_BUSY(dopt_trainer_step(c->trainer, NULL));
    return 0;
}

static ptrdiff_t read_nothing(void *data, size_t size, void *user)
{
    context *c = user;
    (void)data, (void)size;
    ASSERT_BUSY(dopt_trainer_save_to(c->trainer, write_nothing, c));
    return 0;
}

/* The trainer is in use while it calls back; its objective and its net are not. */
static int on_event(const dopt_event *event, void *user)
{
    context *c = user;
    double value, product[k * d];
    dopt_stop_reason reason = DOPT_STOP_SECONDS;
    c->events++;
    ASSERT_BUSY(dopt_trainer_step(c->trainer, &reason));
    ASSERT_BUSY(dopt_trainer_save_to(c->trainer, write_nothing, c));
    ASSERT_BUSY(dopt_trainer_save(c->trainer, "never-written"));
    ASSERT_BUSY(dopt_trainer_load_from(c->trainer, read_nothing, c));
    ASSERT_BUSY(dopt_trainer_load(c->trainer, "never-written"));
    assert_int_equal(reason, DOPT_STOP_SECONDS);
    assert_int_equal(dopt_trainer_report(c->trainer).steps, event->step);
    ASSERT_OK(dopt_objective_eval(c->objective, event->w, NULL, &value, dopt_mat_none()));
    ASSERT_CLOSE(value, event->value, 1e-12 * fabs(event->value));
    ASSERT_OK(dopt_net_product(dopt_trainer_net(c->trainer), dopt_mat_f64(product, k, d)));
    return 0;
}

static void trainer_functions(void **state)
{
    (void)state;
    double trained[k * d];
    context c = { 0 };
    dopt_loss *loss = NULL;
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    options.model = DOPT_MODEL_FACTORED;
    options.init = DOPT_INIT_NORMAL;
    options.max_steps = 3;
    options.callback = on_event;
    options.user = &c;
    ASSERT_OK(dopt_loss_create_squared(NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(x(), y(k), loss, NULL, &c.objective));
    ASSERT_OK(dopt_trainer_create(c.objective, &options, dopt_mat_f64(trained, k, d), &c.trainer));
    for (int i = 0; i < 4; i++)
        ASSERT_OK(dopt_trainer_step(c.trainer, NULL));
    assert_int_equal(c.events, 4);
    ASSERT_OK(dopt_trainer_save_to(c.trainer, write_nothing, &c));
    assert_int_equal(c.writes, 2);
    ASSERT_FAILS(dopt_trainer_load_from(c.trainer, read_nothing, &c), DOPT_ERR_FORMAT, "cut off");
    dopt_trainer_destroy(&c.trainer);
    dopt_objective_destroy(&c.objective);
    dopt_loss_destroy(&loss);
}

static int visit_search(const dopt_event *event, void *user)
{
    dopt_objective *objective = user;
    double value;
    ASSERT_OK(dopt_objective_eval(objective, event->w, NULL, &value, dopt_mat_none()));
    ASSERT_CLOSE(value, event->value, 1e-12 * fabs(event->value));
    return 0;
}

/* It works on clones. */
static void search_leaves_its_objective(void **state)
{
    (void)state;
    static const double grid[] = { 1e-4, 1e-3 };
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    int best = -1;
    ASSERT_OK(dopt_loss_create_squared(NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(x(), y(k), loss, NULL, &objective));
    options.max_steps = 2;
    options.callback = visit_search;
    options.user = objective;
    ASSERT_OK(dopt_lr_search(objective, &options, w(), 2, grid, 1, NULL, &best));
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_threads),
        cmocka_unit_test(e2e_functions),
        cmocka_unit_test(net_functions),
        cmocka_unit_test(optim_functions),
        cmocka_unit_test(objective_functions),
        cmocka_unit_test(trainer_functions),
        cmocka_unit_test(search_leaves_its_objective),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
