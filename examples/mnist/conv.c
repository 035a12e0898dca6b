/* SPDX-License-Identifier: MIT */
#include "conv.h"

#include <string.h>

#include "unpool.h"

static const dnnl_dims_t ones = { 1, 1 }, none = { 0, 0 }, twos = { 2, 2 };

static dnnl_memory_desc_t images(dnn *d, int batch, int channels, int side)
{
    const int extents[] = { batch, channels, side, side };
    return dnn_desc(d, 4, extents, dnnl_nhwc);
}

static dnnl_memory_desc_t weights_any(dnn *d, const conv_shape *s)
{
    const int extents[] = { s->filters, s->channels, s->kernel, s->kernel };
    return dnn_desc(d, 4, extents, dnnl_format_tag_any);
}

static void drop(dnnl_primitive_desc_t primitive)
{
    if (primitive)
        (void)dnnl_primitive_desc_destroy(primitive);
}

/* Convolution, bias and ReLU in one go. */
static dnnl_primitive_desc_t create_convolve(dnn *d, conv *c, const tensor *input)
{
    const conv_shape *s = &c->shape;
    const dnnl_dims_t pad = { s->pad, s->pad };
    const int side = s->side + 2 * s->pad - s->kernel + 1;
    const dnnl_memory_desc_t weights = weights_any(d, s), wide = images(d, s->batch, s->filters, side);
    const dnnl_memory_desc_t bias = dnn_desc(d, 1, &s->filters, dnnl_x);
    dnnl_convolution_desc_t op;
    if (!d->failed)
        (void)dnn_check(d,
                        dnnl_dilated_convolution_forward_desc_init(&op, dnnl_forward_training, dnnl_convolution_direct,
                                                                   &input->desc, &weights, &bias, &wide, ones, none,
                                                                   pad, pad),
                        "convolution");
    dnnl_primitive_desc_t forward = dnn_describe(d, &op, dnn_attributes(d, true), NULL, "convolution");
    const dnnl_memory_desc_t chosen = dnn_query(d, forward, dnnl_query_weights_md);
    c->weights = tensor_create(d, &chosen);
    c->weights_grad = tensor_create(d, &chosen);
    c->bias = tensor_create(d, &bias);
    c->bias_grad = tensor_create(d, &bias);
    c->wide = tensor_create(d, &wide);
    c->wide_grad = tensor_create(d, &wide);
    c->convolve = kernel_create(d, forward);
    kernel_bind(&c->convolve, DNNL_ARG_SRC, input);
    kernel_bind(&c->convolve, DNNL_ARG_WEIGHTS, &c->weights);
    kernel_bind(&c->convolve, DNNL_ARG_BIAS, &c->bias);
    kernel_bind(&c->convolve, DNNL_ARG_DST, &c->wide);
    c->side_wide = side;
    c->side_out = side / 2;
    return forward;
}

/* As for inference: without a record of the winners, which unpool() does not need. */
static void create_pooling(dnn *d, conv *c)
{
    const dnnl_memory_desc_t narrow = images(d, c->shape.batch, c->shape.filters, c->side_out);
    dnnl_pooling_desc_t op;
    if (!d->failed)
        (void)dnn_check(d,
                        dnnl_pooling_forward_desc_init(&op, dnnl_forward_inference, dnnl_pooling_max, &c->wide.desc,
                                                       &narrow, twos, twos, none, none),
                        "pooling");
    dnnl_primitive_desc_t forward = dnn_describe(d, &op, dnn_attributes(d, false), NULL, "pooling");
    c->output = tensor_create(d, &narrow);
    c->output_grad = tensor_create(d, &narrow);
    c->pool = kernel_create(d, forward);
    kernel_bind(&c->pool, DNNL_ARG_SRC, &c->wide);
    kernel_bind(&c->pool, DNNL_ARG_DST, &c->output);
    drop(forward);
}

/* Of the weights' own layout if oneDNN has it; else of its choice, and a small reorder. */
static void create_to_weights(dnn *d, conv *c, const tensor *input, const_dnnl_primitive_desc_t forward)
{
    const dnnl_dims_t pad = { c->shape.pad, c->shape.pad };
    const dnnl_memory_desc_t weights = weights_any(d, &c->shape);
    dnnl_convolution_desc_t op;
    if (!d->failed)
        (void)dnn_check(d,
                        dnnl_dilated_convolution_backward_weights_desc_init(&op, dnnl_convolution_direct, &input->desc,
                                                                            &weights, &c->bias.desc, &c->wide.desc,
                                                                            ones, none, pad, pad),
                        "gradient of weights");
    dnnl_primitive_desc_t backward = dnn_describe(d, &op, dnn_attributes(d, false), forward, "gradient of weights");
    const dnnl_memory_desc_t chosen = dnn_query(d, backward, dnnl_query_diff_weights_md);
    const bool same = !d->failed && dnnl_memory_desc_equal(&chosen, &c->weights.desc);
    if (!same) {
        c->raw_grad = tensor_create(d, &chosen);
        c->collect = reorder_create(d, &c->raw_grad, &c->weights_grad);
    }
    c->to_weights = kernel_create(d, backward);
    kernel_bind(&c->to_weights, DNNL_ARG_SRC, input);
    kernel_bind(&c->to_weights, DNNL_ARG_DIFF_DST, &c->wide_grad);
    kernel_bind(&c->to_weights, DNNL_ARG_DIFF_WEIGHTS, same ? &c->weights_grad : &c->raw_grad);
    kernel_bind(&c->to_weights, DNNL_ARG_DIFF_BIAS, &c->bias_grad);
    drop(backward);
}

static void create_to_input(dnn *d, conv *c, const tensor *input_grad, const_dnnl_primitive_desc_t forward)
{
    const dnnl_dims_t pad = { c->shape.pad, c->shape.pad };
    const dnnl_memory_desc_t weights = weights_any(d, &c->shape);
    dnnl_convolution_desc_t op;
    if (!d->failed)
        (void)dnn_check(d,
                        dnnl_dilated_convolution_backward_data_desc_init(&op, dnnl_convolution_direct,
                                                                         &input_grad->desc, &weights, &c->wide.desc,
                                                                         ones, none, pad, pad),
                        "gradient of the input");
    dnnl_primitive_desc_t backward = dnn_describe(d, &op, dnn_attributes(d, false), forward, "gradient of the input");
    const dnnl_memory_desc_t chosen = dnn_query(d, backward, dnnl_query_weights_md);
    const bool same = !d->failed && dnnl_memory_desc_equal(&chosen, &c->weights.desc);
    if (!same) {
        c->turned = tensor_create(d, &chosen);
        c->turn = reorder_create(d, &c->weights, &c->turned);
    }
    c->to_input = kernel_create(d, backward);
    kernel_bind(&c->to_input, DNNL_ARG_DIFF_DST, &c->wide_grad);
    kernel_bind(&c->to_input, DNNL_ARG_WEIGHTS, same ? &c->weights : &c->turned);
    kernel_bind(&c->to_input, DNNL_ARG_DIFF_SRC, input_grad);
    drop(backward);
}

void conv_create(dnn *d, conv *c, conv_shape shape, const tensor *input, const tensor *input_grad)
{
    memset(c, 0, sizeof *c);
    c->shape = shape;
    dnnl_primitive_desc_t forward = create_convolve(d, c, input);
    create_pooling(d, c);
    create_to_weights(d, c, input, forward);
    if (input_grad)
        create_to_input(d, c, input_grad, forward);
    drop(forward);
}

void conv_destroy(conv *c)
{
    kernel *kernels[] = { &c->convolve, &c->pool, &c->to_weights, &c->collect, &c->turn, &c->to_input };
    tensor *tensors[] = { &c->weights,     &c->bias, &c->weights_grad, &c->bias_grad, &c->output,
                          &c->output_grad, &c->wide, &c->wide_grad,    &c->turned,    &c->raw_grad };
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        kernel_destroy(kernels[i]);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        tensor_destroy(tensors[i]);
}

void conv_forward(dnn *d, const conv *c)
{
    kernel_run(d, &c->convolve);
    kernel_run(d, &c->pool);
}

void conv_backward(dnn *d, const conv *c)
{
    if (!dnn_check(d, dnnl_stream_wait(d->stream), "waiting"))
        return;
    unpool((size_t)c->shape.batch, (size_t)c->side_wide, (size_t)c->shape.filters, c->wide.data, c->output.data,
           c->output_grad.data, c->wide_grad.data);
    kernel_run(d, &c->to_weights);
    kernel_run(d, &c->collect);
    kernel_run(d, &c->turn);
    kernel_run(d, &c->to_input);
}

void conv_set_weights(dnn *d, conv *c, const float *plain)
{
    const conv_shape *s = &c->shape;
    const int extents[] = { s->filters, s->channels, s->kernel, s->kernel };
    const dnnl_memory_desc_t desc = dnn_desc(d, 4, extents, dnnl_oihw);
    tensor source = tensor_create(d, &desc);
    if (source.data)
        memcpy(source.data, plain, source.count * sizeof *plain);
    kernel reorder = reorder_create(d, &source, &c->weights);
    kernel_run(d, &reorder);
    if (!d->failed)
        (void)dnn_check(d, dnnl_stream_wait(d->stream), "reorder");
    kernel_destroy(&reorder);
    tensor_destroy(&source);
}
