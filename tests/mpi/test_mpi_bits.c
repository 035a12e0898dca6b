/* SPDX-License-Identifier: MIT */
/*
 * The same bits on any number of ranks: weights after up to 1,000 steps, on the first 1, 2, 3, ... of the ranks that
 * the job has, with one output and several, all rows and batches, evenly spread rows and all on one rank.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/depthopt.h>
#include <depthopt/mpi.h>

#include "check.h"

enum { m = 1500, d = 11, k_most = 3 };

static int rank;

typedef struct plan {
    ptrdiff_t k, block_rows, batch, steps;
    dopt_dtype dtype;
    dopt_model model;
} plan;

static dopt_cmat rows(const void *data, ptrdiff_t cols, ptrdiff_t first, ptrdiff_t count, dopt_dtype dtype)
{
    const size_t size = dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const dopt_cmat view = { (const char *)data + (size_t)(first * cols) * size, count, cols, cols, 1, dtype };
    return view;
}

static void *drawn(dopt_rng *rng, ptrdiff_t cols, dopt_dtype dtype)
{
    void *data = calloc((size_t)(m * cols), sizeof(double));
    const dopt_mat view = { data, m, cols, cols, 1, dtype };
    CHECK(data && dopt_rng_fill_normal(rng, view, 1.0) == DOPT_OK);
    return data;
}

/* Weights after the plan's steps on a communicator; `lopsided`: the last rank has all rows. */
static void train(MPI_Comm comm, const plan *p, bool lopsided, double *w)
{
    int parts, part;
    (void)MPI_Comm_size(comm, &parts);
    (void)MPI_Comm_rank(comm, &part);
    dopt_rng rng = dopt_rng_init(11, 0);
    void *x = drawn(&rng, d, p->dtype), *y = drawn(&rng, p->k, p->dtype);
    dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    dopt_fit_options fit = DOPT_FIT_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    dopt_loss *loss = NULL;
    dopt_report report;
    ptrdiff_t first = 0, count = part == parts - 1 ? m : 0;
    options.reproducible = 1;
    options.block_rows = p->block_rows;
    if (!lopsided)
        dopt_mpi_split(m, p->block_rows, parts, part, &first, &count);
    fit.model = p->model;
    fit.depth = 3.0;
    fit.init = DOPT_INIT_NORMAL;
    fit.init_std = 0.3;
    fit.lr = 1e-2;
    fit.batch_size = p->batch;
    fit.max_steps = p->steps;
    const dopt_mat weights = { w, p->k, d, d, 1, p->dtype };
    CHECK(dopt_loss_create_lp(4.0, NULL, &loss) == DOPT_OK);
    CHECK(dopt_mpi_objective_create_data(comm, rows(x, d, first, count, p->dtype),
                                         rows(y, p->k, first, count, p->dtype), loss, NULL, &options,
                                         &objective) == DOPT_OK);
    CHECK(dopt_fit(objective, &fit, weights, &report) == DOPT_OK);
    CHECK(report.reason == DOPT_STOP_STEPS && report.steps == p->steps);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    free(x);
    free(y);
}

static void check_plan(const plan *p, int ranks)
{
    double first[k_most * d] = { 0 };
    for (int size = 1; size <= ranks; size++) {
        MPI_Comm comm;
        double w[k_most * d] = { 0 };
        if (size == 5 || size == 6)
            continue;
        (void)MPI_Comm_split(MPI_COMM_WORLD, rank < size ? 0 : MPI_UNDEFINED, rank, &comm);
        if (comm != MPI_COMM_NULL) {
            train(comm, p, false, w);
            if (size == 1)
                memcpy(first, w, sizeof first);
            CHECK(rank > 0 || memcmp(w, first, sizeof first) == 0);
            (void)MPI_Comm_free(&comm);
        }
    }
    double w[k_most * d] = { 0 };
    train(MPI_COMM_WORLD, p, true, w);
    CHECK(rank > 0 || memcmp(w, first, sizeof first) == 0);
}

/* Take steps until the run has `steps` of them. */
static void go_on(dopt_trainer *trainer, int64_t steps)
{
    while (dopt_trainer_report(trainer).steps < steps)
        CHECK(dopt_trainer_step(trainer, NULL) == DOPT_OK);
}

/* A run over the ranks of `comm`: begun, or gone on with from the file if there is one; saved after 40 of 80 steps. */
static void resume(MPI_Comm comm, const char *path, bool load, double *w)
{
    int parts, part;
    ptrdiff_t first, count;
    dopt_rng rng = dopt_rng_init(11, 0);
    void *x = drawn(&rng, d, DOPT_F64), *y = drawn(&rng, 1, DOPT_F64);
    dopt_mpi_objective_options options = DOPT_MPI_OBJECTIVE_OPTIONS_INIT;
    dopt_fit_options fit = DOPT_FIT_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    dopt_loss *loss = NULL;
    dopt_trainer *trainer = NULL;
    (void)MPI_Comm_size(comm, &parts);
    (void)MPI_Comm_rank(comm, &part);
    options.reproducible = 1;
    options.block_rows = 64;
    dopt_mpi_split(m, 64, parts, part, &first, &count);
    fit.optimizer = DOPT_OPTIM_ADAM;
    fit.init = DOPT_INIT_NORMAL;
    fit.batch_size = 70;
    CHECK(dopt_loss_create_lp(4.0, NULL, &loss) == DOPT_OK);
    CHECK(dopt_mpi_objective_create_data(comm, rows(x, d, first, count, DOPT_F64), rows(y, 1, first, count, DOPT_F64),
                                         loss, NULL, &options, &objective) == DOPT_OK);
    CHECK(dopt_trainer_create(objective, &fit, dopt_mat_f64(w, 1, d), &trainer) == DOPT_OK);
    if (load) {
        CHECK(dopt_mpi_trainer_load(comm, trainer, path) == DOPT_OK);
        CHECK(dopt_trainer_report(trainer).steps == 40);
    } else {
        go_on(trainer, 40);
        CHECK(dopt_mpi_trainer_save(comm, trainer, path) == DOPT_OK);
        CHECK(dopt_mpi_trainer_load(comm, trainer, "/nowhere/at.all") == DOPT_ERR_IO);
    }
    go_on(trainer, 80);
    dopt_trainer_destroy(&trainer);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    free(x);
    free(y);
}

/* Saved on all ranks, resumed on fewer. */
static void check_resume(int ranks)
{
    char path[320];
    const char *folder = getenv("TMPDIR");
    double straight[d] = { 0 };
    int job = (int)(MPI_Wtime() * 1e3) % 1000000;
    (void)MPI_Bcast(&job, 1, MPI_INT, 0, MPI_COMM_WORLD);
    (void)snprintf(path, sizeof path, "%.200s/depthopt-mpi-%d.safetensors", folder ? folder : "/tmp", job);
    resume(MPI_COMM_WORLD, path, false, straight);
    for (int size = 1; size <= ranks; size += 2) {
        MPI_Comm comm;
        double w[d] = { 0 };
        (void)MPI_Comm_split(MPI_COMM_WORLD, rank < size ? 0 : MPI_UNDEFINED, rank, &comm);
        if (comm != MPI_COMM_NULL) {
            resume(comm, path, true, w);
            CHECK(memcmp(w, straight, sizeof w) == 0);
            (void)MPI_Comm_free(&comm);
        }
    }
    (void)MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        (void)remove(path);
}

static dopt_status add_thirds(ptrdiff_t first, ptrdiff_t count, double *sums, void *user)
{
    (void)user;
    for (ptrdiff_t i = first; i < first + count; i++) {
        sums[0] += 1.0 / (3.0 + (double)i);
        sums[1] += 1.0;
    }
    return DOPT_OK;
}

/* The sum on its own, of which one number stays 0; not simply in order of the blocks. */
static void check_sum(int ranks)
{
    ptrdiff_t first, count;
    double spread[3], alone[3];
    dopt_mpi_split(m, 7, ranks, rank, &first, &count);
    CHECK(dopt_mpi_sum(MPI_COMM_WORLD, count, 7, 3, add_thirds, NULL, spread) == DOPT_OK);
    CHECK(dopt_mpi_sum(MPI_COMM_SELF, m, 7, 3, add_thirds, NULL, alone) == DOPT_OK);
    CHECK(spread[1] == m && spread[2] == 0.0 && memcmp(spread, alone, sizeof spread) == 0);
    CHECK(ranks == 1 ||
          dopt_mpi_sum(MPI_COMM_WORLD, rank == 0 ? 3 : 7, 7, 3, add_thirds, NULL, spread) == DOPT_ERR_INVALID);
}

int main(int argc, char **argv)
{
    static const plan plans[] = {
        { 1, 64, 0, 1000, DOPT_F64, DOPT_MODEL_E2E }, { 3, 128, 50, 1000, DOPT_F64, DOPT_MODEL_E2E },
        { 1, 100, 0, 100, DOPT_F32, DOPT_MODEL_E2E }, { 3, 32, 0, 100, DOPT_F64, DOPT_MODEL_FACTORED },
        { 1, 64, 50, 100, DOPT_F64, DOPT_MODEL_E2E }, { 1, 700, 0, 100, DOPT_F64, DOPT_MODEL_DIRECT }
    };
    int ranks;
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    check_sum(ranks);
    check_resume(ranks);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        check_plan(&plans[i], ranks);
    if (rank == 0)
        (void)printf("%d ranks: the same bits\n", ranks);
    (void)MPI_Finalize();
    return 0;
}
