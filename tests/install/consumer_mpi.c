/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <depthopt/depthopt.h>
#include <depthopt/mpi.h>

int main(int argc, char **argv)
{
    const double x[2] = { 1.0, 2.0 }, y[2] = { 1.0, 0.0 };
    double w = 1.0, grad = 0.0, value = 0.0;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    (void)MPI_Init(&argc, &argv);
    if (dopt_loss_create_squared(NULL, &loss) != DOPT_OK ||
        dopt_mpi_objective_create_data(MPI_COMM_WORLD, dopt_cmat_f64(x, 2, 1), dopt_cmat_f64(y, 2, 1), loss, NULL, NULL,
                                       &objective) != DOPT_OK ||
        dopt_objective_eval(objective, dopt_cmat_f64(&w, 1, 1), NULL, &value, dopt_mat_f64(&grad, 1, 1)) != DOPT_OK)
        fprintf(stderr, "%s\n", dopt_last_error());
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    (void)MPI_Finalize();
    printf("%g %g\n", value, grad); /* (0 + 2^2) / 2 / 2, and 2 * 2 / 2 */
    return value == 1.0 && grad == 2.0 ? 0 : 1;
}
