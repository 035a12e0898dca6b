/* SPDX-License-Identifier: MIT */
/* label 1:v 4:v ... */
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_table(data, size, NULL, NULL);
    fuzz_table(data, size, "label", NULL);
    return 0;
}
