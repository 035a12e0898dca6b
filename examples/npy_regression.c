/* SPDX-License-Identifier: MIT */
/*
 * l_p regression on arrays that need not fit into memory.
 *
 * X (m x d) and y (m) are NumPy files. They are mapped, X is read once a step from its first row to its last, and what
 * has been read is let go, so that about as much as --resident says is in memory at a time.
 */
#include <stdio.h>
#include <stdlib.h>

#include <depthopt/depthopt.h>

#include "support/checksum.h"
#include "support/keep.h"
#include "support/npy.h"
#include "support/streams.h"

static const char *const usage =
    "usage: npy_regression X.npy Y.npy [OPTION VALUE]...\n"
    "Fit y = x . w by the mean of |error|^p to NumPy arrays that need not fit into\n"
    "memory: X, m x d, and y, m numbers, float64 or float32.\n"
    "\n"
    "  --p P              power of the error, from 1 up; default 4\n"
    "  --depth N          any number from 1 up, or inf; default 2\n"
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
    uint64_t data_sum; /* of X and y, for what is kept */
    bool help;
} task;

static bool read_depth(const option *o, const char *text)
{
    return option_number(text, o->to) && *(double *)o->to >= 1.0;
}

/* Two files, then options; --help may stand alone. */
static bool read_options(int argc, char **argv, task *t, char message[256])
{
    const option known[] = {
        { "--p", option_real, &t->p, 1.0, "a number from 1 up" },
        { "--depth", read_depth, &t->depth, 1.0, "a number from 1 up, or inf" },
        { "--lr", option_real, &t->lr, 1e-300, "a number above 0" },
        { "--steps", option_count, &t->steps, 1, OPTION_FROM_ONE },
        { "--threads", option_count, &t->threads, 1, OPTION_FROM_ONE },
        { "--resident", option_real, &t->resident, 1e-9, "a number above 0" },
        KEEP_ROWS(&t->keep),
        { "--help", NULL, &t->help, 0, "" },
    };
    int files = 0;
    while (files + 1 < argc && files < 2 && *argv[files + 1] != '-')
        files++;
    if (!options_read(argc - files, argv + files, sizeof known / sizeof *known, known, message) ||
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

/* Load or save the file of --checkpoint: what makes another run, and the trainer. */
static dopt_status visit(keep k, const task *t, dopt_trainer *trainer, char message[KEEP_MESSAGE])
{
    keep_same(&k, "--p", t->p);
    keep_same(&k, "--depth", t->depth);
    keep_same(&k, "--lr", t->lr);
    keep_same_data(&k, t->data_sum);
    keep_trainer(&k, trainer);
    return keep_end(&k, t->keep.path, message) ? DOPT_OK : DOPT_ERR_IO;
}

/* To the end, or to an interrupt, with a save now and then. */
static dopt_status drive(const task *t, dopt_trainer *trainer, dopt_report *report, char message[KEEP_MESSAGE])
{
    const char *path = t->keep.path;
    dopt_stop_reason reason = DOPT_STOP_NONE;
    dopt_status status = DOPT_OK;
    bool stopped = false;
    if (keep_found(&t->keep, path))
        status = visit(keep_loading(path), t, trainer, message);
    while (status == DOPT_OK && reason == DOPT_STOP_NONE && !stopped) {
        status = dopt_trainer_step(trainer, &reason);
        stopped = keep_interrupted();
        *report = dopt_trainer_report(trainer);
        if (status == DOPT_OK && (keep_due(&t->keep, report->steps) || (path && reason != DOPT_STOP_NONE)))
            status = visit(keep_saving(), t, trainer, message);
    }
    return status;
}

static dopt_status train(const task *t, npy *x, const npy *y, const dopt_loss *loss, dopt_report *report,
                         char message[KEEP_MESSAGE])
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
        status = drive(t, trainer, report, message);
    dopt_trainer_destroy(&trainer);
    dopt_objective_destroy(&objective);
    free(w);
    return status;
}

/* y has a number for each row of X, of the same type. */
static bool alike(const npy *x, const npy *y, const char *x_path, const char *y_path, char message[KEEP_MESSAGE])
{
    const bool wide = x->view.dtype == DOPT_F64;
    if (y->view.cols != 1)
        (void)snprintf(message, KEEP_MESSAGE, "%.150s is %td x %td, must be one number a row", y_path, y->view.rows,
                       y->view.cols);
    else if (y->view.rows != x->view.rows)
        (void)snprintf(message, KEEP_MESSAGE,
                       "%.100s has %td numbers, must have one for each of the %td rows of %.100s", y_path, y->view.rows,
                       x->view.rows, x_path);
    else if (y->view.dtype != x->view.dtype)
        (void)snprintf(message, KEEP_MESSAGE, "%.100s is %s, must be %s as %.100s is", y_path,
                       wide ? "float32" : "float64", wide ? "float64" : "float32", x_path);
    return !*message;
}

static int show_end(const dopt_report *report)
{
    if (report->reason == DOPT_STOP_NONE) {
        (void)fprintf(stderr, "npy_regression: %s\n", keep_goodbye);
        return EXIT_INTERRUPTED;
    }
    (void)printf("ended (%s) after %lld steps at %.9g, %.3g s a step\n", dopt_stop_reason_string(report->reason),
                 (long long)report->steps, report->value, report->seconds / (double)(report->steps + 1));
    return report->reason == DOPT_STOP_DIVERGED;
}

/* On two files. */
static int fit(task *t, const char *x_path, const char *y_path)
{
    char message[KEEP_MESSAGE] = "";
    npy x = { .map = NULL }, y = { .map = NULL };
    dopt_loss *loss = NULL;
    dopt_report report = { 0 };
    dopt_status status = DOPT_ERR_IO;
    if (npy_open(x_path, &x, message) && npy_open(y_path, &y, message) && alike(&x, &y, x_path, y_path, message))
        status = dopt_loss_create_lp(t->p, NULL, &loss);
    if (status == DOPT_OK && t->keep.path)
        t->data_sum = checksum_mapped(checksum_mapped(CHECKSUM_START, x.map, x.bytes), y.map, y.bytes);
    if (status == DOPT_OK)
        status = train(t, &x, &y, loss, &report, message);
    if (status != DOPT_OK)
        (void)fprintf(stderr, "npy_regression: %s\n", *message ? message : dopt_last_error());
    dopt_loss_destroy(&loss);
    npy_close(&x);
    npy_close(&y);
    return status == DOPT_OK ? show_end(&report) : 1;
}

static int regress(int argc, char **argv)
{
    task t = { .p = 4.0, .depth = 2.0, .lr = 0.01, .resident = 256.0, .steps = 100, .threads = 1, .keep.every = 10 };
    char message[256];
    if (!read_options(argc, argv, &t, message)) {
        (void)fprintf(stderr, "npy_regression: %s\n", message);
        return 2;
    }
    if (t.help) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (t.keep.path)
        keep_watch();
    return fit(&t, argv[1], argv[2]);
}

int main(int argc, char **argv)
{
    streams_begin();
    return streams_end("npy_regression", regress(argc, argv));
}
