/* SPDX-License-Identifier: MIT */
#include "linalg/finite.h"

#include <stdbool.h>

#include "linalg/line_kernels.h"
#include "linalg/scan.h"

dopt_cmat dopt__flat(dopt_cmat m)
{
    const dopt_cmat row = { m.data, 1, m.rows * m.cols, m.rows * m.cols, 1, m.dtype };
    const bool by_rows = m.col_stride == 1 && (m.row_stride == m.cols || m.rows == 1);
    const bool by_columns = m.row_stride == 1 && (m.col_stride == m.rows || m.cols == 1);
    return by_rows || by_columns ? row : m;
}

dopt_status dopt__require_finite(const char *func, const char *name, dopt_cmat m)
{
    const dopt_cmat flat = dopt__flat(m);
    const bool one_line = flat.rows == 1 && flat.col_stride == 1;
    if (one_line && DOPT__BY_ISA(dopt__line_table, dopt__cpu_isa())->of[m.dtype].finite(flat.cols, flat.data))
        return DOPT_OK;
    return dopt__check_finite(func, name, m);
}
