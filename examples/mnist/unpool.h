/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_UNPOOL_H
#define EXAMPLES_UNPOOL_H

#include <stddef.h>

/*
 * The way back through ReLU and max pooling 2 x 2 in one pass. `wide`, count x side x side x channels, is what came out
 * of the ReLU, `narrow` and its gradient are half as wide and high; each gradient goes to the first of the four that is
 * the maximum, if that is above 0. An odd last row or column is left alone.
 *
 * Not oneDNN's: that needs the winners recorded on the way forward, which makes pooling three times as slow.
 */
void unpool(size_t count, size_t side, size_t channels, const float *wide, const float *narrow,
            const float *narrow_grad, float *wide_grad);

#endif
