/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_STREAMS_H
#define EXAMPLES_STREAMS_H

/*
 * Before the first file is opened: standard streams that are closed are opened on nothing, so that no file gets the
 * number of one and with it what is printed. Writing to them still fails.
 */
void streams_begin(void);

/* At the end, with the exit code so far: 1 instead of 0, and a line on standard error, if not all of the output could
   be written. */
int streams_end(const char *program, int code);

#endif
