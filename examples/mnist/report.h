/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include "training.h"

/* Tables on standard output. */
void report_print(const training *t);

/* curves.csv, summary.json, curves.gp and curves.svg in the folder of --out, which is there. False: `message` says why.
 */
bool report_write(const training *t, char message[512]);

#endif
