/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_CHECKSUM_H
#define EXAMPLES_CHECKSUM_H

/* Whether bytes are those of before: zlib's CRC-32, in which any byte that differs gives another sum. */

#include <stddef.h>
#include <stdint.h>

#include "table.h"

/* The sum of bytes that follow others, of which `sum` is the sum. */
#define CHECKSUM_START 0
uint64_t checksum(uint64_t sum, const void *data, size_t size);

/* Of a file that is mapped, letting go of what has been read. */
uint64_t checksum_mapped(uint64_t sum, void *map, size_t bytes);

/* Of the rows of a table, of which the first is row `first` of all: the sums of parts add up to that of the whole. */
uint64_t checksum_table(const table *t, ptrdiff_t first);

#endif
