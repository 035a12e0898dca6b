/* SPDX-License-Identifier: MIT */
/* The kernels for elements of type REAL; row_kernels.c includes this for each dtype. */

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
    UNROLL for (int half = parts / 2; half >= 1; half /= 2) UNROLL for (int i = 0; i < half; i++) lane[i] +=
        lane[i + half];
    REAL left[sizeof(VECTOR) / sizeof(REAL)];
    UNROLL for (ptrdiff_t i = 0; i < WIDTH; i++) left[i] = lane[0][i];
    UNROLL for (ptrdiff_t half = WIDTH / 2; half >= 1; half /= 2) UNROLL for (ptrdiff_t i = 0; i < half; i++) left[i] +=
        left[i + half];
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

/* z_i = rows_i . v for `rows_at_once` rows. With each block of columns, `fetch` prefetches a few lines. */
INLINE void NAMED(dot_some)(int rows_at_once, const void *const *rows, ptrdiff_t n, const REAL *v, fetching fetch,
                            REAL *z)
{
    const VECTOR zero = { 0 };
    VECTOR lane[4][parts];
    UNROLL for (int i = 0; i < rows_at_once; i++) UNROLL for (int j = 0; j < parts; j++) lane[i][j] = zero;
    ptrdiff_t c = 0;
    for (; c + LANES <= n; c += LANES) {
        UNROLL for (int i = 0; i < fetch.lines; i++) __builtin_prefetch(fetch.from[i] + c / LANES * fetch.pace, 0, 2);
        UNROLL for (int j = 0; j < parts; j++)
        {
            const VECTOR weights = NAMED(load)(v + c + j * WIDTH);
            UNROLL for (int i = 0; i < rows_at_once; i++) lane[i][j] +=
                NAMED(load)((const REAL *)rows[i] + c + j * WIDTH) * weights;
        }
    }
    UNROLL for (int i = 0; i < rows_at_once; i++) z[i] = NAMED(fold)(lane[i]);
    for (int i = 0; i < rows_at_once && c < n; i++)
        z[i] = NAMED(dot_rest)(n - c, (const REAL *)rows[i] + c, v + c, z[i]);
}

/* sum += coef_i rows_i, one row after the other, for `rows_at_once` rows; fetches likewise. */
INLINE void NAMED(add_some)(int rows_at_once, const void *const *rows, ptrdiff_t n, const REAL *coef, fetching fetch,
                            REAL *sum)
{
    ptrdiff_t c = 0;
    for (; c + LANES <= n; c += LANES) {
        UNROLL for (int i = 0; i < fetch.lines; i++) __builtin_prefetch(fetch.from[i] + c / LANES * fetch.pace, 0, 2);
        UNROLL for (int j = 0; j < parts; j++)
        {
            VECTOR total = NAMED(load)(sum + c + j * WIDTH);
            UNROLL for (int i = 0; i < rows_at_once; i++) total +=
                coef[i] * NAMED(load)((const REAL *)rows[i] + c + j * WIDTH);
            memcpy(sum + c + j * WIDTH, &total, sizeof total);
        }
    }
    for (int i = 0; i < rows_at_once && c < n; i++)
        NAMED(add_rest)(n - c, coef[i], (const REAL *)rows[i] + c, sum + c);
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
    for (; i + 12 <= count; i += 4)
        NAMED(add_some)(4, lines + i, n, a + i, fetch_rows(lines + i + 8, 4), sum);
    for (; i + 4 <= count; i += 4)
        NAMED(add_some)(4, lines + i, n, a + i, nothing, sum);
    for (; i < count; i++)
        NAMED(add_some)(1, lines + i, n, a + i, nothing, sum);
}

/* The loss of a tile, row after row: l added to *total, weight * dl/dz to slope. */
INLINE void NAMED(judge)(dopt__term_fn term, const dopt__pass *p, int count, const REAL *z, const double *y,
                         double *total, REAL *slope)
{
    UNROLL for (int i = 0; i < count; i++)
    {
        double value;
        slope[i] = (REAL)(p->weight * term(p->parameter, (double)z[i], y[i], &value));
        *total += value;
    }
}

/* Half of what comes next is fetched while a tile of four rows is predicted, the rest while it is pulled back. */
INLINE double NAMED(pass_tiled)(dopt__term_fn term, bool scattered, const dopt__pass *p, ptrdiff_t count,
                                const void *const *rows, const double *y, REAL *sum)
{
    double total = 0.0;
    REAL z[tile_quick], slope[tile_quick];
    ptrdiff_t i = 0;
    for (; i + tile_quick <= count; i += tile_quick) {
        for (int j = 0; j < tile_quick; j += abreast) {
            const fetching early = scattered ? fetch_rows(rows + i + DOPT__AHEAD + j / 2, abreast / 2)
                                             : fetch_lines(rows[i + j / 2], abreast / 2);
            NAMED(dot_some)(abreast, rows + i + j, p->n, p->w, early, z + j);
        }
        NAMED(judge)(term, p, tile_quick, z, y + i, &total, slope);
        const fetching late = scattered ? fetch_rows(rows + i + DOPT__AHEAD + tile_quick / 2, tile_quick / 2)
                                        : fetch_lines(rows[i + tile_quick / 2], tile_quick / 2);
        if (sum)
            NAMED(add_some)(tile_quick, rows + i, p->n, slope, late, sum);
    }
    for (; i < count; i++) {
        NAMED(dot_some)(1, rows + i, p->n, p->w, nothing, z);
        NAMED(judge)(term, p, 1, z, y + i, &total, slope);
        if (sum)
            NAMED(add_some)(1, rows + i, p->n, slope, nothing, sum);
    }
    return total;
}

/*
 * In one stream: rows are read to the end one by one, as the hardware likes it, and what it does not fetch by itself
 * while two of them are pulled back is prefetched, a little beyond where it has got to.
 */
INLINE double NAMED(pass_streamed)(dopt__term_fn term, const dopt__pass *p, ptrdiff_t count, const void *const *rows,
                                   const double *y, REAL *sum)
{
    enum { together = 2, beyond = 256 };
    double total = 0.0;
    REAL z[together], slope[together];
    ptrdiff_t i = 0;
    for (; i + together <= count; i += together) {
        for (int j = 0; j < together; j++)
            NAMED(dot_some)(1, rows + i + j, p->n, p->w, nothing, z + j);
        NAMED(judge)(term, p, together, z, y + i, &total, slope);
        fetching next = fetch_rows(rows + i + together, together);
        UNROLL for (int j = 0; j < together; j++) next.from[j] += beyond;
        if (sum)
            NAMED(add_some)(together, rows + i, p->n, slope, next, sum);
    }
    if (i < count)
        total += NAMED(pass_tiled)(term, false, p, count - i, rows + i, y + i, sum);
    return total;
}

INLINE double NAMED(pass_by)(dopt__term_fn term, const dopt__pass *p, ptrdiff_t count, const void *const *rows,
                             const double *y, REAL *sum)
{
    double total = 0.0;
    switch (p->source) {
    case DOPT__CACHED: total = NAMED(pass_tiled)(term, false, p, count, rows, y, sum); break;
    case DOPT__STREAMED: total = NAMED(pass_streamed)(term, p, count, rows, y, sum); break;
    case DOPT__SCATTERED: total = NAMED(pass_tiled)(term, true, p, count, rows, y, sum); break;
    }
    return p->weight * total;
}

/* Any elementwise loss, by a call for each tile. */
static double NAMED(pass_other)(const dopt__pass *p, ptrdiff_t count, const void *const *rows, const double *y,
                                REAL *sum)
{
    double total = 0.0, slope[tile_slow];
    REAL z[tile_slow];
    for (ptrdiff_t i = 0; i < count; i += tile_slow) {
        const ptrdiff_t some = count - i < tile_slow ? count - i : tile_slow;
        NAMED(dot)(some, rows + i, p->n, p->w, z);
        for (ptrdiff_t j = 0; j < some; j++)
            slope[j] = (double)z[j];
        total += dopt__loss_piece(p->loss, some, slope, y + i, slope);
        for (ptrdiff_t j = 0; j < some; j++)
            z[j] = (REAL)slope[j];
        if (sum)
            NAMED(add)(some, rows + i, p->n, z, sum);
    }
    return total;
}

static double NAMED(pass)(const dopt__pass *p, ptrdiff_t count, const void *const *rows, const double *y, void *sum)
{
    switch (p->form) {
    case DOPT__FORM_SQUARE: return NAMED(pass_by)(dopt__term_lp2, p, count, rows, y, sum);
    case DOPT__FORM_QUARTIC: return NAMED(pass_by)(dopt__term_lp4, p, count, rows, y, sum);
    case DOPT__FORM_HUBER: return NAMED(pass_by)(dopt__term_huber, p, count, rows, y, sum);
    case DOPT__FORM_OTHER: break;
    }
    return NAMED(pass_other)(p, count, rows, y, sum);
}

#undef WIDTH
#undef LANES
