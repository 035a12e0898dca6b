/* SPDX-License-Identifier: MIT */
/* class;concentration 1:v 2:v ... */
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_table(data, size, NULL, NULL);
    fuzz_table(data, size, "concentration", "1");
    return 0;
}
