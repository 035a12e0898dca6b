/* SPDX-License-Identifier: MIT */
#include "sensors.h"

#include <math.h>
#include <stdlib.h>

#include <depthopt/rng.h>

enum { sensors = 16, features = 8, measurements = 2000 };

/* What one sensor is like. */
typedef struct sensor {
    double gain, half, power, drift, age; /* half: concentration of half response, in ppm */
} sensor;

static sensor make_sensor(dopt_rng *rng, int i)
{
    const sensor s = { .gain = 8e3 * exp(0.5 * dopt_rng_normal(rng)),
                       .half = 120.0 * exp(0.4 * dopt_rng_normal(rng)),
                       .power = 0.7 + 0.05 * (i % 4) + 0.05 * dopt_rng_uniform(rng),
                       .drift = 0.15 * dopt_rng_normal(rng),
                       .age = 0.3 + dopt_rng_uniform(rng) };
    return s;
}

/* Steady response, relative response, and six exponential moving averages of the transient, rising and falling. */
static void respond(const sensor *s, double concentration, double time, double flow, dopt_rng *rng, double *out)
{
    static const double speed[3] = { 0.1, 0.01, 0.001 };
    const double aged = 1.0 + s->drift * (1.0 - exp(-time / s->age));
    const double c = pow(concentration * flow, s->power), h = pow(s->half, s->power);
    const double steady = s->gain * aged * c / (c + h) * (1.0 + 2e-3 * dopt_rng_normal(rng));
    out[0] = steady;
    out[1] = 1.0 + steady / (0.1 * s->gain) * (1.0 + 1e-3 * dopt_rng_normal(rng));
    for (int k = 0; k < 3; k++) {
        const double rise = steady * speed[k] / (speed[k] + 0.02 * (1.0 + concentration / s->half));
        out[2 + k] = rise * (1.0 + 1e-3 * dopt_rng_normal(rng));
        out[5 + k] = -0.6 * rise * (1.0 + 0.1 * time) * (1.0 + 1e-3 * dopt_rng_normal(rng));
    }
}

bool sensors_simulate(uint64_t seed, table *out)
{
    dopt_rng rng = dopt_rng_init(seed, 77);
    sensor array[sensors];
    out->rows = measurements;
    out->cols = sensors * features;
    out->x = calloc((size_t)out->rows * (size_t)out->cols, sizeof *out->x);
    out->y = calloc((size_t)out->rows, sizeof *out->y);
    if (!out->x || !out->y) {
        table_free(out);
        return false;
    }
    for (int i = 0; i < sensors; i++)
        array[i] = make_sensor(&rng, i);
    for (ptrdiff_t m = 0; m < out->rows; m++) {
        const double time = 3.0 * dopt_rng_uniform(&rng), flow = 1.0 + 0.05 * dopt_rng_normal(&rng);
        out->y[m] = 10.0 * (double)(1 + dopt_rng_below(&rng, 30)); /* 10 ... 300 ppm, as the bottles are labelled */
        for (int i = 0; i < sensors; i++)
            respond(&array[i], out->y[m], time, flow, &rng, out->x + m * out->cols + i * features);
    }
    return true;
}
