/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_CHECKPOINT_HEADER_H
#define DEPTHOPT_CHECKPOINT_HEADER_H

/* The head of a safetensors file: 8 bytes with the length of the JSON that follows, little-endian, and the JSON. */

#include "checkpoint/tensors.h"

enum { DOPT__LENGTH_BYTES = 8 };

typedef struct dopt__header {
    unsigned char *bytes; /* the length, and the JSON, padded with blanks to a multiple of 8 */
    size_t size;
} dopt__header;

/* For these tensors, with a checksum of zeros. False: no memory. To be released: `bytes`. */
bool dopt__header_make(const dopt__tensors *tensors, const dopt_allocator *allocator, dopt__header *out);

/* Write, or compare, the checksum of header and data. `header` begins as one of dopt__header_make(). */
void dopt__header_seal(dopt__header *header, const unsigned char *data, size_t bytes);
bool dopt__header_is_sealed(const dopt__header *header, const unsigned char *data, size_t bytes);

/* Whether a header that was read, or its front, is of a run of this kind; then, whether it describes these tensors. */
dopt_status dopt__header_check_kind(const dopt__header *header, const char *func, const dopt__tensors *tensors);
dopt_status dopt__header_check(const dopt__header *header, const char *func, const dopt__tensors *tensors);

/* The length that 8 bytes say. */
uint64_t dopt__header_length(const unsigned char *bytes);

#endif
