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

#include "support/keep.h"
#include "support/npy.h"
#include "support/streams.h"

static const char *const usage =
    "usage: npy_regression X.npy Y.npy [OPTION VALUE]...\n"
    "Fit y = x . w by the mean of |error|^p to NumPy arrays that need not fit into\n"
    "memory: X, m x d, and y, m numbers, float64 or float32.\n"
    "\n"
    "  --p P              power of the error, from 1 up; default 4\n"
    "  --depth N          any number from 1 up; default 2\n"
    "  --lr ETA           learning rate; default 0.01\n"
    "  --steps T          default 100\n"
    "  --threads N        that read X; default 1\n"
    "  --resident MIB     of X in memory at a time; default 256\n"
    "  --checkpoint FILE  save there, after an interrupt too\n"
    "  --every N          steps between two saves; default 10\n"
    "  --resume           go on from what was saved by the same command; --steps may\n"
    "                     be more\n"
    "  --help             this text\n"
    "\n"
    "example: npy_regression X.npy Y.npy --p 2 --steps 1000 --resident 1024\n" OPTIONS_EXITS KEEP_EXITS;

typedef struct task {
    double p, depth, lr, resident;
    int64_t steps, threads;
    keep_options keep;
    bool help;
} task;

/* Two files, then options; --help may stand alone. */
static bool read_options(int argc, char **argv, task *t, char message[256])
{
    const option table[] = {
        { "--p", option_real, &t->p, 1.0, "a number from 1 up" },
        { "--depth", option_real, &t->depth, 1.0, "a number from 1 up" },
        { "--lr", option_real, &t->lr, 1e-300, "a number above 0" },
        { "--steps", option_count, &t->steps, 1, "an integer from 1 up" },
        { "--threads", option_count, &t->threads, 1, "an integer from 1 up" },
        { "--resident", option_real, &t->resident, 1e-9, "a number above 0" },
        KEEP_ROWS(&t->keep),
        { "--help", NULL, &t->help, 0, "" },
    };
    int files = 0;
    while (files + 1 < argc && files < 2 && strncmp(argv[files + 1], "--", 2) != 0)
        files++;
    if (!options_read(argc - files, argv + files, sizeof table / sizeof *table, table, message) ||
        !keep_check(&t->keep, message))
        return false;
    (void)snprintf(message, 256, "needs two files, X.npy and Y.npy; --help tells more");
    return files == 2 || t->help;
}

static int show(const dopt_event *event, void *user)
{
    const int64_t every = *(const int64_t *)user;
    if (event->step % every == 0)
        (void)printf("step %lld: %.9g\n", (long long)event->step, event->value);
    return 0;
}

/* To the end, or to an interrupt, with a save now and then. */
static dopt_status drive(const keep_options *o, dopt_trainer *trainer, dopt_report *report)
{
    dopt_stop_reason reason = DOPT_STOP_NONE;
    dopt_status status = keep_found(o, o->path) ? dopt_trainer_load(trainer, o->path) : DOPT_OK;
    bool stopped = false;
    while (status == DOPT_OK && reason == DOPT_STOP_NONE && !stopped) {
        status = dopt_trainer_step(trainer, &reason);
        stopped = keep_interrupted();
        *report = dopt_trainer_report(trainer);
        if (status == DOPT_OK && (keep_due(o, report->steps) || (o->path && reason != DOPT_STOP_NONE)))
            status = dopt_trainer_save(trainer, o->path);
    }
    return status;
}

static dopt_status train(const task *t, npy *x, const npy *y, const dopt_loss *loss, dopt_report *report)
{
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_fit_options fit = DOPT_FIT_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    int64_t every = t->steps < 10 ? 1 : t->steps / 10;
    data.threads = (int)t->threads;
    data.rows_read = npy_release;
    data.user = x;
    data.rows_step = npy_step(x, t->resident * 1048576.0, data.threads);
    fit.depth = t->depth;
    fit.lr = t->lr;
    fit.max_steps = t->steps;
    fit.init = DOPT_INIT_NORMAL;
    fit.callback = show;
    fit.user = &every;
    dopt_status status = dopt_objective_create_data(x->view, y->view, loss, &data, &objective);
    void *w = calloc((size_t)x->view.cols, sizeof(double));
    const dopt_mat weights = { w, 1, x->view.cols, x->view.cols, 1, x->view.dtype };
    dopt_trainer *trainer = NULL;
    if (status == DOPT_OK)
        status = w ? dopt_trainer_create(objective, &fit, weights, &trainer) : DOPT_ERR_NOMEM;
    if (status == DOPT_OK)
        status = drive(&t->keep, trainer, report);
    dopt_trainer_destroy(&trainer);
    dopt_objective_destroy(&objective);
    free(w);
    return status;
}

int main(int argc, char **argv)
{
    task t = { .p = 4.0, .depth = 2.0, .lr = 0.01, .resident = 256.0, .steps = 100, .threads = 1, .keep.every = 10 };
    char message[256];
    npy x = { .map = NULL }, y = { .map = NULL };
    dopt_loss *loss = NULL;
    dopt_report report = { 0 };
    streams_begin();
    if (!read_options(argc, argv, &t, message)) {
        (void)fprintf(stderr, "npy_regression: %s\n", message);
        return 2;
    }
    if (t.help) {
        (void)fputs(usage, stdout);
        return streams_end("npy_regression", 0);
    }
    if (t.keep.path)
        keep_watch();
    const bool open = npy_open(argv[1], &x, message) && npy_open(argv[2], &y, message);
    dopt_status status = open ? dopt_loss_create_lp(t.p, NULL, &loss) : DOPT_ERR_IO;
    if (status == DOPT_OK)
        status = train(&t, &x, &y, loss, &report);
    const bool stopped = status == DOPT_OK && report.reason == DOPT_STOP_NONE;
    if (stopped)
        (void)fprintf(stderr, "npy_regression: %s\n", keep_goodbye);
    else if (status == DOPT_OK)
        (void)printf("stopped for %s after %lld steps at %.9g, %.3g s a step\n", dopt_stop_reason_string(report.reason),
                     (long long)report.steps, report.value, report.seconds / (double)(report.steps + 1));
    else
        (void)fprintf(stderr, "npy_regression: %s\n", open ? dopt_last_error() : message);
    dopt_loss_destroy(&loss);
    npy_close(&x);
    npy_close(&y);
    return streams_end("npy_regression", stopped ? EXIT_INTERRUPTED : status != DOPT_OK);
}
