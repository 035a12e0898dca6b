/* SPDX-License-Identifier: MIT */
/*
 * lp_regression over many machines: the same options, the same methods, rows spread over the ranks of an MPI job.
 *
 *     mpirun -n 2 lp_regression_mpi --data table.csv --p 4 --method gd,e2e --depth 2,3
 */
#define _DEFAULT_SOURCE /* getrusage */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <depthopt/depthopt.h>
#include <depthopt/mpi.h>

#include "mpi/slice.h"
#include "support/checksum.h"
#include "support/kept_run.h"
#include "support/sensors.h"
#include "support/table.h"

enum { EXIT_DATA = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: lp_regression_mpi [OPTION VALUE]...\n"
    "lp_regression on many machines: rows are spread over the ranks of an MPI job.\n"
    "\n"
    "  --data FILE           UCI gas sensors, LIBSVM, CSV or TSV, not packed, or\n"
    "                        X.npy; default: a simulated sensor array\n"
    "  --target COLUMN       to predict, by name or number; default: the last (CSV);\n"
    "                        for X.npy: Y.npy\n"
    "  --class LABEL         only rows of this class (gas sensors)\n" JOB_OPTIONS
    "  --reproducible        the same bits on any number of ranks\n"
    "  --block ROWS          of its blocks, and of what is read at a time\n"
    "  --checkpoint FILE     save runs as FILE-METHOD-DEPTH, after an interrupt too\n"
    "  --every N             steps between two saves; default 1000\n"
    "  --resume              go on from what was saved, on any number of ranks\n"
    "  --memory              tell the most that a rank had in memory\n"
    "  --help                this text\n"
    "\n"
    "example: mpirun -n 2 lp_regression_mpi --p 4 --method gd,e2e --depth 2,3\n" OPTIONS_EXITS KEEP_EXITS;

/* What lp_regression does not have. */
typedef struct extras {
    bool reproducible, memory;
    int64_t block;
} extras;

static int rank, ranks;
static int results;                /* runs that have not diverged */
static bool stopped;               /* by an interrupt, after a save: all ranks agree */
static char trouble[KEEP_MESSAGE]; /* on rank 0: what failed, if the library does not know */

/* Rank 0 speaks for all: they fail alike. */
static int fail(const char *message, int code)
{
    if (rank == 0)
        (void)fprintf(stderr, "lp_regression_mpi: %s\n", message);
    return code;
}

static bool load(const job *j, const extras *e, table *t, char *message)
{
    if (j->data)
        return slice_read(MPI_COMM_WORLD, j->data, j->target, j->label, e->block, t, message);
    const bool made = sensors_simulate(2018, t);
    if (dopt_mpi_agree(MPI_COMM_WORLD, made ? DOPT_OK : DOPT_ERR_NOMEM) != DOPT_OK) {
        (void)snprintf(message, TABLE_MESSAGE, "out of memory");
        return false;
    }
    return slice_keep(MPI_COMM_WORLD, e->block, t);
}

static void show_memory(void)
{
    struct rusage used;
    long most = 0;
    (void)getrusage(RUSAGE_SELF, &used);
    (void)MPI_Reduce(&used.ru_maxrss, &most, 1, MPI_LONG, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0)
        (void)printf("at most %ld KiB on a rank\n", most);
}

/* Launchers name the process that died, not all of them its rank. */
static void show_processes(void)
{
    int mine = (int)getpid(), *all = calloc((size_t)ranks, sizeof *all);
    if (dopt_mpi_agree(MPI_COMM_WORLD, all ? DOPT_OK : DOPT_ERR_NOMEM) == DOPT_OK) {
        (void)MPI_Gather(&mine, 1, MPI_INT, all, 1, MPI_INT, 0, MPI_COMM_WORLD);
        for (int r = 0; r < ranks && rank == 0; r++)
            (void)fprintf(stderr, "rank %d is process %d\n", r, all[r]);
    }
    free(all);
}

/* Ranks agree on what this says. */
static int stop_if_interrupted(const dopt_event *event, void *user)
{
    (void)event, (void)user;
    return keep_interrupted();
}

/* The rate of a run of before, if there is one; rank 0 reads. */
static dopt_status take_up(const job *j, run *r)
{
    const bool good = rank > 0 || kept_run_curve(r, j, trouble);
    const dopt_status status = dopt_mpi_agree(MPI_COMM_WORLD, good ? DOPT_OK : DOPT_ERR_FORMAT);
    (void)MPI_Bcast(&r->lr, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return status;
}

/* One run that is saved every so many steps, and goes on from what was saved. */
static dopt_status train_saving(const job *j, dopt_objective *objective, double *w, run *r)
{
    char path[KEPT_PATH];
    dopt_trainer *trainer = NULL;
    dopt_stop_reason reason = DOPT_STOP_NONE;
    dopt_fit_options o = run_options(r, j);
    o.callback = stop_if_interrupted;
    dopt_status status = dopt_mpi_agree(
        MPI_COMM_WORLD,
        dopt_trainer_create(objective, &o, dopt_mat_f64(w, 1, dopt_objective_cols(objective)), &trainer));
    show_processes();
    kept_run_path(r, j, "", path);
    int there = rank == 0 && keep_found(&j->keep, path);
    (void)MPI_Bcast(&there, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (status == DOPT_OK)
        status = dopt_mpi_agree(MPI_COMM_WORLD, rank > 0 || kept_run_save_curve(r, j, trouble) ? DOPT_OK : DOPT_ERR_IO);
    if (status == DOPT_OK && there)
        status = dopt_mpi_trainer_load(MPI_COMM_WORLD, trainer, path);
    if (status == DOPT_OK && there && rank == 0)
        (void)printf("going on from step %lld\n", (long long)dopt_trainer_report(trainer).steps);
    while (status == DOPT_OK && reason == DOPT_STOP_NONE) {
        status = dopt_trainer_step(trainer, &reason);
        const bool due = dopt_trainer_report(trainer).steps % j->keep.every == 0 || reason != DOPT_STOP_NONE;
        if (status == DOPT_OK && due)
            status = dopt_mpi_trainer_save(MPI_COMM_WORLD, trainer, path);
    }
    const dopt_report report = dopt_trainer_report(trainer);
    r->seconds = report.seconds;
    r->steps = report.steps;
    r->diverged = reason == DOPT_STOP_DIVERGED;
    stopped = reason == DOPT_STOP_CALLBACK;
    dopt_trainer_destroy(&trainer);
    return status;
}

static dopt_status train_one(const job *j, const method *how, double depth, dopt_objective *objective, double *w)
{
    run r = run_new(j, how, depth);
    double value = 0.0;
    dopt_report report = { 0 };
    const ptrdiff_t d = dopt_objective_cols(objective);
    memset(w, 0, (size_t)d * sizeof *w);
    dopt_status status = take_up(j, &r);
    if (status == DOPT_OK)
        status =
            dopt_mpi_agree(MPI_COMM_WORLD, run_find_rate(&r, j, objective, trouble) ? DOPT_OK : DOPT_ERR_NUMERICAL);
    if (status != DOPT_OK) {
        /* not begun */
    } else if (j->keep.path) {
        status = train_saving(j, objective, w, &r);
    } else {
        const dopt_fit_options o = run_options(&r, j);
        status = dopt_fit(objective, &o, dopt_mat_f64(w, 1, d), &report);
        r.seconds = report.seconds;
        r.steps = report.steps;
        r.diverged = report.reason == DOPT_STOP_DIVERGED;
    }
    if (status == DOPT_OK && !stopped)
        status = dopt_objective_eval(objective, dopt_cmat_f64(w, 1, d), NULL, &value, dopt_mat_none());
    if (status == DOPT_ERR_NONFINITE && r.diverged) {
        value = INFINITY;
        status = DOPT_OK;
    }
    results += !r.diverged;
    if (status == DOPT_OK && !stopped && rank == 0)
        (void)printf("%-13s %5g %9g %14.9g %8.2f  %08llx%s\n", how->name, depth, r.lr, value, r.seconds,
                     (unsigned long long)checksum(CHECKSUM_START, w, (size_t)d * sizeof *w),
                     r.diverged ? "  diverged" : "");
    run_free(&r);
    return status;
}

static dopt_status train_all(const job *j, dopt_objective *objective)
{
    double *w = calloc((size_t)dopt_objective_cols(objective), sizeof *w);
    dopt_status status = dopt_mpi_agree(MPI_COMM_WORLD, w ? DOPT_OK : DOPT_ERR_NOMEM);
    if (rank == 0)
        (void)printf("%-13s %5s %9s %14s %8s  %s\n", "method", "depth", "lr", "loss", "seconds", "bits of w");
    for (int i = 0; i < j->method_count; i++) {
        const bool deep = j->methods[i]->model != DOPT_MODEL_DIRECT;
        for (int k = 0; k < (deep ? j->depth_count : 1) && status == DOPT_OK && !stopped; k++)
            status = train_one(j, j->methods[i], deep ? j->depths[k] : 1.0, objective, w);
    }
    free(w);
    return status;
}

static int exit_code(dopt_status status)
{
    if (stopped)
        return fail(keep_goodbye, EXIT_INTERRUPTED);
    if (status != DOPT_OK)
        return fail(*trouble ? trouble : dopt_last_error(), EXIT_DATA);
    return results > 0 ? 0 : fail("every run diverged; --lr needs to be smaller", EXIT_DATA);
}

static int fit_table(const job *j, const extras *e, const table *t)
{
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_loss_options of_loss = DOPT_LOSS_OPTIONS_INIT;
    dopt_objective_options of_data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    of_loss.weight = 1.0; /* the plain mean, without 1/p */
    of_data.threads = 1;  /* one rank for each processor */
    options.reproducible = e->reproducible;
    options.block_rows = e->block;
    dopt_status status = dopt_loss_create_lp(j->p, &of_loss, &loss);
    if (status == DOPT_OK)
        status = dopt_mpi_objective_create_data(MPI_COMM_WORLD, dopt_cmat_f64(t->x, t->rows, t->cols),
                                                dopt_cmat_f64(t->y, t->rows, 1), loss, &of_data, &options, &objective);
    if (status == DOPT_OK && rank == 0)
        (void)printf("%td rows, %td features, standardised; on %d ranks, %td rows on this one; mean of |error|^%g\n\n",
                     dopt_objective_examples(objective), t->cols, ranks, t->rows, j->p);
    if (status == DOPT_OK)
        status = train_all(j, objective);
    const int code = exit_code(status);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    return code;
}

static int work(int argc, char **argv)
{
    char message[TABLE_MESSAGE] = "";
    extras e = { .block = 0 };
    const option more[] = {
        { "--reproducible", NULL, &e.reproducible, 0, "" },
        { "--block", option_count, &e.block, 1, OPTION_FROM_ONE },
        { "--memory", NULL, &e.memory, 0, "" },
    };
    job j;
    table t = { 0 };
    if (!job_read(argc, argv, sizeof more / sizeof *more, more, &j, message))
        return fail(message, EXIT_USAGE);
    if (j.out)
        return fail("--out: lp_regression alone writes curves", EXIT_USAGE);
    if (j.help) {
        if (rank == 0)
            (void)fputs(usage, stdout);
        return 0;
    }
    j.quiet = j.quiet || rank > 0;
    j.threads = 1;
    if (j.keep.path)
        keep_watch();
    if (!load(&j, &e, &t, message))
        return fail(message, EXIT_DATA);
    if (e.memory)
        show_memory();
    if (j.keep.path)
        j.data_sum = slice_checksum(MPI_COMM_WORLD, &t);
    const int code = slice_standardise(MPI_COMM_WORLD, e.block, &t) < 0
                         ? fail("the target or every feature is constant: nothing to fit", EXIT_DATA)
                         : fit_table(&j, &e, &t);
    table_free(&t);
    return code;
}

int main(int argc, char **argv)
{
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const int code = work(argc, argv);
    (void)MPI_Finalize();
    return code;
}
