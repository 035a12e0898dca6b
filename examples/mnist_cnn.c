/* SPDX-License-Identifier: MIT */
/*
 * Do overparameterised dense layers make a convolutional network learn faster?
 *
 * The network of TensorFlow's MNIST tutorial, trained with plain dense layers and with two or more matrices in
 * succession in their place, side by side on the same images, with the loss in its parts; then the deeper layers are
 * collapsed into plain ones. examples/mnist/ has the parts: network.c is the network, dense.c what depthopt does in it.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mnist/report.h"
#include "support/folder.h"
#include "support/streams.h"

/* Exit codes: 0, EXIT_DATA for files and runs, EXIT_USAGE for the command line, EXIT_INTERRUPTED. */
enum { EXIT_DATA = 1, EXIT_USAGE = 2 };

static int fail(const char *message)
{
    (void)fprintf(stderr, "mnist_cnn: %s\n", message);
    return EXIT_DATA;
}

/* The libraries read their numbers of threads when they are loaded, so the program starts itself again with them. */
static void start_again_with(long threads, char **argv)
{
    char number[16];
    const char *blas = getenv("OPENBLAS_NUM_THREADS"), *others = getenv("OMP_NUM_THREADS");
    (void)snprintf(number, sizeof number, "%ld", threads);
    if (blas && others && strcmp(blas, number) == 0 && strcmp(others, number) == 0)
        return;
    (void)setenv("OPENBLAS_NUM_THREADS", number, 1);
    (void)setenv("OMP_NUM_THREADS", number, 1);
    /* oneDNN's threads are OpenMP's: waiting in a loop for their next call, they would hold up those of the BLAS. */
    (void)setenv("OMP_WAIT_POLICY", "passive", 0);
    (void)execv("/proc/self/exe", argv);
}

static bool load(const settings *s, dataset *data, char *message)
{
    return s->data ? dataset_load(s->data, data, message) : dataset_draw(1, data, message);
}

static int train_and_report(const settings *s, const dataset *data)
{
    static training t;
    char message[512];
    int code = 0;
    if (s->out && !folder_make(s->out, message))
        return fail(message);
    if (!training_run(&t, s, data))
        code = fail(t.message);
    else if (training_goes_on(&t)) {
        (void)fail(keep_goodbye);
        code = EXIT_INTERRUPTED;
    } else
        report_print(&t);
    if (code == 0 && s->out && !report_write(&t, message))
        code = fail(message);
    training_free(&t);
    return code;
}

int main(int argc, char **argv)
{
    char message[DATASET_MESSAGE] = "";
    settings s;
    dataset data;
    if (!settings_read(argc, argv, &s, message)) {
        (void)fail(message);
        return EXIT_USAGE;
    }
    if (s.help) {
        (void)fputs(settings_usage, stdout);
        return 0;
    }
    start_again_with((long)s.threads, argv);
    streams_begin();
    if (!load(&s, &data, message))
        return fail(message);
    const int code = train_and_report(&s, &data);
    dataset_free(&data);
    return streams_end("mnist_cnn", code);
}
