/* SPDX-License-Identifier: MIT */
/* a,b,c or a<TAB>b<TAB>c, with the target by position, number and name. */
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_table(data, size, NULL, NULL);
    fuzz_table(data, size, "2", NULL);
    fuzz_table(data, size, "a", NULL);
    return 0;
}
