/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_DATASET_H
#define EXAMPLES_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Labelled images of 28 x 28 bytes, borrowed from a dataset. */
typedef struct images {
    size_t count;
    const unsigned char *pixels, *labels;
} images;

typedef struct dataset {
    const char *name;
    images train, validation, test;
    unsigned char *memory[4];
} dataset;

enum { DATASET_MESSAGE = 512 };

/*
 * The MNIST files of a folder, under their own names, with or without .gz; the first 5,000 training images are kept
 * for validation. Labels must be digits and as many as images. False: `message` says what is wrong with which file.
 */
bool dataset_load(const char *folder, dataset *out, char message[DATASET_MESSAGE]);

/* Drawn digits: 8,000 to train, 1,000 for validation, 2,000 to test. */
bool dataset_draw(uint64_t seed, dataset *out, char message[DATASET_MESSAGE]);

void dataset_free(dataset *d);

/* `count` images from `first` on, from the start again after the last; pixels in [-0.5, 0.5]. */
void images_batch(const images *from, size_t first, size_t count, float *pixels, unsigned char *labels);

#endif
