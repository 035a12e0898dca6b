/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_CHECKPOINT_TENSORS_H
#define DEPTHOPT_CHECKPOINT_TENSORS_H

/*
 * All that a checkpoint of a trainer holds: words that say what kind of run it is, and a list of tensors that follow
 * each other without gaps: first the numbers, without dimensions, then matrices by rows.
 */

#include "checkpoint/numbers.h"
#include "checkpoint/run_kind.h"

typedef struct dopt__tensor {
    char name[32];
    const char *dtype; /* as safetensors calls it */
    int dims;          /* 0 or 2 */
    bool weights;      /* must be finite */
    dopt_mat place;    /* of a matrix in the trainer; any layout */
    size_t first, end; /* bytes of the data */
} dopt__tensor;

typedef struct dopt__tensors {
    int words, numbers, count; /* count: tensors in all; the numbers come first */
    dopt__word word[DOPT__WORDS_MAX];
    dopt__number number[DOPT__NUMBERS_MAX];
    dopt__tensor *of;
    size_t bytes;
} dopt__tensors;

/* Those of a trainer. False: no memory. To be released with its allocator: `of`. */
bool dopt__tensors_of(const dopt_trainer *trainer, dopt__tensors *out);

/* From the trainer, as it was when the list was made, to `data`, `bytes` large and aligned; and back, if it is valid.
 */
void dopt__tensors_pack(const dopt__tensors *tensors, unsigned char *data);
dopt_status dopt__tensors_unpack(const dopt__tensors *tensors, const char *func, unsigned char *data,
                                 dopt_trainer *trainer);

#endif
