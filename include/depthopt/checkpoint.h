/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_CHECKPOINT_H
#define DEPTHOPT_CHECKPOINT_H

/**
 * @file depthopt/checkpoint.h
 * Save a training run, and go on with it later, in another process.
 *
 * A checkpoint holds all that a run depends on but the data and the loss: weights or factors, optimizer state, steps,
 * what the stopping rules remember, and the options that shape the run. To go on, create the trainer again, with the
 * same objective and options, and load:
 *
 *     dopt_trainer_create(objective, &options, w, &trainer);
 *     if (access("run.safetensors", F_OK) == 0)
 *         status = dopt_trainer_load(trainer, "run.safetensors");
 *
 * The run then takes the very steps that it would have taken without the break, bit by bit, on the same machine with
 * the same libraries and the same number of BLAS threads. The random numbers of minibatches depend on seed and step
 * alone, so the position in the data is part of it.
 *
 * Options that shape the steps (model, depth, optimizer, its hyperparameters, lr, weight_decay, schedule, batch_size,
 * seed) must be the same in the file and in the trainer, and so the number of examples, the dtype, and the shapes of W
 * and of factors. A load says what differs, with both values. Data and loss are not in the file and not checked: with
 * others, the run goes on with those. What your callback remembers is yours to save. dopt_fit() cannot save; call
 * dopt_trainer_step() yourself and save between steps, not from the callback.
 *
 * The stopping rules and the callback may be others: a run that has ended goes on if they let it, as loading clears
 * every stop reason but DIVERGED, and the next step checks the rules again at the same W.
 *
 * The file is in the safetensors format: 8 bytes with the length of a JSON header, the header, raw little-endian
 * tensors. "w", "factor.1", ..., "optim.1.1" (first state of the first block), ..., and numbers as tensors without
 * dimensions: "steps", "value", "option.lr", ...; its metadata has the words "model", "optimizer" and "schedule".
 * Python's safetensors reads it; what it writes back is refused here, as the header carries a checksum of the whole
 * file. That is a guard against accidents, not against forgers: a file made on purpose can hold any weights, but cannot
 * make the reader touch memory that is not its own.
 */

#include <stddef.h>

#include <depthopt/status.h>
#include <depthopt/trainer.h>

DOPT_BEGIN_DECLS

/** Take `size` bytes, all of them. Return 0, or non-zero to fail. */
typedef int (*dopt_write_fn)(const void *data, size_t size, void *user);

/** Give up to `size` > 0 bytes. Return how many, 0 at the end, or a negative number to fail. */
typedef ptrdiff_t (*dopt_read_fn)(void *data, size_t size, void *user);

/**
 * Save to a file, atomically: it is written to `path` with ".tmp" appended, flushed to the disk, and renamed. Whatever
 * happens, at `path` is the checkpoint of before or the new one, whole; a killed process may leave the ".tmp" behind,
 * which the next save replaces. One process at a time may save to a path. A symbolic link at `path` is replaced, not
 * followed; anything else but a regular file is refused. The mode of the new file follows the umask.
 *
 * Memory: allocates and frees about the size of the file.
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or `path` is empty
 * @retval DOPT_ERR_NOMEM    no memory
 * @retval DOPT_ERR_IO       `path` is there and no regular file, or writing failed, with the system's reason; `path`
 *                           is as before, but where the message says that only the folder could not be flushed
 * @retval DOPT_ERR_BUSY     `trainer` is in use by another call
 */
DOPT_API dopt_status dopt_trainer_save(const dopt_trainer *trainer, const char *path);

/**
 * Load from a file. The trainer, and its W, are untouched on failure.
 *
 * Memory: allocates and frees about the size of the file that belongs to the trainer, whatever the file says.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, `path` is empty, or an option in the file differs from the trainer's
 * @retval DOPT_ERR_SHAPE      a tensor has another shape than the trainer's
 * @retval DOPT_ERR_DTYPE      a tensor has another dtype than the trainer's
 * @retval DOPT_ERR_NONFINITE  the weights in the file hold a NaN or an infinity
 * @retval DOPT_ERR_NOMEM      no memory
 * @retval DOPT_ERR_IO         reading failed, or it is no regular file
 * @retval DOPT_ERR_FORMAT     it is no checkpoint, or damaged: cut off, too long, or with other bytes than were written
 * @retval DOPT_ERR_VERSION    the format is one that this release does not know
 * @retval DOPT_ERR_BUSY       `trainer` is in use by another call
 */
DOPT_API dopt_status dopt_trainer_load(dopt_trainer *trainer, const char *path);

/**
 * dopt_trainer_save() to a place of yours; atomicity is yours too.
 *
 * @param[in] write  not NULL; called twice, for header and data
 * @param[in] user   passed through
 *
 * @retval DOPT_ERR_INVALID, DOPT_ERR_NOMEM  as dopt_trainer_save()
 * @retval DOPT_ERR_IO                       `write` returned non-zero
 * @retval DOPT_ERR_BUSY                     `trainer` is in use by another call
 */
DOPT_API dopt_status dopt_trainer_save_to(const dopt_trainer *trainer, dopt_write_fn write, void *user);

/**
 * dopt_trainer_load() from a place of yours; reads to its end.
 *
 * @param[in] read  not NULL; may give fewer bytes than asked for
 * @param[in] user  passed through
 *
 * @retval as dopt_trainer_load(); DOPT_ERR_IO if `read` returned a negative number, or more than it was asked for
 */
DOPT_API dopt_status dopt_trainer_load_from(dopt_trainer *trainer, dopt_read_fn read, void *user);

DOPT_END_DECLS

#endif
