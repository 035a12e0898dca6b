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

#endif
