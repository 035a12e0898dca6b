/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_NETWORK_H
#define EXAMPLES_NETWORK_H

/*
 * A convolutional network for images of 28 x 28: convolutions by oneDNN, dense layers by depthopt.
 *
 *     pixels -> (convolution, ReLU, pooling) x convs -> (dense, ReLU) x (denses - 1), dropout -> dense -> logits
 *
 * One training step is forward, loss, backward, step. Nothing is allocated in it.
 */

#include <stdint.h>

#include "conv.h"
#include "dense.h"

enum { IMAGE_SIDE = 28, IMAGE_PIXELS = IMAGE_SIDE * IMAGE_SIDE, CLASSES = 10, CONVS_MAX = 2, DENSES_MAX = 3 };

typedef struct network_spec {
    const char *name;
    int convs, denses;
    struct {
        int filters, kernel, pad;
    } conv[CONVS_MAX];
    int width[DENSES_MAX];
    double dropout; /* before the last layer: 0 or 0.5 */
} network_spec;

/* The network of that name: "tutorial" or "lenet5"; NULL if there is none. */
const network_spec *network_find(const char *name);

/* Where the time goes, in seconds since the network was created. */
typedef struct network_profile {
    double convolution, dense, penalty, update, rest;
} network_profile;

typedef struct network {
    const network_spec *spec;
    dnn d;
    int batch;
    uint64_t seed;
    tensor input;
    conv convs[CONVS_MAX];
    dense denses[DENSES_MAX];
    tensor hidden[DENSES_MAX], hidden_grad[DENSES_MAX]; /* outputs of the dense layers; the last are the logits */
    kernel relu[DENSES_MAX], relu_backward[DENSES_MAX], log_softmax, log_softmax_backward;
    tensor log_probability, one_hot;
    dopt_optim *conv_optim;
    network_profile profile;
    char message[256]; /* why a function returned false */
} network;

/* False: `message` says why; network_destroy() it all the same. */
bool network_create(network *n, const network_spec *spec, const dense_options *options, int batch, uint64_t seed);
void network_destroy(network *n);

/* batch x 784 pixels, to be filled before forward. */
float *network_pixels(network *n);

/* `step` >= 0: training, with the dropout of that step; < 0: prediction. */
bool network_forward(network *n, int64_t step);

/* batch x 10; row i are the logits of image i. */
const float *network_logits(const network *n);

/* Mean cross-entropy of the batch, and its derivative for backward. */
bool network_loss(network *n, const unsigned char *labels, double *cross_entropy);

bool network_backward(network *n);
bool network_step(network *n, double lr);

/* Of the dense layers, at the last backward. */
double network_penalty(const network *n);

/* All dense layers become plain matrices. The network predicts as before, and learns no more. */
bool network_collapse(network *n);

size_t network_parameters(const network *n);

/* Save or load what the steps have changed, the profile included. */
void network_keep(network *n, keep *k);

/* Parameter blocks, to look at: kernels and biases of the convolutions, then factors and bias of each dense layer. */
int network_blocks(const network *n);
void network_block(const network *n, int block, dopt_mat *values, dopt_cmat *gradient);

#endif
