/* SPDX-License-Identifier: MIT */
/* The passes for elements of type REAL; row_kernels.c includes this for each dtype, after line_template.h. */

/* The loss of a tile, row after row: l added to *total, weight * dl/dz to slope. */
INLINE void NAMED(judge_by)(dopt__term_fn term, const dopt__pass *p, int count, const REAL *z, const double *y,
                            double *total, REAL *slope)
{
    UNROLL
    for (int i = 0; i < count; i++) {
        double value;
        slope[i] = (REAL)(p->weight * term(p->parameter, (double)z[i], y[i], &value));
        *total += value;
    }
}

INLINE void NAMED(judge)(dopt__loss_form form, const dopt__pass *p, int count, const REAL *z, const double *y,
                         double *total, REAL *slope)
{
    switch (form) {
    case DOPT__FORM_SQUARE: NAMED(judge_by)(dopt__term_lp2, p, count, z, y, total, slope); break;
    case DOPT__FORM_CUBIC: NAMED(judge_by)(dopt__term_lp3, p, count, z, y, total, slope); break;
    case DOPT__FORM_QUARTIC: NAMED(judge_by)(dopt__term_lp4, p, count, z, y, total, slope); break;
    case DOPT__FORM_SEXTIC: NAMED(judge_by)(dopt__term_lp6, p, count, z, y, total, slope); break;
    default: /* huber: DOPT__FORM_OTHER has a pass of its own */
        NAMED(judge_by)(dopt__term_huber, p, count, z, y, total, slope);
        break;
    }
}

/* Rows i ... count - 1, one by one, after those that gave `total`. */
INLINE double NAMED(pass_rest)(dopt__loss_form form, const dopt__pass *p, ptrdiff_t i, ptrdiff_t count,
                               const void *const *rows, const double *y, double total, REAL *sum)
{
    REAL z, slope;
    for (; i < count; i++) {
        NAMED(dot_some)(1, rows + i, p->n, p->w, nothing, &z);
        NAMED(judge)(form, p, 1, &z, y + i, &total, &slope);
        if (sum)
            NAMED(add_some)(1, rows + i, p->n, &slope, nothing, sum);
    }
    return total;
}

/* Half of what comes next is fetched while a tile of four rows is predicted, the rest while it is pulled back. */
INLINE double NAMED(pass_tiled)(dopt__loss_form form, bool scattered, const dopt__pass *p, ptrdiff_t count,
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
        NAMED(judge)(form, p, tile_quick, z, y + i, &total, slope);
        const fetching late = scattered ? fetch_rows(rows + i + DOPT__AHEAD + tile_quick / 2, tile_quick / 2)
                                        : fetch_lines(rows[i + tile_quick / 2], tile_quick / 2);
        if (sum)
            NAMED(add_some)(tile_quick, rows + i, p->n, slope, late, sum);
    }
    return NAMED(pass_rest)(form, p, i, count, rows, y, total, sum);
}

/* Columns that predict_and_pull() pulls back in its `streamed` parts. */
INLINE ptrdiff_t NAMED(pulled)(ptrdiff_t n)
{
    return n / (streamed * LANES) * (streamed * LANES);
}

/* A row is predicted, while of the four before it a quarter of the columns is pulled back. */
INLINE REAL NAMED(predict_and_pull)(int quarter, const REAL *row, const void *const *before, const dopt__pass *p,
                                    const REAL *slope, REAL *sum)
{
    enum { beyond = 1024 };
    const ptrdiff_t n = p->n;
    const REAL *w = p->w;
    VECTOR lane[parts] = { { 0 } };
    const void *four[streamed]; /* in registers */
    UNROLL
    for (int i = 0; i < streamed; i++)
        four[i] = before[i];
    ptrdiff_t c = 0;
    for (ptrdiff_t at = quarter * (NAMED(pulled)(n) / streamed); c < NAMED(pulled)(n); at += LANES) {
        UNROLL
        for (int block = 0; block < streamed; block++, c += LANES) {
            __builtin_prefetch((const char *)(row + c) + beyond, 0, 2);
            NAMED(dot_block)(row + c, w + c, lane);
        }
        NAMED(add_block)(streamed, four, at, slope, sum);
    }
    for (; c + LANES <= n; c += LANES)
        NAMED(dot_block)(row + c, w + c, lane);
    const REAL z = NAMED(fold)(lane);
    return c < n ? NAMED(dot_rest)(n - c, row + c, w + c, z) : z;
}

/* The columns that were left. */
INLINE void NAMED(pull_rest)(const void *const *rows, ptrdiff_t n, const REAL *slope, REAL *sum)
{
    const ptrdiff_t done = NAMED(pulled)(n);
    const void *left[streamed];
    for (int i = 0; i < streamed; i++)
        left[i] = (const REAL *)rows[i] + done;
    if (done < n)
        NAMED(add_some)(streamed, left, n - done, slope, nothing, sum + done);
}

/*
 * In one stream: rows are read one by one, as the hardware likes it, and memory never waits for the arithmetic: while
 * four rows are predicted, the four before them are pulled back from the first-level cache.
 */
INLINE double NAMED(pass_streamed)(dopt__loss_form form, const dopt__pass *p, ptrdiff_t count, const void *const *rows,
                                   const double *y, REAL *sum)
{
    double total = 0.0;
    REAL z[streamed], slope[streamed];
    ptrdiff_t i = 0;
    for (; i + streamed <= count; i += streamed) {
        const bool pull = sum && i > 0;
        const void *const *before = rows + i - (pull ? streamed : 0);
        UNROLL
        for (int j = 0; j < streamed; j++)
            if (pull)
                z[j] = NAMED(predict_and_pull)(j, rows[i + j], before, p, slope, sum);
            else
                NAMED(dot_some)(1, rows + i + j, p->n, p->w, nothing, z + j);
        if (pull)
            NAMED(pull_rest)(before, p->n, slope, sum);
        NAMED(judge)(form, p, streamed, z, y + i, &total, slope);
    }
    if (sum && i > 0)
        NAMED(add_some)(streamed, rows + i - streamed, p->n, slope, fetch_rows(rows + i, 2), sum);
    return NAMED(pass_rest)(form, p, i, count, rows, y, total, sum);
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

/*
 * A pass for each loss, by tiles: asking for the loss at each tile takes 3 to 11 % of the time. Apart, so that each has
 * the registers to itself.
 */
#define BY_TILES(name, form)                                                                                           \
    APART double NAMED(name)(const dopt__pass *p, ptrdiff_t count, const void *const *rows, const double *y,           \
                             REAL *sum)                                                                                \
    {                                                                                                                  \
        return p->source == DOPT__SCATTERED ? NAMED(pass_tiled)(form, true, p, count, rows, y, sum)                    \
                                            : NAMED(pass_tiled)(form, false, p, count, rows, y, sum);                  \
    }
BY_TILES(lp2_by_tiles, DOPT__FORM_SQUARE)
BY_TILES(lp3_by_tiles, DOPT__FORM_CUBIC)
BY_TILES(lp4_by_tiles, DOPT__FORM_QUARTIC)
BY_TILES(lp6_by_tiles, DOPT__FORM_SEXTIC)
BY_TILES(huber_by_tiles, DOPT__FORM_HUBER)
#undef BY_TILES

static double NAMED(pass)(const dopt__pass *p, ptrdiff_t count, const void *const *rows, const double *y, void *sum)
{
    if (p->form == DOPT__FORM_OTHER)
        return NAMED(pass_other)(p, count, rows, y, sum);
    if (p->source == DOPT__STREAMED)
        return p->weight * NAMED(pass_streamed)(p->form, p, count, rows, y, sum);
    switch (p->form) {
    case DOPT__FORM_SQUARE: return p->weight * NAMED(lp2_by_tiles)(p, count, rows, y, sum);
    case DOPT__FORM_CUBIC: return p->weight * NAMED(lp3_by_tiles)(p, count, rows, y, sum);
    case DOPT__FORM_QUARTIC: return p->weight * NAMED(lp4_by_tiles)(p, count, rows, y, sum);
    case DOPT__FORM_SEXTIC: return p->weight * NAMED(lp6_by_tiles)(p, count, rows, y, sum);
    default: return p->weight * NAMED(huber_by_tiles)(p, count, rows, y, sum);
    }
}
