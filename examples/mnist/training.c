/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "training.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/progress.h"

static const double momentum = 0.9, penalty_weight = 5e-4, stddev = 0.1, first_bias = 0.1, decay = 0.95;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool complain(training *t, const trained *r, const char *text)
{
    (void)snprintf(t->message, sizeof t->message, "%s: %s", rule_names[r->how], text);
    return false;
}

/* Predict all images: wrong answers as a fraction, and the logits, 10 for each image, unless NULL. */
static bool test(training *t, trained *r, const images *from, double *error, float *logits)
{
    unsigned char labels[BATCH];
    size_t wrong = 0;
    for (size_t first = 0; first < from->count; first += BATCH) {
        const size_t count = from->count - first < BATCH ? from->count - first : BATCH;
        images_batch(from, first, BATCH, network_pixels(&r->net), labels);
        if (!network_forward(&r->net, -1))
            return complain(t, r, r->net.message);
        const float *z = network_logits(&r->net);
        for (size_t i = 0; i < count; i++) {
            int best = 0;
            for (int c = 1; c < CLASSES; c++)
                if (z[i * CLASSES + (size_t)c] > z[i * CLASSES + (size_t)best])
                    best = c;
            wrong += best != labels[i];
        }
        if (logits)
            memcpy(logits + first * CLASSES, z, count * CLASSES * sizeof *z);
    }
    *error = (double)wrong / (double)from->count;
    return true;
}

static bool record(training *t, trained *r, point p)
{
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 256;
        point *grown = realloc(r->points, capacity * sizeof *grown);
        if (!grown)
            return complain(t, r, "out of memory");
        r->points = grown;
        r->capacity = capacity;
    }
    r->points[r->count++] = p;
    return true;
}

static double mean_of_window(const trained *r, int64_t step)
{
    const int count = step + 1 < WINDOW ? (int)step + 1 : WINDOW;
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += r->window[i];
    return sum / count;
}

/* What is asked for at this step: the loss each `record` steps, the test error each `evaluate`. */
static bool look(training *t, trained *r, int64_t step, double cross_entropy)
{
    const bool tests = step > 0 && step % t->evaluate == 0;
    point p = { step, cross_entropy, mean_of_window(r, step), network_penalty(&r->net), NAN };
    if (step % t->s->record != 0 && !tests)
        return true;
    if (tests && !test(t, r, &t->data->test, &p.test_error, NULL))
        return false;
    return record(t, r, p);
}

/* Sequential batches, as in the tutorial: the last, shorter one of an epoch is left out. */
static size_t first_image(const training *t, int64_t step)
{
    return (size_t)step * BATCH % (t->data->train.count - BATCH);
}

static double rate_at(const training *t, int64_t step)
{
    const int64_t epoch = step * BATCH / (int64_t)t->data->train.count;
    return t->s->lr * pow(decay, (double)epoch);
}

/* One step; a loss or gradient that is not finite ends the run as diverged. */
static bool advance(training *t, trained *r, int64_t step)
{
    unsigned char labels[BATCH];
    double cross_entropy = NAN, start = now();
    images_batch(&t->data->train, first_image(t, step), BATCH, network_pixels(&r->net), labels);
    if (!network_forward(&r->net, step) || !network_loss(&r->net, labels, &cross_entropy) || !network_backward(&r->net))
        return complain(t, r, r->net.message);
    r->seconds += now() - start;
    r->window[step % WINDOW] = cross_entropy;
    r->diverged = !isfinite(cross_entropy);
    if (r->diverged)
        return true;
    if (!look(t, r, step, cross_entropy))
        return false;
    start = now();
    /* Looking may have tested, which leaves the gradients alone. */
    const bool moved = network_step(&r->net, rate_at(t, step));
    r->seconds += now() - start;
    r->steps = step + 1;
    r->diverged = !moved;
    return true;
}

static bool train(training *t)
{
    progress shown = progress_begin("training", t->s->quiet);
    bool good = true;
    for (int64_t step = 0; step < t->steps && good && !interrupted; step++) {
        for (int i = 0; i < t->count && good; i++)
            if (!t->runs[i].diverged)
                good = advance(t, &t->runs[i], step);
        progress_steps(&shown, step + 1, t->steps);
    }
    progress_end(&shown);
    t->interrupted = interrupted;
    return good;
}

/* Errors before and after the collapse, and the largest difference of a logit over the largest logit. */
static bool finish(training *t, trained *r)
{
    const size_t count = t->data->test.count * CLASSES;
    float *before = malloc(count * sizeof *before), *after = malloc(count * sizeof *after);
    double gap = 0.0, largest = 0.0;
    bool good = (before && after) || complain(t, r, "out of memory");
    good = good && test(t, r, &t->data->validation, &r->validation_error, NULL) &&
           test(t, r, &t->data->test, &r->test_error, before);
    if (good && !network_collapse(&r->net))
        good = complain(t, r, r->net.message);
    good = good && test(t, r, &t->data->test, &r->collapsed_test_error, after);
    for (size_t i = 0; i < count && good; i++) {
        gap = fmax(gap, fabs((double)after[i] - (double)before[i]));
        largest = fmax(largest, fabs((double)before[i]));
    }
    r->collapse_gap = largest > 0.0 ? gap / largest : gap;
    const point end = { r->steps, NAN, NAN, NAN, r->test_error };
    good = good && record(t, r, end);
    free(before);
    free(after);
    return good;
}

static bool create(training *t, trained *r, rule how)
{
    const settings *s = t->s;
    const dense_options options = { how,    s->depth,         s->on,      penalty_weight,      momentum,
                                    stddev, s->factor_stddev, first_bias, s->refresh_tolerance };
    r->how = how;
    if (!network_create(&r->net, s->network, &options, BATCH, (uint64_t)s->seed))
        return complain(t, r, r->net.message);
    r->parameters = network_parameters(&r->net);
    return true;
}

bool training_run(training *t, const settings *s, const dataset *data)
{
    struct sigaction action, former;
    memset(t, 0, sizeof *t);
    memset(&action, 0, sizeof action);
    t->s = s;
    t->data = data;
    const int64_t epochs = s->epochs ? s->epochs : s->data ? 10 : 2, count = (int64_t)data->train.count;
    t->steps = s->steps ? s->steps : epochs * count / BATCH;
    t->evaluate = s->evaluate ? s->evaluate : count / BATCH;
    for (; t->count < s->variant_count; t->count++)
        if (!create(t, &t->runs[t->count], s->variants[t->count]))
            return false;
    interrupted = 0;
    action.sa_handler = on_interrupt;
    (void)sigaction(SIGINT, &action, &former);
    bool good = train(t);
    for (int i = 0; i < t->count && good; i++)
        good = finish(t, &t->runs[i]);
    (void)sigaction(SIGINT, &former, NULL);
    return good;
}

void training_free(training *t)
{
    for (int i = 0; i < RULE_COUNT; i++) {
        network_destroy(&t->runs[i].net);
        free(t->runs[i].points);
    }
}

const point *training_point(const trained *r, int64_t step)
{
    const point *found = NULL;
    for (size_t i = 0; i < r->count && r->points[i].step <= step; i++)
        found = &r->points[i];
    return found;
}
