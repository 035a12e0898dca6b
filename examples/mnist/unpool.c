/* SPDX-License-Identifier: MIT */
#include "unpool.h"

/* The gradients of a window, from its channels above left, above right, below left, and the largest of all four. */
static inline void share_out(size_t channels, const float *restrict wide, size_t below, const float *restrict largest,
                             const float *restrict gradient, float *restrict to)
{
    const float *right = wide + channels, *low = wide + below;
    for (size_t i = 0; i < channels; i++) {
        const float all = largest[i] > 0.0F ? gradient[i] : 0.0F;
        const float first = wide[i] == largest[i] ? all : 0.0F, three = all - first;
        const float second = right[i] == largest[i] ? three : 0.0F, two = three - second;
        const float third = low[i] == largest[i] ? two : 0.0F;
        to[i] = first;
        to[channels + i] = second;
        to[below + i] = third;
        to[below + channels + i] = two - third;
    }
}

void unpool(size_t count, size_t side, size_t channels, const float *wide, const float *narrow,
            const float *narrow_grad, float *wide_grad)
{
    const size_t half = side / 2, row = side * channels;
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < half; r++)
            for (size_t c = 0; c < half; c++) {
                const size_t at = (i * side + 2 * r) * row + 2 * c * channels;
                const size_t pooled = ((i * half + r) * half + c) * channels;
                share_out(channels, wide + at, row, narrow + pooled, narrow_grad + pooled, wide_grad + at);
            }
}
