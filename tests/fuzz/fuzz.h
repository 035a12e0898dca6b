/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TESTS_FUZZ_H
#define DEPTHOPT_TESTS_FUZZ_H

/*
 * Targets for libFuzzer, which calls LLVMFuzzerTestOneInput() over and over with bytes that it makes up; scripts/fuzz
 * runs them. Without it, replay.c calls it with the files of corpus/.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Must hold whatever the bytes are. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_failed(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *condition, const char *file, int line);

/* A file that holds these bytes until the next call, by its path. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* One line of text, not empty: what a message must be. */
void fuzz_check_message(const char *message);

/* table_read() on the bytes: a table of finite numbers, or a message. */
void fuzz_table(const uint8_t *data, size_t size, const char *target, const char *label);

#endif
