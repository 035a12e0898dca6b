/* SPDX-License-Identifier: MIT */
#include "sensors.h"

#include <math.h>
#include <stdlib.h>

#include <depthopt/rng.h>

enum { sensors = 16, features = 8, measurements = 2000, nuisances = 12 };

/* What one sensor is like. */
typedef struct sensor {
    double gain, half, power, drift, age; /* half: concentration of half response, in ppm */
    double noise[features];               /* relative, from 1e-1 to 1e-4 */
    double touch[features][nuisances];    /* what humidity, temperature and the like do to it */
} sensor;

static sensor make_sensor(dopt_rng *rng, int i)
{
    sensor s = { .gain = 8e3 * exp(0.5 * dopt_rng_normal(rng)),
                 .half = 120.0 * exp(0.4 * dopt_rng_normal(rng)),
                 .power = 0.7 + 0.05 * (i % 4) + 0.05 * dopt_rng_uniform(rng),
                 .drift = 0.15 * dopt_rng_normal(rng),
                 .age = 0.3 + dopt_rng_uniform(rng) };
    for (int f = 0; f < features; f++) {
        s.noise[f] = pow(10.0, -1.0 - 3.0 * dopt_rng_uniform(rng));
        for (int n = 0; n < nuisances; n++)
            s.touch[f][n] = 0.3 * pow(0.6, n) * dopt_rng_normal(rng);
    }
    return s;
}

/* Steady response, relative response, and six exponential moving averages of the transient, rising and falling. */
static void respond(const sensor *s, double concentration, double time, const double *nuisance, dopt_rng *rng,
                    double *out)
{
    static const double speed[3] = { 0.1, 0.01, 0.001 };
    const double aged = 1.0 + s->drift * (1.0 - exp(-time / s->age));
    const double c = pow(concentration, s->power), h = pow(s->half, s->power);
    out[0] = s->gain * aged * c / (c + h);
    out[1] = 0.0;
    for (int k = 0; k < 3; k++) {
        const double rise = out[0] * speed[k] / (speed[k] + 0.02 * (1.0 + concentration / s->half));
        out[2 + k] = rise;
        out[5 + k] = -0.6 * rise * (1.0 + 0.1 * time);
    }
    for (int f = 0; f < features; f++) {
        double change = s->noise[f] * dopt_rng_normal(rng);
        for (int n = 0; n < nuisances; n++)
            change += s->touch[f][n] * nuisance[n];
        out[f] *= 1.0 + change;
    }
    out[1] = 1.0 + 10.0 * out[0] / s->gain * (1.0 + s->noise[1] * 0.1 * dopt_rng_normal(rng));
}

bool sensors_simulate(uint64_t seed, table *out)
{
    dopt_rng rng = dopt_rng_init(seed, 77);
    sensor array[sensors];
    if (!table_allocate(measurements, sensors * features, out))
        return false;
    for (int i = 0; i < sensors; i++)
        array[i] = make_sensor(&rng, i);
    for (ptrdiff_t m = 0; m < out->rows; m++) {
        double nuisance[nuisances];
        const double time = 3.0 * dopt_rng_uniform(&rng);
        out->y[m] = 10.0 * (double)(1 + dopt_rng_below(&rng, 30)); /* 10 ... 300 ppm, as the bottles are labelled */
        const double delivered = out->y[m] * exp(0.12 * dopt_rng_normal(&rng)); /* what reaches the sensors */
        for (int n = 0; n < nuisances; n++)
            nuisance[n] = dopt_rng_normal(&rng);
        for (int i = 0; i < sensors; i++)
            respond(&array[i], delivered, time, nuisance, &rng, out->x + m * out->cols + i * features);
    }
    return true;
}
