/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_JSON_H
#define EXAMPLES_JSON_H

#include <stdio.h>

/* A quoted string. */
void json_text(FILE *file, const char *text);

/* "name": value. JSON has no infinity and no NaN: "inf" and null stand for them. */
void json_number(FILE *file, const char *name, double value);

#endif
