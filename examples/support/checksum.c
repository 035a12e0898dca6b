/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* madvise */

#include "checksum.h"

#include <sys/mman.h>
#include <zlib.h>

uint64_t checksum(uint64_t sum, const void *data, size_t size)
{
    return crc32_z((uLong)sum, data, size);
}

uint64_t checksum_mapped(uint64_t sum, void *map, size_t bytes)
{
    enum { some = 1 << 24 }; /* whole pages */
    char *file = map;
    for (size_t at = 0; at < bytes; at += some) {
        const size_t size = bytes - at < some ? bytes - at : some;
        sum = checksum(sum, file + at, size);
        (void)madvise(file + at, size, MADV_DONTNEED);
    }
    return sum;
}

uint64_t checksum_table(const table *t, ptrdiff_t first)
{
    uint64_t all = 0;
    for (ptrdiff_t i = 0; i < t->rows; i++) {
        const int64_t number = first + i;
        uint64_t row = checksum(CHECKSUM_START, &number, sizeof number);
        row = checksum(row, t->x + i * t->cols, (size_t)t->cols * sizeof *t->x);
        all += checksum(row, t->y + i, sizeof *t->y);
    }
    return all;
}
