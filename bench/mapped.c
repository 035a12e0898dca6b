/* SPDX-License-Identifier: MIT */
/*
 * Training on a file of 6 GiB with at most 1 GiB of memory: allocations are limited by the system, and what was ever
 * resident, pages of the file included, is looked up at the end. The file is made first, and removed.
 */
#define _DEFAULT_SOURCE

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <depthopt/depthopt.h>

#include "../examples/support/npy.h"
#include "support/matrices.h"
#include "support/report.h"
#include "support/timing.h"

enum { cols = 128, piece_rows = 65536, steps = 4 };

static const double gib = 1073741824.0, limit = 1073741824.0, resident = 134217728.0;

/* The file is the same piece over and over: the mean over it is that over the piece. */
typedef struct data {
    double *x, *y;
    ptrdiff_t pieces;
    char path[1200];
} data;

static _Noreturn void give_up(const data *d, const char *what)
{
    (void)fprintf(stderr, "mapped: %s\n", what);
    (void)unlink(d->path);
    exit(EXIT_FAILURE);
}

static void require(const data *d, bool condition, const char *what)
{
    if (!condition)
        give_up(d, what);
}

static void make_piece(data *d)
{
    dopt_rng rng = dopt_rng_init(17, 0);
    d->x = numbers_new((size_t)piece_rows * cols);
    d->y = numbers_new((size_t)piece_rows * (size_t)d->pieces);
    for (ptrdiff_t i = 0; i < piece_rows; i++) {
        for (int c = 0; c < cols; c++)
            d->x[i * cols + c] = 2.0 * dopt_rng_uniform(&rng) - 1.0;
        d->y[i] = d->x[i * cols] - d->x[i * cols + 1] + 0.1 * (dopt_rng_uniform(&rng) - 0.5);
    }
    for (ptrdiff_t p = 1; p < d->pieces; p++)
        memcpy(d->y + p * piece_rows, d->y, piece_rows * sizeof *d->y);
}

static void write_file(const data *d)
{
    FILE *file = fopen(d->path, "wb");
    require(d, file && npy_write_header(file, d->pieces * piece_rows, cols), "the file cannot be written");
    for (ptrdiff_t p = 0; p < d->pieces; p++)
        require(d, fwrite(d->x, sizeof *d->x, (size_t)piece_rows * cols, file) == (size_t)piece_rows * cols,
                "the file cannot be written");
    require(d, fclose(file) == 0, "the file cannot be written");
}

/* Seconds to read the file from its start to its end into a small buffer. */
static double plain_read(const data *d)
{
    const size_t size = 1048576;
    char *buffer = malloc(size);
    FILE *file = fopen(d->path, "rb");
    require(d, buffer && file, "the file cannot be read");
    const double start = now();
    (void)setvbuf(file, NULL, _IONBF, 0);
    while (fread(buffer, 1, size, file) == size)
        continue;
    const double seconds = now() - start;
    (void)fclose(file);
    free(buffer);
    return seconds;
}

static dopt_objective *objective_of(const data *d, npy *x, const dopt_loss *loss, int threads)
{
    dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    options.threads = threads;
    options.rows_read = npy_release;
    options.user = x;
    options.rows_step = npy_step(x, resident, threads);
    require(d,
            dopt_objective_create_data(x->view, dopt_cmat_f64(d->y, x->view.rows, 1), loss, &options, &objective) ==
                DOPT_OK,
            dopt_last_error());
    return objective;
}

static void check(const data *d, dopt_objective *objective, const dopt_loss *loss)
{
    dopt_objective *piece = NULL;
    double w[cols], got[cols], want[cols], value = NAN, right = NAN;
    for (int c = 0; c < cols; c++)
        w[c] = 0.01 * (c % 7 - 3);
    require(d,
            dopt_objective_create_data(dopt_cmat_f64(d->x, piece_rows, cols), dopt_cmat_f64(d->y, piece_rows, 1), loss,
                                       NULL, &piece) == DOPT_OK &&
                dopt_objective_eval(piece, dopt_cmat_f64(w, 1, cols), NULL, &right, dopt_mat_f64(want, 1, cols)) ==
                    DOPT_OK &&
                dopt_objective_eval(objective, dopt_cmat_f64(w, 1, cols), NULL, &value, dopt_mat_f64(got, 1, cols)) ==
                    DOPT_OK,
            dopt_last_error());
    dopt_objective_destroy(&piece);
    if (!(fabs(value / right - 1.0) < 1e-11 && relative_distance(got, want, cols) < 1e-11))
        give_up(d, "value or gradient differ from those of the piece in memory; nothing was timed");
}

/* The shortest of a few steps. */
static double step_seconds(const data *d, dopt_objective *objective)
{
    double w[cols] = { 0.0 }, least = INFINITY;
    dopt_trainer *trainer = NULL;
    dopt_fit_options fit = DOPT_FIT_OPTIONS_INIT;
    fit.init = DOPT_INIT_NORMAL;
    require(d, dopt_trainer_create(objective, &fit, dopt_mat_f64(w, 1, cols), &trainer) == DOPT_OK, dopt_last_error());
    for (int i = 0; i < steps; i++) {
        const double start = now();
        require(d, dopt_trainer_step(trainer, NULL) == DOPT_OK, dopt_last_error());
        least = fmin(least, now() - start);
    }
    dopt_trainer_destroy(&trainer);
    return least;
}

static double peak_bytes(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss;
}

static void run(data *d, FILE *csv)
{
    char message[256];
    npy x;
    dopt_loss *loss = NULL;
    make_piece(d);
    write_file(d);
    require(d, npy_open(d->path, &x, message), "the file cannot be mapped");
    require(d, dopt_loss_create_lp(4.0, NULL, &loss) == DOPT_OK, dopt_last_error());
    const double read = fmin(plain_read(d), plain_read(d)), bytes = (double)x.bytes;
    (void)printf("%.2f GiB, %td x %d: read() from start to end takes %.3f s\n", bytes / gib, x.view.rows, cols, read);
    for (int threads = 1; threads <= 2; threads++) {
        dopt_objective *objective = objective_of(d, &x, loss, threads);
        check(d, objective, loss);
        const double step = step_seconds(d, objective);
        (void)printf("%d thread%s: %.3f s a step, %.2f of the read, at most %.0f MiB resident so far\n", threads,
                     threads > 1 ? "s" : "", step, step / read, peak_bytes() / 1048576.0);
        (void)fprintf(csv, "%.0f,%d,%.6g,%.6g,%.0f\n", bytes, threads, read, step, peak_bytes());
        dopt_objective_destroy(&objective);
    }
    dopt_loss_destroy(&loss);
    npy_close(&x);
    require(d, peak_bytes() < limit, "more than 1 GiB was resident");
}

int main(int argc, char **argv)
{
    const bench_options options = bench_begin(argc, argv, "Training on a mapped file of 6 GiB with 1 GiB of memory.");
    FILE *csv = bench_table(&options, "mapped.csv", "bytes,threads,read,step,resident");
    const struct rlimit memory = { (rlim_t)limit, (rlim_t)limit };
    struct statvfs disk;
    data d = { .pieces = options.quick ? 8 : 97 };
    bench_machine(stdout, &options);
    (void)snprintf(d.path, sizeof d.path, "%s/mapped.npy", options.out);
    const double bytes = (double)d.pieces * piece_rows * cols * sizeof(double);
    if (statvfs(options.out, &disk) != 0 || (double)disk.f_bavail * (double)disk.f_frsize < 1.1 * bytes) {
        (void)printf("skipped: there is no room for %.1f GiB in %s\n", bytes / gib, options.out);
        return 0;
    }
    require(&d, setrlimit(RLIMIT_DATA, &memory) == 0, "the memory cannot be limited");
    run(&d, csv);
    (void)unlink(d.path);
    (void)fclose(csv);
    free(d.x);
    free(d.y);
    return 0;
}
