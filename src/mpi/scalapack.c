/* SPDX-License-Identifier: MIT */
/* ScaLAPACK brings no C header. Its own checks end the process: nothing wrong may get here. */

#include "mpi/scalapack.h"

#include <math.h>

/* BLACS, for C. */
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_gridinfo(int context, int *rows, int *cols, int *row, int *col);
void Cblacs_gridexit(int context);

/* Fortran: all by reference, lengths of characters at the end. */
int numroc_(const int *n, const int *block, const int *part, const int *source, const int *parts);
void descinit_(int *desc, const int *m, const int *n, const int *mb, const int *nb, const int *row, const int *col,
               const int *context, const int *lld, int *info);
void pdgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *l, const double *alpha,
             const double *a, const int *ia, const int *ja, const int *desca, const double *b, const int *ib,
             const int *jb, const int *descb, const double *beta, double *c, const int *ic, const int *jc,
             const int *descc);
void psgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *l, const float *alpha,
             const float *a, const int *ia, const int *ja, const int *desca, const float *b, const int *ib,
             const int *jb, const int *descb, const float *beta, float *c, const int *ic, const int *jc,
             const int *descc);
void pdgeadd_(const char *trans, const int *m, const int *n, const double *alpha, const double *a, const int *ia,
              const int *ja, const int *desca, const double *beta, double *c, const int *ic, const int *jc,
              const int *descc);
void pdsyrk_(const char *uplo, const char *trans, const int *n, const int *l, const double *alpha, const double *a,
             const int *ia, const int *ja, const int *desca, const double *beta, double *c, const int *ic,
             const int *jc, const int *descc);
void pdsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *ia, const int *ja,
              const int *desca, double *values, double *z, const int *iz, const int *jz, const int *descz, double *work,
              const int *lwork, int *iwork, const int *liwork, int *info, size_t job_length, size_t uplo_length);

static const int one = 1, zero = 0;

bool dopt__has_scalapack(void)
{
    return true;
}

void dopt__grid_open(MPI_Comm comm, int rows, int cols, bool by_columns, int block, dopt__grid *out)
{
    out->handle = Csys2blacs_handle(comm);
    out->context = out->handle;
    out->block = block;
    Cblacs_gridinit(&out->context, by_columns ? "Col" : "Row", rows, cols);
    Cblacs_gridinfo(out->context, &out->rows, &out->cols, &out->row, &out->col);
}

void dopt__grid_close(dopt__grid *grid)
{
    Cblacs_gridexit(grid->context);
    Cfree_blacs_system_handle(grid->handle);
}

ptrdiff_t dopt__grid_share(ptrdiff_t n, int block, int part, int parts)
{
    const int all = (int)n;
    return numroc_(&all, &block, &part, &zero, &parts);
}

dopt__cyclic dopt__cyclic_over(const dopt__grid *grid, ptrdiff_t rows, ptrdiff_t cols, double *at)
{
    dopt__cyclic m = { .at = at, .rows = rows, .cols = cols };
    const int all_rows = (int)rows, all_cols = (int)cols;
    int info;
    m.local_rows = dopt__grid_share(rows, grid->block, grid->row, grid->rows);
    m.local_cols = dopt__grid_share(cols, grid->block, grid->col, grid->cols);
    const int leading = m.local_rows > 0 ? (int)m.local_rows : 1;
    descinit_(m.desc, &all_rows, &all_cols, &grid->block, &grid->block, &zero, &zero, &grid->context, &leading, &info);
    return m;
}

dopt__cyclic dopt__cyclic_narrow(const dopt__cyclic *like, float *at)
{
    dopt__cyclic m = *like;
    m.at = NULL;
    m.at32 = at;
    return m;
}

/* Where a part starts, as Fortran counts. */
typedef struct corner {
    int row, col;
} corner;

static corner corner_of(dopt__part part)
{
    const corner at = { (int)part.row + 1, (int)part.col + 1 };
    return at;
}

void dopt__cyclic_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t l, double alpha, dopt__part a, dopt__part b, double beta,
                       dopt__part c)
{
    const int rows = (int)m, cols = (int)n, inner = (int)l;
    const corner ca = corner_of(a), cb = corner_of(b), cc = corner_of(c);
    const float alpha32 = (float)alpha, beta32 = (float)beta;
    if (c.of->at)
        pdgemm_(&a.transposed, &b.transposed, &rows, &cols, &inner, &alpha, a.of->at, &ca.row, &ca.col, a.of->desc,
                b.of->at, &cb.row, &cb.col, b.of->desc, &beta, c.of->at, &cc.row, &cc.col, c.of->desc);
    else
        psgemm_(&a.transposed, &b.transposed, &rows, &cols, &inner, &alpha32, a.of->at32, &ca.row, &ca.col, a.of->desc,
                b.of->at32, &cb.row, &cb.col, b.of->desc, &beta32, c.of->at32, &cc.row, &cc.col, c.of->desc);
}

void dopt__cyclic_add(ptrdiff_t m, ptrdiff_t n, double alpha, dopt__part a, double beta, dopt__part c)
{
    const int rows = (int)m, cols = (int)n;
    const corner ca = corner_of(a), cc = corner_of(c);
    pdgeadd_(&a.transposed, &rows, &cols, &alpha, a.of->at, &ca.row, &ca.col, a.of->desc, &beta, c.of->at, &cc.row,
             &cc.col, c.of->desc);
}

void dopt__cyclic_syrk(ptrdiff_t n, ptrdiff_t l, dopt__part a, dopt__part c)
{
    const int order = (int)n, inner = (int)l;
    const corner ca = corner_of(a), cc = corner_of(c);
    const double alpha = 1.0, beta = 0.0;
    pdsyrk_("L", "N", &order, &inner, &alpha, a.of->at, &ca.row, &ca.col, a.of->desc, &beta, c.of->at, &cc.row, &cc.col,
            c.of->desc);
}

void dopt__cyclic_eigh_room(const dopt__cyclic *a, size_t *doubles, size_t *ints)
{
    const int n = (int)a->rows, ask = -1;
    double work[1] = { 0.0 }, nothing[1] = { 0.0 };
    int iwork[1] = { 0 }, info;
    pdsyevd_("V", "L", &n, nothing, &one, &one, a->desc, nothing, nothing, &one, &one, a->desc, work, &ask, iwork, &ask,
             &info, 1, 1);
    /* What it asks for is not enough for pdormtr and pdlasrt within it where n is not many blocks. */
    const size_t block = (size_t)a->desc[4], rows = (size_t)a->local_rows + block, cols = (size_t)a->local_cols + block;
    *doubles = (size_t)fmax(work[0], 1.0) + 8 * (size_t)n + 2 * rows * cols + 2 * (rows + cols + block) * block;
    *ints = (size_t)(iwork[0] > 1 ? iwork[0] : 1);
}

bool dopt__cyclic_eigh(ptrdiff_t n, const dopt__cyclic *a, double *values, const dopt__cyclic *z, double *work,
                       size_t doubles, int *iwork, size_t ints)
{
    const int order = (int)n, lwork = (int)doubles, liwork = (int)ints;
    int info = 0;
    pdsyevd_("V", "L", &order, a->at, &one, &one, a->desc, values, z->at, &one, &one, z->desc, work, &lwork, iwork,
             &liwork, &info, 1, 1);
    for (ptrdiff_t i = 0; i < n && info == 0; i++)
        info = !isfinite(values[i]);
    return info == 0;
}
