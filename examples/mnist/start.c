/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <math.h>

void truncated_normal(dopt_rng *rng, double stddev, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double x = dopt_rng_normal(rng);
        while (fabs(x) > 2.0)
            x = dopt_rng_normal(rng);
        out[i] = (float)(stddev * x);
    }
}
