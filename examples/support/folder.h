/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_FOLDER_H
#define EXAMPLES_FOLDER_H

/* The files of --out. Each is written under another name first, so that nobody sees half of one. */

#include <stdbool.h>
#include <stdio.h>

enum { FOLDER_MESSAGE = 512 };

/* Make the folder, unless it is there and files can be made in it. False: `message` says why not. */
bool folder_make(const char *folder, char message[FOLDER_MESSAGE]);

/* A file to write to, and what ends it. NULL or false: `message` says why. */
FILE *folder_open(const char *folder, const char *name, char message[FOLDER_MESSAGE]);
bool folder_close(FILE *file, const char *folder, const char *name, char message[FOLDER_MESSAGE]);

/* Run gnuplot on a script in the folder. Without gnuplot a line on standard error says how to do it later. */
void folder_draw(const char *folder, const char *script);

#endif
