/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OPTIM_SCHEDULE_H
#define DEPTHOPT_OPTIM_SCHEDULE_H

#include <depthopt/schedule.h>

/* By kind. */
extern const char *const dopt__schedule_names[DOPT_SCHEDULE_INVERSE_TIME + 1];

/* DOPT_OK if all fields are in range; `where` stands before a field's name in the message. */
dopt_status dopt__check_schedule(const char *func, const char *where, const dopt_schedule *s);

#endif
