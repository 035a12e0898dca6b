/* SPDX-License-Identifier: MIT */
/*
 * One training step over ranks: evaluate the objective of all rows, and move W by the end-to-end rule.
 *
 *     mpirun -n 2 bench_mpi_scaling --rows 200000 --features 128
 *
 * First the result is checked against one rank with all rows. Then, in turns: the step over ranks, the Allreduce of its
 * message alone, and, on rank 0, the step with all rows and its update alone. The floor is that step divided by the
 * ranks, plus the Allreduce. Last, whether ranks are in each other's way without any message: every rank evaluates its
 * own rows, rank 0 while the others wait (alone), and all at the same time (together).
 *
 * With --per-row SECONDS no rows are made: a rank sleeps for as long as its rows would take, and for the update
 * --update SECONDS. Under a simulator of MPI, where sleeping is simulated too, that gives the step on as many nodes as
 * one likes.
 */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

#include <depthopt/depthopt.h>
#include <depthopt/mpi.h>

enum { turns_max = 15 };

typedef struct task {
    double rows, features, outputs, per_row, update, reproducible;
    ptrdiff_t first, count; /* this rank's rows */
    int rank, ranks, turns;
    double *x, *y, *w, *grad, *message;
    dopt_loss *loss;
} task;

static void need(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench_mpi_scaling: %s: %s\n", what, dopt_last_error());
    (void)MPI_Abort(MPI_COMM_WORLD, 1);
}

static double *numbers(double count)
{
    double *m = calloc((size_t)count + 1, sizeof *m);
    need(m, "out of memory");
    return m;
}

static bool read_options(int argc, char **argv, task *t)
{
    const struct {
        const char *name;
        double *value;
    } options[] = {
        { "--rows", &t->rows },       { "--features", &t->features }, { "--outputs", &t->outputs },
        { "--per-row", &t->per_row }, { "--update", &t->update },     { "--reproducible", &t->reproducible }
    };
    for (int i = 1; i < argc; i += 2) {
        size_t which = 0;
        while (which < 6 && strcmp(options[which].name, argv[i]) != 0)
            which++;
        if (which == 6 || i + 1 == argc)
            return false;
        *options[which].value = strtod(argv[i + 1], NULL);
    }
    return t->rows >= 1 && t->features >= 1 && t->outputs >= 1;
}

static void sleep_for(double seconds)
{
    const struct timespec span = { (time_t)seconds, (long)(1e9 * (seconds - floor(seconds))) };
    (void)nanosleep(&span, NULL);
}

/* In place of rows. */
static dopt_status sleep_over_rows(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    const task *t = user;
    (void)w;
    (void)batch;
    sleep_for(t->per_row * (double)t->count);
    *value = 1.0;
    for (ptrdiff_t i = 0; i < grad.rows * grad.cols && grad.data; i++)
        ((double *)grad.data)[i] = 1.0;
    return DOPT_OK;
}

static void make_rows(task *t)
{
    const ptrdiff_t d = (ptrdiff_t)t->features, k = (ptrdiff_t)t->outputs;
    dopt_rng rng = dopt_rng_init(1, (uint64_t)t->rank);
    t->x = numbers((double)t->count * t->features);
    t->y = numbers((double)t->count * t->outputs);
    if (t->count > 0)
        need(dopt_rng_fill_normal(&rng, dopt_mat_f64(t->x, t->count, d), 1.0) == DOPT_OK &&
                 dopt_rng_fill_normal(&rng, dopt_mat_f64(t->y, t->count, k), 1.0) == DOPT_OK,
             "no rows");
}

static dopt_objective *over_ranks(task *t)
{
    const ptrdiff_t d = (ptrdiff_t)t->features, k = (ptrdiff_t)t->outputs;
    dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *out = NULL, *local = NULL;
    data.threads = 1;
    options.reproducible = t->reproducible > 0.0;
    if (t->per_row > 0.0) {
        need(dopt_objective_create_custom(k, d, sleep_over_rows, t, &local) == DOPT_OK &&
                 dopt_mpi_objective_create(MPI_COMM_WORLD, local, &out) == DOPT_OK,
             "no objective");
        return out; /* its part lives as long as the program */
    }
    make_rows(t);
    need(dopt_mpi_objective_create_data(MPI_COMM_WORLD, dopt_cmat_f64(t->x, t->count, d),
                                        dopt_cmat_f64(t->y, t->count, k), t->loss, &data, &options, &out) == DOPT_OK,
         "no objective");
    return out;
}

/* This rank's rows, without the others; NULL where it has none. */
static dopt_objective *of_this_rank(const task *t)
{
    const ptrdiff_t d = (ptrdiff_t)t->features, k = (ptrdiff_t)t->outputs;
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *out = NULL;
    data.threads = 1;
    if (t->per_row > 0.0 || t->count == 0)
        return NULL;
    need(dopt_objective_create_data(dopt_cmat_f64(t->x, t->count, d), dopt_cmat_f64(t->y, t->count, k), t->loss, &data,
                                    &out) == DOPT_OK,
         "no objective");
    return out;
}

/* All rows on rank 0; NULL on the others. */
static dopt_objective *on_one_rank(const task *t)
{
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *out = NULL;
    data.threads = 1;
    if (t->rank != 0 || t->per_row > 0.0)
        return NULL;
    const ptrdiff_t m = (ptrdiff_t)t->rows, d = (ptrdiff_t)t->features, k = (ptrdiff_t)t->outputs;
    double *x = numbers(t->rows * t->features), *y = numbers(t->rows * t->outputs);
    ptrdiff_t first, count;
    for (int r = 0; r < t->ranks; r++) { /* the same rows as the ranks have */
        dopt_rng rng = dopt_rng_init(1, (uint64_t)r);
        dopt_mpi_split(m, dopt_mpi_block_rows(d), t->ranks, r, &first, &count);
        if (count > 0)
            need(dopt_rng_fill_normal(&rng, dopt_mat_f64(x + first * d, count, d), 1.0) == DOPT_OK &&
                     dopt_rng_fill_normal(&rng, dopt_mat_f64(y + first * k, count, k), 1.0) == DOPT_OK,
                 "no rows");
    }
    need(dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, k), t->loss, &data, &out) == DOPT_OK,
         "no objective");
    return out;
}

static void evaluate(const task *t, dopt_objective *objective)
{
    const ptrdiff_t d = (ptrdiff_t)t->features, k = (ptrdiff_t)t->outputs;
    double value;
    if (objective)
        need(dopt_objective_eval(objective, dopt_cmat_f64(t->w, k, d), NULL, &value, dopt_mat_f64(t->grad, k, d)) ==
                 DOPT_OK,
             "no value");
}

/* Every rank the same one: it does not shrink with the ranks. */
static void update(const task *t, dopt_e2e *e2e)
{
    const ptrdiff_t d = (ptrdiff_t)t->features, k = (ptrdiff_t)t->outputs;
    if (!e2e)
        sleep_for(t->update);
    else
        need(dopt_e2e_update(e2e, dopt_mat_f64(t->w, k, d), dopt_cmat_f64(t->grad, k, d), 1e-9, 0.0) == DOPT_OK,
             "no step");
}

/* From when the last rank begins to when the last one has ended; the ranks of one machine, or simulated ones, share a
 * clock. */
static double since(double start)
{
    double ends[2] = { start, MPI_Wtime() };
    (void)MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return ends[1] - ends[0];
}

static double begin(void)
{
    (void)MPI_Barrier(MPI_COMM_WORLD);
    return MPI_Wtime();
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

/* The gradient over ranks against that of one rank. */
static void compare(const task *t, dopt_objective *shared, dopt_objective *serial)
{
    const ptrdiff_t d = (ptrdiff_t)t->features, k = (ptrdiff_t)t->outputs;
    double value, want, off = 0.0, size = 0.0, *grad = numbers(t->features * t->outputs);
    need(dopt_objective_eval(shared, dopt_cmat_f64(t->w, k, d), NULL, &value, dopt_mat_f64(t->grad, k, d)) == DOPT_OK,
         "no value");
    if (serial) {
        need(dopt_objective_eval(serial, dopt_cmat_f64(t->w, k, d), NULL, &want, dopt_mat_f64(grad, k, d)) == DOPT_OK,
             "no value");
        for (ptrdiff_t i = 0; i < k * d; i++) {
            off = hypot(off, grad[i] - t->grad[i]);
            size = hypot(size, grad[i]);
        }
        need(off <= 1e-12 * size && fabs(value - want) <= 1e-12 * want, "ranks and one rank differ");
    }
    free(grad);
}

static void measure(task *t, dopt_objective *shared, dopt_objective *serial, dopt_objective *own, dopt_e2e *e2e)
{
    enum { of_step, of_message, of_one, of_update, alone, together, kinds };
    double times[kinds][turns_max], ms[kinds];
    const int count = (int)(t->features * t->outputs) + 6;
    for (int i = -1; i < t->turns; i++) {
        const int at = i < 0 ? 0 : i; /* the first turn warms up */
        double start = begin();
        evaluate(t, shared);
        update(t, e2e);
        times[of_step][at] = since(start);
        start = begin();
        (void)MPI_Allreduce(MPI_IN_PLACE, t->message, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        times[of_message][at] = since(start);
        start = begin();
        evaluate(t, own);
        times[together][at] = since(start);
        start = begin();
        if (t->rank == 0)
            evaluate(t, own);
        times[alone][at] = MPI_Wtime() - start;
        start = begin();
        evaluate(t, serial);
        const double middle = MPI_Wtime();
        if (t->rank == 0)
            update(t, e2e);
        times[of_update][at] = MPI_Wtime() - middle;
        times[of_one][at] = t->per_row > 0.0 ? t->per_row * t->rows + t->update : MPI_Wtime() - start;
        (void)MPI_Bcast(t->w, (int)(t->features * t->outputs), MPI_DOUBLE, 0, MPI_COMM_WORLD);
    }
    for (int k = 0; k < kinds; k++)
        ms[k] = 1e3 * median(times[k], t->turns);
    const double least = ms[of_one] / t->ranks + ms[of_message];
    if (t->rank == 0)
        (void)printf("%d,%.0f,%.0f,%.0f,%.4g,%.4g,%.4g,%.4g,%.3f,%.3f,%.4g,%.4g,%.4g\n", t->ranks, t->rows, t->features,
                     t->outputs, ms[of_step], ms[of_message], ms[of_one], least, ms[of_step] / least,
                     ms[of_one] / t->ranks / ms[of_step], ms[of_update], ms[alone], ms[together]);
}

int main(int argc, char **argv)
{
    task t = { .rows = 100000, .features = 128, .outputs = 1 };
    dopt_e2e *e2e = NULL;
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &t.rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &t.ranks);
    need(read_options(argc, argv, &t),
         "--rows, --features, --outputs, --per-row, --update and --reproducible take numbers");
    const ptrdiff_t d = (ptrdiff_t)t.features, k = (ptrdiff_t)t.outputs;
    t.turns = t.per_row > 0.0 ? 1 : turns_max; /* simulated time is the same each time */
    dopt_mpi_split((ptrdiff_t)t.rows, dopt_mpi_block_rows(d), t.ranks, t.rank, &t.first, &t.count);
    t.w = numbers(t.features * t.outputs);
    t.grad = numbers(t.features * t.outputs);
    t.message = numbers(t.features * t.outputs + 6);
    dopt_rng rng = dopt_rng_init(2, 0);
    need(dopt_rng_fill_normal(&rng, dopt_mat_f64(t.w, k, d), 0.1) == DOPT_OK &&
             dopt_loss_create_lp(4.0, NULL, &t.loss) == DOPT_OK &&
             (t.per_row > 0.0 || dopt_e2e_create(k, d, 2.0, NULL, &e2e) == DOPT_OK),
         "nothing to start from");
    dopt_objective *shared = over_ranks(&t), *serial = on_one_rank(&t), *own = of_this_rank(&t);
    if (t.rank == 0)
        (void)printf("ranks,rows,features,outputs,step_ms,allreduce_ms,serial_ms,floor_ms,step_over_floor,efficiency,"
                     "update_ms,alone_ms,together_ms\n");
    if (serial || t.per_row == 0.0)
        compare(&t, shared, serial);
    measure(&t, shared, serial, own, e2e);
    dopt_objective_destroy(&shared);
    dopt_objective_destroy(&serial);
    dopt_objective_destroy(&own);
    dopt_e2e_destroy(&e2e);
    (void)MPI_Finalize();
    return 0;
}
