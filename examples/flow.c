/* SPDX-License-Identifier: MIT */
/*
 * Gradient flow, integrated by SUNDIALS' CVODE to a tolerance of 1e-13.
 *
 *   1. the flow of the factors and the end-to-end flow coincide from a balanced start, and
 *      W_{j+1}^T W_{j+1} - W_j W_j^T is conserved, from any start
 *   2. a mode of a whitened problem follows Saxe's closed form
 *   3. from a start with a deficiency margin c the loss falls at least as exp(-2 c^{2(N-1)/N} t)
 *
 * The loss is 1/2 || W - Phi ||_F^2 throughout.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_context.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include "support/figure.h"
#include "support/study.h"

enum { k = 3, d = 4, kd = k * d, width = 4, depth_max = 4, points = 60 };

static const double tolerance = 1e-13;

/* The state is W, or all factors one after the other. */
typedef struct flow {
    double target[kd];
    dopt_net *net; /* NULL: the end-to-end flow */
    dopt_e2e *e2e;
} flow;

static void residual(const double *w, const double *target, double *out)
{
    for (int i = 0; i < kd; i++)
        out[i] = w[i] - target[i];
}

static double loss_of(const double *w, const double *target)
{
    double r[kd], sum = 0.0;
    residual(w, target, r);
    for (int i = 0; i < kd; i++)
        sum += 0.5 * r[i] * r[i];
    return sum;
}

/* Copy between the state and the factors, or from the gradients with a minus. */
static void factors_from(dopt_net *net, const double *y)
{
    for (int j = 1; j <= dopt_net_depth(net); j++) {
        const dopt_mat m = dopt_net_factor(net, j);
        memcpy(m.data, y, (size_t)(m.rows * m.cols) * sizeof *y);
        y += m.rows * m.cols;
    }
}

static void factors_to(dopt_net *net, bool descent, double *y)
{
    for (int j = 1; j <= dopt_net_depth(net); j++) {
        const dopt_mat m = descent ? dopt_net_grad(net, j) : dopt_net_factor(net, j);
        for (ptrdiff_t i = 0; i < m.rows * m.cols; i++)
            *y++ = descent ? -((const double *)m.data)[i] : ((const double *)m.data)[i];
    }
}

static int slope(realtype t, N_Vector y, N_Vector out, void *user)
{
    flow *f = user;
    double w[kd], g[kd], *to = N_VGetArrayPointer(out);
    const double *at = N_VGetArrayPointer(y);
    (void)t;
    if (f->net) {
        factors_from(f->net, at);
        if (dopt_net_product(f->net, dopt_mat_f64(w, k, d)) != DOPT_OK)
            return -1;
        residual(w, f->target, g);
        if (dopt_net_backward(f->net, dopt_cmat_f64(g, k, d)) != DOPT_OK)
            return -1;
        factors_to(f->net, true, to);
        return 0;
    }
    residual(at, f->target, g);
    if (dopt_e2e_apply(f->e2e, dopt_cmat_f64(at, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(to, k, d)) != DOPT_OK)
        return -1;
    for (int i = 0; i < kd; i++)
        to[i] = -to[i];
    return 0;
}

typedef struct solver {
    SUNContext context;
    N_Vector y;
    SUNNonlinearSolver iteration;
    void *cvode;
} solver;

static bool solver_make(study *s, flow *f, const double *start, ptrdiff_t count, solver *out)
{
    const solver none = { NULL, NULL, NULL, NULL };
    *out = none;
    bool good = SUNContext_Create(NULL, &out->context) == 0;
    out->y = good ? N_VNew_Serial((sunindextype)count, out->context) : NULL;
    out->iteration = out->y ? SUNNonlinSol_FixedPoint(out->y, 0, out->context) : NULL;
    out->cvode = out->iteration ? CVodeCreate(CV_ADAMS, out->context) : NULL;
    good = out->cvode != NULL;
    if (good) {
        memcpy(N_VGetArrayPointer(out->y), start, (size_t)count * sizeof *start);
        good = CVodeInit(out->cvode, slope, 0.0, out->y) == 0 &&
               CVodeSStolerances(out->cvode, tolerance, 1e-3 * tolerance) == 0 &&
               CVodeSetUserData(out->cvode, f) == 0 && CVodeSetMaxNumSteps(out->cvode, 1000000) == 0 &&
               CVodeSetNonlinearSolver(out->cvode, out->iteration) == 0;
    }
    return good || study_fail(s, "CVODE could not be set up");
}

static void solver_free(solver *q)
{
    if (q->cvode)
        CVodeFree(&q->cvode);
    if (q->iteration)
        (void)SUNNonlinSolFree(q->iteration);
    if (q->y)
        N_VDestroy(q->y);
    if (q->context)
        (void)SUNContext_Free(&q->context);
}

static bool advance(study *s, solver *q, double to)
{
    realtype t;
    return CVode(q->cvode, to, q->y, &t, CV_NORMAL) >= 0 || study_fail(s, "CVODE failed before t = %g", to);
}

static bool make_net(study *s, int depth, dopt_net **out)
{
    ptrdiff_t dims[depth_max + 1];
    for (int j = 0; j <= depth; j++)
        dims[j] = j == 0 ? d : j == depth ? k : width;
    return dopt_net_create(DOPT_F64, depth, dims, NULL, out) == DOPT_OK || study_fail_library(s);
}

static ptrdiff_t state_size(dopt_net *net)
{
    ptrdiff_t count = 0;
    for (int j = 1; j <= dopt_net_depth(net); j++)
        count += dopt_net_factor(net, j).rows * dopt_net_factor(net, j).cols;
    return count;
}

/* All of W_{j+1}^T W_{j+1} - W_j W_j^T, one after the other. */
static ptrdiff_t imbalances(dopt_net *net, double *out)
{
    ptrdiff_t count = 0;
    for (int j = 1; j < dopt_net_depth(net); j++) {
        const dopt_mat a = dopt_net_factor(net, j), b = dopt_net_factor(net, j + 1);
        const double *x = a.data, *y = b.data;
        for (ptrdiff_t r = 0; r < a.rows; r++)
            for (ptrdiff_t c = 0; c < a.rows; c++) {
                double sum = 0.0;
                for (ptrdiff_t i = 0; i < b.rows; i++)
                    sum += y[i * b.cols + r] * y[i * b.cols + c];
                for (ptrdiff_t i = 0; i < a.cols; i++)
                    sum -= x[r * a.cols + i] * x[c * a.cols + i];
                out[count++] = sum;
            }
    }
    return count;
}

enum { state_max = 64, imbalance_max = 64 };

/* Follow the factors from where they stand; with an end-to-end flow beside it, the largest gap of W. The largest change
 * of an imbalance. */
static bool follow(study *s, flow *factors, flow *rule, double end, double *gap, double *change)
{
    solver q[2] = { { NULL, NULL, NULL, NULL }, { NULL, NULL, NULL, NULL } };
    double state[state_max], w[kd], first[imbalance_max], now[imbalance_max];
    const ptrdiff_t invariants = imbalances(factors->net, first);
    factors_to(factors->net, false, state);
    bool good = dopt_net_product(factors->net, dopt_mat_f64(w, k, d)) == DOPT_OK &&
                solver_make(s, factors, state, state_size(factors->net), &q[0]) &&
                (!rule || solver_make(s, rule, w, kd, &q[1]));
    for (int i = 1; i <= points && good; i++) {
        good = advance(s, &q[0], end * i / points) && (!rule || advance(s, &q[1], end * i / points));
        factors_from(factors->net, N_VGetArrayPointer(q[0].y));
        good = good && dopt_net_product(factors->net, dopt_mat_f64(w, k, d)) == DOPT_OK;
        (void)imbalances(factors->net, now);
        for (ptrdiff_t c = 0; c < invariants; c++)
            *change = fmax(*change, fabs(now[c] - first[c]));
        for (int c = 0; c < kd && rule && good; c++)
            *gap = fmax(*gap, fabs(N_VGetArrayPointer(q[1].y)[c] - w[c]));
    }
    solver_free(&q[0]);
    solver_free(&q[1]);
    return good;
}

static bool coincide(study *s)
{
    dopt_rng rng = dopt_rng_init((uint64_t)s->seed, 9);
    double gap = 0.0, change = 0.0, unbalanced = 0.0;
    for (int depth = 2; depth <= depth_max; depth++) {
        flow factors = { .net = NULL }, rule = { .net = NULL };
        double w[kd], unused = 0.0;
        bool good = dopt_rng_fill_normal(&rng, dopt_mat_f64(factors.target, k, d), 1.0) == DOPT_OK &&
                    dopt_rng_fill_normal(&rng, dopt_mat_f64(w, k, d), 0.5) == DOPT_OK &&
                    make_net(s, depth, &factors.net) && dopt_e2e_create(k, d, depth, NULL, &rule.e2e) == DOPT_OK &&
                    dopt_net_init_balanced(factors.net, dopt_cmat_f64(w, k, d)) == DOPT_OK;
        memcpy(rule.target, factors.target, sizeof rule.target);
        good = good && follow(s, &factors, &rule, 4.0, &gap, &change) &&
               dopt_net_init_normal(factors.net, &rng, 0.5) == DOPT_OK &&
               follow(s, &factors, NULL, 4.0, &unused, &unbalanced);
        dopt_net_destroy(&factors.net);
        dopt_e2e_destroy(&rule.e2e);
        if (!good)
            return s->message[0] ? false : study_fail_library(s);
    }
    study_claim(s, gap < 1e-8 ? HOLDS : FAILS, "The flow of balanced factors is the end-to-end flow (theorem 1)",
                "depth 2, 3, 4, a 3 x 4 W over t in [0, 4]: at most %.1e apart", gap);
    study_claim(s, verdict_of(change < 1e-8, unbalanced < 1e-8),
                "W_{j+1}^T W_{j+1} - W_j W_j^T is conserved along the flow",
                "its largest change: %.1e from balanced, %.1e from unbalanced factors", change, unbalanced);
    return true;
}

/* One mode, target s, start u0. Depth 2: u(t) = s e^{2st} / (e^{2st} - 1 + s/u0). */
static bool saxe(study *s)
{
    const double target = 2.0, u0 = 1e-3, end = 4.0;
    flow f = { .net = NULL };
    solver q = { NULL, NULL, NULL, NULL };
    double state[state_max], w[kd] = { u0 }, worst = 0.0;
    curve ours = { 0 }, closed = { 0 };
    figure picture;
    f.target[0] = target;
    bool good = make_net(s, 2, &f.net) && dopt_net_init_balanced(f.net, dopt_cmat_f64(w, k, d)) == DOPT_OK;
    if (good) {
        factors_to(f.net, false, state);
        good = solver_make(s, &f, state, state_size(f.net), &q);
    }
    for (int i = 1; i <= points && good; i++) {
        const double t = end * i / points, e = exp(2.0 * target * t);
        good = advance(s, &q, t);
        factors_from(f.net, N_VGetArrayPointer(q.y));
        good = good && dopt_net_product(f.net, dopt_mat_f64(w, k, d)) == DOPT_OK && curve_add(&ours, t, w[0]) &&
               curve_add(&closed, t, target * e / (e - 1.0 + target / u0));
        if (good)
            worst = fmax(worst, fabs(ours.y[i - 1] - closed.y[i - 1]));
    }
    if (good) {
        study_claim(s, worst < 1e-8 ? HOLDS : FAILS, "A mode at depth 2 follows Saxe's closed form",
                    "u(t) = s e^{2st} / (e^{2st} - 1 + s/u0), s = 2, u0 = 1e-3: at most %.1e apart", worst);
        good = figure_begin(&picture, s, "saxe", "A mode of the whitened problem, depth 2", "t", "u", "");
    }
    if (good) {
        figure_curve(&picture, "flow of the factors", &ours, 0.0);
        figure_curve(&picture, "closed form", &closed, 0.0);
        good = figure_end(&picture);
    }
    solver_free(&q);
    dopt_net_destroy(&f.net);
    curve_free(&ours);
    curve_free(&closed);
    return good || s->message[0] == 0 ? good : false;
}

/* A target with singular values 1.5, 1.2, 1, and a start at half of the margin that it allows. */
static bool converge_at(study *s, int depth, figure *picture, double *tightest)
{
    static const double values[k] = { 1.5, 1.2, 1.0 };
    flow f = { .net = NULL };
    solver q = { NULL, NULL, NULL, NULL };
    double w[kd] = { 0.0 }, margin = 0.0;
    char name[64];
    curve loss = { 0 }, bound = { 0 };
    for (int i = 0; i < k; i++) {
        f.target[i * d + i] = values[i];
        w[i * d + i] = values[i] - 0.3;
    }
    const double first = loss_of(w, f.target);
    bool good = dopt_analysis_margin(dopt_cmat_f64(w, k, d), dopt_cmat_f64(f.target, k, d), &margin) == DOPT_OK &&
                dopt_e2e_create(k, d, depth, NULL, &f.e2e) == DOPT_OK && solver_make(s, &f, w, kd, &q);
    for (int i = 1; i <= points && good; i++) {
        const double t = 5.0 * i / points, rate = 2.0 * pow(margin, 2.0 * (depth - 1.0) / depth);
        good = advance(s, &q, t) && curve_add(&loss, t, loss_of(N_VGetArrayPointer(q.y), f.target)) &&
               curve_add(&bound, t, first * exp(-rate * t));
        if (good)
            *tightest = fmax(*tightest, loss.y[i - 1] / bound.y[i - 1]);
    }
    if (good) {
        (void)snprintf(name, sizeof name, "depth %d", depth);
        figure_curve(picture, name, &loss, 0.0);
        (void)snprintf(name, sizeof name, "depth %d: bound, c = %.3f", depth, margin);
        figure_curve(picture, name, &bound, 0.0);
        (void)snprintf(name, sizeof name, "depth %d: deficiency margin of the start", depth);
        study_number(s, name, margin);
    }
    solver_free(&q);
    dopt_e2e_destroy(&f.e2e);
    curve_free(&loss);
    curve_free(&bound);
    return good;
}

static bool converge(study *s)
{
    double tightest = 0.0;
    figure picture;
    bool good =
        figure_begin(&picture, s, "convergence", "Flow from a start with a deficiency margin", "t", "loss", "y");
    for (int depth = 2; depth <= 4 && good; depth++)
        good = converge_at(s, depth, &picture, &tightest);
    if (!good)
        return false;
    study_claim(s, tightest <= 1.0 ? HOLDS : FAILS,
                "With a deficiency margin c the loss falls at least as exp(-2 c^{2(N-1)/N} t)",
                "depth 2, 3, 4: at most %.3f of the bound at any time", tightest);
    return figure_end(&picture);
}

static bool run_study(study *s)
{
    return coincide(s) && saxe(s) && converge(s);
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "flow",
                              .about = "Gradient flow of the factors and of the end-to-end matrix, by SUNDIALS' CVODE.",
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
