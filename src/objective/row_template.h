/* SPDX-License-Identifier: MIT */
/* The passes for elements of type REAL; row_kernels.c includes this for each dtype, after line_template.h. */

/* The loss of a tile, row after row: l added to *total, weight * dl/dz to slope. */
INLINE void NAMED(judge)(dopt__term_fn term, const dopt__pass *p, int count, const REAL *z, const double *y,
                         double *total, REAL *slope)
{
    UNROLL
    for (int i = 0; i < count; i++) {
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
 * In one stream: rows are read to the end one by one, as the hardware likes it, and half of what comes while two of
 * them are pulled back is prefetched, a little beyond where the hardware has got to by itself. All of it would be
 * slower: there are fewer buffers for lines that a program asks for than for those that the hardware fetches ahead.
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
        fetching next = fetch_rows(rows + i + together, 1);
        next.from[0] += beyond;
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
