/* SPDX-License-Identifier: MIT */
/*
 * Saving: the trainer's tensors to one block of memory, header and checksum before it, out.
 * Loading: everything into memory and checked; the trainer is written last, when nothing can fail any more. How much
 * memory that takes follows from the trainer, never from the file.
 */

#define _POSIX_C_SOURCE 200809L

#include <depthopt/checkpoint.h>

#include "base/check.h"
#include "base/memory.h"
#include "checkpoint/atomic_file.h"
#include "checkpoint/header.h"
#include "checkpoint/tensors.h"
#include "fit/trainer_state.h"

/* How much longer than ours a header may be: the release that wrote it, and digits of shapes and offsets. */
enum { version_room = 64, tensor_room = 4 * 19 };

/* A checkpoint in memory. */
typedef struct image {
    const dopt_allocator *allocator;
    dopt__tensors tensors; /* that the trainer has */
    dopt__header header;   /* that the trainer's checkpoint has */
    unsigned char *data;
} image;

static void release(image *im)
{
    dopt__release(im->allocator, im->tensors.of);
    dopt__release(im->allocator, im->header.bytes);
    dopt__release(im->allocator, im->data);
}

/* To be released in any case. */
static dopt_status prepare(image *im, const char *func, const dopt_trainer *trainer)
{
    im->allocator = &trainer->options.allocator;
    if (dopt__tensors_of(trainer, &im->tensors) && dopt__header_make(&im->tensors, im->allocator, &im->header)) {
        im->data = dopt__alloc(im->allocator, im->tensors.bytes, 1);
        if (im->data)
            return DOPT_OK;
    }
    return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for a checkpoint");
}

static dopt_status make(image *im, const char *func, const dopt_trainer *trainer)
{
    DOPT_TRY(prepare(im, func, trainer));
    dopt__tensors_pack(&im->tensors, im->data);
    dopt__header_seal(&im->header, im->data, im->tensors.bytes);
    return DOPT_OK;
}

dopt_status dopt_trainer_save_to(const dopt_trainer *trainer, dopt_write_fn write, void *user)
{
    DOPT_REQUIRE(trainer, DOPT_ERR_INVALID, "trainer is NULL, must be a handle");
    DOPT_HOLD(trainer);
    DOPT_REQUIRE(write, DOPT_ERR_INVALID, "write is NULL, must be a function");
    image im = { 0 };
    dopt_status status = make(&im, __func__, trainer);
    if (status == DOPT_OK &&
        (write(im.header.bytes, im.header.size, user) != 0 || write(im.data, im.tensors.bytes, user) != 0))
        status = dopt__fail(DOPT_ERR_IO, __func__, "the callback could not write");
    release(&im);
    return status;
}

dopt_status dopt_trainer_save(const dopt_trainer *trainer, const char *path)
{
    DOPT_REQUIRE(trainer, DOPT_ERR_INVALID, "trainer is NULL, must be a handle");
    DOPT_HOLD(trainer);
    DOPT_REQUIRE(path && *path, DOPT_ERR_INVALID, "path is %s, must name a file", path ? "empty" : "NULL");
    image im = { 0 };
    dopt_status status = make(&im, __func__, trainer);
    if (status == DOPT_OK) {
        const void *const data[] = { im.header.bytes, im.data };
        const size_t size[] = { im.header.size, im.tensors.bytes };
        status = dopt__file_replace(__func__, path, im.allocator, 2, data, size);
    }
    release(&im);
    return status;
}

/* Where a checkpoint is read from. */
typedef struct source {
    const char *func;
    dopt_read_fn read;
    void *user;
} source;

static dopt_status read_all(const source *from, void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        const ptrdiff_t got = from->read((unsigned char *)data + at, size - at, from->user);
        if (got < 0 || (size_t)got > size - at)
            return dopt__fail(DOPT_ERR_IO, from->func, "reading failed");
        if (got == 0)
            return dopt__fail(DOPT_ERR_FORMAT, from->func, "the checkpoint is cut off");
        at += (size_t)got;
    }
    return DOPT_OK;
}

static dopt_status expect_end(const source *from)
{
    unsigned char more;
    const ptrdiff_t got = from->read(&more, 1, from->user);
    if (got < 0)
        return dopt__fail(DOPT_ERR_IO, from->func, "reading failed");
    if (got > 0)
        return dopt__fail(DOPT_ERR_FORMAT, from->func, "there are bytes after the end of the checkpoint");
    return DOPT_OK;
}

/* The file's header in the place of ours. */
static dopt_status read_header(image *im, const source *from)
{
    unsigned char start[DOPT__LENGTH_BYTES];
    DOPT_TRY(read_all(from, start, sizeof start));
    const uint64_t length = dopt__header_length(start);
    const size_t most = im->header.size + version_room + (size_t)im->tensors.count * tensor_room;
    const size_t some = length < most ? (size_t)length : most;
    dopt__release(im->allocator, im->header.bytes);
    im->header.size = sizeof start + some;
    im->header.bytes = dopt__alloc(im->allocator, im->header.size, 1);
    if (!im->header.bytes)
        return dopt__fail(DOPT_ERR_NOMEM, from->func, "no memory for a header of %zu bytes", im->header.size);
    for (size_t i = 0; i < sizeof start; i++)
        im->header.bytes[i] = start[i];
    DOPT_TRY(read_all(from, im->header.bytes + sizeof start, some));
    DOPT_TRY(dopt__header_check_kind(&im->header, from->func, &im->tensors));
    if (length > most)
        return dopt__fail(DOPT_ERR_FORMAT, from->func,
                          "the header is said to have %llu bytes, the trainer's checkpoint has at most %zu",
                          (unsigned long long)length, most);
    return dopt__header_check(&im->header, from->func, &im->tensors);
}

static dopt_status load(image *im, const source *from, dopt_trainer *trainer)
{
    DOPT_TRY(read_header(im, from));
    DOPT_TRY(read_all(from, im->data, im->tensors.bytes));
    DOPT_TRY(expect_end(from));
    if (!dopt__header_is_sealed(&im->header, im->data, im->tensors.bytes))
        return dopt__fail(DOPT_ERR_FORMAT, from->func, "the checksum differs: the checkpoint is damaged");
    return dopt__tensors_unpack(&im->tensors, from->func, im->data, trainer);
}

dopt_status dopt_trainer_load_from(dopt_trainer *trainer, dopt_read_fn read, void *user)
{
    DOPT_REQUIRE(trainer, DOPT_ERR_INVALID, "trainer is NULL, must be a handle");
    DOPT_HOLD(trainer);
    DOPT_REQUIRE(read, DOPT_ERR_INVALID, "read is NULL, must be a function");
    const source from = { __func__, read, user };
    image im = { 0 };
    dopt_status status = prepare(&im, __func__, trainer);
    if (status == DOPT_OK)
        status = load(&im, &from, trainer);
    release(&im);
    return status;
}

dopt_status dopt_trainer_load(dopt_trainer *trainer, const char *path)
{
    DOPT_REQUIRE(trainer, DOPT_ERR_INVALID, "trainer is NULL, must be a handle");
    DOPT_HOLD(trainer);
    DOPT_REQUIRE(path && *path, DOPT_ERR_INVALID, "path is %s, must name a file", path ? "empty" : "NULL");
    int fd = -1;
    const source from = { __func__, dopt__file_read, &fd };
    image im = { 0 };
    dopt_status status = prepare(&im, __func__, trainer);
    if (status == DOPT_OK)
        status = dopt__file_open(__func__, path, &fd);
    if (status == DOPT_OK) {
        status = load(&im, &from, trainer);
        dopt__file_close(fd);
    }
    release(&im);
    return status;
}
