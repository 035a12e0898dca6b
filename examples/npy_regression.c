/* SPDX-License-Identifier: MIT */
/*
 * l_p regression on arrays that need not fit into memory.
 *
 * X (m x d) and y (m) are NumPy files. They are mapped, X is read once a step from its first row to its last, and what
 * has been read is let go, so that about as much as --resident says is in memory at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/depthopt.h>

#include "support/npy.h"

static const char *const usage = "usage: npy_regression X.npy Y.npy [OPTION VALUE]...\n"
                                 "  --p P           power of the error, default 4\n"
                                 "  --depth N       default 2\n"
                                 "  --lr ETA        default 0.01\n"
                                 "  --steps T       default 100\n"
                                 "  --threads N     default 1\n"
                                 "  --resident MIB  of X in memory, default 256\n";

typedef struct task {
    double p, depth, lr, steps, threads, resident;
} task;

static bool read_options(int argc, char **argv, task *t)
{
    const struct {
        const char *name;
        double *value;
    } options[] = { { "--p", &t->p },         { "--depth", &t->depth },     { "--lr", &t->lr },
                    { "--steps", &t->steps }, { "--threads", &t->threads }, { "--resident", &t->resident } };
    for (int i = 3; i < argc; i += 2) {
        size_t which = 0;
        while (which < sizeof options / sizeof *options && strcmp(options[which].name, argv[i]) != 0)
            which++;
        char *end = NULL;
        if (which == sizeof options / sizeof *options || i + 1 == argc)
            return false;
        *options[which].value = strtod(argv[i + 1], &end);
        if (*end || !(*options[which].value > 0.0 && *options[which].value < 1e15))
            return false;
    }
    return argc >= 3;
}

static int show(const dopt_event *event, void *user)
{
    const int64_t every = *(const int64_t *)user;
    if (event->step % every == 0)
        (void)printf("step %lld: %.9g\n", (long long)event->step, event->value);
    return 0;
}

static dopt_status train(const task *t, npy *x, const npy *y, const dopt_loss *loss, dopt_report *report)
{
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_fit_options fit = DOPT_FIT_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    int64_t every = t->steps < 10.0 ? 1 : (int64_t)(t->steps / 10.0);
    data.threads = (int)t->threads;
    data.rows_read = npy_release;
    data.user = x;
    data.rows_step = npy_step(x, t->resident * 1048576.0, data.threads);
    fit.depth = t->depth;
    fit.lr = t->lr;
    fit.max_steps = (int64_t)t->steps;
    fit.init = DOPT_INIT_NORMAL;
    fit.callback = show;
    fit.user = &every;
    dopt_status status = dopt_objective_create_data(x->view, y->view, loss, &data, &objective);
    void *w = calloc((size_t)x->view.cols, sizeof(double));
    const dopt_mat weights = { w, 1, x->view.cols, x->view.cols, 1, x->view.dtype };
    if (status == DOPT_OK)
        status = w ? dopt_fit(objective, &fit, weights, report) : DOPT_ERR_NOMEM;
    dopt_objective_destroy(&objective);
    free(w);
    return status;
}

int main(int argc, char **argv)
{
    task t = { 4.0, 2.0, 0.01, 100.0, 1.0, 256.0 };
    char message[256];
    npy x = { .map = NULL }, y = { .map = NULL };
    dopt_loss *loss = NULL;
    dopt_report report = { 0 };
    if (!read_options(argc, argv, &t)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    const bool open = npy_open(argv[1], &x, message) && npy_open(argv[2], &y, message);
    dopt_status status = open ? dopt_loss_create_lp(t.p, NULL, &loss) : DOPT_ERR_IO;
    if (status == DOPT_OK)
        status = train(&t, &x, &y, loss, &report);
    if (status == DOPT_OK)
        (void)printf("stopped for %s after %lld steps at %.9g, %.3g s a step\n", dopt_stop_reason_string(report.reason),
                     (long long)report.steps, report.value, report.seconds / (double)(report.steps + 1));
    else
        (void)fprintf(stderr, "npy_regression: %s\n", open ? dopt_last_error() : message);
    dopt_loss_destroy(&loss);
    npy_close(&x);
    npy_close(&y);
    return status != DOPT_OK;
}
