/* SPDX-License-Identifier: MIT */
/* In place of scalapack.c where there is no ScaLAPACK: dopt_mpi_e2e_create() asks, and fails. */

#include "mpi/scalapack.h"

#include <string.h>

bool dopt__has_scalapack(void)
{
    return false;
}

void dopt__grid_open(MPI_Comm comm, int rows, int cols, bool by_columns, int block, dopt__grid *out)
{
    (void)comm, (void)rows, (void)cols, (void)by_columns, (void)block;
    memset(out, 0, sizeof *out);
}

void dopt__grid_close(dopt__grid *grid)
{
    (void)grid;
}

ptrdiff_t dopt__grid_share(ptrdiff_t n, int block, int part, int parts)
{
    (void)n, (void)block, (void)part, (void)parts;
    return 0;
}

dopt__cyclic dopt__cyclic_over(const dopt__grid *grid, ptrdiff_t rows, ptrdiff_t cols, double *at)
{
    const dopt__cyclic none = { .at = at, .rows = rows, .cols = cols };
    (void)grid;
    return none;
}

dopt__cyclic dopt__cyclic_narrow(const dopt__cyclic *like, float *at)
{
    dopt__cyclic m = *like;
    m.at32 = at;
    return m;
}

void dopt__cyclic_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t l, double alpha, dopt__part a, dopt__part b, double beta,
                       dopt__part c)
{
    (void)m, (void)n, (void)l, (void)alpha, (void)a, (void)b, (void)beta, (void)c;
}

void dopt__cyclic_add(ptrdiff_t m, ptrdiff_t n, double alpha, dopt__part a, double beta, dopt__part c)
{
    (void)m, (void)n, (void)alpha, (void)a, (void)beta, (void)c;
}

void dopt__cyclic_syrk(ptrdiff_t n, ptrdiff_t l, dopt__part a, dopt__part c)
{
    (void)n, (void)l, (void)a, (void)c;
}

void dopt__cyclic_eigh_room(const dopt__cyclic *a, size_t *doubles, size_t *ints)
{
    (void)a;
    *doubles = *ints = 0;
}

bool dopt__cyclic_eigh(ptrdiff_t n, const dopt__cyclic *a, double *values, const dopt__cyclic *z, double *work,
                       size_t doubles, int *iwork, size_t ints)
{
    (void)n, (void)a, (void)values, (void)z, (void)work, (void)doubles, (void)iwork, (void)ints;
    return false;
}
