/* SPDX-License-Identifier: MIT */
/*
 * Claims 1 and 2: the preconditioner of depth, seen.
 *
 *   1. its eigenvalues and eigenvectors against the explicit kd x kd matrix of Kronecker products
 *   2. along a run, the two parts of a step: adaptive learning rate, and the pull along directions already taken
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lapacke.h>

#include "support/figure.h"
#include "support/study.h"

enum { k = 3, d = 5, n = k * d };

/* W W^T and W^T W. */
static void gram(const double *w, double *left, double *right)
{
    for (int r = 0; r < k; r++)
        for (int c = 0; c < k; c++) {
            left[r * k + c] = 0.0;
            for (int i = 0; i < d; i++)
                left[r * k + c] += w[r * d + i] * w[c * d + i];
        }
    for (int r = 0; r < d; r++)
        for (int c = 0; c < d; c++) {
            right[r * d + c] = 0.0;
            for (int i = 0; i < k; i++)
                right[r * d + c] += w[i * d + r] * w[i * d + c];
        }
}

/* [W^T W]^power = W^T [W W^T]^power [W W^T]^{-1} W for power > 0: its null space is exact. */
static bool right_power(const double *w, const double *left, double power, double *out)
{
    double a[k * k], solved[k * d];
    for (int i = 0; i < k * k; i++)
        a[i] = left[i];
    for (int i = 0; i < n; i++)
        solved[i] = w[i];
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', k, d, a, k, solved, d) != 0 ||
        dopt_sym_power(dopt_cmat_f64(left, k, k), power, dopt_mat_f64(a, k, k)) != DOPT_OK)
        return false;
    for (int r = 0; r < d; r++)
        for (int c = 0; c < d; c++) {
            out[r * d + c] = 0.0;
            for (int i = 0; i < k; i++)
                for (int l = 0; l < k; l++)
                    out[r * d + c] += w[i * d + r] * a[i * k + l] * solved[l * d + c];
        }
    return true;
}

/* P = sum_j [W^T W]^{(N-j)/N} (x) [W W^T]^{(j-1)/N}, vec column after column. `printed`: with the powers of W^T W as
 * they stand, whose zero eigenvalues come back as rounding. */
static bool kronecker(study *s, const double *w, int depth, bool printed, double *p)
{
    double left[k * k], right[d * d], a[k * k], b[d * d];
    gram(w, left, right);
    for (int i = 0; i < n * n; i++)
        p[i] = 0.0;
    for (int j = 1; j <= depth; j++) {
        const double power = (double)(depth - j) / depth;
        const bool known = printed || power == 0.0
                               ? dopt_sym_power(dopt_cmat_f64(right, d, d), power, dopt_mat_f64(b, d, d)) == DOPT_OK
                               : right_power(w, left, power, b);
        if (!known ||
            dopt_sym_power(dopt_cmat_f64(left, k, k), (double)(j - 1) / depth, dopt_mat_f64(a, k, k)) != DOPT_OK)
            return study_fail_library(s);
        for (int x = 0; x < n; x++)
            for (int y = 0; y < n; y++)
                p[x * n + y] += b[x / k * d + y / k] * a[x % k * k + y % k];
    }
    return true;
}

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Largest || P vec(u_r v_c^T) - K_rc vec(u_r v_c^T) ||, with all of U and V from LAPACK's SVD of w. */
static double vector_error(const double *w, const double *p, const double *eigenvalues)
{
    double copy[n], sigma[k], u[k * k], vt[d * d], worst = 0.0;
    for (int i = 0; i < n; i++)
        copy[i] = w[i];
    if (LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'A', k, d, copy, d, sigma, u, k, vt, d) != 0)
        return INFINITY;
    for (int r = 0; r < k; r++)
        for (int c = 0; c < d; c++) {
            double error = 0.0;
            for (int x = 0; x < n; x++) {
                double sum = -eigenvalues[r * d + c] * u[x % k * k + r] * vt[c * d + x / k];
                for (int y = 0; y < n; y++)
                    sum += p[x * n + y] * u[y % k * k + r] * vt[c * d + y / k];
                error += sum * sum;
            }
            worst = fmax(worst, sqrt(error));
        }
    return worst;
}

typedef struct errors {
    double values, vectors, product; /* relative to the largest eigenvalue; of P vec(G), to itself */
    double printed;                  /* of P vec(G), by the formula as printed */
} errors;

/* || P vec(g) - vec(out) || / || vec(out) ||. */
static double product_error(const double *p, const double *g, const double *out)
{
    double error = 0.0, size = 0.0;
    for (int x = 0; x < n; x++) {
        double sum = -out[x % k * d + x / k];
        for (int y = 0; y < n; y++)
            sum += p[x * n + y] * g[y % k * d + y / k];
        error += sum * sum;
        size += out[x] * out[x];
    }
    return sqrt(error / size);
}

static bool compare(study *s, int depth, dopt_rng *rng, errors *worst)
{
    double w[n], g[n], out[n], p[n * n], eigenvalues[n], sorted[n], found[n];
    dopt_e2e *e2e = NULL;
    bool good = dopt_rng_fill_normal(rng, dopt_mat_f64(w, k, d), 1.0) == DOPT_OK &&
                dopt_rng_fill_normal(rng, dopt_mat_f64(g, k, d), 1.0) == DOPT_OK &&
                dopt_e2e_create(k, d, depth, NULL, &e2e) == DOPT_OK &&
                dopt_e2e_spectrum(e2e, dopt_cmat_f64(w, k, d), NULL, eigenvalues) == DOPT_OK &&
                dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(out, k, d)) == DOPT_OK;
    dopt_e2e_destroy(&e2e);
    if (!good)
        return study_fail_library(s);
    const double top = eigenvalues[0]; /* K_11 */
    if (!kronecker(s, w, depth, true, p))
        return false;
    worst->printed = fmax(worst->printed, product_error(p, g, out));
    if (!kronecker(s, w, depth, false, p))
        return false;
    worst->product = fmax(worst->product, product_error(p, g, out));
    worst->vectors = fmax(worst->vectors, vector_error(w, p, eigenvalues) / top);
    memcpy(sorted, eigenvalues, sizeof sorted);
    qsort(sorted, n, sizeof *sorted, ascending);
    if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', n, p, n, found) != 0)
        return study_fail(s, "the eigenvalues of the Kronecker matrix did not converge");
    for (int i = 0; i < n; i++)
        worst->values = fmax(worst->values, fabs(sorted[i] - found[i]) / top);
    return true;
}

static bool spectrum(study *s)
{
    dopt_rng rng = dopt_rng_init((uint64_t)s->seed, 4);
    errors worst = { 0 };
    for (int depth = 1; depth <= 6; depth++)
        for (int round = 0; round < 20; round++)
            if (!compare(s, depth, &rng, &worst))
                return false;
    study_claim(s, verdict_of(worst.values < 1e-12 && worst.vectors < 1e-12, worst.product < 1e-12),
                "Eigenvalues and eigenvectors of the preconditioner are those of claim 1",
                "against the explicit 15 x 15 Kronecker matrix, 20 random 3 x 5 W at depths 1 to 6, relative errors: "
                "eigenvalues %.1e, eigenvectors %.1e, products with gradients %.1e",
                worst.values, worst.vectors, worst.product);
    study_number(s, "the same products with W^T W decomposed, as the formula is printed: relative error",
                 worst.printed);
    return true;
}

typedef struct watch {
    study *s;
    dopt_objective *objective;
    double depth, *grad, *pull, worst; /* worst: of the parts against claim 2 */
    int64_t every;
    curve rate, adaptive, momentum;
    bool failed;
} watch;

/* Parts by the library against claim 2 by its letter. */
static int on_step(const dopt_event *event, void *user)
{
    watch *h = user;
    const ptrdiff_t cols = event->w.cols;
    const double *w = event->w.data, depth = h->depth;
    double rate = 0.0, ww = 0.0, wg = 0.0, gg = 0.0, mm = 0.0, error = 0.0;
    if (event->step % h->every != 0)
        return 0;
    if (dopt_objective_eval(h->objective, event->w, NULL, NULL, dopt_mat_f64(h->grad, 1, cols)) != DOPT_OK ||
        dopt_analysis_split(depth, event->w, dopt_cmat_f64(h->grad, 1, cols), &rate, dopt_mat_f64(h->pull, 1, cols)) !=
            DOPT_OK) {
        h->failed = true;
        return 1;
    }
    for (ptrdiff_t i = 0; i < cols; i++) {
        ww += w[i] * w[i];
        wg += w[i] * h->grad[i];
        gg += h->grad[i] * h->grad[i];
        mm += h->pull[i] * h->pull[i];
    }
    const double want = pow(ww, 1.0 - 1.0 / depth);
    for (ptrdiff_t i = 0; i < cols; i++) {
        const double part = (depth - 1.0) * want * (wg / ww) * w[i] - h->pull[i];
        error += part * part;
    }
    h->worst = fmax(h->worst, fmax(fabs(rate / want - 1.0), sqrt(error / (rate * rate * gg))));
    h->failed = !curve_add(&h->rate, (double)event->step, rate) ||
                !curve_add(&h->adaptive, (double)event->step, rate * sqrt(gg)) ||
                !curve_add(&h->momentum, (double)event->step, sqrt(mm));
    return h->failed;
}

static bool draw(study *s, const watch *h)
{
    figure f;
    if (!figure_begin(&f, s, "parts", "The parts of a step along a run, depth 3, l_4", "steps", "length", "xy"))
        return false;
    figure_curve(&f, "adaptive learning rate times gradient", &h->adaptive, 0.0);
    figure_curve(&f, "pull along w (momentum)", &h->momentum, 0.0);
    figure_curve(&f, "the adaptive learning rate, |w|^(4/3)", &h->rate, 0.0);
    return figure_end(&f);
}

static bool parts(study *s)
{
    dopt_loss *losses[2] = { NULL, NULL };
    dopt_objective *objectives[2] = { NULL, NULL };
    watch h = { .s = s, .depth = 3.0, .every = s->steps > 400 ? s->steps / 400 : 1 };
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    double *memory = calloc((size_t)(3 * s->t.cols), sizeof *memory);
    o.depth = h.depth;
    o.init = DOPT_INIT_BALANCED;
    o.lr = 1e-4;
    o.seed = (uint64_t)s->seed;
    o.max_steps = s->steps;
    o.callback = on_step;
    o.user = &h;
    bool good = memory && study_objective(s, 4.0, &losses[0], &objectives[0]) &&
                study_objective(s, 4.0, &losses[1], &objectives[1]);
    if (good) {
        h.objective = objectives[1];
        h.grad = memory + s->t.cols;
        h.pull = h.grad + s->t.cols;
        good = dopt_fit(objectives[0], &o, dopt_mat_f64(memory, 1, s->t.cols), NULL) == DOPT_OK && !h.failed;
        good = good || study_fail_library(s);
    }
    if (good) {
        const double end = (double)s->steps;
        study_claim(
            s, h.worst < 1e-12 ? HOLDS : FAILS,
            "With one output a step is an adaptive learning rate and a pull along w (claim 2)",
            "along a run at depth 3, %zu points: the parts are those of the formula to %.1e; the rate goes from "
            "%.3g to %.3g, the pull from %.2f to %.2f of the adaptive part",
            h.rate.count, h.worst, h.rate.y[0], curve_at(&h.rate, end), h.momentum.y[0] / h.adaptive.y[0],
            curve_at(&h.momentum, end) / curve_at(&h.adaptive, end));
        good = draw(s, &h);
    }
    for (int i = 0; i < 2; i++) {
        dopt_objective_destroy(&objectives[i]);
        dopt_loss_destroy(&losses[i]);
    }
    curve_free(&h.rate);
    curve_free(&h.adaptive);
    curve_free(&h.momentum);
    free(memory);
    return good;
}

static bool run_study(study *s)
{
    return spectrum(s) && parts(s);
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "preconditioner",
                              .about = "Eigenvalues and eigenvectors of the preconditioner, and the parts of a step\n"
                                       "(claims 1 and 2).",
                              .steps = 50000,
                              .quick = 2000,
                              .data = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
