/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_CONV_H
#define EXAMPLES_CONV_H

/*
 * A stage of a convolutional network: convolution + bias, ReLU, max pooling 2 x 2, by oneDNN.
 *
 * Activations are channels-last (N, H, W, C), so that the first stage sees its one-channel images as they are and a
 * dense layer sees rows; in oneDNN's own choice, blocks of eight channels, the first stage spends seven eighths of its
 * work on padding (gradient of its weights, batch 64: 7.6 ms against 1.9 ms; the second stage takes as long in both).
 * Weights are in whatever layout oneDNN likes best.
 */

#include "onednn.h"

typedef struct conv_shape {
    int batch, side, channels; /* of the images that come in */
    int filters, kernel, pad;
} conv_shape;

typedef struct conv {
    conv_shape shape;
    int side_wide, side_out; /* before and after pooling */
    tensor weights, bias, weights_grad, bias_grad;
    tensor raw_grad; /* the gradient as oneDNN computes it fastest; no memory where that is the weights' layout */
    tensor output, output_grad; /* batch x side_out x side_out x filters */
    tensor wide, wide_grad;     /* before pooling */
    tensor turned;              /* weights in the layout of the backward pass; no memory where it is the same */
    kernel convolve, pool;
    kernel to_weights, collect, turn, to_input;
} conv;

/* `input_grad` NULL: not wanted. */
void conv_create(dnn *d, conv *c, conv_shape shape, const tensor *input, const tensor *input_grad);
void conv_destroy(conv *c);

void conv_forward(dnn *d, const conv *c);

/* From output_grad to weights_grad, bias_grad and input_grad. */
void conv_backward(dnn *d, const conv *c);

/* Weights from filters x channels x kernel x kernel numbers. */
void conv_set_weights(dnn *d, conv *c, const float *plain);

#endif
