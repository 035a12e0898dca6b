/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include <depthopt/depthopt.h>

int main(void)
{
    double w[2] = { 3.0, 4.0 }, g[2] = { 1.0, 0.0 };
    dopt_e2e *e2e = NULL;
    if (dopt_e2e_create(1, 2, 2.0, NULL, &e2e) != DOPT_OK ||
        dopt_e2e_update(e2e, dopt_mat_f64(w, 1, 2), dopt_cmat_f64(g, 1, 2), 0.1, 0.0) != DOPT_OK) {
        fprintf(stderr, "%s\n", dopt_last_error());
        return 1;
    }
    dopt_e2e_destroy(&e2e);
    /* |w| (g + u u^T g) with u = (0.6, 0.8): 5 (1.36, 0.48) */
    printf("depthopt %s: %.15g %.15g\n", dopt_version(), w[0], w[1]);
    return fabs(w[0] - (3.0 - 0.68)) < 1e-14 && fabs(w[1] - (4.0 - 0.24)) < 1e-14 ? 0 : 1;
}
