/* SPDX-License-Identifier: MIT */
/* The other kernels of line_kernels.h for elements of type REAL. */

static void NAMED(scale)(ptrdiff_t n, const void *line, const void *coef, void *out)
{
    const REAL *x = line, a = *(const REAL *)coef;
    REAL *y = out;
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] = a * x[i];
}

static void NAMED(lower)(ptrdiff_t n, const void *line, const void *coef, double rate, void *out)
{
    const REAL *x = line, a = *(const REAL *)coef, r = (REAL)rate;
    REAL *y = out;
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] -= r * (a * x[i]);
}

/* 0 x is 0 for a finite x, and NaN for the others. */
static bool NAMED(finite)(ptrdiff_t n, const void *line)
{
    const VECTOR none = { 0 };
    const REAL *x = line;
    VECTOR sum[4] = { none, none, none, none };
    ptrdiff_t i = 0;
    for (; i + 4 * WIDTH <= n; i += 4 * WIDTH) {
        UNROLL
        for (int j = 0; j < 4; j++)
            sum[j] += none * NAMED(load)(x + i + j * WIDTH);
    }
    const VECTOR all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    REAL total = 0;
    for (ptrdiff_t j = 0; j < WIDTH; j++)
        total += all[j];
    for (; i < n; i++)
        total += 0 * x[i];
    return total == 0;
}
