/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/progress.h"

static const double momentum = 0.9, penalty_weight = 5e-4, stddev = 0.1, first_bias = 0.1, decay = 0.95;

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

/* What shapes the steps, and must be the same where they go on. */
static void keep_settings(const training *t, keep *k)
{
    const settings *s = t->s;
    keep_same_text(k, "data", t->data->name);
    keep_same(k, "number of images", (double)t->data->train.count);
    keep_same_text(k, "network", s->network->name);
    keep_same_text(k, "penalty", penalty_names[s->on]);
    keep_same(k, "number of variants", t->count);
    keep_same(k, "depth", s->depth);
    keep_same(k, "factor-std", s->factor_stddev);
    keep_same(k, "lr", s->lr);
    keep_same(k, "seed", (double)s->seed);
    keep_same(k, "record", (double)s->record);
    keep_same(k, "evaluate", (double)t->evaluate);
}

static void keep_run(training *t, trained *r, keep *k)
{
    int64_t count = (int64_t)r->count;
    keep_same_text(k, "variant", rule_names[r->how]);
    network_keep(&r->net, k);
    keep_bytes(k, r->window, sizeof r->window);
    keep_count(k, &r->steps);
    keep_flag(k, &r->diverged);
    keep_number(k, &r->seconds);
    keep_count(k, &count);
    for (int64_t i = 0; i < count && !k->failed; i++) {
        point p = k->loading ? (point){ .step = 0 } : r->points[i];
        keep_bytes(k, &p, sizeof p);
        if (k->loading && !record(t, r, p))
            return;
    }
}

/* Save or load all that the steps have changed. */
static bool visit(training *t, keep k)
{
    keep_settings(t, &k);
    keep_count(&k, &t->step);
    for (int i = 0; i < t->count && !k.failed; i++)
        keep_run(t, &t->runs[i], &k);
    return keep_end(&k, t->s->keep.path, t->message);
}

static bool step_all(training *t)
{
    for (int i = 0; i < t->count; i++)
        if (!t->runs[i].diverged && !advance(t, &t->runs[i], t->step))
            return false;
    t->step++;
    return true;
}

static bool train(training *t)
{
    const keep_options *o = &t->s->keep;
    progress shown = progress_begin("training", t->s->quiet);
    bool good = !keep_found(o, o->path) || visit(t, keep_loading(o->path));
    while (t->step < t->steps && good && !t->interrupted) {
        good = step_all(t);
        t->interrupted = keep_interrupted();
        progress_steps(&shown, t->step, t->steps);
        if (good && (keep_due(o, t->step) || (o->path && t->step == t->steps)))
            good = visit(t, keep_saving());
    }
    progress_end(&shown);
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
    memset(t, 0, sizeof *t);
    t->s = s;
    t->data = data;
    const int64_t epochs = s->epochs ? s->epochs : s->data ? 10 : 2, count = (int64_t)data->train.count;
    t->steps = s->steps ? s->steps : epochs * count / BATCH;
    t->evaluate = s->evaluate ? s->evaluate : count / BATCH;
    for (; t->count < s->variant_count; t->count++)
        if (!create(t, &t->runs[t->count], s->variants[t->count]))
            return false;
    keep_watch();
    bool good = train(t);
    for (int i = 0; i < t->count && good && !training_goes_on(t); i++)
        good = finish(t, &t->runs[i]);
    return good;
}

bool training_goes_on(const training *t)
{
    return t->interrupted && t->s->keep.path;
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
