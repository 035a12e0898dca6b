/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <string.h>

/* The widest registers of the machine. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST
#endif

/* Half a block. */
typedef double half __attribute__((vector_size(32)));

enum { abreast = 8, line = 64 };

static inline double total_of(half *sum)
{
    for (size_t j = 1; j < abreast; j++)
        sum[0] += sum[j];
    return (sum[0][0] + sum[0][1]) + (sum[0][2] + sum[0][3]);
}

static inline void add_blocks(const char *at, size_t blocks, half *sum)
{
    for (size_t i = 0; i + abreast / 2 <= blocks; i += abreast / 2, at += abreast * sizeof(half))
        for (size_t j = 0; j < abreast; j++) {
            half x;
            memcpy(&x, at + j * sizeof x, sizeof x);
            sum[j] += x;
        }
}

WIDEST static double sum_of(const char *data, size_t blocks)
{
    half sum[abreast] = { { 0.0 } };
    add_blocks(data, blocks, sum);
    return total_of(sum);
}

void read_once(void *state)
{
    reading *r = state;
    r->sink = sum_of(r->data, r->blocks);
}

WIDEST static double sum_of_rows(const char *data, const ptrdiff_t *order, ptrdiff_t rows, size_t blocks)
{
    enum { ahead = 8 };
    half sum[abreast] = { { 0.0 } };
    for (ptrdiff_t i = 0; i < rows; i++) {
        const char *next = data + (size_t)order[i + ahead < rows ? i + ahead : i] * blocks * line;
        for (const char *end = next + blocks * line; next < end; next += (size_t)4 * line)
            for (size_t j = 0; j < 4; j++)
                __builtin_prefetch(next + j * line);
        add_blocks(data + (size_t)order[i] * blocks * line, blocks, sum);
    }
    return total_of(sum);
}

void read_shuffled(void *state)
{
    shuffled_reading *r = state;
    r->sink = sum_of_rows(r->data, r->order, r->rows, r->blocks);
}
