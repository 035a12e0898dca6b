/* SPDX-License-Identifier: MIT */
/* Train the factors of a linear network on minibatches, then collapse it into one matrix. */
#include <math.h>
#include <stdio.h>

#include <depthopt/depthopt.h>

enum { batch = 16, inputs = 6, hidden = 8, outputs = 2 };

static double target(const double *x, int output)
{
    return output == 0 ? x[0] - x[1] : 0.5 * x[2] + 2.0 * x[5];
}

/* One step on fresh rows; returns the loss. */
static dopt_status train_step(dopt_net *net, dopt_optim *optim, const dopt_loss *loss, dopt_rng *rng, double *value)
{
    double x[batch * inputs], y[batch * outputs], z[batch * outputs];
    const dopt_mat xs = dopt_mat_f64(x, batch, inputs), zs = dopt_mat_f64(z, batch, outputs);
    dopt_status status = dopt_rng_fill_normal(rng, xs, 1.0);
    for (int i = 0; i < batch * outputs; i++)
        y[i] = target(x + i / outputs * inputs, i % outputs);
    if (status == DOPT_OK)
        status = dopt_net_forward(net, dopt_const(xs), zs);
    if (status == DOPT_OK) /* dL/dZ overwrites Z */
        status = dopt_loss_eval(loss, dopt_const(zs), dopt_cmat_f64(y, batch, outputs), value, zs);
    if (status == DOPT_OK)
        status = dopt_net_backprop(net, dopt_const(xs), dopt_const(zs), dopt_mat_none());
    return status == DOPT_OK ? dopt_optim_apply_net(optim, net) : status;
}

int main(void)
{
    const ptrdiff_t dims[] = { inputs, hidden, hidden, outputs }; /* depth 3 */
    dopt_net *net = NULL;
    dopt_optim *optim = NULL;
    dopt_loss *loss = NULL;
    dopt_rng rng = dopt_rng_init(3, 0);
    double value = INFINITY, w[outputs * inputs] = { 0 };
    dopt_status status = dopt_net_create(DOPT_F64, 3, dims, NULL, &net);
    if (status == DOPT_OK)
        status = dopt_net_init_orthogonal(net, &rng, 0.5);
    if (status == DOPT_OK)
        status = dopt_optim_create(DOPT_OPTIM_MOMENTUM, &optim);
    if (status == DOPT_OK)
        status = dopt_loss_create_squared(NULL, &loss);
    for (int step = 0; step < 1000 && status == DOPT_OK; step++)
        status = train_step(net, optim, loss, &rng, &value);
    if (status == DOPT_OK)
        status = dopt_net_product(net, dopt_mat_f64(w, outputs, inputs)); /* what to deploy */
    if (status == DOPT_OK)
        printf("loss %.3g, imbalance %.3g\n", value, dopt_net_imbalance(net));
    else
        fprintf(stderr, "%s\n", dopt_last_error());
    for (int i = 0; i < outputs * inputs; i++)
        printf("%6.3f%s", w[i], i % inputs == inputs - 1 ? "\n" : " ");
    dopt_loss_destroy(&loss);
    dopt_optim_destroy(&optim);
    dopt_net_destroy(&net);
    return value < 1e-3 ? 0 : 1;
}
