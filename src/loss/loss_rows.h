/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LOSS_LOSS_ROWS_H
#define DEPTHOPT_LOSS_LOSS_ROWS_H

/* A loss on some of the rows, for objectives that go through the data by blocks. The views are checked and finite. */

#include <stdbool.h>

#include <depthopt/loss.h>

/*
 * weight * sum of l over the rows, and weight * dl/dz; neither is divided by the number of rows. dz may be z itself;
 * its data NULL: not wanted. Fails only if a custom callback does.
 */
dopt_status dopt__loss_sum(const dopt_loss *loss, dopt_cmat z, dopt_cmat y, double *sum, dopt_mat dz);

/* Targets that the loss allows; the message names `func` and `name`. */
dopt_status dopt__loss_check_targets(const dopt_loss *loss, const char *func, const char *name, dopt_cmat y);

/* Whether the loss acts on each element by itself. */
bool dopt__loss_elementwise(const dopt_loss *loss);

/* Losses that are cheap enough to be worth a kernel of their own. */
typedef enum dopt__loss_form {
    DOPT__FORM_OTHER,
    DOPT__FORM_SQUARE,
    DOPT__FORM_CUBIC,
    DOPT__FORM_QUARTIC,
    DOPT__FORM_SEXTIC,
    DOPT__FORM_HUBER
} dopt__loss_form;

/* The form of an elementwise loss, and its parameter: weight * term(parameter, z, y) with a term of terms.h. */
dopt__loss_form dopt__loss_form_of(const dopt_loss *loss, double *parameter);

/* An elementwise loss on an array: weight * sum, and weight * dl/dz to `slope`, which may be z itself. */
double dopt__loss_piece(const dopt_loss *loss, ptrdiff_t count, const double *z, const double *y, double *slope);

#endif
