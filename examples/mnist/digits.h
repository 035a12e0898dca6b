/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_DIGITS_H
#define EXAMPLES_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Drawn digits: `count` images of 28 x 28 bytes and their labels, each class equally often. Every image is one of ten
 * stroke figures, randomly turned, slanted, stretched, moved, with a pen of random width, shaky points and noise.
 */
void digits_draw(uint64_t seed, size_t count, unsigned char *images, unsigned char *labels);

#endif
