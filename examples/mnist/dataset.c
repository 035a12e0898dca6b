/* SPDX-License-Identifier: MIT */
#include "dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/idx.h"
#include "digits.h"

enum { side = 28, pixels_each = side * side, held_out = 5000 };
enum { drawn_train = 8000, drawn_validation = 1000, drawn_test = 2000 };

static bool exists(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file)
        (void)fclose(file);
    return file != NULL;
}

/* The file, compressed or not; a missing one is reported by its compressed name. */
static bool read_part(const char *folder, const char *name, int dims, idx *out, char *message)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%.400s/%s", folder, name);
    if (!exists(path))
        (void)snprintf(path, sizeof path, "%.400s/%s.gz", folder, name);
    return idx_read(path, dims, out, message);
}

static bool check(const idx *pixels, const idx *labels, const char *folder, size_t least, char *message)
{
    if (pixels->extent[1] != side || pixels->extent[2] != side) {
        (void)snprintf(message, DATASET_MESSAGE, "%.300s: images are %zu x %zu, must be 28 x 28", folder,
                       pixels->extent[1], pixels->extent[2]);
        return false;
    }
    if (pixels->extent[0] != labels->count || labels->count < least) {
        (void)snprintf(message, DATASET_MESSAGE, "%.300s: %zu images and %zu labels, must be as many, and %zu at least",
                       folder, pixels->extent[0], labels->count, least);
        return false;
    }
    for (size_t i = 0; i < labels->count; i++)
        if (labels->data[i] > 9) {
            (void)snprintf(message, DATASET_MESSAGE, "%.300s: label %zu is %d, must be a digit", folder, i + 1,
                           labels->data[i]);
            return false;
        }
    return true;
}

/* Images and labels of one kind, "train" or "t10k"; two blocks of the dataset's memory hold them. */
static bool load_pair(const char *folder, const char *kind, size_t least, unsigned char **memory, images *out,
                      char *message)
{
    char name[64];
    idx pixels, labels;
    (void)snprintf(name, sizeof name, "%s-images-idx3-ubyte", kind);
    if (!read_part(folder, name, 3, &pixels, message))
        return false;
    memory[0] = pixels.data;
    (void)snprintf(name, sizeof name, "%s-labels-idx1-ubyte", kind);
    if (!read_part(folder, name, 1, &labels, message))
        return false;
    memory[1] = labels.data;
    out->count = labels.count;
    out->pixels = pixels.data;
    out->labels = labels.data;
    return check(&pixels, &labels, folder, least, message);
}

static images part_of(images all, size_t first, size_t count)
{
    const images part = { count, all.pixels + first * pixels_each, all.labels + first };
    return part;
}

bool dataset_load(const char *folder, dataset *out, char message[DATASET_MESSAGE])
{
    images all = { 0, NULL, NULL };
    memset(out, 0, sizeof *out);
    out->name = "MNIST";
    if (!load_pair(folder, "train", held_out + 1000, &out->memory[0], &all, message) ||
        !load_pair(folder, "t10k", 1, &out->memory[2], &out->test, message)) {
        dataset_free(out);
        return false;
    }
    out->validation = part_of(all, 0, held_out);
    out->train = part_of(all, held_out, all.count - held_out);
    return true;
}

bool dataset_draw(uint64_t seed, dataset *out, char message[DATASET_MESSAGE])
{
    const size_t count = drawn_train + drawn_validation + drawn_test;
    memset(out, 0, sizeof *out);
    out->name = "drawn digits";
    out->memory[0] = malloc(count * pixels_each);
    out->memory[1] = malloc(count);
    if (!out->memory[0] || !out->memory[1]) {
        (void)snprintf(message, DATASET_MESSAGE, "out of memory");
        dataset_free(out);
        return false;
    }
    digits_draw(seed, count, out->memory[0], out->memory[1]);
    const images all = { count, out->memory[0], out->memory[1] };
    out->train = part_of(all, 0, drawn_train);
    out->validation = part_of(all, drawn_train, drawn_validation);
    out->test = part_of(all, drawn_train + drawn_validation, drawn_test);
    return true;
}

void dataset_free(dataset *d)
{
    for (int i = 0; i < 4; i++)
        free(d->memory[i]);
    memset(d, 0, sizeof *d);
}

void images_batch(const images *from, size_t first, size_t count, float *pixels, unsigned char *labels)
{
    for (size_t i = 0; i < count; i++) {
        const size_t at = (first + i) % from->count;
        const unsigned char *image = from->pixels + at * pixels_each;
        for (size_t p = 0; p < pixels_each; p++)
            pixels[i * pixels_each + p] = ((float)image[p] - 127.5F) / 255.0F;
        labels[i] = from->labels[at];
    }
}
