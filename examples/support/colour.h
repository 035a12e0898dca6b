/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_COLOUR_H
#define EXAMPLES_COLOUR_H

/* Words in colour on a terminal; plain in files and pipes, with NO_COLOR set and on dumb terminals. */

#include <stdio.h>

typedef enum colour { COLOUR_GOOD, COLOUR_DOUBT, COLOUR_BAD } colour;

/* What to print before the word, and after it; "" where there are no colours. */
const char *colour_on(FILE *file, colour c);
const char *colour_off(FILE *file);

#endif
