/* SPDX-License-Identifier: MIT */
#include <depthopt/version.h>

const char *dopt_version(void)
{
    return DOPT_VERSION_STRING;
}
