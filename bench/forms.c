/* SPDX-License-Identifier: MIT */
/*
 * Which form when: one step of W itself, of factors, and of the end-to-end rule, side by side.
 *
 * A step takes the gradient from m rows (all data, or a minibatch), by dopt_objective_eval() for W and the rule and for
 * factors where m is large (dopt_step()), by the activations of a net (dopt_net_forward(), dopt_net_backprop()) for
 * minibatches, and moves by gradient descent. Hidden widths are min(k, d). The rule starts where the factors do.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/depthopt.h>

#include "support/matrices.h"
#include "support/report.h"
#include "support/timing.h"

typedef struct situation {
    const char *name;
    ptrdiff_t k, d, m;
    bool batch, quick;
} situation;

static const situation situations[] = {
    { "one output, all data", 1, 128, 2565, false, true },
    { "10 outputs, all data", 10, 784, 5000, false, true },
    { "50 outputs, all data", 50, 200, 5000, false, true },
    { "square, all data", 128, 128, 2000, false, true },
    { "square, all data", 512, 512, 2000, false, false },
    { "dense layer, batch of 16", 256, 784, 16, true, true },
    { "dense layer, batch of 64", 512, 3136, 64, true, false },
};

enum { forms = 6 };

/* W itself; factors of depth 2, 3 and 8; the rule at depth 2.5, and with a basis that is kept. */
static const int depths[forms] = { 1, 2, 3, 8, 1, 1 };

typedef struct form {
    const situation *s;
    dopt_objective *objective; /* of all data */
    double *x, *y, *z, *dx;
    dopt_net *net;
    dopt_optim *optim;
    dopt_e2e *e2e; /* NULL: the net moves */
    double *grad;
} form;

static const double lr = 1e-6;

/* dL/dW at the net's product, or the gradients of its factors; then the move. */
static void step_of(form *f)
{
    const situation *s = f->s;
    const dopt_cmat x = dopt_cmat_f64(f->x, s->m, s->d);
    const dopt_mat z = dopt_mat_f64(f->z, s->m, s->k), grad = dopt_mat_f64(f->grad, s->k, s->d);
    if (s->batch) {
        check_status(dopt_net_forward(f->net, x, z));
        for (ptrdiff_t i = 0; i < s->m * s->k; i++)
            f->z[i] = (f->z[i] - f->y[i]) / (double)s->m;
        check_status(dopt_net_backprop(f->net, x, dopt_const(z), dopt_mat_f64(f->dx, s->m, s->d)));
        if (!f->e2e)
            check_status(dopt_optim_apply_net(f->optim, f->net));
        else
            check_status(
                dopt_e2e_update(f->e2e, dopt_net_factor(f->net, 1), dopt_const(dopt_net_grad(f->net, 1)), lr, 0.0));
        return;
    }
    const dopt_mat w = dopt_mat_f64(f->dx, s->k, s->d);
    const bool one = dopt_net_depth(f->net) == 1;
    if (!one)
        check_status(dopt_net_product(f->net, w));
    const dopt_mat at = one ? dopt_net_factor(f->net, 1) : w;
    check_status(dopt_objective_eval(f->objective, dopt_const(at), NULL, NULL, grad));
    if (f->e2e)
        check_status(dopt_e2e_update(f->e2e, at, dopt_const(grad), lr, 0.0));
    else
        check_status(dopt_step(f->optim, f->net, dopt_const(grad)));
}

static void step(void *state)
{
    step_of(state);
}

static void make_net(form *f, int depth)
{
    const situation *s = f->s;
    const ptrdiff_t hidden = s->k < s->d ? s->k : s->d;
    ptrdiff_t dims[9] = { s->d, hidden, hidden, hidden, hidden, hidden, hidden, hidden, hidden };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    double *w0 = numbers_new((size_t)(s->k * s->d));
    options.keep_activations = 1;
    dims[depth] = s->k;
    numbers_normal(w0, (size_t)(s->k * s->d), 5, 1.0 / sqrt((double)s->d));
    check_status(dopt_net_create(DOPT_F64, depth, dims, &options, &f->net));
    check_status(dopt_net_init_balanced(f->net, dopt_cmat_f64(w0, s->k, s->d)));
    check_status(dopt_optim_create(DOPT_OPTIM_GD, &f->optim));
    check_status(dopt_optim_set(f->optim, DOPT_LR, lr));
    free(w0);
}

static form form_new(const situation *s, int which, double *x, double *y, dopt_objective *objective)
{
    const size_t rows = (size_t)(s->m * (s->k > s->d ? s->k : s->d)), square = (size_t)(s->k * s->d);
    form f = {
        s, objective, x, y, numbers_new(rows), numbers_new(rows + square), NULL, NULL, NULL, numbers_new(square)
    };
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.refresh_tolerance = which == 5 ? 0.1 : 0.0;
    make_net(&f, depths[which]);
    if (which >= 4)
        check_status(dopt_e2e_create(s->k, s->d, 2.5, &options, &f.e2e));
    return f;
}

static void form_free(form *f)
{
    dopt_net_destroy(&f->net);
    dopt_optim_destroy(&f->optim);
    dopt_e2e_destroy(&f->e2e);
    free(f->z);
    free(f->dx);
    free(f->grad);
}

/* All forms start at the same W, and move. */
static void check(form *f)
{
    const situation *s = f->s;
    const size_t square = (size_t)(s->k * s->d);
    double *first = numbers_new(square), *w = numbers_new(square);
    for (int i = 0; i < forms; i++) {
        check_status(dopt_net_product(f[i].net, dopt_mat_f64(i ? w : first, s->k, s->d)));
        bench_check("the forms start at one W", i ? relative_distance(w, first, square) : 0.0, 1e-12);
    }
    for (int i = 0; i < forms; i++) {
        step(&f[i]);
        check_status(dopt_net_product(f[i].net, dopt_mat_f64(w, s->k, s->d)));
        const double moved = relative_distance(w, first, square);
        bench_check("a step moves W, by little", moved > 0.0 ? moved : INFINITY, 1e-3);
    }
    free(first);
    free(w);
}

static void measure(const situation *s, const bench_options *options, FILE *csv)
{
    double *x = numbers_new((size_t)(s->m * s->d)), *y = numbers_new((size_t)(s->m * s->k));
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    form f[forms];
    contender c[forms];
    timing t[forms];
    data.threads = options->threads;
    numbers_normal(x, (size_t)(s->m * s->d), 1, 1.0);
    numbers_normal(y, (size_t)(s->m * s->k), 2, 1.0);
    check_status(dopt_loss_create_lp(4.0, NULL, &loss));
    check_status(dopt_objective_create_data(dopt_cmat_f64(x, s->m, s->d), dopt_cmat_f64(y, s->m, s->k), loss, &data,
                                            &objective));
    for (int i = 0; i < forms; i++) {
        f[i] = form_new(s, i, x, y, objective);
        c[i].run = step;
        c[i].state = &f[i];
    }
    check(f);
    race(forms, c, options->seconds, t);
    printf("%-25s %4td x %-4td %5td %8.3g ms", s->name, s->k, s->d, s->m, 1e3 * t[0].least);
    (void)fprintf(csv, "%s,%td,%td,%td,%.6g", s->name, s->k, s->d, s->m, t[0].least);
    for (int i = 1; i < forms; i++) {
        printf(" %8.2f", t[i].least / t[0].least);
        (void)fprintf(csv, ",%.6g", t[i].least);
        form_free(&f[i]);
    }
    form_free(&f[0]);
    printf("\n");
    (void)fprintf(csv, "\n");
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    free(x);
    free(y);
}

int main(int argc, char **argv)
{
    const bench_options options = bench_begin(argc, argv, "Which form when: a step of W, of factors and of the rule.");
    FILE *csv = bench_open(&options, "forms.csv");
    bench_machine(stdout, &options);
    bench_machine(csv, &options);
    printf("%-25s %11s %5s %11s %8s %8s %8s %8s %8s\n", "times of W's own step", "k x d", "rows", "W", "depth 2", "3",
           "8", "rule", "kept");
    (void)fprintf(csv, "situation,k,d,rows,plain,depth_2,depth_3,depth_8,rule,rule_kept\n");
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++)
        if (situations[i].quick || !options.quick)
            measure(&situations[i], &options, csv);
    return fclose(csv) == 0 ? 0 : EXIT_FAILURE;
}
