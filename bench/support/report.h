/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <depthopt/status.h>

/* What the programs of bench/ have in common at their two ends: threads and command line, machine, files, pictures. */

typedef struct bench_options {
    int threads;      /* of BLAS and of the peers */
    double seconds;   /* for each line of the table */
    const char *out;  /* folder */
    bool quick;       /* small sizes only */
    const char *only; /* the lines of this series, added to the files; NULL: all, in new files */
} bench_options;

/*
 * --threads N, --seconds S, --out DIR, --quick, --only SERIES; leaves the program on --help and on errors. BLAS reads
 * its number of threads when it is loaded, so the program starts itself again where the environment does not say it
 * yet.
 */
bench_options bench_begin(int argc, char **argv, const char *what);

/* "# AMD EPYC, 2 cores, openblas 0.3.21, 1 thread" */
void bench_machine(FILE *to, const bench_options *options);

/* A file in the folder, which is made; leaves the program if that is not possible. */
FILE *bench_open(const bench_options *options, const char *name);

/* The file of the table, with the machine and the header where it is new, or the line on the machine alone. */
FILE *bench_table(const bench_options *options, const char *name, const char *header);

/* Whether lines of this series are wanted. */
bool bench_wants(const bench_options *options, const char *series);

/* Run gnuplot on a script in the folder; with --only, leave that to the caller. */
void bench_plot(const bench_options *options, const char *script);

/* A Python with PyTorch: "python3", "/usr/bin/python3", or NULL. */
const char *bench_torch(void);

/* Run a peer script and read `count` numbers that it prints; false: it failed. */
bool bench_peer(const char *script, const char *arguments, int count, double *numbers);

/* Leave the program with the library's message unless the call that returned this succeeded. */
void check_status(dopt_status status);

/* Leave the program, naming the check, unless `error` is within `tolerance`. */
void bench_check(const char *what, double error, double tolerance);

#endif
