/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void streams_begin(void)
{
    for (int number = 0; number < 3; number++)
        if (fcntl(number, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY); /* the lowest number that is free: this one */
}

int streams_end(const char *program, int code)
{
    const int failed = ferror(stdout);
    errno = 0;
    if (fflush(stdout) == 0 && !failed)
        return code;
    (void)fprintf(stderr, "%s: standard output: %s\n", program, errno ? strerror(errno) : "not all could be written");
    return code ? code : 1;
}
