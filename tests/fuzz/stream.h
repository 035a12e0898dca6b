/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TESTS_STREAM_H
#define DEPTHOPT_TESTS_STREAM_H

/* Choices, taken from the bytes of an input: small integers, numbers of every kind, views into one array. */

#include <depthopt/depthopt.h>

#include "fuzz/fuzz.h"

enum { ARENA_DOUBLES = 2048 };

/* All matrices of a session lie in here, so that whatever a call changes can be seen. */
typedef struct arena {
    double memory[ARENA_DOUBLES];
} arena;

typedef struct stream {
    const uint8_t *data;
    size_t size, at;
} stream;

int stream_byte(stream *s); /* 0 where the bytes have ended */
int stream_below(stream *s, int bound);
bool stream_rarely(stream *s); /* one time in 32 */

/* 1 .. 5, rarely 0, negative or huge. */
ptrdiff_t stream_extent(stream *s);

/* A number a run might have, or one that it might not: zero, NaN, infinities, the largest, the smallest. */
double stream_number(stream *s);

/* A view of that shape; rarely of another, of another dtype, with odd strides, or none. It lies in the arena. */
dopt_mat stream_view(stream *s, arena *a, dopt_dtype dtype, ptrdiff_t rows, ptrdiff_t cols);

/* Set the elements of a view, most of them to ordinary numbers. */
void stream_fill(stream *s, dopt_mat m);

/* Take the elements of a view over from another arena: what lies between them stays. */
void arena_take(arena *to, const arena *from, dopt_mat m);

#endif
