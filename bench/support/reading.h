/* SPDX-License-Identifier: MIT */
#ifndef BENCH_READING_H
#define BENCH_READING_H

#include <stddef.h>

/* The floor of a pass over data: read `count` 64-byte blocks once, in order, and add them up. */
typedef struct reading {
    const void *data;
    size_t blocks;
    volatile double sink;
} reading;

void read_once(void *state); /* a reading * */

/* The same, row by row in an order, with what comes next prefetched. */
typedef struct shuffled_reading {
    const void *data;
    const ptrdiff_t *order; /* of the rows */
    ptrdiff_t rows;
    size_t blocks; /* of a row */
    double sink;
} shuffled_reading;

void read_shuffled(void *state); /* a shuffled_reading * */

#endif
