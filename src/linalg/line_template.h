/* SPDX-License-Identifier: MIT */
/*
 * Inner products and linear combinations of lines, for elements of type REAL. To be included by kernel sources, once
 * for each dtype, after line_vectors.h and with REAL, VECTOR and NAMED() defined.
 */

typedef REAL VECTOR __attribute__((vector_size(vector_bytes)));

#define WIDTH ((ptrdiff_t)(vector_bytes / sizeof(REAL)))
#define LANES ((ptrdiff_t)(64 / sizeof(REAL)))

INLINE VECTOR NAMED(load)(const REAL *from)
{
    VECTOR v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* Halves to halves. */
INLINE REAL NAMED(fold)(VECTOR *lane)
{
    REAL left[sizeof(VECTOR) / sizeof(REAL)];
    UNROLL
    for (int half = parts / 2; half >= 1; half /= 2) {
        UNROLL
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    }
    UNROLL
    for (ptrdiff_t i = 0; i < WIDTH; i++)
        left[i] = lane[0][i];
    UNROLL
    for (ptrdiff_t half = WIDTH / 2; half >= 1; half /= 2) {
        UNROLL
        for (ptrdiff_t i = 0; i < half; i++)
            left[i] += left[i + half];
    }
    return left[0];
}

/* The columns after the last whole block; out of the way of the loops that are to be fast. */
APART REAL NAMED(dot_rest)(ptrdiff_t n, const REAL *x, const REAL *v, REAL sum)
{
    for (ptrdiff_t c = 0; c < n; c++)
        sum += x[c] * v[c];
    return sum;
}

APART void NAMED(add_rest)(ptrdiff_t n, REAL coef, const REAL *x, REAL *sum)
{
    for (ptrdiff_t c = 0; c < n; c++)
        sum[c] += coef * x[c];
}

/* Of one block of columns: what an inner product collects in `lane`. */
INLINE void NAMED(dot_block)(const REAL *x, const REAL *v, VECTOR *lane)
{
    UNROLL
    for (int j = 0; j < parts; j++)
        lane[j] += NAMED(load)(x + j * WIDTH) * NAMED(load)(v + j * WIDTH);
}

/* Of the block of columns from c on: sum += coef_i rows_i, one row after the other. */
INLINE void NAMED(add_block)(int rows_at_once, const void *const *rows, ptrdiff_t c, const REAL *coef, REAL *sum)
{
    UNROLL
    for (int j = 0; j < parts; j++) {
        VECTOR total = NAMED(load)(sum + c + j * WIDTH);
        UNROLL
        for (int i = 0; i < rows_at_once; i++)
            total += coef[i] * NAMED(load)((const REAL *)rows[i] + c + j * WIDTH);
        memcpy(sum + c + j * WIDTH, &total, sizeof total);
    }
}

/* z_i = rows_i . v for `rows_at_once` rows. With each block of columns, `fetch` prefetches a few lines. */
INLINE void NAMED(dot_some)(int rows_at_once, const void *const *rows, ptrdiff_t n, const REAL *v, fetching fetch,
                            REAL *z)
{
    const VECTOR zero = { 0 };
    const REAL *row[4]; /* in registers */
    VECTOR lane[4][parts];
    UNROLL
    for (int i = 0; i < rows_at_once; i++) {
        row[i] = rows[i];
        UNROLL
        for (int j = 0; j < parts; j++)
            lane[i][j] = zero;
    }
    ptrdiff_t c = 0;
    for (; c + LANES <= n; c += LANES) {
        UNROLL
        for (int i = 0; i < fetch.lines; i++)
            __builtin_prefetch(fetch.from[i] + c / LANES * fetch.pace, 0, 2);
        UNROLL
        for (int j = 0; j < parts; j++) {
            const VECTOR weights = NAMED(load)(v + c + j * WIDTH);
            UNROLL
            for (int i = 0; i < rows_at_once; i++)
                lane[i][j] += NAMED(load)(row[i] + c + j * WIDTH) * weights;
        }
    }
    UNROLL
    for (int i = 0; i < rows_at_once; i++)
        z[i] = NAMED(fold)(lane[i]);
    for (int i = 0; i < rows_at_once && c < n; i++)
        z[i] = NAMED(dot_rest)(n - c, row[i] + c, v + c, z[i]);
}

/* sum += coef_i rows_i, one row after the other, for `rows_at_once` rows; fetches likewise. */
INLINE void NAMED(add_some)(int rows_at_once, const void *const *rows, ptrdiff_t n, const REAL *coef, fetching fetch,
                            REAL *sum)
{
    const void *row[8]; /* in registers: a store to the sum could change `rows`, for all that the compiler knows */
    ptrdiff_t c = 0;
    UNROLL
    for (int i = 0; i < rows_at_once; i++)
        row[i] = rows[i];
    for (; c + LANES <= n; c += LANES) {
        UNROLL
        for (int i = 0; i < fetch.lines; i++)
            __builtin_prefetch(fetch.from[i] + c / LANES * fetch.pace, 0, 2);
        NAMED(add_block)(rows_at_once, row, c, coef, sum);
    }
    for (int i = 0; i < rows_at_once && c < n; i++)
        NAMED(add_rest)(n - c, coef[i], (const REAL *)row[i] + c, sum + c);
}

static void NAMED(dot)(ptrdiff_t count, const void *const *lines, ptrdiff_t n, const void *v, void *out)
{
    REAL *z = out;
    ptrdiff_t i = 0;
    for (; i + abreast <= count; i += abreast)
        NAMED(dot_some)(abreast, lines + i, n, v, nothing, z + i);
    for (; i < count; i++)
        NAMED(dot_some)(1, lines + i, n, v, nothing, z + i);
}

static void NAMED(add)(ptrdiff_t count, const void *const *lines, ptrdiff_t n, const void *coef, void *sum)
{
    const REAL *a = coef;
    ptrdiff_t i = 0;
    const bool adjacent = count > 1 && (const REAL *)lines[1] == (const REAL *)lines[0] + n;
    for (; !adjacent && i + 12 <= count; i += 4)
        NAMED(add_some)(4, lines + i, n, a + i, fetch_rows(lines + i + 8, 4), sum);
    for (; i + 8 <= count; i += 8)
        NAMED(add_some)(8, lines + i, n, a + i, nothing, sum);
    for (; i + 4 <= count; i += 4)
        NAMED(add_some)(4, lines + i, n, a + i, nothing, sum);
    for (; i < count; i++)
        NAMED(add_some)(1, lines + i, n, a + i, nothing, sum);
}
