/* SPDX-License-Identifier: MIT */
/*
 * The preconditioner over ranks: every file of tests/reference/e2e within the tolerance that it states, for several
 * grids and blocks, and larger matrices against the serial one.
 *
 * usage: test_mpi_e2e FOLDER
 */
#include <dirent.h>
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

static double *numbers(ptrdiff_t count)
{
    double *m = calloc((size_t)count + 1, sizeof *m);
    CHECK(m);
    return m;
}

/* This rank's part of a whole; by rows or by columns. */
static dopt_mat part_of(const dopt_mpi_e2e *e2e, const double *whole, ptrdiff_t cols, bool by_columns)
{
    const ptrdiff_t m = dopt_mpi_e2e_local_rows(e2e), n = dopt_mpi_e2e_local_cols(e2e);
    double *data = numbers(m * n);
    const dopt_mat part = { data, m, n, by_columns ? 1 : n, by_columns ? m : 1, DOPT_F64 };
    for (ptrdiff_t i = 0; i < m && whole; i++)
        for (ptrdiff_t j = 0; j < n; j++)
            data[i * part.row_stride + j * part.col_stride] =
                whole[dopt_mpi_e2e_row(e2e, i) * cols + dopt_mpi_e2e_col(e2e, j)];
    return part;
}

/* The whole on all ranks: each element is somebody's, and one rank's only. */
static void gather(const dopt_mpi_e2e *e2e, dopt_mat part, ptrdiff_t rows, ptrdiff_t cols, double *whole)
{
    const double *data = part.data;
    double *owners = numbers(rows * cols);
    memset(whole, 0, (size_t)(rows * cols) * sizeof *whole);
    for (ptrdiff_t i = 0; i < part.rows; i++)
        for (ptrdiff_t j = 0; j < part.cols; j++) {
            const ptrdiff_t at = dopt_mpi_e2e_row(e2e, i) * cols + dopt_mpi_e2e_col(e2e, j);
            whole[at] = data[i * part.row_stride + j * part.col_stride];
            owners[at] = 1.0;
        }
    (void)MPI_Allreduce(MPI_IN_PLACE, whole, (int)(rows * cols), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    (void)MPI_Allreduce(MPI_IN_PLACE, owners, (int)(rows * cols), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    for (ptrdiff_t i = 0; i < rows * cols; i++)
        CHECK(owners[i] == 1.0);
    free(owners);
}

/* ||got - want||_F / ||want||_F, scaled so that entries of 1e120 do not overflow; 0 / 0 is 0. */
static double relative_error(const double *got, const double *want, ptrdiff_t count)
{
    double top = 0.0, off = 0.0, size = 0.0;
    for (ptrdiff_t i = 0; i < count; i++)
        top = fmax(top, fmax(fabs(got[i]), fabs(want[i])));
    for (ptrdiff_t i = 0; i < count && top > 0.0; i++) {
        off = hypot(off, got[i] / top - want[i] / top);
        size = hypot(size, want[i] / top);
    }
    return top > 0.0 ? off / size : 0.0;
}

/* One matrix of a reference file, or drawn. */
typedef struct reference {
    ptrdiff_t rows, cols;
    double depth, tolerance;
    double *w, *grad, *want;
} reference;

static void check(const reference *ref, int grid_rows, int block, bool by_columns, const char *name)
{
    const ptrdiff_t count = ref->rows * ref->cols;
    dopt_mpi_e2e_options options = DOPT_MPI_E2E_OPTIONS_INIT;
    dopt_mpi_e2e *e2e = NULL;
    double *got = numbers(count);
    options.grid_rows = grid_rows;
    options.block = block;
    CHECK(dopt_mpi_e2e_create(MPI_COMM_WORLD, ref->rows, ref->cols, ref->depth, &options, &e2e) == DOPT_OK);
    const dopt_mat w = part_of(e2e, ref->w, ref->cols, by_columns), grad = part_of(e2e, ref->grad, ref->cols, false);
    const dopt_mat out = part_of(e2e, NULL, ref->cols, by_columns);
    CHECK(dopt_mpi_e2e_apply(e2e, dopt_const(w), dopt_const(grad), out) == DOPT_OK);
    gather(e2e, out, ref->rows, ref->cols, got);
    const double error = relative_error(got, ref->want, count);
    if (rank == 0 && (getenv("DEPTHOPT_VERBOSE") || !(error <= ref->tolerance)))
        (void)printf("%s, %d ranks, %d rows of ranks, block %d: error %.3g of %.3g\n", name, ranks, grid_rows, block,
                     error, ref->tolerance);
    CHECK(error <= ref->tolerance);
    CHECK(dopt_mpi_e2e_apply(e2e, dopt_const(w), dopt_const(grad), w) == DOPT_OK); /* onto w itself */
    gather(e2e, w, ref->rows, ref->cols, got);
    CHECK(relative_error(got, ref->want, count) <= ref->tolerance);
    free(w.data);
    free(grad.data);
    free(out.data);
    free(got);
    dopt_mpi_e2e_destroy(&e2e);
}

/* The default grid, and one of a single row or column of ranks. */
static void check_grids(const reference *ref, const char *name, int number)
{
    const bool small = ref->rows < 9 && ref->cols < 9; /* small blocks of larger matrices are many messages */
    check(ref, 0, small ? 1 : 5, number % 3 == 0, name);
    check(ref, number % 2 ? 1 : ranks, small ? 3 : 64, number % 3 == 1, name);
}

static double *read_matrix(FILE *file, ptrdiff_t count)
{
    double *m = numbers(count);
    for (ptrdiff_t i = 0; i < count; i++)
        CHECK(fscanf(file, "%lf", m + i) == 1);
    return m;
}

static void free_reference(reference *ref)
{
    free(ref->w);
    free(ref->grad);
    free(ref->want);
}

static void check_file(const char *path, int number)
{
    reference ref = { 0 };
    double condition;
    FILE *file = fopen(path, "r");
    CHECK(file);
    CHECK(fscanf(file, "%td %td %lf %lf %lf", &ref.rows, &ref.cols, &ref.depth, &condition, &ref.tolerance) == 5);
    ref.w = read_matrix(file, ref.rows * ref.cols);
    ref.grad = read_matrix(file, ref.rows * ref.cols);
    ref.want = read_matrix(file, ref.rows * ref.cols);
    (void)fclose(file);
    check_grids(&ref, path, number);
    free_reference(&ref);
}

/* All ranks read the folder in their own order; names are taken in order. */
static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_folder(const char *folder)
{
    enum { most = 1000 };
    static char *names[most];
    int files = 0;
    DIR *listing = opendir(folder);
    CHECK(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        if (!strstr(entry->d_name, ".txt"))
            continue;
        CHECK(files < most);
        const size_t size = strlen(folder) + strlen(entry->d_name) + 2;
        names[files] = malloc(size);
        CHECK(names[files]);
        (void)snprintf(names[files++], size, "%s/%s", folder, entry->d_name);
    }
    (void)closedir(listing);
    CHECK(files >= 40);
    qsort(names, (size_t)files, sizeof *names, by_name);
    for (int i = 0; i < files; i++) {
        check_file(names[i], i);
        free(names[i]);
    }
}

/*
 * Random matrices, and one of low rank, against the serial handle. 60 n eps: both are backward stable, and these are
 * well conditioned where the depth makes P depend on W more than Lipschitz.
 */
static void check_against_serial(ptrdiff_t rows, ptrdiff_t cols, double depth)
{
    const ptrdiff_t count = rows * cols, larger = rows > cols ? rows : cols;
    dopt_rng rng = dopt_rng_init(3, 0);
    dopt_e2e *serial = NULL;
    reference ref = { rows,           cols,           depth,         60.0 * (double)larger * DBL_EPSILON,
                      numbers(count), numbers(count), numbers(count) };
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(ref.w, rows, cols), 1.0) == DOPT_OK);
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(ref.grad, rows, cols), 1.0) == DOPT_OK);
    CHECK(dopt_e2e_create(rows, cols, depth, NULL, &serial) == DOPT_OK);
    CHECK(dopt_e2e_apply(serial, dopt_cmat_f64(ref.w, rows, cols), dopt_cmat_f64(ref.grad, rows, cols),
                         dopt_mat_f64(ref.want, rows, cols)) == DOPT_OK);
    check(&ref, 1, 16, false, "random");
    check(&ref, ranks, 7, true, "random");

    dopt_mpi_e2e *e2e = NULL;
    CHECK(dopt_mpi_e2e_create(MPI_COMM_WORLD, rows, cols, depth, NULL, &e2e) == DOPT_OK);
    double *got = numbers(count);
    const dopt_mat w = part_of(e2e, ref.w, cols, true), grad = part_of(e2e, ref.grad, cols, true);
    CHECK(dopt_mpi_e2e_update(e2e, w, dopt_const(grad), 0.01, 0.1) == DOPT_OK);
    CHECK(dopt_e2e_update(serial, dopt_mat_f64(ref.w, rows, cols), dopt_cmat_f64(ref.grad, rows, cols), 0.01, 0.1) ==
          DOPT_OK);
    gather(e2e, w, rows, cols, got);
    CHECK(relative_error(got, ref.w, count) <= ref.tolerance);
    free(w.data);
    free(grad.data);
    free(got);
    dopt_mpi_e2e_destroy(&e2e);
    dopt_e2e_destroy(&serial);
    free_reference(&ref);
}

/* At W = 0, P is 0; at depth 1 it is the identity. */
static void check_zero(double depth)
{
    enum { rows = 5, cols = 8 };
    dopt_rng rng = dopt_rng_init(3, 1);
    reference ref = { rows, cols, depth, 0.0, numbers(rows * cols), numbers(rows * cols), numbers(rows * cols) };
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(ref.grad, rows, cols), 1.0) == DOPT_OK);
    for (int i = 0; i < rows * cols; i++)
        ref.want[i] = depth == 1.0 ? ref.grad[i] : 0.0;
    check(&ref, 1, 3, false, "zero");
    free_reference(&ref);
}

/* m <- (I - 2 v v^T / v^T v) m, or the same from the right. */
static void reflect(dopt_rng *rng, double *m, ptrdiff_t rows, ptrdiff_t cols, bool left)
{
    const ptrdiff_t n = left ? rows : cols, other = left ? cols : rows, step = left ? cols : 1, next = left ? 1 : cols;
    double *v = numbers(n), square = 0.0;
    CHECK(dopt_rng_fill_normal(rng, dopt_mat_f64(v, 1, n), 1.0) == DOPT_OK);
    for (ptrdiff_t i = 0; i < n; i++)
        square += v[i] * v[i];
    for (ptrdiff_t j = 0; j < other; j++) {
        double along = 0.0;
        for (ptrdiff_t i = 0; i < n; i++)
            along += v[i] * m[i * step + j * next];
        for (ptrdiff_t i = 0; i < n; i++)
            m[i * step + j * next] -= 2.0 * along / square * v[i];
    }
    free(v);
}

/*
 * Spectra over ten decades, which take corrected levels: values apart, and `together` of them equal. P is Lipschitz in
 * w at depth 2, so the two must agree to their backward errors.
 */
static void check_graded(ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t together)
{
    const ptrdiff_t count = rows * cols, small = rows < cols ? rows : cols, larger = rows > cols ? rows : cols;
    dopt_rng rng = dopt_rng_init(5, (uint64_t)together);
    dopt_e2e *serial = NULL;
    reference ref = { rows,           cols,           2.0,           3.0 * (double)larger * DBL_EPSILON,
                      numbers(count), numbers(count), numbers(count) };
    for (ptrdiff_t i = 0; i < small; i++)
        ref.w[i * (cols + 1)] = pow(10.0, -10.0 * (double)(i / together * together) / (double)small);
    for (int i = 0; i < 12; i++)
        reflect(&rng, ref.w, rows, cols, i % 2 == 0);
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(ref.grad, rows, cols), 1.0) == DOPT_OK);
    CHECK(dopt_e2e_create(rows, cols, ref.depth, NULL, &serial) == DOPT_OK);
    CHECK(dopt_e2e_apply(serial, dopt_cmat_f64(ref.w, rows, cols), dopt_cmat_f64(ref.grad, rows, cols),
                         dopt_mat_f64(ref.want, rows, cols)) == DOPT_OK);
    check(&ref, 0, 16, false, "graded");
    check(&ref, ranks, 64, true, "graded");
    dopt_e2e_destroy(&serial);
    free_reference(&ref);
}

static dopt_mat narrowed(dopt_mat m)
{
    const ptrdiff_t count = m.rows * m.cols;
    float *data = calloc((size_t)count + 1, sizeof *data);
    CHECK(data);
    for (ptrdiff_t i = 0; i < count; i++)
        data[i] = (float)((const double *)m.data)[i];
    const dopt_mat out = { data, m.rows, m.cols, m.row_stride, m.col_stride, DOPT_F32 };
    free(m.data);
    return out;
}

/*
 * float32 against the serial handle in float64, for the same numbers. A magnitude of 1e10 goes through float64, so that
 * only its result is rounded; ordinary ones have the products' rounding, sqrt(d) eps_32 by a small factor.
 */
static void check_float32(ptrdiff_t rows, ptrdiff_t cols, double size, double tolerance)
{
    const ptrdiff_t count = rows * cols;
    dopt_rng rng = dopt_rng_init(6, 0);
    double *w = numbers(count), *grad = numbers(count), *want = numbers(count), *got = numbers(count);
    dopt_e2e *serial = NULL;
    dopt_mpi_e2e *e2e = NULL;
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(w, rows, cols), size) == DOPT_OK);
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(grad, rows, cols), 1.0) == DOPT_OK);
    for (ptrdiff_t i = 0; i < count; i++) {
        w[i] = (double)(float)w[i];
        grad[i] = (double)(float)grad[i];
    }
    CHECK(dopt_e2e_create(rows, cols, 2.0, NULL, &serial) == DOPT_OK);
    CHECK(dopt_e2e_apply(serial, dopt_cmat_f64(w, rows, cols), dopt_cmat_f64(grad, rows, cols),
                         dopt_mat_f64(want, rows, cols)) == DOPT_OK);
    dopt_mpi_e2e_options options = DOPT_MPI_E2E_OPTIONS_INIT;
    options.block = 16;
    CHECK(dopt_mpi_e2e_create(MPI_COMM_WORLD, rows, cols, 2.0, &options, &e2e) == DOPT_OK);
    const dopt_mat w32 = narrowed(part_of(e2e, w, cols, true)), grad32 = narrowed(part_of(e2e, grad, cols, false));
    CHECK(dopt_mpi_e2e_apply(e2e, dopt_const(w32), dopt_const(grad32), w32) == DOPT_OK);
    const dopt_mat wide = part_of(e2e, NULL, cols, true);
    for (ptrdiff_t i = 0; i < wide.rows * wide.cols; i++)
        ((double *)wide.data)[i] = (double)((const float *)w32.data)[i];
    gather(e2e, wide, rows, cols, got);
    const double error = relative_error(got, want, count);
    if (rank == 0 && getenv("DEPTHOPT_VERBOSE"))
        (void)printf("float32, size %g: error %.3g of %.3g\n", size, error, tolerance);
    CHECK(error <= tolerance);
    free(w32.data);
    free(grad32.data);
    free(wide.data);
    free(w);
    free(grad);
    free(want);
    free(got);
    dopt_mpi_e2e_destroy(&e2e);
    dopt_e2e_destroy(&serial);
}

/* All ranks have this status. */
static void check_fails(dopt_status got, dopt_status want, const char *text)
{
    int range[2] = { (int)got, -(int)got };
    (void)MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    CHECK(range[0] == -range[1] && got == want && strstr(dopt_last_error(), text));
}

/* The same memory as float32: zeros or not, they are finite. */
static dopt_mat narrowed_view(dopt_mat m)
{
    m.dtype = DOPT_F32;
    return m;
}

static void bad_arguments_fail_alike(void)
{
    const bool guilty = rank == ranks - 1;
    char name[32];
    dopt_mpi_e2e_options options = DOPT_MPI_E2E_OPTIONS_INIT;
    dopt_mpi_e2e *e2e = NULL;
    (void)snprintf(name, sizeof name, "rank %d: ", ranks - 1);
    check_fails(dopt_mpi_e2e_create(MPI_COMM_WORLD, guilty ? 0 : 4, 4, 2.0, NULL, &e2e), DOPT_ERR_INVALID, name);
    check_fails(dopt_mpi_e2e_create(MPI_COMM_WORLD, 4, 4, guilty ? 0.5 : 2.0, NULL, &e2e), DOPT_ERR_INVALID, name);
    check_fails(dopt_mpi_e2e_create(MPI_COMM_WORLD, 4, 4, 2.0, NULL, guilty ? NULL : &e2e), DOPT_ERR_INVALID, name);
    if (ranks > 1)
        check_fails(dopt_mpi_e2e_create(MPI_COMM_WORLD, 4, guilty ? 5 : 4, 2.0, NULL, &e2e), DOPT_ERR_INVALID, "cols");
    options.grid_rows = ranks + 1;
    check_fails(dopt_mpi_e2e_create(MPI_COMM_WORLD, 4, 4, 2.0, &options, &e2e), DOPT_ERR_INVALID, "grid_rows");
    CHECK(!e2e);
    options.grid_rows = 1;
    options.block = 1;
    CHECK(dopt_mpi_e2e_create(MPI_COMM_WORLD, 4, 8, 2.0, &options, &e2e) == DOPT_OK);
    const dopt_mat w = part_of(e2e, NULL, 8, false), grad = part_of(e2e, NULL, 8, false);
    double *first = w.data;
    *first = guilty ? NAN : 1.0;
    check_fails(dopt_mpi_e2e_apply(e2e, dopt_const(w), dopt_const(grad), grad), DOPT_ERR_NONFINITE, name);
    *first = 1.0;
    dopt_mat narrow = w;
    narrow.cols -= guilty;
    check_fails(dopt_mpi_e2e_apply(e2e, dopt_const(narrow), dopt_const(grad), grad), DOPT_ERR_SHAPE, name);
    check_fails(dopt_mpi_e2e_update(e2e, w, dopt_const(grad), -1.0, 0.0), DOPT_ERR_INVALID, "lr");
    check_fails(dopt_mpi_e2e_apply(e2e, dopt_const(w), guilty ? dopt_const(narrowed_view(grad)) : dopt_const(grad), w),
                DOPT_ERR_DTYPE, name);
    if (ranks > 1) {
        const dopt_mat w32 = narrowed_view(w), grad32 = narrowed_view(grad);
        check_fails(guilty ? dopt_mpi_e2e_update(e2e, w32, dopt_const(grad32), 0.0, 0.0)
                           : dopt_mpi_e2e_update(e2e, w, dopt_const(grad), 0.0, 0.0),
                    DOPT_ERR_DTYPE, "float32 on another");
        check_fails(dopt_mpi_e2e_update(e2e, w, dopt_const(grad), guilty ? 0.1 : 0.2, 0.0), DOPT_ERR_INVALID,
                    "differs between ranks");
        check_fails(guilty ? dopt_mpi_e2e_apply(e2e, dopt_const(w), dopt_const(grad), w)
                           : dopt_mpi_e2e_update(e2e, w, dopt_const(grad), 0.1, 0.0),
                    DOPT_ERR_INVALID, "differs between ranks");
    }
    *first = 1e200;
    *(double *)grad.data = 1e300;
    check_fails(dopt_mpi_e2e_apply(e2e, dopt_const(w), dopt_const(grad), grad), DOPT_ERR_NUMERICAL, "overflows");
    CHECK(*(double *)grad.data == 1e300);
    free(w.data);
    free(grad.data);
    dopt_mpi_e2e_destroy(&e2e);
}

int main(int argc, char **argv)
{
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    bad_arguments_fail_alike();
    check_against_serial(40, 90, 3.0);
    check_against_serial(90, 40, 2.5);
    check_against_serial(50, 50, INFINITY);
    check_against_serial(9, 200, 1.0);
    check_zero(1.0);
    check_zero(2.0);
    check_zero(2.5);
    check_zero(INFINITY);
    check_graded(150, 180, 1);
    check_graded(180, 150, 6);
    check_float32(60, 100, 1.0, 10.0 * sqrt(100.0) * (double)FLT_EPSILON);
    check_float32(100, 60, 1e10, 0.5 * (double)FLT_EPSILON);
    if (argc > 1)
        check_folder(argv[1]);
    if (rank == 0)
        (void)printf("%d ranks: in order\n", ranks);
    (void)MPI_Finalize();
    return 0;
}
