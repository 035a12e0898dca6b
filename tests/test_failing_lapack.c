/* SPDX-License-Identifier: MIT */
/*
 * Every call of LAPACK fails once, or for good: it reports failure, or reports success with values or vectors that are
 * no numbers. The answer is then as right as ever, or the status says that there is none and outputs are as before.
 *
 * The linker sends the library's calls here (--wrap).
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/support.h"

typedef enum fault {
    REFUSED,     /* info > 0, nothing written */
    INTERRUPTED, /* info > 0, results as if finished but spoilt */
    NAN_VALUES,  /* info = 0, values NaN */
    INF_VALUES,  /* info = 0, values infinite */
    NAN_VECTOR,  /* info = 0, one element of the vectors NaN */
    INF_VECTOR,  /* info = 0, one element of the vectors infinite */
    FAULTS
} fault;

static const char *const fault_names[FAULTS] = { "refused",    "interrupted", "NaN values",
                                                 "Inf values", "NaN vector",  "Inf vector" };

enum { never = 1000000 };

static struct {
    fault kind;
    int left;     /* calls that still work */
    bool lasting; /* none does after the first that does not */
    int hits;
} plan = { .left = never };

/* Whether this call is one that fails. */
static bool hit(void)
{
    const int before = plan.left--;
    const bool fails = before == 0 || (before < 0 && plan.lasting);
    plan.hits += fails;
    return fails;
}

/* What becomes of results: `values` and `vectors` may be empty. */
static int spoil(double *values, ptrdiff_t n, double *vectors, ptrdiff_t elements)
{
    const double what = plan.kind == INF_VALUES || plan.kind == INF_VECTOR ? -INFINITY : NAN;
    const bool all = plan.kind == INTERRUPTED;
    if ((all || plan.kind == NAN_VALUES || plan.kind == INF_VALUES) && n > 0)
        values[n / 2] = what;
    if ((all || plan.kind == NAN_VECTOR || plan.kind == INF_VECTOR) && elements > 0)
        vectors[elements / 2] = what;
    return all ? 1 : 0;
}

#define WRAP(name, parameters, arguments, values, n, vectors, elements)                                                \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        const bool fails = hit();                                                                                      \
        if (fails && plan.kind == REFUSED)                                                                             \
            return 1;                                                                                                  \
        const int info = __real_##name arguments;                                                                      \
        return fails ? spoil(values, n, vectors, elements) : info;                                                     \
    }

WRAP(LAPACKE_dsytrd_work,
     (int order, char uplo, int n, double *a, int lda, double *d, double *e, double *tau, double *work, int lwork),
     (order, uplo, n, a, lda, d, e, tau, work, lwork), d, n, a, (ptrdiff_t)n *n)
WRAP(LAPACKE_dstedc_work,
     (int order, char compz, int n, double *d, double *e, double *z, int ldz, double *work, int lwork, int *iwork,
      int liwork),
     (order, compz, n, d, e, z, ldz, work, lwork, iwork, liwork), d, n, z, (ptrdiff_t)n *n)
WRAP(LAPACKE_dsyevr_work,
     (int order, char jobz, char range, char uplo, int n, double *a, int lda, double vl, double vu, int il, int iu,
      double abstol, int *found, double *w, double *z, int ldz, int *isuppz, double *work, int lwork, int *iwork,
      int liwork),
     (order, jobz, range, uplo, n, a, lda, vl, vu, il, iu, abstol, found, w, z, ldz, isuppz, work, lwork, iwork,
      liwork),
     w, n, z, (ptrdiff_t)n *n)
int __real_LAPACKE_dgesdd_work(int order, char jobz, int m, int n, double *a, int lda, double *s, double *u, int ldu,
                               double *vt, int ldvt, double *work, int lwork, int *iwork);
int __wrap_LAPACKE_dgesdd_work(int order, char jobz, int m, int n, double *a, int lda, double *s, double *u, int ldu,
                               double *vt, int ldvt, double *work, int lwork, int *iwork);
int __wrap_LAPACKE_dgesdd_work(int order, char jobz, int m, int n, double *a, int lda, double *s, double *u, int ldu,
                               double *vt, int ldvt, double *work, int lwork, int *iwork)
{
    const bool fails = hit();
    if (fails && plan.kind == REFUSED)
        return 1;
    const int info = __real_LAPACKE_dgesdd_work(order, jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork);
    if (fails && lwork == -1) /* how much workspace: an answer that is no number */
        return spoil(work, 1, work, 1);
    return fails ? spoil(s, n, plan.left % 2 ? u : vt, n) : info;
}
WRAP(LAPACKE_dgeqrf_work, (int order, int m, int n, double *a, int lda, double *tau, double *work, int lwork),
     (order, m, n, a, lda, tau, work, lwork), tau, n, a, (ptrdiff_t)m *n)
WRAP(LAPACKE_dorgqr_work,
     (int order, int m, int n, int k, double *a, int lda, const double *tau, double *work, int lwork),
     (order, m, n, k, a, lda, tau, work, lwork), a, 1, a, (ptrdiff_t)m *n)

/* A spectrum from 1 down to `least`, with a cluster where `clustered`, between random orthogonal matrices. */
enum { most = 98 * 250 };
static double w_[most], grad_[most], want_[most], got_[most];

static void fill_graded(dopt_rng *rng, dopt_mat w, double least, bool clustered)
{
    static double u[most], v[most];
    const ptrdiff_t k = w.rows, d = w.cols;
    const ptrdiff_t square[] = { k, k }, wide[] = { d, k };
    dopt_net *left = NULL, *right = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 1, square, NULL, &left));
    ASSERT_OK(dopt_net_create(DOPT_F64, 1, wide, NULL, &right));
    ASSERT_OK(dopt_net_init_orthogonal(left, rng, 1.0));
    ASSERT_OK(dopt_net_init_orthogonal(right, rng, 1.0));
    test_copy(dopt_const(dopt_net_factor(left, 1)), dopt_mat_f64(u, k, k));
    test_copy(dopt_const(dopt_net_factor(right, 1)), dopt_mat_f64(v, k, d));
    for (ptrdiff_t i = 0; i < k; i++)
        for (ptrdiff_t c = 0; c < d; c++)
            v[i * d + c] *= clustered && i > k / 2 && i < k / 2 + 8 ? sqrt(least) : pow(least, (double)i / (double)k);
    test_multiply(dopt_cmat_f64(u, k, k), dopt_cmat_f64(v, k, d), w);
    dopt_net_destroy(&left);
    dopt_net_destroy(&right);
}

/* One thing to do, and what it may be off by when all goes well: a multiple of n eps. */
typedef struct job {
    const char *name;
    ptrdiff_t rows, cols;
    dopt_dtype dtype;
    double least;
    bool clustered;
    dopt_e2e_method method;
    bool may_fail; /* there is no way around LAPACK */
    dopt_status (*run)(const struct job *j, dopt_mat out);
} job;

static dopt_mat in_dtype(const job *j, double *memory)
{
    return j->dtype == DOPT_F64 ? dopt_mat_f64(memory, j->rows, j->cols)
                                : dopt_mat_f32((float *)(void *)memory, j->rows, j->cols);
}

/* What the library says besides the status. */
static char said[256];

static void listen(dopt_log_level level, const char *message, void *user)
{
    assert_int_equal(level, DOPT_LOG_WARNING);
    assert_ptr_equal(user, said);
    (void)snprintf(said, sizeof said, "%s", message);
}

/* A way around is taken in silence or with a warning, as the caller likes; the direct way always in silence. */
static void check_warning(const dopt_e2e *e2e)
{
    const dopt_e2e_route route = dopt_e2e_route_taken(e2e);
    assert_string_equal(
        said, route == DOPT_E2E_ROUTE_NESTED_MRRR ? "dopt_e2e_apply: divide and conquer did not converge, MRRR did"
              : route == DOPT_E2E_ROUTE_JACOBI    ? "dopt_e2e_apply: LAPACK did not converge, one-sided Jacobi did"
                                                  : "");
}

static dopt_status precondition(const job *j, dopt_mat out)
{
    dopt_e2e *e2e = NULL;
    const dopt_logger logger = { listen, said };
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.method = j->method;
    options.logger = logger;
    said[0] = '\0';
    ASSERT_OK(dopt_e2e_create(j->rows, j->cols, 2.0, &options, &e2e));
    const dopt_status status = dopt_e2e_apply(e2e, dopt_const(in_dtype(j, w_)), dopt_const(in_dtype(j, grad_)), out);
    if (status == DOPT_OK && plan.lasting && plan.hits > 0 && plan.kind == REFUSED)
        assert_int_equal(dopt_e2e_route_taken(e2e), DOPT_E2E_ROUTE_JACOBI);
    if (status == DOPT_OK)
        check_warning(e2e);
    dopt_e2e_destroy(&e2e);
    return status;
}

/* The square root of w w^T, which is formed once, before anything fails. */
static dopt_status root(const job *j, dopt_mat out)
{
    static double a[most];
    const dopt_mat square = dopt_mat_f64(a, j->rows, j->rows);
    if (plan.left == never)
        test_multiply(dopt_cmat_f64(w_, j->rows, j->cols), dopt_ctransposed(dopt_cmat_f64(w_, j->rows, j->cols)),
                      square);
    return dopt_sym_power(dopt_const(square), 0.5, out);
}

static dopt_status balance(const job *j, dopt_mat out)
{
    const ptrdiff_t dims[] = { j->cols, j->rows, j->rows };
    dopt_net *net = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_OK(dopt_net_init_identity(net, 3.0));
    const dopt_status status = dopt_net_init_balanced(net, dopt_cmat_f64(w_, j->rows, j->cols));
    if (status == DOPT_OK)
        ASSERT_OK(dopt_net_product(net, out));
    else
        assert_true(test_get(dopt_const(dopt_net_factor(net, 1)), 1, 1) == 3.0);
    dopt_net_destroy(&net);
    return status;
}

static dopt_status orthogonalise(const job *j, dopt_mat out)
{
    const ptrdiff_t dims[] = { j->cols, j->rows };
    dopt_net *net = NULL;
    const dopt_rng before = dopt_rng_init(3, 1);
    dopt_rng rng = before;
    ASSERT_OK(dopt_net_create(DOPT_F64, 1, dims, NULL, &net));
    const dopt_status status = dopt_net_init_orthogonal(net, &rng, 1.0);
    if (status == DOPT_OK)
        test_copy(dopt_const(dopt_net_factor(net, 1)), out);
    else
        assert_memory_equal(&rng, &before, sizeof rng);
    dopt_net_destroy(&net);
    return status;
}

static dopt_status measure(const job *j, dopt_mat out)
{
    double margin;
    const dopt_cmat w = dopt_cmat_f64(w_, j->rows, j->cols);
    const dopt_status status = dopt_analysis_margin(w, w, &margin);
    if (status == DOPT_OK)
        test_set(out, 0, 0, margin);
    return status;
}

static const job jobs[] = {
    { "divide and conquer", 98, 98, DOPT_F64, 0.3, false, DOPT_E2E_NESTED, false, precondition },
    { "without V", 98, 250, DOPT_F64, 0.5, false, DOPT_E2E_NESTED, false, precondition },
    { "graded", 100, 110, DOPT_F64, 1e-9, false, DOPT_E2E_NESTED, false, precondition },
    { "graded, with a cluster", 110, 110, DOPT_F64, 1e-9, true, DOPT_E2E_NESTED, false, precondition },
    { "small", 20, 30, DOPT_F64, 1e-3, false, DOPT_E2E_NESTED, false, precondition },
    { "SVD", 50, 40, DOPT_F64, 1e-3, false, DOPT_E2E_SVD, false, precondition },
    { "float32", 130, 150, DOPT_F32, 0.05, false, DOPT_E2E_NESTED, false, precondition },
    { "power", 98, 98, DOPT_F64, 0.1, false, DOPT_E2E_NESTED, true, root },
    { "balanced net", 98, 99, DOPT_F64, 0.01, false, DOPT_E2E_NESTED, false, balance },
    { "orthogonal net", 20, 30, DOPT_F64, 0.1, false, DOPT_E2E_NESTED, true, orthogonalise },
    { "margin", 98, 99, DOPT_F64, 0.1, false, DOPT_E2E_NESTED, false, measure },
};

static void garbage(dopt_mat m)
{
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++)
            test_set(m, r, c, 7.5);
}

static bool untouched(dopt_cmat m)
{
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++)
            if (test_get(m, r, c) != 7.5)
                return false;
    return true;
}

/* Returns whether the n-th call was there to fail. */
static bool fail_nth(const job *j, int n, dopt_cmat want)
{
    const dopt_mat got = in_dtype(j, got_);
    const double unit = (double)j->cols * test_eps(j->dtype) * test_norm(want);
    garbage(got);
    plan.left = n;
    plan.hits = 0;
    const dopt_status status = j->run(j, got);
    plan.left = never;
    const double error = status == DOPT_OK ? test_distance(dopt_const(got), want) : 0.0;
    const bool clean = status == DOPT_ERR_NUMERICAL && j->may_fail && untouched(dopt_const(got));
    if (!(status == DOPT_OK ? error <= 30.0 * unit : clean))
        fail_msg("%s, call %d %s%s: %s, error %.3g n eps; last error %s", j->name, n, fault_names[plan.kind],
                 plan.lasting ? " and all after it" : "", dopt_status_string(status), error / unit, dopt_last_error());
    return plan.hits > 0;
}

static void every_call_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        const job *j = &jobs[i];
        const dopt_mat want = in_dtype(j, want_);
        dopt_rng rng = test_rng_begin(j->name);
        fill_graded(&rng, dopt_mat_f64(got_, j->rows, j->cols), j->least, j->clustered);
        test_copy(dopt_cmat_f64(got_, j->rows, j->cols), in_dtype(j, w_));
        test_fill(&rng, in_dtype(j, grad_));
        garbage(want);
        ASSERT_OK(j->run(j, want));
        for (int how = 0; how < 2 * FAULTS; how++) {
            plan.kind = (fault)(how / 2);
            plan.lasting = how % 2 == 1;
            int n = 0;
            while ((n == 0 || !plan.lasting) && fail_nth(j, n, dopt_const(want)))
                n++;
            if (n == 0 && strcmp(j->name, "small") != 0) /* which is QL's, a routine of our own */
                fail_msg("%s does not call LAPACK", j->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_call_fails) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
