/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_SENSORS_H
#define EXAMPLES_SENSORS_H

#include <stdint.h>

#include "table.h"

/*
 * A simulated array of 16 gas sensors, 2,000 measurements of 8 features a sensor, of one gas at different
 * concentrations (the target). The responses saturate, drift with age, and carry noise; nearly everything they say is
 * the same, so the covariance of the features is as ill-conditioned as that of a real array. False: out of memory.
 */
bool sensors_simulate(uint64_t seed, table *out);

#endif
