/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_KEEP_H
#define EXAMPLES_KEEP_H

/*
 * Runs that outlive their process: the options that say so, interrupts, and the file.
 *
 * One function of a program visits all of its state in one order, whether it is saved or loaded: each keep_...() call
 * writes what it is given, or reads it back into its place. A file holds the bytes in that order and their checksum. It
 * is for the program and the machine that wrote it, and replaced as a whole or not at all.
 */

#include <depthopt/depthopt.h>

#include "curve.h"
#include "options.h"

/* What --checkpoint, --every and --resume ask for. */
typedef struct keep_options {
    const char *path; /* NULL: nothing is saved */
    int64_t every;    /* steps between two saves */
    bool resume;
} keep_options;

/* The rows of the table of options, and what no row can check. */
/* clang-format off */
#define KEEP_ROWS(o)                                                     \
    { "--checkpoint", option_text, &(o)->path, 0, "" },                  \
    { "--every", option_count, &(o)->every, 1, OPTION_FROM_ONE }, \
    { "--resume", NULL, &(o)->resume, 0, "" }
/* clang-format on */
enum { KEEP_ROW_COUNT = 3 };
bool keep_check(const keep_options *o, char message[256]);

/* The exit code of a run that was interrupted, as shells have it, its line of --help, and what the program says. */
enum { EXIT_INTERRUPTED = 130 };
#define KEEP_EXITS "             130 interrupted\n"
extern const char *const keep_goodbye;

/*
 * From now on an interrupt (SIGINT, SIGTERM) is noted, for the program to save and end; a second one ends it. A loop
 * asks for it before it asks whether to save: one that comes in between is for the next turn, and what is left is
 * saved.
 */
void keep_watch(void);
bool keep_interrupted(void);

/* Whether to save after so many steps: it is time, or there was an interrupt. */
bool keep_due(const keep_options *o, int64_t steps);

enum { KEEP_MESSAGE = 320 };

/* A file in memory. Once something fails the calls do nothing more. */
typedef struct keep {
    bool loading, failed;
    unsigned char *bytes;
    size_t size, room, at, end; /* end: of what is to be read */
    char message[KEEP_MESSAGE];
} keep;

/* Begin to save, or to load the file at a path; whether there is a file to be resumed. */
keep keep_saving(void);
keep keep_loading(const char *path);
bool keep_found(const keep_options *o, const char *path);

void keep_bytes(keep *k, void *data, size_t size);
void keep_number(keep *k, double *number);
void keep_count(keep *k, int64_t *count);
void keep_flag(keep *k, bool *flag);
void keep_matrix(keep *k, dopt_mat m); /* without gaps */
void keep_curve(keep *k, curve *c);
void keep_optim(keep *k, dopt_optim *optim); /* prepared */
void keep_trainer(keep *k, dopt_trainer *trainer);

/* What must be the same where the run is resumed. */
void keep_same(keep *k, const char *what, double number);
void keep_same_text(keep *k, const char *what, const char *text);
void keep_same_data(keep *k, uint64_t sum); /* x and y, by their checksum */

/* Write the file, if saving, and forget it. False: the message says what has failed since the beginning. */
bool keep_end(keep *k, const char *path, char message[KEEP_MESSAGE]);

#endif
