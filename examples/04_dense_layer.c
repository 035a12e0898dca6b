/* SPDX-License-Identifier: MIT */
/* Depth for a dense layer of your own network, here x -> dense -> ReLU -> sum: as factors, and by the end-to-end rule.
 */
#include <math.h>
#include <stdio.h>

#include <depthopt/depthopt.h>

enum { batch = 32, inputs = 6, hidden = 24, steps = 4000 };

/* Your part of the network: the loss, and dL/dh, which overwrites h. Learns |x_0 - x_1|. */
static double differentiate(const float *x, float *h)
{
    double loss = 0.0;
    for (int i = 0; i < batch; i++) {
        float *row = h + i * hidden, error = -fabsf(x[i * inputs] - x[i * inputs + 1]);
        for (int u = 0; u < hidden; u++)
            error += (u % 2 ? 0.3F : -0.3F) * fmaxf(row[u], 0.0F);
        for (int u = 0; u < hidden; u++)
            row[u] = row[u] > 0.0F ? error * (u % 2 ? 0.3F : -0.3F) / batch : 0.0F;
        loss += 0.5 / batch * (double)(error * error);
    }
    return loss;
}

/* One step on fresh rows. `e2e` NULL: the factors move by themselves; else the one matrix moves as they would. */
static dopt_status train_step(dopt_net *layer, dopt_optim *optim, dopt_e2e *e2e, dopt_rng *rng, double *loss)
{
    float x[batch * inputs], h[batch * hidden] = { 0 };
    const dopt_mat xs = dopt_mat_f32(x, batch, inputs), hs = dopt_mat_f32(h, batch, hidden);
    const dopt_mat w = dopt_net_factor(layer, 1), bias = dopt_net_bias(layer);
    const dopt_cmat grad = dopt_const(dopt_net_grad(layer, 1)), bias_grad = dopt_const(dopt_net_bias_grad(layer));
    dopt_status status = dopt_rng_fill_normal(rng, xs, 1.0);
    if (status == DOPT_OK)
        status = dopt_net_forward(layer, dopt_const(xs), hs);
    *loss = differentiate(x, h);
    if (status == DOPT_OK)
        status = dopt_net_backprop(layer, dopt_const(xs), dopt_const(hs), dopt_mat_none());
    if (status == DOPT_OK && !e2e)
        return dopt_optim_apply_net(optim, layer);
    if (status == DOPT_OK)
        status = dopt_optim_apply(optim, 1, &bias, &bias_grad);
    return status == DOPT_OK ? dopt_e2e_update(e2e, w, grad, 0.01, 0.0) : status;
}

static dopt_status train(int depth, dopt_e2e *e2e, double *loss)
{
    const ptrdiff_t dims[] = { inputs, hidden, hidden }; /* a second, square factor behind the first */
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    dopt_rng rng = dopt_rng_init(4, 0);
    dopt_net *layer = NULL;
    dopt_optim *optim = NULL;
    options.bias = 1;
    dopt_status status = dopt_net_create(DOPT_F32, depth, dims, &options, &layer);
    if (status == DOPT_OK)
        status = dopt_net_init_orthogonal(layer, &rng, 1.0);
    if (status == DOPT_OK)
        status = dopt_optim_create(DOPT_OPTIM_GD, &optim); /* learning rate 0.01 */
    for (int step = 0; step < steps && status == DOPT_OK; step++)
        status = train_step(layer, optim, e2e, &rng, loss);
    if (status == DOPT_OK)
        status = dopt_net_collapse(layer); /* deploy dopt_net_factor(layer, 1) and dopt_net_bias(layer) */
    printf("%s: loss %.2g\n", e2e ? "rule" : depth == 1 ? "plain" : "factored", *loss);
    dopt_optim_destroy(&optim);
    dopt_net_destroy(&layer);
    return status;
}

int main(void)
{
    double plain = 1, factored = 1, rule = 1;
    dopt_e2e *e2e = NULL;
    if (dopt_e2e_create(hidden, inputs, 2.0, NULL, &e2e) != DOPT_OK || train(1, NULL, &plain) != DOPT_OK ||
        train(2, NULL, &factored) != DOPT_OK || train(1, e2e, &rule) != DOPT_OK)
        (void)fprintf(stderr, "%s\n", dopt_last_error());
    dopt_e2e_destroy(&e2e);
    return plain < 0.02 && factored < 0.02 && rule < 0.02 ? 0 : 1;
}
