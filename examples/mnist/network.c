/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "start.h"

static const network_spec specs[] = {
    { "tutorial", 2, 2, { { 32, 5, 2 }, { 64, 5, 2 } }, { 512, CLASSES }, 0.5 },
    { "lenet5", 2, 3, { { 6, 5, 2 }, { 16, 5, 0 } }, { 120, 84, CLASSES }, 0.0 },
};

/* Streams of random numbers: one for each stage, one for dropout. */
enum { STREAM_CONV = 1, STREAM_DENSE = 11, STREAM_DROPOUT = 21 };

const network_spec *network_find(const char *name)
{
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Add the time since `*start` to a part of the profile, and start again. */
static void charge(double *part, double *start)
{
    const double end = seconds();
    *part += end - *start;
    *start = end;
}

static bool complain(network *n, const char *text)
{
    if (n->d.failed)
        (void)snprintf(n->message, sizeof n->message, "oneDNN: %s failed, status %d", n->d.failed, (int)n->d.status);
    else
        (void)snprintf(n->message, sizeof n->message, "%s", text);
    return false;
}

static void create_convs(network *n)
{
    const int extents[] = { n->batch, 1, IMAGE_SIDE, IMAGE_SIDE };
    const dnnl_memory_desc_t desc = dnn_desc(&n->d, 4, extents, dnnl_nhwc);
    conv_shape shape = { n->batch, IMAGE_SIDE, 1, 0, 0, 0 };
    const tensor *input = &n->input, *input_grad = NULL;
    n->input = tensor_create(&n->d, &desc);
    for (int i = 0; i < n->spec->convs && !n->d.failed; i++) {
        shape.filters = n->spec->conv[i].filters;
        shape.kernel = n->spec->conv[i].kernel;
        shape.pad = n->spec->conv[i].pad;
        conv_create(&n->d, &n->convs[i], shape, input, input_grad);
        input = &n->convs[i].output;
        input_grad = &n->convs[i].output_grad;
        shape.side = n->convs[i].side_out;
        shape.channels = shape.filters;
    }
}

/* The tutorial's start: weights of standard deviation 0.1, biases 0 in the first stage and as the dense ones later. */
static bool fill_convs(network *n, const dense_options *options)
{
    for (int i = 0; i < n->spec->convs; i++) {
        conv *c = &n->convs[i];
        const size_t count =
            (size_t)c->shape.filters * (size_t)c->shape.channels * (size_t)c->shape.kernel * (size_t)c->shape.kernel;
        float *plain = malloc(count * sizeof *plain);
        if (!plain)
            return complain(n, "out of memory");
        dopt_rng rng = dopt_rng_init(n->seed, STREAM_CONV + (uint64_t)i);
        truncated_normal(&rng, options->stddev, plain, count);
        conv_set_weights(&n->d, c, plain);
        free(plain);
        for (size_t f = 0; f < c->bias.count && i > 0; f++)
            c->bias.data[f] = (float)options->bias;
    }
    return !n->d.failed || complain(n, "");
}

static void create_activations(network *n)
{
    const int last = n->spec->denses - 1;
    for (int i = 0; i <= last; i++) {
        const int extents[] = { n->batch, n->spec->width[i] };
        const dnnl_memory_desc_t desc = dnn_desc(&n->d, 2, extents, dnnl_ab);
        n->hidden[i] = tensor_create(&n->d, &desc);
        n->hidden_grad[i] = tensor_create(&n->d, &desc);
        if (i == last)
            break;
        n->relu[i] = relu_create(&n->d, &n->hidden[i]);
        n->relu_backward[i] = relu_backward_create(&n->d, &n->hidden[i], &n->hidden_grad[i]);
    }
}

static void create_log_softmax(network *n)
{
    const tensor *logits = &n->hidden[n->spec->denses - 1], *gradient = &n->hidden_grad[n->spec->denses - 1];
    dnnl_logsoftmax_desc_t op;
    n->log_probability = tensor_create(&n->d, &logits->desc);
    n->one_hot = tensor_create(&n->d, &logits->desc);
    if (!n->d.failed)
        (void)dnn_check(&n->d, dnnl_logsoftmax_forward_desc_init(&op, dnnl_forward_training, &logits->desc, 1),
                        "softmax");
    dnnl_primitive_desc_t forward = dnn_describe(&n->d, &op, dnn_attributes(&n->d, false), NULL, "softmax");
    n->log_softmax = kernel_create(&n->d, forward);
    kernel_bind(&n->log_softmax, DNNL_ARG_SRC, logits);
    kernel_bind(&n->log_softmax, DNNL_ARG_DST, &n->log_probability);
    if (!n->d.failed)
        (void)dnn_check(&n->d, dnnl_logsoftmax_backward_desc_init(&op, &logits->desc, &logits->desc, 1),
                        "softmax backwards");
    dnnl_primitive_desc_t backward =
        dnn_describe(&n->d, &op, dnn_attributes(&n->d, false), forward, "softmax backwards");
    n->log_softmax_backward = kernel_create(&n->d, backward);
    kernel_bind(&n->log_softmax_backward, DNNL_ARG_DST, &n->log_probability);
    kernel_bind(&n->log_softmax_backward, DNNL_ARG_DIFF_DST, &n->one_hot);
    kernel_bind(&n->log_softmax_backward, DNNL_ARG_DIFF_SRC, gradient);
    if (forward)
        (void)dnnl_primitive_desc_destroy(forward);
    if (backward)
        (void)dnnl_primitive_desc_destroy(backward);
}

static bool create_denses(network *n, const dense_options *options)
{
    const conv *last = &n->convs[n->spec->convs - 1];
    int inputs = last->side_out * last->side_out * last->shape.filters;
    for (int i = 0; i < n->spec->denses; i++) {
        dopt_rng rng = dopt_rng_init(n->seed, STREAM_DENSE + (uint64_t)i);
        if (!dense_create(&n->denses[i], inputs, n->spec->width[i], n->batch, options, &rng))
            return complain(n, dopt_last_error());
        inputs = n->spec->width[i];
    }
    return true;
}

static int conv_views(const network *n, dopt_mat *values, dopt_cmat *gradients)
{
    int count = 0;
    for (int i = 0; i < n->spec->convs; i++) {
        const conv *c = &n->convs[i];
        values[count] = dopt_mat_f32(c->weights.data, 1, (ptrdiff_t)c->weights.count);
        gradients[count++] = dopt_cmat_f32(c->weights_grad.data, 1, (ptrdiff_t)c->weights.count);
        values[count] = dopt_mat_f32(c->bias.data, 1, c->shape.filters);
        gradients[count++] = dopt_cmat_f32(c->bias_grad.data, 1, c->shape.filters);
    }
    return count;
}

bool network_create(network *n, const network_spec *spec, const dense_options *options, int batch, uint64_t seed)
{
    dopt_mat values[2 * CONVS_MAX];
    dopt_cmat gradients[2 * CONVS_MAX];
    memset(n, 0, sizeof *n);
    n->spec = spec;
    n->batch = batch;
    n->seed = seed;
    dnn_open(&n->d);
    create_convs(n);
    create_activations(n);
    create_log_softmax(n);
    if (n->d.failed || !fill_convs(n, options))
        return complain(n, "");
    if (!create_denses(n, options))
        return false;
    if (dopt_optim_create(DOPT_OPTIM_MOMENTUM, &n->conv_optim) != DOPT_OK ||
        dopt_optim_set(n->conv_optim, DOPT_MOMENTUM, options->momentum) != DOPT_OK ||
        dopt_optim_prepare(n->conv_optim, conv_views(n, values, gradients), values) != DOPT_OK)
        return complain(n, dopt_last_error());
    return true;
}

void network_destroy(network *n)
{
    for (int i = 0; i < CONVS_MAX; i++)
        conv_destroy(&n->convs[i]);
    for (int i = 0; i < DENSES_MAX; i++) {
        dense_destroy(&n->denses[i]);
        kernel_destroy(&n->relu[i]);
        kernel_destroy(&n->relu_backward[i]);
        tensor_destroy(&n->hidden[i]);
        tensor_destroy(&n->hidden_grad[i]);
    }
    kernel_destroy(&n->log_softmax);
    kernel_destroy(&n->log_softmax_backward);
    tensor_destroy(&n->log_probability);
    tensor_destroy(&n->one_hot);
    tensor_destroy(&n->input);
    dopt_optim_destroy(&n->conv_optim);
    dnn_close(&n->d);
    memset(n, 0, sizeof *n);
}

float *network_pixels(network *n)
{
    return n->input.data;
}

const float *network_logits(const network *n)
{
    return n->hidden[n->spec->denses - 1].data;
}

/* Half of the units, at random, are 0 and the others doubled; the bits of a step are a function of seed and step. */
static void drop_out(network *n, int64_t step)
{
    tensor *units = &n->hidden[n->spec->denses - 2];
    dopt_rng rng = dopt_rng_init(n->seed, STREAM_DROPOUT + ((uint64_t)step << 8));
    uint64_t bits = 0;
    for (size_t i = 0; i < units->count; i++) {
        if (i % 64 == 0)
            bits = dopt_rng_uint64(&rng);
        units->data[i] *= (bits >> i % 64) & 1 ? 2.0F : 0.0F;
    }
}

static const float *features(const network *n)
{
    return n->convs[n->spec->convs - 1].output.data;
}

bool network_forward(network *n, int64_t step)
{
    double start = seconds();
    for (int i = 0; i < n->spec->convs; i++)
        conv_forward(&n->d, &n->convs[i]);
    if (n->d.failed || !dnn_check(&n->d, dnnl_stream_wait(n->d.stream), "waiting"))
        return complain(n, "");
    charge(&n->profile.convolution, &start);
    for (int i = 0; i < n->spec->denses; i++) {
        const float *x = i == 0 ? features(n) : n->hidden[i - 1].data;
        if (!dense_forward(&n->denses[i], x, n->batch, n->hidden[i].data))
            return complain(n, dopt_last_error());
        charge(&n->profile.dense, &start);
        kernel_run(&n->d, &n->relu[i]);
        if (i == n->spec->denses - 2 && step >= 0 && n->spec->dropout > 0.0)
            drop_out(n, step);
        charge(&n->profile.rest, &start);
    }
    return !n->d.failed || complain(n, "");
}

bool network_loss(network *n, const unsigned char *labels, double *cross_entropy)
{
    double start = seconds(), sum = 0.0;
    kernel_run(&n->d, &n->log_softmax);
    memset(n->one_hot.data, 0, n->one_hot.count * sizeof(float));
    for (int i = 0; i < n->batch; i++) {
        sum -= (double)n->log_probability.data[i * CLASSES + labels[i]];
        n->one_hot.data[i * CLASSES + labels[i]] = -1.0F / (float)n->batch;
    }
    kernel_run(&n->d, &n->log_softmax_backward);
    *cross_entropy = sum / n->batch;
    charge(&n->profile.rest, &start);
    return !n->d.failed || complain(n, "");
}

/* Back through dropout and ReLU. A dropped unit is 0, so the derivative of ReLU there drops its gradient too. */
static void back_through_units(network *n, int i)
{
    if (i == n->spec->denses - 2 && n->spec->dropout > 0.0)
        for (size_t u = 0; u < n->hidden_grad[i].count; u++)
            n->hidden_grad[i].data[u] *= 2.0F;
    kernel_run(&n->d, &n->relu_backward[i]);
}

bool network_backward(network *n)
{
    double start = seconds();
    float *features_grad = n->convs[n->spec->convs - 1].output_grad.data;
    for (int i = n->spec->denses - 1; i >= 0; i--) {
        const float *x = i == 0 ? features(n) : n->hidden[i - 1].data;
        float *dx = i == 0 ? features_grad : n->hidden_grad[i - 1].data;
        if (!dense_backward(&n->denses[i], x, n->hidden_grad[i].data, n->batch, dx))
            return complain(n, dopt_last_error());
        charge(&n->profile.dense, &start);
        if (!dense_penalize(&n->denses[i]))
            return complain(n, dopt_last_error());
        charge(&n->profile.penalty, &start);
        if (i > 0)
            back_through_units(n, i - 1);
        charge(&n->profile.rest, &start);
    }
    for (int i = n->spec->convs - 1; i >= 0; i--)
        conv_backward(&n->d, &n->convs[i]);
    if (n->d.failed || !dnn_check(&n->d, dnnl_stream_wait(n->d.stream), "waiting"))
        return complain(n, "");
    charge(&n->profile.convolution, &start);
    return true;
}

bool network_step(network *n, double lr)
{
    double start = seconds();
    dopt_mat values[2 * CONVS_MAX];
    dopt_cmat gradients[2 * CONVS_MAX];
    const int blocks = conv_views(n, values, gradients);
    bool good = dopt_optim_set(n->conv_optim, DOPT_LR, lr) == DOPT_OK &&
                dopt_optim_apply(n->conv_optim, blocks, values, gradients) == DOPT_OK;
    for (int i = 0; i < n->spec->denses && good; i++)
        good = dense_step(&n->denses[i], lr);
    charge(&n->profile.update, &start);
    return good || complain(n, dopt_last_error());
}

double network_penalty(const network *n)
{
    double sum = 0.0;
    for (int i = 0; i < n->spec->denses; i++)
        sum += dense_penalty(&n->denses[i]);
    return sum;
}

bool network_collapse(network *n)
{
    for (int i = 0; i < n->spec->denses; i++)
        if (dopt_net_collapse(n->denses[i].net) != DOPT_OK)
            return complain(n, dopt_last_error());
    return true;
}

size_t network_parameters(const network *n)
{
    size_t sum = 0;
    for (int i = 0; i < n->spec->convs; i++) {
        const conv_shape *s = &n->convs[i].shape;
        sum += (size_t)s->filters * ((size_t)s->channels * (size_t)s->kernel * (size_t)s->kernel + 1);
    }
    for (int i = 0; i < n->spec->denses; i++)
        sum += dense_parameters(&n->denses[i]);
    return sum;
}

void network_keep(network *n, keep *k)
{
    dopt_mat values[2 * CONVS_MAX];
    dopt_cmat gradients[2 * CONVS_MAX];
    const int blocks = conv_views(n, values, gradients);
    for (int i = 0; i < blocks; i++)
        keep_matrix(k, values[i]);
    keep_optim(k, n->conv_optim);
    for (int i = 0; i < n->spec->denses; i++)
        dense_keep(&n->denses[i], k);
    keep_bytes(k, &n->profile, sizeof n->profile);
}

int network_blocks(const network *n)
{
    int count = 2 * n->spec->convs;
    for (int i = 0; i < n->spec->denses; i++)
        count += dopt_net_depth(n->denses[i].net) + 1;
    return count;
}

void network_block(const network *n, int block, dopt_mat *values, dopt_cmat *gradient)
{
    dopt_mat all[2 * CONVS_MAX];
    dopt_cmat gradients[2 * CONVS_MAX];
    const int convs = conv_views(n, all, gradients);
    if (block < convs) {
        *values = all[block];
        *gradient = gradients[block];
        return;
    }
    block -= convs;
    int i = 0;
    while (block > dopt_net_depth(n->denses[i].net))
        block -= dopt_net_depth(n->denses[i++].net) + 1;
    dopt_net *net = n->denses[i].net;
    const bool bias = block == dopt_net_depth(net);
    *values = bias ? dopt_net_bias(net) : dopt_net_factor(net, block + 1);
    *gradient = dopt_const(bias ? dopt_net_bias_grad(net) : dopt_net_grad(net, block + 1));
}
