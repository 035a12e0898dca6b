/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_DEPTHOPT_H
#define DEPTHOPT_DEPTHOPT_H

/**
 * @file depthopt/depthopt.h
 * All of the library. The headers, lowest floor first:
 *
 *     api.h status.h alloc.h log.h mat.h rng.h version.h    what everything else speaks
 *     matfun.h                                              powers of symmetric matrices
 *     e2e.h net.h loss.h                                    the preconditioner; factored networks; losses
 *     optim.h schedule.h objective.h                        update rules; learning rates; what is minimised
 *     analysis.h                                            what depth does to a run, in numbers
 *     trainer.h fit.h lr_search.h                           training
 *     checkpoint.h                                          to save a run, and go on with it later
 */

#include <depthopt/alloc.h>
#include <depthopt/analysis.h>
#include <depthopt/api.h>
#include <depthopt/checkpoint.h>
#include <depthopt/e2e.h>
#include <depthopt/fit.h>
#include <depthopt/log.h>
#include <depthopt/loss.h>
#include <depthopt/lr_search.h>
#include <depthopt/mat.h>
#include <depthopt/matfun.h>
#include <depthopt/net.h>
#include <depthopt/objective.h>
#include <depthopt/optim.h>
#include <depthopt/rng.h>
#include <depthopt/schedule.h>
#include <depthopt/status.h>
#include <depthopt/trainer.h>
#include <depthopt/version.h>

#endif
