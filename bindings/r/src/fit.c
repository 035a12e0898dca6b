/* SPDX-License-Identifier: MIT */
/* Training runs: options from a named list, objectives from matrices or from an R function. */
#include "shims.h"

#include <limits.h>
#include <string.h>

enum { hypers_max = DOPT_HYPER_COUNT, between_looks = 64 };

/* An R function that the library calls back. What goes wrong in it is raised after the library has returned. */
typedef struct callback {
    SEXP function;       /* or R_NilValue */
    const char *problem; /* NULL: none; R_curErrorBuf() has the text of R's own errors */
} callback;

static int position(const char *text, const char *const *names, const char *what)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    Rf_error("%s is %s, which is not known", what, text);
}

static int hyper_by_name(const char *name)
{
    for (int h = 0; h < DOPT_HYPER_COUNT; h++)
        if (strcmp(name, dopt_hyper_name((dopt_hyper)h)) == 0)
            return h;
    Rf_error("there is no hyperparameter %s", name);
}

/* Named numbers, such as c(momentum = 0.9). */
static int read_hypers(SEXP numbers, dopt_hyper_value hypers[hypers_max])
{
    const SEXP names = Rf_getAttrib(numbers, R_NamesSymbol);
    const int count = Rf_length(numbers);
    if (count == 0)
        return 0;
    if (!Rf_isReal(numbers) || Rf_length(names) != count || count > hypers_max)
        Rf_error("hypers must be at most %d named numbers", hypers_max);
    for (int i = 0; i < count; i++) {
        hypers[i].hyper = (dopt_hyper)hyper_by_name(CHAR(STRING_ELT(names, i)));
        hypers[i].value = REAL(numbers)[i];
    }
    return count;
}

static dopt_schedule read_schedule(SEXP list)
{
    static const char *const kinds[] = { "constant", "step", "exponential", "cosine", "inverse_time", NULL };
    dopt_schedule schedule;
    schedule.kind = (dopt_schedule_kind)position(shim_text(list, "schedule"), kinds, "schedule");
    schedule.warmup = shim_count(list, "warmup");
    schedule.period = shim_count(list, "period");
    schedule.factor = shim_number(list, "factor");
    return schedule;
}

static int read_threads(SEXP list)
{
    const int64_t threads = shim_count(list, "threads");
    return threads > INT_MAX ? INT_MAX : threads < 0 ? -1 : (int)threads; /* the library says what is allowed */
}

static dopt_fit_options read_options(SEXP list, dopt_hyper_value hypers[hypers_max])
{
    static const char *const models[] = { "direct", "factored", "e2e", NULL };
    static const char *const starts[] = { "given", "normal", "identity", "balanced", NULL };
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = (dopt_model)position(shim_text(list, "model"), models, "model");
    o.depth = shim_number(list, "depth");
    o.width = (ptrdiff_t)shim_count(list, "width");
    o.init = (dopt_init)position(shim_text(list, "init"), starts, "init");
    o.init_std = shim_number(list, "init_std");
    shim_check(dopt_optim_kind_by_name(shim_text(list, "optimizer"), &o.optimizer));
    o.lr = shim_number(list, "lr");
    o.weight_decay = shim_number(list, "weight_decay");
    o.hypers = hypers;
    o.hyper_count = read_hypers(shim_item(list, "hypers"), hypers);
    o.schedule = read_schedule(list);
    o.batch_size = (ptrdiff_t)shim_count(list, "batch_size");
    o.seed = shim_seed(shim_number(list, "seed"), "seed");
    o.max_steps = shim_count(list, "max_steps");
    o.target = shim_number(list, "target");
    o.value_tolerance = shim_number(list, "value_tolerance");
    o.gradient_tolerance = shim_number(list, "gradient_tolerance");
    o.step_tolerance = shim_number(list, "step_tolerance");
    o.max_seconds = shim_number(list, "max_seconds");
    return o;
}

static void look_for_interrupt(void *unused)
{
    (void)unused;
    R_CheckUserInterrupt();
}

/* A call that is being built, which may fail for want of memory, and what it is built of. */
typedef struct building {
    SEXP function, call;
    const dopt_event *event; /* or, for functions of W alone, NULL */
    dopt_cmat w;
} building;

static void build(void *to)
{
    static const char *const names[] = { "step", "value", "gradient_norm", "lr", "w", "" };
    building *b = to;
    SEXP argument = PROTECT(shim_copy(b->w));
    if (b->event) {
        const SEXP seen = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
        SET_VECTOR_ELT(seen, 0, Rf_ScalarReal((double)b->event->step));
        SET_VECTOR_ELT(seen, 1, Rf_ScalarReal(b->event->value));
        SET_VECTOR_ELT(seen, 2, Rf_ScalarReal(b->event->gradient_norm));
        SET_VECTOR_ELT(seen, 3, Rf_ScalarReal(b->event->lr));
        SET_VECTOR_ELT(seen, 4, argument);
        argument = seen;
    }
    b->call = Rf_lang2(b->function, argument);
    UNPROTECT(b->event ? 2 : 1);
}

/* Call the function with W, or with the event; R_NilValue, and a problem, if that fails. */
static SEXP call_back(callback *c, const dopt_event *event, dopt_cmat w)
{
    building b = { c->function, R_NilValue, event, w };
    int failed = 0;
    if (!R_ToplevelExec(build, &b)) {
        c->problem = "no memory for the arguments of a callback";
        return R_NilValue;
    }
    const SEXP answer = R_tryEvalSilent(PROTECT(b.call), R_GlobalEnv, &failed);
    UNPROTECT(1);
    if (failed)
        c->problem = R_curErrorBuf();
    return failed ? R_NilValue : answer;
}

/* Call the R function with the event; TRUE stops the run. */
static int on_step(const dopt_event *event, void *user)
{
    callback *c = user;
    if (event->step % between_looks == 0 && !R_ToplevelExec(look_for_interrupt, NULL))
        c->problem = "interrupted";
    if (c->problem || c->function == R_NilValue)
        return c->problem != NULL;
    const SEXP answer = call_back(c, event, event->w);
    return c->problem || (Rf_isLogical(answer) && Rf_length(answer) == 1 && LOGICAL(answer)[0] == TRUE);
}

/* One number, and as many as w has. */
static bool is_answer(SEXP list, dopt_cmat w)
{
    if (!Rf_isNewList(list) || Rf_length(list) < 2)
        return false;
    const SEXP value = VECTOR_ELT(list, 0), gradient = VECTOR_ELT(list, 1);
    return Rf_isReal(value) && Rf_length(value) == 1 && Rf_isReal(gradient) && Rf_xlength(gradient) == w.rows * w.cols;
}

/* An R function of W that gives a list of value and gradient. */
static dopt_status call_function(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    callback *c = user;
    const SEXP answer = PROTECT(call_back(c, NULL, w));
    (void)batch;
    if (!c->problem && !is_answer(answer, w))
        c->problem = "fn must give a list of the value, one number, and the gradient, as many numbers as w has";
    if (!c->problem)
        *value = REAL(VECTOR_ELT(answer, 0))[0];
    for (ptrdiff_t col = 0; !c->problem && grad.data && col < grad.cols; col++)
        for (ptrdiff_t row = 0; row < grad.rows; row++)
            ((double *)grad.data)[row * grad.row_stride + col * grad.col_stride] =
                REAL(VECTOR_ELT(answer, 1))[row + col * grad.rows];
    UNPROTECT(1);
    return c->problem ? DOPT_ERR_INVALID : DOPT_OK;
}

/* The list that a fit gives; `w` is in it already. */
static void describe(SEXP out, const dopt_report *report)
{
    SET_VECTOR_ELT(out, 1, Rf_mkString(dopt_stop_reason_string(report->reason)));
    SET_VECTOR_ELT(out, 2, Rf_ScalarReal((double)report->steps));
    SET_VECTOR_ELT(out, 3, Rf_ScalarReal(report->value));
    SET_VECTOR_ELT(out, 4, Rf_ScalarReal(report->gradient_norm));
    SET_VECTOR_ELT(out, 5, Rf_ScalarReal(report->best_value));
    SET_VECTOR_ELT(out, 6, Rf_ScalarReal((double)report->best_step));
    SET_VECTOR_ELT(out, 7, Rf_ScalarReal(report->seconds));
}

static SEXP result_for(SEXP w)
{
    static const char *const names[] = { "w",          "reason",    "steps",   "value", "gradient_norm",
                                         "best_value", "best_step", "seconds", "" };
    const SEXP out = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
    SET_VECTOR_ELT(out, 0, Rf_duplicate(w));
    UNPROTECT(1);
    return out;
}

static void raise(dopt_status status, const callback *steps, const callback *called)
{
    if (steps->problem || called->problem)
        Rf_error("%s", steps->problem ? steps->problem : called->problem);
    shim_check(status);
}

/* x and y, or a function: fit `w`. */
SEXP shim_fit(SEXP x, SEXP y, SEXP loss_list, SEXP function, SEXP w, SEXP list, SEXP on_each)
{
    dopt_hyper_value hypers[hypers_max];
    dopt_fit_options options = read_options(list, hypers);
    callback steps = { on_each, NULL }, called = { function, NULL };
    dopt_objective_options data_options = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    dopt_loss *loss = NULL;
    dopt_report report;
    dopt_status status;
    const SEXP out = PROTECT(result_for(w));
    const dopt_mat weights = shim_view(VECTOR_ELT(out, 0), "w");
    data_options.threads = read_threads(list);
    options.callback = on_step;
    options.user = &steps;
    if (function == R_NilValue) {
        const dopt_cmat features = shim_cview(x, "x"), targets = shim_cview(y, "y");
        status = shim_loss(loss_list, &loss);
        if (status == DOPT_OK)
            status = dopt_objective_create_data(features, targets, loss, &data_options, &objective);
    } else {
        status = dopt_objective_create_custom(weights.rows, weights.cols, call_function, &called, &objective);
    }
    if (status == DOPT_OK)
        status = dopt_fit(objective, &options, weights, &report);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    raise(status, &steps, &called);
    describe(out, &report);
    UNPROTECT(1);
    return out;
}

/* A list of lr, value, reason and steps, and the position of the best, from 1. */
SEXP shim_lr_search(SEXP x, SEXP y, SEXP loss_list, SEXP w, SEXP list, SEXP grid)
{
    static const char *const names[] = { "lr", "value", "reason", "steps", "best", "" };
    const int count = Rf_length(grid);
    dopt_hyper_value hypers[hypers_max];
    const dopt_fit_options options = read_options(list, hypers);
    const dopt_cmat features = shim_cview(x, "x"), targets = shim_cview(y, "y"), start = shim_cview(w, "w");
    const int threads = read_threads(list);
    dopt_lr_trial *trials = (dopt_lr_trial *)R_alloc((size_t)count + 1, sizeof *trials);
    dopt_objective *objective = NULL;
    dopt_loss *loss = NULL;
    int best = 0;
    const SEXP out = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
    SET_VECTOR_ELT(out, 0, Rf_duplicate(grid));
    SET_VECTOR_ELT(out, 1, Rf_allocVector(REALSXP, count));
    SET_VECTOR_ELT(out, 2, Rf_allocVector(STRSXP, count));
    SET_VECTOR_ELT(out, 3, Rf_allocVector(REALSXP, count));
    dopt_status status = shim_loss(loss_list, &loss);
    if (status == DOPT_OK)
        status = dopt_objective_create_data(features, targets, loss, NULL, &objective);
    if (status == DOPT_OK)
        status = dopt_lr_search(objective, &options, start, count, REAL(grid), threads, trials, &best);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    shim_check(status);
    for (int i = 0; i < count; i++) {
        REAL(VECTOR_ELT(out, 1))[i] = trials[i].value;
        SET_STRING_ELT(VECTOR_ELT(out, 2), i, Rf_mkChar(dopt_stop_reason_string(trials[i].reason)));
        REAL(VECTOR_ELT(out, 3))[i] = (double)trials[i].steps;
    }
    SET_VECTOR_ELT(out, 4, Rf_ScalarInteger(best + 1));
    UNPROTECT(1);
    return out;
}
