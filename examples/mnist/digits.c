/* SPDX-License-Identifier: MIT */
#include "digits.h"

#include <math.h>
#include <string.h>

#include <depthopt/depthopt.h>

enum { side = 28, points_max = 32 };

/* Strokes as points (x, y) of a grid of 9 x 9, y downwards */
static const char *const figures[10] = {
    "41 21 13 16 28 48 67 74 63 41",          /* 0 */
    "23 41 48",                               /* 1 */
    "13 21 41 62 64 47 18 78",                /* 2 */
    "12 31 61 73 54 34 54 75 67 48 17",       /* 3 */
    "41 15 75 51 58",                         /* 4 */
    "71 21 14 44 65 67 48 17",                /* 5 */
    "61 31 13 16 38 58 76 54 34 15",          /* 6 */
    "11 71 44 38",                            /* 7 */
    "44 23 22 41 62 63 44 16 27 48 67 66 44", /* 8 */
    "74 54 24 12 31 61 73 75 67 38",          /* 9 */
};

/* The strokes of 4 that are not joined: where the pen is lifted before a point. */
static const int lifted[10] = { [4] = 3 };

typedef struct pen {
    double x[points_max], y[points_max];
    int count, lift; /* no line leads to point `lift` */
    double width;
} pen;

static double uniform(dopt_rng *rng, double lowest, double highest)
{
    return lowest + (highest - lowest) * dopt_rng_uniform(rng);
}

/* The points of a figure on the pixel grid, after a random affine map. */
static pen place(dopt_rng *rng, int digit)
{
    pen p = { .count = 0, .lift = lifted[digit], .width = uniform(rng, 0.8, 1.7) };
    const double angle = uniform(rng, -0.25, 0.25), slant = uniform(rng, -0.3, 0.3);
    const double wide = uniform(rng, 1.7, 2.7), high = uniform(rng, 2.0, 2.8);
    const double x0 = side / 2.0 + uniform(rng, -2.5, 2.5), y0 = side / 2.0 + uniform(rng, -2.5, 2.5);
    for (const char *at = figures[digit]; *at; at += at[2] ? 3 : 2) {
        const double x = wide * (at[0] - '0' - 4.25 + uniform(rng, -0.35, 0.35));
        const double y = high * (at[1] - '0' - 4.5 + uniform(rng, -0.35, 0.35));
        p.x[p.count] = x0 + cos(angle) * (x - slant * y) - sin(angle) * y;
        p.y[p.count++] = y0 + sin(angle) * (x - slant * y) + cos(angle) * y;
    }
    return p;
}

/* Square of the distance of (x, y) to the line from point i - 1 to point i. */
static double square_to_stroke(const pen *p, int i, double x, double y)
{
    const double dx = p->x[i] - p->x[i - 1], dy = p->y[i] - p->y[i - 1];
    const double length = fmax(dx * dx + dy * dy, 1e-9);
    const double along = ((x - p->x[i - 1]) * dx + (y - p->y[i - 1]) * dy) / length;
    const double t = along < 0.0 ? 0.0 : along > 1.0 ? 1.0 : along;
    const double rx = x - p->x[i - 1] - t * dx, ry = y - p->y[i - 1] - t * dy;
    return rx * rx + ry * ry;
}

static int pixel_of(double x)
{
    return x < 0.0 ? 0 : x > side - 1 ? side - 1 : (int)x;
}

/* Lower `nearest`, the squares of distances, at the pixels that a stroke's ink may reach. */
static void approach(const pen *p, int i, double *nearest)
{
    const double reach = p->width + 1.0;
    const int left = pixel_of(fmin(p->x[i - 1], p->x[i]) - reach), right = pixel_of(fmax(p->x[i - 1], p->x[i]) + reach);
    const int top = pixel_of(fmin(p->y[i - 1], p->y[i]) - reach), low = pixel_of(fmax(p->y[i - 1], p->y[i]) + reach);
    for (int r = top; r <= low; r++)
        for (int c = left; c <= right; c++) {
            const double square = square_to_stroke(p, i, c + 0.5, r + 0.5);
            if (square < nearest[r * side + c])
                nearest[r * side + c] = square;
        }
}

static void draw(dopt_rng *rng, const pen *p, unsigned char *image)
{
    double nearest[side * side];
    for (int i = 0; i < side * side; i++)
        nearest[i] = side * side;
    for (int i = 1; i < p->count; i++)
        if (i != p->lift)
            approach(p, i, nearest);
    for (int i = 0; i < side * side; i++) {
        const double ink = fmin(fmax(p->width + 0.5 - sqrt(nearest[i]), 0.0), 1.0);
        const double grey = 230.0 * ink + 40.0 * dopt_rng_uniform(rng) - 15.0;
        image[i] = (unsigned char)fmin(fmax(grey, 0.0), 255.0);
    }
}

void digits_draw(uint64_t seed, size_t count, unsigned char *images, unsigned char *labels)
{
    for (size_t i = 0; i < count; i++) {
        dopt_rng rng = dopt_rng_init(seed, i);
        labels[i] = (unsigned char)(dopt_rng_permute(seed, i / 10, 10, i % 10));
        const pen p = place(&rng, labels[i]);
        draw(&rng, &p, images + i * side * side);
    }
}
