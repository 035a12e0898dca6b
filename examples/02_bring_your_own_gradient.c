/* SPDX-License-Identifier: MIT */
/* Your own loop and your own gradient: only the step is the library's. Here, || A W - B ||^2 / 2 for a 3 x 4 W. */
#include <math.h>
#include <stdio.h>

#include <depthopt/depthopt.h>

enum { k = 3, d = 4 };

static const double a[k][k] = { { 1.0, 0.2, 0.0 }, { 0.0, 0.5, 0.1 }, { 0.3, 0.0, 0.2 } };
static const double b[k][d] = { { 1, 0, 2, 1 }, { 0, 1, 1, 0 }, { 1, 1, 0, 1 } };

/* Value, and gradient A^T (A W - B). */
static double evaluate(double w[k][d], double grad[k][d])
{
    double r[k][d], sum = 0.0;
    for (int i = 0; i < k; i++)
        for (int c = 0; c < d; c++) {
            r[i][c] = -b[i][c];
            for (int l = 0; l < k; l++)
                r[i][c] += a[i][l] * w[l][c];
            sum += 0.5 * r[i][c] * r[i][c];
        }
    for (int i = 0; i < k; i++)
        for (int c = 0; c < d; c++) {
            grad[i][c] = 0.0;
            for (int l = 0; l < k; l++)
                grad[i][c] += a[l][i] * r[l][c];
        }
    return sum;
}

int main(void)
{
    const double depth = 2.5, lr = 0.02; /* depth is any real number from 1 up, or INFINITY */
    double w[k][d] = { { 0.1, 0, 0, 0 }, { 0, 0.1, 0, 0 }, { 0, 0, 0.1, 0 } }, grad[k][d], value = INFINITY;
    dopt_e2e *e2e = NULL;
    dopt_status status = dopt_e2e_create(k, d, depth, NULL, &e2e);
    for (int step = 0; status == DOPT_OK && step <= 3000; step++) {
        value = evaluate(w, grad);
        if (step % 1000 == 0)
            printf("step %4d: %.6f\n", step, value);
        status = dopt_e2e_update(e2e, dopt_mat_f64(&w[0][0], k, d), dopt_cmat_f64(&grad[0][0], k, d), lr, 0.0);
    }
    if (status != DOPT_OK)
        fprintf(stderr, "%s\n", dopt_last_error());
    dopt_e2e_destroy(&e2e);
    return value < 0.1 ? 0 : 1;
}
