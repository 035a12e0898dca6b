/* SPDX-License-Identifier: MIT */
/*
 * The objective over ranks against the same on one rank: every rank has all data and keeps its part. A failed check
 * ends the job, so that no rank waits for another; a rank that hangs runs into the launcher's time limit.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/depthopt.h>
#include <depthopt/mpi.h>

#include "check.h"

static int rank, ranks;

/* m x d features and m x k targets, on every rank, and the part that is this rank's. */
typedef struct problem {
    ptrdiff_t m, d, k, first, count;
    dopt_dtype dtype;
    void *x, *y, *w;
    dopt_loss *loss;
} problem;

static size_t size_of(dopt_dtype dtype)
{
    return dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
}

static dopt_mat matrix(void *data, ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype)
{
    const dopt_mat m = { data, rows, cols, cols, 1, dtype };
    return m;
}

static dopt_cmat rows_of(const void *data, ptrdiff_t cols, ptrdiff_t first, ptrdiff_t count, dopt_dtype dtype)
{
    const dopt_cmat m = { (const char *)data + (size_t)(first * cols) * size_of(dtype), count, cols, cols, 1, dtype };
    return m;
}

static void *drawn(dopt_rng *rng, ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype)
{
    void *data = calloc((size_t)(rows * cols), size_of(dtype));
    CHECK(data);
    OK(dopt_rng_fill_normal(rng, matrix(data, rows, cols, dtype), 1.0));
    return data;
}

/* Shards of different sizes: the last rank has the most. */
static problem make_problem(ptrdiff_t m, ptrdiff_t d, ptrdiff_t k, dopt_dtype dtype)
{
    problem p = { m, d, k, 0, 0, dtype, NULL, NULL, NULL, NULL };
    dopt_rng rng = dopt_rng_init(7, 1);
    p.x = drawn(&rng, m, d, dtype);
    p.y = drawn(&rng, m, k, dtype);
    p.w = drawn(&rng, k, d, dtype);
    p.first = m * rank / (2 * ranks);
    p.count = (rank == ranks - 1 ? m : m * (rank + 1) / (2 * ranks)) - p.first;
    OK(dopt_loss_create_lp(4.0, NULL, &p.loss));
    return p;
}

static void free_problem(problem *p)
{
    free(p->x);
    free(p->y);
    free(p->w);
    dopt_loss_destroy(&p->loss);
}

static dopt_objective *make_serial(const problem *p, const dopt_objective_options *options)
{
    dopt_objective *objective = NULL;
    OK(dopt_objective_create_data(rows_of(p->x, p->d, 0, p->m, p->dtype), rows_of(p->y, p->k, 0, p->m, p->dtype),
                                  p->loss, options, &objective));
    return objective;
}

static dopt_objective *make_local(const problem *p, const dopt_objective_options *options)
{
    dopt_objective *objective = NULL;
    OK(dopt_objective_create_data(rows_of(p->x, p->d, p->first, p->count, p->dtype),
                                  rows_of(p->y, p->k, p->first, p->count, p->dtype), p->loss, options, &objective));
    return objective;
}

/* All ranks have this status, and the last error has `text`. */
static void check_fails(dopt_status got, dopt_status want, const char *text)
{
    int range[2] = { (int)got, -(int)got };
    (void)MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    CHECK(range[0] == -range[1]);
    CHECK(got == want);
    CHECK(strstr(dopt_last_error(), text));
}

static double element(dopt_cmat m, ptrdiff_t i)
{
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[i] : (double)((const float *)m.data)[i];
}

/* ||a - b|| <= tolerance ||b||, both packed; and a is the same on all ranks, bit by bit. */
static void check_close(dopt_cmat a, dopt_cmat b, double tolerance)
{
    double off = 0.0, size = 0.0;
    const size_t bytes = (size_t)(a.rows * a.cols) * size_of(a.dtype);
    for (ptrdiff_t i = 0; i < a.rows * a.cols; i++) {
        off = hypot(off, element(a, i) - element(b, i));
        size = hypot(size, element(b, i));
    }
    CHECK(off <= tolerance * size);
    void *root = malloc(bytes);
    CHECK(root);
    memcpy(root, a.data, bytes);
    (void)MPI_Bcast(root, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
    CHECK(memcmp(root, a.data, bytes) == 0);
    free(root);
}

/* Value and gradient of both at w. Sums of m terms of some eps each; 8: what the two orders have differed by, rounded
 * up. */
static void compare(const problem *p, dopt_objective *shared, dopt_objective *serial, const dopt_batch *batch)
{
    const double eps = p->dtype == DOPT_F64 ? DBL_EPSILON : FLT_EPSILON, tolerance = 8.0 * sqrt((double)p->m) * eps;
    const dopt_cmat w = rows_of(p->w, p->d, 0, p->k, p->dtype);
    double value = 0.0, want = 0.0, alone = 0.0;
    const size_t count = (size_t)(p->k * p->d);
    void *grad = calloc(count, sizeof(double)), *of_serial = calloc(count, sizeof(double));
    CHECK(grad && of_serial);
    const dopt_mat g = matrix(grad, p->k, p->d, p->dtype), h = matrix(of_serial, p->k, p->d, p->dtype);
    OK(dopt_objective_eval(shared, w, batch, &value, g));
    OK(dopt_objective_eval(serial, w, batch, &want, h));
    OK(dopt_objective_eval(shared, w, batch, &alone, dopt_mat_none()));
    CHECK(fabs(value - want) <= tolerance * fabs(want));
    CHECK(fabs(alone - want) <= tolerance * fabs(want));
    check_close(dopt_const(g), dopt_const(h), tolerance);
    free(grad);
    free(of_serial);
}

static void compare_batches(const problem *p, dopt_objective *shared, dopt_objective *serial)
{
    ptrdiff_t rows[40];
    for (ptrdiff_t i = 0; i < 40; i++)
        rows[i] = i * 7919 % p->m;
    const dopt_batch batches[] = {
        { NULL, 0, p->m }, { NULL, 1, p->m / 2 }, { NULL, p->m - 1, 1 }, { rows, 0, 40 }, { rows, 0, 1 }
    };
    compare(p, shared, serial, NULL);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
        compare(p, shared, serial, &batches[b]);
}

/* With one output, several, enough for pieces; a triangular factor; float. */
static void agrees_with_one_rank(void)
{
    const struct {
        ptrdiff_t m, d, k;
        dopt_dtype dtype;
        dopt_reduction reduction;
        double p;
    } cases[] = {
        { 601, 9, 1, DOPT_F64, DOPT_REDUCTION_OFF, 4.0 },   { 601, 9, 3, DOPT_F64, DOPT_REDUCTION_OFF, 3.0 },
        { 601, 9, 3, DOPT_F64, DOPT_REDUCTION_ON, 2.0 },    { 601, 9, 1, DOPT_F32, DOPT_REDUCTION_OFF, 4.0 },
        { 601, 9, 3, DOPT_F32, DOPT_REDUCTION_OFF, 4.0 },   { 301, 2000, 40, DOPT_F64, DOPT_REDUCTION_OFF, 3.0 },
        { 97, 2000, 40, DOPT_F32, DOPT_REDUCTION_OFF, 3.0 }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
        dopt_objective *shared = NULL, *again = NULL;
        problem p = make_problem(cases[i].m, cases[i].d, cases[i].k, cases[i].dtype);
        dopt_loss_destroy(&p.loss);
        OK(dopt_loss_create_lp(cases[i].p, NULL, &p.loss));
        options.reduction = cases[i].reduction;
        dopt_objective *serial = make_serial(&p, &options), *local = make_local(&p, &options);
        OK(dopt_mpi_objective_create(MPI_COMM_WORLD, local, &shared));
        CHECK(dopt_objective_rows(shared) == p.k && dopt_objective_cols(shared) == p.d);
        CHECK(dopt_objective_examples(shared) == p.m && dopt_objective_dtype(shared) == p.dtype);
        compare_batches(&p, shared, serial);
        OK(dopt_objective_clone(shared, &again));
        dopt_objective_destroy(&shared);
        compare_batches(&p, again, serial);
        dopt_objective_destroy(&again);
        dopt_objective_destroy(&local);
        dopt_objective_destroy(&serial);
        free_problem(&p);
    }
}

/* Losses over rows as a whole, and ranks without any. */
static void agrees_for_softmax_and_empty_ranks(void)
{
    problem p = make_problem(50, 6, 4, DOPT_F64);
    dopt_objective *shared = NULL;
    double *y = p.y;
    for (ptrdiff_t i = 0; i < p.m * p.k; i++)
        y[i] = i % p.k == i / p.k % p.k;
    dopt_loss_destroy(&p.loss);
    OK(dopt_loss_create_softmax_ce(NULL, &p.loss));
    dopt_objective *serial = make_serial(&p, NULL);
    const ptrdiff_t count = rank == ranks - 1 ? p.m : 0;
    OK(dopt_mpi_objective_create_data(MPI_COMM_WORLD, rows_of(p.x, p.d, 0, count, p.dtype),
                                      rows_of(p.y, p.k, 0, count, p.dtype), p.loss, NULL, NULL, &shared));
    compare_batches(&p, shared, serial);
    dopt_objective_destroy(&shared);
    check_fails(dopt_mpi_objective_create_data(MPI_COMM_WORLD, rows_of(p.x, p.d, 0, 0, p.dtype),
                                               rows_of(p.y, p.k, 0, 0, p.dtype), p.loss, NULL, NULL, &shared),
                DOPT_ERR_INVALID, "no rows");
    dopt_objective_destroy(&serial);
    free_problem(&p);
}

/* One example in all. */
static void agrees_for_one_example(void)
{
    problem p = make_problem(1, 6, 2, DOPT_F64);
    dopt_objective *shared = NULL, *serial = make_serial(&p, NULL);
    const ptrdiff_t count = rank == ranks - 1 ? 1 : 0;
    OK(dopt_mpi_objective_create_data(MPI_COMM_WORLD, rows_of(p.x, p.d, 0, count, p.dtype),
                                      rows_of(p.y, p.k, 0, count, p.dtype), p.loss, NULL, NULL, &shared));
    compare(&p, shared, serial, NULL);
    dopt_objective_destroy(&shared);
    dopt_objective_destroy(&serial);
    free_problem(&p);
}

/* It is the mean that must fit into float32. */
static void agrees_near_the_largest_float(void)
{
    problem p = make_problem(64, 4, 2, DOPT_F32);
    dopt_objective *shared = NULL;
    float *w = p.w;
    for (int i = 0; i < 8; i++)
        w[i] *= 1e36F;
    dopt_loss_destroy(&p.loss);
    OK(dopt_loss_create_squared(NULL, &p.loss));
    dopt_objective *serial = make_serial(&p, NULL), *local = make_local(&p, NULL);
    OK(dopt_mpi_objective_create(MPI_COMM_WORLD, local, &shared));
    compare(&p, shared, serial, NULL);
    dopt_objective_destroy(&shared);
    dopt_objective_destroy(&local);
    dopt_objective_destroy(&serial);
    free_problem(&p);
}

static dopt_fit_options training(dopt_model model, ptrdiff_t batch)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = model;
    o.depth = 3.0;
    o.init = DOPT_INIT_NORMAL;
    o.init_std = 0.4;
    o.lr = 1e-3;
    o.batch_size = batch;
    o.max_steps = 60;
    return o;
}

/* Fit and the search for a rate, with the same calls as on one rank. 1e-12: rounding, 60 steps on. */
static void trains_like_one_rank(void)
{
    static const double grid[] = { 1e-4, 1e-3, 3e-3, 1e3 };
    problem p = make_problem(400, 12, 2, DOPT_F64);
    dopt_objective *serial = make_serial(&p, NULL), *local = make_local(&p, NULL), *shared = NULL;
    OK(dopt_mpi_objective_create(MPI_COMM_WORLD, local, &shared));
    for (int model = DOPT_MODEL_DIRECT; model <= DOPT_MODEL_E2E; model++)
        for (ptrdiff_t batch = 0; batch <= 32; batch += 32) {
            const dopt_fit_options o = training((dopt_model)model, batch);
            double w[24] = { 0 }, want[24] = { 0 };
            dopt_report report, of_serial;
            OK(dopt_fit(shared, &o, dopt_mat_f64(w, 2, 12), &report));
            OK(dopt_fit(serial, &o, dopt_mat_f64(want, 2, 12), &of_serial));
            CHECK(report.reason == of_serial.reason && report.steps == of_serial.steps);
            check_close(dopt_cmat_f64(w, 2, 12), dopt_cmat_f64(want, 2, 12), 1e-12);
        }
    const dopt_fit_options o = training(DOPT_MODEL_E2E, 0);
    const double none[24] = { 0 };
    int best = -1, best_of_serial = -2;
    OK(dopt_lr_search(shared, &o, dopt_cmat_f64(none, 2, 12), 4, grid, 0, NULL, &best));
    OK(dopt_lr_search(serial, &o, dopt_cmat_f64(none, 2, 12), 4, grid, 0, NULL, &best_of_serial));
    CHECK(best == best_of_serial);
    dopt_objective_destroy(&shared);
    dopt_objective_destroy(&local);
    dopt_objective_destroy(&serial);
    free_problem(&p);
}

/* What one rank does wrong when the objective is made. */
static void bad_shards_fail_alike(void)
{
    problem p = make_problem(60, 4, 2, DOPT_F64);
    dopt_objective *local = make_local(&p, NULL), *other = NULL, *out = NULL;
    dopt_cmat x = rows_of(p.x, p.d, p.first, p.count, p.dtype), y = rows_of(p.y, p.k, p.first, p.count, p.dtype);
    const bool guilty = rank == ranks - 1;
    char name[32];
    (void)snprintf(name, sizeof name, "rank %d: ", ranks - 1);
    check_fails(dopt_mpi_objective_create(MPI_COMM_WORLD, guilty ? NULL : local, &out), DOPT_ERR_INVALID, name);
    check_fails(dopt_mpi_objective_create(MPI_COMM_WORLD, local, guilty ? NULL : &out), DOPT_ERR_INVALID, name);

    double *first = (double *)p.x + p.first * p.d;
    const double kept = *first;
    *first = guilty ? NAN : kept;
    check_fails(dopt_mpi_objective_create_data(MPI_COMM_WORLD, x, y, p.loss, NULL, NULL, &out), DOPT_ERR_NONFINITE,
                name);
    *first = kept;

    dopt_cmat narrow = x;
    narrow.cols = guilty ? 3 : 4;
    check_fails(dopt_mpi_objective_create_data(MPI_COMM_WORLD, narrow, y, p.loss, NULL, NULL, &out),
                ranks > 1 ? DOPT_ERR_SHAPE : DOPT_OK, "");
    dopt_objective_destroy(&out);

    dopt_loss *cubic = NULL;
    OK(dopt_loss_create_lp(3.0, NULL, &cubic));
    check_fails(dopt_mpi_objective_create_data(MPI_COMM_WORLD, x, y, guilty ? cubic : p.loss, NULL, NULL, &out),
                ranks > 1 ? DOPT_ERR_INVALID : DOPT_OK, ranks > 1 ? "p or delta is 3" : "");
    dopt_objective_destroy(&out);
    dopt_loss_destroy(&cubic);
    check_fails(dopt_mpi_objective_create_data(MPI_COMM_WORLD, x, y, guilty ? NULL : p.loss, NULL, NULL, &out),
                DOPT_ERR_INVALID, name);

    dopt_objective_options data_options = DOPT_OBJECTIVE_OPTIONS_INIT;
    data_options.threads = guilty ? -1 : 1;
    check_fails(dopt_mpi_objective_create_data(MPI_COMM_WORLD, x, y, p.loss, &data_options, NULL, &out),
                DOPT_ERR_INVALID, "threads is -1");
    data_options.threads = 1;
    data_options.struct_size = guilty ? 1 : sizeof data_options;
    check_fails(dopt_mpi_objective_create_data(MPI_COMM_WORLD, x, y, p.loss, &data_options, NULL, &out),
                DOPT_ERR_INVALID, "struct_size is 1");

    problem narrow_p = make_problem(60, 4, 2, DOPT_F32);
    other = make_local(&narrow_p, NULL);
    check_fails(dopt_mpi_objective_create(MPI_COMM_WORLD, guilty ? other : local, &out),
                ranks > 1 ? DOPT_ERR_DTYPE : DOPT_OK, "");
    dopt_objective_destroy(&out);
    dopt_objective_destroy(&other);
    free_problem(&narrow_p);
    dopt_objective_destroy(&local);
    free_problem(&p);
}

/* What one rank does wrong when it is evaluated; afterwards it works as before. */
static void bad_calls_fail_alike(int reproducible)
{
    problem p = make_problem(64, 4, 2, DOPT_F64);
    dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *out = NULL;
    const bool guilty = rank == ranks - 1;
    double value = -1.0, grad[8] = { 5.0 }, w[8] = { 0 };
    char name[32];
    (void)snprintf(name, sizeof name, "rank %d: ", ranks - 1);
    options.reproducible = reproducible;
    options.block_rows = 4;
    dopt_mpi_split(p.m, 4, ranks, rank, &p.first, &p.count);
    OK(dopt_mpi_objective_create_data(MPI_COMM_WORLD, rows_of(p.x, p.d, p.first, p.count, p.dtype),
                                      rows_of(p.y, p.k, p.first, p.count, p.dtype), p.loss, NULL, &options, &out));
    const dopt_mat g = dopt_mat_f64(grad, 2, 4);
    w[3] = guilty ? NAN : 0.0;
    check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, 4), NULL, &value, g), DOPT_ERR_NONFINITE, name);
    w[3] = 0.0;
    check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, guilty ? 3 : 4), NULL, &value, g), DOPT_ERR_SHAPE, name);
    const dopt_batch outside = { NULL, 0, guilty ? 65 : 64 };
    check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, 4), &outside, &value, g), DOPT_ERR_INVALID, name);
    ptrdiff_t many[100];
    for (int i = 0; i < 100; i++)
        many[i] = 63;
    const dopt_batch too_many = { many, 0, 100 };
    check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, 4), &too_many, &value, g), DOPT_ERR_INVALID, name);
    w[0] = 1e200; /* overflows everywhere */
    check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, 4), NULL, &value, g), DOPT_ERR_NONFINITE, "");
    w[0] = 0.0;
    if (ranks > 1) {
        for (int i = 0; i < 8; i++) {
            w[i] = guilty ? 1e-300 : 0.0;
            check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, 4), NULL, &value, g), DOPT_ERR_INVALID, "differs");
            w[i] = 0.0;
        }
        const dopt_batch part = { NULL, guilty ? 1 : 0, 32 };
        check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, 4), &part, &value, g), DOPT_ERR_INVALID, "differs");
        check_fails(dopt_objective_eval(out, dopt_cmat_f64(w, 2, 4), NULL, &value, guilty ? dopt_mat_none() : g),
                    DOPT_ERR_INVALID, "differs");
    }
    CHECK(value == -1.0 && grad[0] == 5.0);
    dopt_objective *serial = make_serial(&p, NULL);
    compare_batches(&p, out, serial);
    dopt_objective_destroy(&serial);
    dopt_objective_destroy(&out);
    free_problem(&p);
}

static dopt_status fails_on_the_last_rank(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad,
                                          void *user)
{
    const int *calls = user;
    (void)batch;
    *value = element(w, 0) * element(w, 0) * (rank + 1);
    if (grad.data)
        *(double *)grad.data = 2.0 * element(w, 0) * (rank + 1);
    return *calls > 0 && rank == ranks - 1 ? DOPT_ERR_IO : DOPT_OK;
}

/* Custom objectives: the mean over ranks; a callback that fails on one rank. */
static void callbacks_fail_alike(void)
{
    int calls = 0;
    double w = 3.0, value, grad, mean = 0.5 * (ranks + 1);
    dopt_objective *local = NULL, *out = NULL;
    OK(dopt_objective_create_custom(1, 1, fails_on_the_last_rank, &calls, &local));
    OK(dopt_mpi_objective_create(MPI_COMM_WORLD, local, &out));
    CHECK(dopt_objective_examples(out) == 0);
    OK(dopt_objective_eval(out, dopt_cmat_f64(&w, 1, 1), NULL, &value, dopt_mat_f64(&grad, 1, 1)));
    CHECK(value == 9.0 * mean && grad == 6.0 * mean);
    calls = 1;
    check_fails(dopt_objective_eval(out, dopt_cmat_f64(&w, 1, 1), NULL, &value, dopt_mat_f64(&grad, 1, 1)), DOPT_ERR_IO,
                "rank");
    dopt_objective_destroy(&out);
    dopt_objective_destroy(&local);
}

static void *refuse_memory(size_t size, void *user)
{
    int *left = user;
    return (*left)-- > 0 ? malloc(size) : NULL;
}

static void release_memory(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

/* Each allocation fails once, on one rank. */
static void no_memory_fails_alike(void)
{
    problem p = make_problem(64, 4, 2, DOPT_F64);
    dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    dopt_mpi_split(p.m, 4, ranks, rank, &p.first, &p.count);
    options.reproducible = 1;
    options.block_rows = 4;
    for (int allowed = 0;; allowed++) {
        int left = rank == ranks - 1 ? allowed : 1000;
        dopt_objective *out = NULL;
        options.allocator.allocate = refuse_memory;
        options.allocator.release = release_memory;
        options.allocator.user = &left;
        const dopt_status status =
            dopt_mpi_objective_create_data(MPI_COMM_WORLD, rows_of(p.x, p.d, p.first, p.count, p.dtype),
                                           rows_of(p.y, p.k, p.first, p.count, p.dtype), p.loss, NULL, &options, &out);
        check_fails(status, status == DOPT_OK ? DOPT_OK : DOPT_ERR_NOMEM, "");
        CHECK((out != NULL) == (status == DOPT_OK));
        dopt_objective_destroy(&out);
        if (status == DOPT_OK)
            break;
        CHECK(allowed < 100);
    }
    free_problem(&p);
}

static int stop_at_ten(const dopt_event *event, void *user)
{
    (void)user;
    return event->step == 10;
}

/* A callback, or a clock, on one rank alone. */
static void one_rank_stops_all(void)
{
    problem p = make_problem(400, 12, 2, DOPT_F64);
    dopt_objective *local = make_local(&p, NULL), *shared = NULL;
    OK(dopt_mpi_objective_create(MPI_COMM_WORLD, local, &shared));
    dopt_fit_options o = training(DOPT_MODEL_E2E, 0);
    dopt_report report;
    double w[24] = { 0 };
    if (rank == ranks - 1)
        o.callback = stop_at_ten;
    OK(dopt_fit(shared, &o, dopt_mat_f64(w, 2, 12), &report));
    CHECK(report.reason == DOPT_STOP_CALLBACK && report.steps == 10);
    o.callback = NULL;
    o.max_steps = 100000000;
    o.max_seconds = rank == 0 ? 0.05 : INFINITY;
    OK(dopt_fit(shared, &o, dopt_mat_f64(w, 2, 12), &report));
    CHECK(report.reason == DOPT_STOP_SECONDS);
    check_close(dopt_cmat_f64(w, 2, 12), dopt_cmat_f64(w, 2, 12), 0.0);
    dopt_objective_destroy(&shared);
    dopt_objective_destroy(&local);
    free_problem(&p);
}

static void splits_are_whole_blocks(void)
{
    for (ptrdiff_t m = 0; m < 40; m++)
        for (ptrdiff_t block = 1; block < 9; block++)
            for (int parts = 1; parts < 9; parts++) {
                ptrdiff_t next = 0, most = 0, least = m;
                for (int part = 0; part < parts; part++) {
                    ptrdiff_t first, count;
                    dopt_mpi_split(m, block, parts, part, &first, &count);
                    CHECK(first == next && count >= 0 && (first % block == 0 || first == m));
                    next += count;
                    most = count > most ? count : most;
                    least = count < least ? count : least;
                }
                CHECK(next == m && most - least < 2 * block);
            }
}

static void blocks_suit_the_features(void)
{
    CHECK(dopt_mpi_block_rows(0) == 64);
    CHECK(dopt_mpi_block_rows(1) == 16384);
    CHECK(dopt_mpi_block_rows(84) == 256);
    CHECK(dopt_mpi_block_rows(85) == 192);
    CHECK(dopt_mpi_block_rows(252) == 128);
    CHECK(dopt_mpi_block_rows(255) == 64);
    CHECK(dopt_mpi_block_rows(100000) == 64);
}

/* Three rows on each rank: whole blocks of one row, or of three, not of the default. */
static void blocks_are_as_long_as_asked(void)
{
    static const ptrdiff_t tried[] = { 0, 1, 2, 3 };
    problem p = make_problem(3 * ranks, 4, 2, DOPT_F64);
    dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    options.reproducible = 1;
    dopt_mpi_split(p.m, 3, ranks, rank, &p.first, &p.count);
    for (int i = 0; i < 4; i++) {
        dopt_objective *out = NULL;
        options.block_rows = tried[i];
        const dopt_status status =
            dopt_mpi_objective_create_data(MPI_COMM_WORLD, rows_of(p.x, p.d, p.first, p.count, p.dtype),
                                           rows_of(p.y, p.k, p.first, p.count, p.dtype), p.loss, NULL, &options, &out);
        check_fails(status, ranks == 1 || i % 2 == 1 ? DOPT_OK : DOPT_ERR_INVALID, ranks == 1 ? "" : "starts at row 3");
        dopt_objective_destroy(&out);
    }
    free_problem(&p);
}

/* However often they agree on it. */
static void the_rank_is_said_once(void)
{
    char want[64];
    const bool guilty = rank == ranks - 1;
    (void)snprintf(want, sizeof want, "test: rank %d: it failed", ranks - 1);
    dopt_status status = guilty ? dopt_fail(DOPT_ERR_INVALID, "test", "it failed") : DOPT_OK;
    for (int time = 0; time < 2; time++) {
        const dopt_status agreed = dopt_mpi_agree(MPI_COMM_WORLD, status);
        CHECK(agreed == DOPT_ERR_INVALID && strcmp(dopt_last_error(), want) == 0);
        status = guilty ? agreed : DOPT_OK;
    }
}

int main(int argc, char **argv)
{
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    splits_are_whole_blocks();
    blocks_suit_the_features();
    blocks_are_as_long_as_asked();
    the_rank_is_said_once();
    agrees_with_one_rank();
    agrees_for_softmax_and_empty_ranks();
    agrees_for_one_example();
    agrees_near_the_largest_float();
    trains_like_one_rank();
    bad_shards_fail_alike();
    bad_calls_fail_alike(0);
    bad_calls_fail_alike(1);
    callbacks_fail_alike();
    no_memory_fails_alike();
    one_rank_stops_all();
    if (rank == 0)
        (void)printf("%d ranks: in order\n", ranks);
    (void)MPI_Finalize();
    return 0;
}
