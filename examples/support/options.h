/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

/* The command line: `--name value` or `--name=value`, and flags, from a table; -h is --help. */

#include <stdbool.h>
#include <stddef.h>

typedef struct option option;

/* The end of every --help. */
#define OPTIONS_EXITS "exit status: 0 done; 1 the data or all runs failed; 2 the command line is wrong\n"

/* Read the text of one option into `o->to`. False: it is not one that is allowed. */
typedef bool (*option_reader)(const option *o, const char *value);

struct option {
    const char *name;    /* with its dashes */
    option_reader read;  /* NULL: a flag, which takes no value and sets *(bool *)to */
    void *to;            /* of the reader's type */
    double lowest;       /* of a number */
    const char *allowed; /* what the message says the value must be */
};

bool option_text(const option *o, const char *value);  /* to a const char * */
bool option_real(const option *o, const char *value);  /* to a double, finite */
bool option_count(const option *o, const char *value); /* to an int64_t */

/* What a count must be. */
#define OPTION_FROM_ZERO "an integer from 0 to 999999999999"
#define OPTION_FROM_ONE "an integer from 1 to 999999999999"

/* A number as option_real() and option_count() take it; infinity is one. */
bool option_number(const char *value, double *out);

/* The next item of a list with commas, copied to `item`; *list is moved past it. NULL at the end of the list. */
const char *option_item(const char **list, char *item, size_t size);

/* Read the command line. False: `message` is one line that says what is wrong with which option. */
bool options_read(int argc, char **argv, size_t count, const option *table, char message[256]);

#endif
