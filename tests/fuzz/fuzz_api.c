/* SPDX-License-Identifier: MIT */
/*
 * A session: the bytes choose calls and arguments, right ones mostly, wrong ones now and then. Whatever they are, a
 * call succeeds and changes its outputs and nothing beside them, or fails with one line of text and changes nothing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/stream.h"

enum { calls_most = 48, block_most = 1 << 22, file_most = 1 << 15 };

typedef struct session {
    stream in;
    arena now, before;
    dopt_net *net;
    dopt_e2e *e2e;
    dopt_loss *loss;
    dopt_objective *objective;
    dopt_optim *optim;
    dopt_trainer *trainer;
    dopt_mat trained; /* the trainer's W */
    ptrdiff_t k, d;   /* of what has been created last */
    dopt_dtype dtype;
    unsigned char file[file_most];
    size_t saved, read;
} session;

/* Memory is short: nothing that the size of an input asks for may exhaust the machine. */
static void *allocate(size_t size, void *user)
{
    (void)user;
    return size <= block_most ? malloc(size) : NULL;
}

static void release(void *block, void *user)
{
    (void)user;
    free(block);
}

static const dopt_allocator bounded = { allocate, release, NULL };

static void judge(session *s, dopt_status status, int count, const dopt_mat *outputs)
{
    FUZZ_CHECK(status <= DOPT_OK && status >= DOPT_ERR_BUSY);
    if (status != DOPT_OK)
        fuzz_check_message(dopt_last_error());
    for (int i = 0; i < count && status == DOPT_OK; i++)
        arena_take(&s->before, &s->now, outputs[i]);
    FUZZ_CHECK(memcmp(&s->before, &s->now, sizeof s->now) == 0);
}

static dopt_mat view(session *s, ptrdiff_t rows, ptrdiff_t cols, bool fill)
{
    const dopt_mat m = stream_view(&s->in, &s->now, s->dtype, rows, cols);
    if (fill)
        stream_fill(&s->in, m);
    return m;
}

/* A struct_size: never more than there is, as that is for the caller to know. */
static size_t size_of(session *s, size_t size)
{
    return stream_rarely(&s->in) ? (size_t)stream_byte(&s->in) % size : size;
}

static void new_shape(session *s)
{
    s->k = stream_extent(&s->in);
    s->d = stream_extent(&s->in);
    s->dtype = stream_rarely(&s->in) ? (dopt_dtype)stream_byte(&s->in) : (dopt_dtype)stream_below(&s->in, 2);
}

static void make_net(session *s)
{
    ptrdiff_t dims[8];
    dopt_net_options o = DOPT_NET_OPTIONS_INIT;
    const int depth = stream_rarely(&s->in) ? stream_byte(&s->in) - 128 : 1 + stream_below(&s->in, 4);
    dopt_net *net = NULL;
    new_shape(s);
    for (int i = 0; i < 8; i++)
        dims[i] = stream_extent(&s->in);
    dims[0] = s->d;
    if (depth >= 1 && depth < 8)
        dims[depth] = s->k;
    o.struct_size = size_of(s, sizeof o);
    o.allocator = bounded;
    o.block_rows = stream_extent(&s->in);
    o.bias = stream_below(&s->in, 2);
    o.keep_activations = stream_below(&s->in, 2);
    o.penalty = stream_below(&s->in, 2);
    const dopt_status status = dopt_net_create(s->dtype, depth < 8 ? depth : 2000, dims, &o, &net);
    judge(s, status, 0, NULL);
    FUZZ_CHECK((net != NULL) == (status == DOPT_OK));
    if (net) {
        dopt_net_destroy(&s->net);
        s->net = net;
    }
}

static void begin_net(session *s)
{
    dopt_rng rng = dopt_rng_init(1, (uint64_t)stream_byte(&s->in));
    const double scale = stream_number(&s->in);
    switch (stream_below(&s->in, 5)) {
    case 0: judge(s, dopt_net_init_normal(s->net, &rng, scale), 0, NULL); break;
    case 1: judge(s, dopt_net_init_identity(s->net, scale), 0, NULL); break;
    case 2: judge(s, dopt_net_init_orthogonal(s->net, &rng, scale), 0, NULL); break;
    case 3: stream_fill(&s->in, dopt_net_factor(s->net, 1 + stream_below(&s->in, 4))); break;
    default: {
        const dopt_mat w = view(s, s->k, s->d, true);
        s->before = s->now;
        judge(s, dopt_net_init_balanced(s->net, dopt_const(w)), 0, NULL);
    }
    }
}

static void use_net(session *s)
{
    const dopt_mat w = view(s, s->k, s->d, true);
    const ptrdiff_t m = stream_extent(&s->in);
    const dopt_mat x = view(s, m, s->d, true), z = view(s, m, s->k, true), dx = view(s, m, s->d, false);
    double value = 0.0;
    s->before = s->now;
    switch (stream_below(&s->in, 6)) {
    case 0: judge(s, dopt_net_product(s->net, w), 1, &w); break;
    case 1: judge(s, dopt_net_backward(s->net, dopt_const(w)), 0, NULL); break;
    case 2: judge(s, dopt_net_forward(s->net, dopt_const(x), z), 1, &z); break;
    case 3: judge(s, dopt_net_backprop(s->net, dopt_const(x), dopt_const(z), dx), 1, &dx); break;
    case 4: judge(s, dopt_net_penalty(s->net, stream_number(&s->in), &value), 0, NULL); break;
    default: judge(s, dopt_net_collapse(s->net), 0, NULL); break;
    }
    FUZZ_CHECK(!(dopt_net_imbalance(s->net) < 0.0));
}

static void make_e2e(session *s)
{
    dopt_e2e_options o = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *e2e = NULL;
    new_shape(s);
    o.struct_size = size_of(s, sizeof o);
    o.allocator = bounded;
    o.method = (dopt_e2e_method)stream_below(&s->in, 3);
    o.refresh_tolerance = stream_rarely(&s->in) ? stream_number(&s->in) : stream_below(&s->in, 2) * 0.1;
    const double depth = stream_rarely(&s->in) ? stream_number(&s->in) : 1.0 + stream_below(&s->in, 16) / 4.0;
    const dopt_status status = dopt_e2e_create(s->k, s->d, depth == 4.75 ? INFINITY : depth, &o, &e2e);
    judge(s, status, 0, NULL);
    FUZZ_CHECK((e2e != NULL) == (status == DOPT_OK));
    if (e2e) {
        dopt_e2e_destroy(&s->e2e);
        s->e2e = e2e;
    }
}

static void use_e2e(session *s)
{
    const dopt_mat w = view(s, s->k, s->d, true), g = view(s, s->k, s->d, true), out = view(s, s->k, s->d, false);
    double sigma[64], values[1024];
    s->before = s->now;
    switch (stream_below(&s->in, 4)) {
    case 0: judge(s, dopt_e2e_apply(s->e2e, dopt_const(w), dopt_const(g), out), 1, &out); break;
    case 1: judge(s, dopt_e2e_apply(s->e2e, dopt_const(w), dopt_const(g), g), 1, &g); break;
    case 2: {
        const double lr = fabs(stream_number(&s->in)), decay = stream_below(&s->in, 2) * 0.01;
        judge(s, dopt_e2e_update(s->e2e, w, dopt_const(g), lr, decay), 1, &w);
        break;
    }
    default:
        if (s->k > 0 && s->k <= 32 && s->d > 0 && s->d <= 32)
            judge(s, dopt_e2e_spectrum(s->e2e, dopt_const(w), sigma, stream_below(&s->in, 2) ? values : NULL), 0, NULL);
    }
    (void)dopt_e2e_route_taken(s->e2e);
}

static void use_alone(session *s)
{
    const dopt_mat w = view(s, s->k, s->d, true), g = view(s, s->k, s->d, true), out = view(s, s->k, s->d, false);
    const dopt_mat a = view(s, s->k, s->k, true);
    double x = 0.0, sigma[64], rates[64];
    s->before = s->now;
    switch (stream_below(&s->in, 5)) {
    case 0: judge(s, dopt_sym_power(dopt_const(a), stream_number(&s->in), a), 1, &a); break;
    case 1:
        judge(s, dopt_analysis_split(fabs(stream_number(&s->in)), dopt_const(w), dopt_const(g), &x, out), 1, &out);
        break;
    case 2: judge(s, dopt_analysis_margin(dopt_const(w), dopt_const(g), &x), 0, NULL); break;
    case 3: {
        dopt_rng rng = dopt_rng_init(3, 0);
        judge(s, dopt_rng_fill_normal(&rng, out, stream_number(&s->in)), 1, &out);
        break;
    }
    default:
        if (s->k <= 33 && s->d <= 33)
            judge(s, dopt_analysis_sigma_rates(2.0, dopt_const(w), dopt_const(g), sigma, rates), 0, NULL);
    }
}

static void make_loss(session *s)
{
    dopt_loss_options o = DOPT_LOSS_OPTIONS_INIT;
    dopt_loss *loss = NULL;
    dopt_status status;
    o.struct_size = size_of(s, sizeof o);
    o.allocator = bounded;
    o.weight = stream_rarely(&s->in) ? stream_number(&s->in) : 0.0;
    const double p = stream_rarely(&s->in) ? stream_number(&s->in) : 1.0 + stream_below(&s->in, 12) / 2.0;
    switch (stream_below(&s->in, 5)) {
    case 0: status = dopt_loss_create_lp(p, &o, &loss); break;
    case 1: status = dopt_loss_create_squared(&o, &loss); break;
    case 2: status = dopt_loss_create_huber(p, &o, &loss); break;
    case 3: status = dopt_loss_create_logistic(&o, &loss); break;
    default: status = dopt_loss_create_softmax_ce(&o, &loss); break;
    }
    judge(s, status, 0, NULL);
    FUZZ_CHECK((loss != NULL) == (status == DOPT_OK));
    if (loss) {
        dopt_trainer_destroy(&s->trainer);
        dopt_objective_destroy(&s->objective);
        dopt_loss_destroy(&s->loss);
        s->loss = loss;
    }
}

/* Half the square of the distance from 1, or a failure. */
static dopt_status bowl(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    session *s = user;
    (void)batch;
    *value = 0.0;
    for (ptrdiff_t r = 0; r < w.rows; r++)
        for (ptrdiff_t c = 0; c < w.cols; c++) {
            const ptrdiff_t at = r * w.row_stride + c * w.col_stride;
            const double x = w.dtype == DOPT_F64 ? ((const double *)w.data)[at] : (double)((const float *)w.data)[at];
            *value += 0.5 * (x - 1.0) * (x - 1.0);
            if (!grad.data)
                continue;
            const ptrdiff_t to = r * grad.row_stride + c * grad.col_stride;
            if (grad.dtype == DOPT_F64)
                ((double *)grad.data)[to] = x - 1.0;
            else
                ((float *)grad.data)[to] = (float)(x - 1.0);
        }
    return stream_rarely(&s->in) ? (dopt_status)-stream_below(&s->in, 10) : DOPT_OK;
}

static void make_objective(session *s)
{
    dopt_objective_options o = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    new_shape(s);
    o.struct_size = size_of(s, sizeof o);
    o.allocator = bounded;
    o.threads = stream_rarely(&s->in) ? stream_byte(&s->in) - 128 : 1;
    o.threads = o.threads > 3 ? 300 : o.threads;
    o.reduction = (dopt_reduction)stream_below(&s->in, 4);
    const ptrdiff_t m = stream_below(&s->in, 2) ? stream_extent(&s->in) : 40;
    const dopt_mat x = view(s, m, s->d, true), y = view(s, m, s->k, true);
    s->before = s->now;
    const bool custom = stream_below(&s->in, 4) == 0;
    const dopt_status status = custom
                                   ? dopt_objective_create_custom(s->k, s->d, bowl, s, &objective)
                                   : dopt_objective_create_data(dopt_const(x), dopt_const(y), s->loss, &o, &objective);
    judge(s, status, 0, NULL);
    FUZZ_CHECK((objective != NULL) == (status == DOPT_OK));
    if (objective) {
        dopt_trainer_destroy(&s->trainer);
        dopt_objective_destroy(&s->objective);
        s->objective = objective;
    }
}

static void use_objective(session *s)
{
    ptrdiff_t rows[8];
    double value = 0.0;
    const dopt_mat w = view(s, s->k, s->d, true), grad = view(s, s->k, s->d, false);
    const dopt_batch batch = { stream_below(&s->in, 2) ? rows : NULL, stream_extent(&s->in) / 2,
                               stream_rarely(&s->in) ? -3 : stream_below(&s->in, 9) };
    for (int i = 0; i < 8; i++)
        rows[i] = stream_extent(&s->in) / 2;
    s->before = s->now;
    const bool whole = stream_below(&s->in, 2) != 0;
    const dopt_status status = dopt_objective_eval(s->objective, dopt_const(w), whole ? NULL : &batch, &value, grad);
    if (dopt_objective_route(s->objective) == DOPT_ROUTE_CUSTOM && status != DOPT_OK)
        s->before = s->now; /* a callback that fails leaves its gradient as it likes */
    judge(s, status, 1, &grad);
}

static void make_optim(session *s)
{
    dopt_optim *optim = NULL;
    const dopt_optim_kind kind = (dopt_optim_kind)stream_below(&s->in, dopt_optim_kind_count() + 1);
    const dopt_status status = dopt_optim_create_with(kind, &bounded, &optim);
    judge(s, status, 0, NULL);
    if (optim) {
        dopt_optim_destroy(&s->optim);
        s->optim = optim;
    }
}

static void use_optim(session *s)
{
    const dopt_mat w = view(s, s->k, s->d, true), g = view(s, s->k, s->d, true);
    const dopt_mat params[2] = { w, view(s, 2, 3, true) };
    const dopt_cmat grads[2] = { dopt_const(g), dopt_const(view(s, 2, 3, true)) };
    s->before = s->now;
    switch (stream_below(&s->in, 6)) {
    case 0:
        judge(s, dopt_optim_set(s->optim, (dopt_hyper)(stream_below(&s->in, 11) - 1), stream_number(&s->in)), 0, NULL);
        break;
    case 1: judge(s, dopt_step(s->optim, s->net, dopt_const(g)), 0, NULL); break;
    case 2: judge(s, dopt_optim_apply_net(s->optim, s->net), 0, NULL); break;
    case 3: dopt_optim_reset(s->optim); break;
    case 4: judge(s, dopt_optim_prepare(s->optim, stream_below(&s->in, 3), params), 0, NULL); break;
    default: judge(s, dopt_optim_apply(s->optim, stream_below(&s->in, 3), params, grads), 2, params); break;
    }
    FUZZ_CHECK(dopt_optim_steps(s->optim) >= 0);
}

static dopt_fit_options options_of(session *s)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.struct_size = size_of(s, sizeof o);
    o.allocator = bounded;
    o.model = (dopt_model)(stream_rarely(&s->in) ? 7 : stream_below(&s->in, 3));
    o.depth = stream_rarely(&s->in) ? stream_number(&s->in) : 1 + stream_below(&s->in, 4);
    o.width = stream_rarely(&s->in) ? stream_extent(&s->in) : 0;
    o.init = (dopt_init)stream_below(&s->in, 5);
    o.init_std = stream_rarely(&s->in) ? stream_number(&s->in) : 0.5;
    o.optimizer = (dopt_optim_kind)stream_below(&s->in, dopt_optim_kind_count() + 1);
    o.lr = stream_rarely(&s->in) ? stream_number(&s->in) : 0.01 * stream_below(&s->in, 100);
    o.weight_decay = stream_rarely(&s->in) ? stream_number(&s->in) : 0.0;
    o.schedule.kind = (dopt_schedule_kind)stream_below(&s->in, 6);
    o.schedule.warmup = stream_below(&s->in, 4);
    o.schedule.period = stream_below(&s->in, 4);
    o.schedule.factor = stream_rarely(&s->in) ? stream_number(&s->in) : 0.5;
    o.batch_size = stream_extent(&s->in) / 2;
    o.max_steps = stream_below(&s->in, 20);
    o.value_tolerance = stream_rarely(&s->in) ? stream_number(&s->in) : 0.0;
    o.step_tolerance = stream_rarely(&s->in) ? stream_number(&s->in) : 0.0;
    return o;
}

static void make_trainer(session *s)
{
    const dopt_mat w = view(s, s->k, s->d, true);
    const dopt_fit_options o = options_of(s);
    dopt_trainer *trainer = NULL;
    s->before = s->now;
    const dopt_status status = dopt_trainer_create(s->objective, &o, w, &trainer);
    judge(s, status, 1, &w);
    FUZZ_CHECK((trainer != NULL) == (status == DOPT_OK));
    if (trainer) {
        dopt_trainer_destroy(&s->trainer);
        s->trainer = trainer;
        s->trained = w;
    }
}

static int to_file(const void *data, size_t size, void *user)
{
    session *s = user;
    if (size > sizeof s->file - s->saved || stream_rarely(&s->in))
        return 1;
    memcpy(s->file + s->saved, data, size);
    s->saved += size;
    return 0;
}

static ptrdiff_t from_file(void *data, size_t size, void *user)
{
    session *s = user;
    const size_t some = s->saved - s->read < size ? s->saved - s->read : size;
    memcpy(data, s->file + s->read, some);
    s->read += some;
    return stream_rarely(&s->in) ? -1 : (ptrdiff_t)some;
}

static void use_trainer(session *s)
{
    dopt_stop_reason reason = DOPT_STOP_NONE;
    const int steps = 1 + stream_below(&s->in, 8);
    switch (stream_below(&s->in, 4)) {
    case 0:
        s->saved = 0;
        judge(s, dopt_trainer_save_to(s->trainer, to_file, s), 0, NULL);
        break;
    case 1:
        s->read = 0;
        judge(s, dopt_trainer_load_from(s->trainer, from_file, s), 1, &s->trained);
        break;
    default:
        for (int i = 0; i < steps; i++)
            judge(s, dopt_trainer_step(s->trainer, &reason), s->trainer != NULL, &s->trained);
    }
    const dopt_report report = dopt_trainer_report(s->trainer);
    FUZZ_CHECK(report.steps >= 0 && report.best_step <= report.steps);
}

static void search(session *s)
{
    const dopt_mat w = view(s, s->k, s->d, true);
    const dopt_fit_options o = options_of(s);
    const double grid[3] = { stream_number(&s->in), 0.1, 0.01 };
    dopt_lr_trial trials[3];
    int best = -1;
    s->before = s->now;
    const int count = stream_below(&s->in, 4), threads = 1 + (stream_rarely(&s->in) ? 1 : 0);
    const dopt_status status = dopt_lr_search(s->objective, &o, dopt_const(w), count, grid, threads, trials, &best);
    judge(s, status, 0, NULL);
    FUZZ_CHECK(status != DOPT_OK || (best >= 0 && best < count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(session *) = { make_net,     begin_net,   use_net,        make_e2e,   use_e2e,
                                                use_alone,    make_loss,   make_objective, make_optim, use_optim,
                                                make_trainer, use_trainer, use_objective,  search };
    static session s;
    const session fresh = { .in = { data, size, 0 }, .k = 2, .d = 3 };
    s = fresh;
    for (int i = 0; i < calls_most && s.in.at < size; i++) {
        s.before = s.now;
        calls[stream_below(&s.in, sizeof calls / sizeof *calls)](&s);
    }
    dopt_trainer_destroy(&s.trainer);
    dopt_objective_destroy(&s.objective);
    dopt_loss_destroy(&s.loss);
    dopt_optim_destroy(&s.optim);
    dopt_e2e_destroy(&s.e2e);
    dopt_net_destroy(&s.net);
    return 0;
}
