/* SPDX-License-Identifier: MIT */
/* usage: fuzz_TARGET FOLDER...    Each file of the folders, whole and cut off at every 16th, goes through the target.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

enum { longest = 1 << 16, cuts = 16 };

static bool replay(const char *folder, const char *name)
{
    static uint8_t bytes[longest];
    char path[512];
    (void)snprintf(path, sizeof path, "%.250s/%.250s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    for (size_t part = 1; part <= cuts; part++) {
        const size_t length = size * part / cuts;
        uint8_t *copy = malloc(length > 0 ? length : 1); /* of that length, so that reading beyond it is found */
        if (!copy)
            return false;
        for (size_t i = 0; i < length; i++)
            copy[i] = bytes[i];
        (void)LLVMFuzzerTestOneInput(copy, length);
        free(copy);
    }
    return true;
}

int main(int argc, char **argv)
{
    int files = 0;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            (void)fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 1;
        }
        for (const struct dirent *entry; (entry = readdir(folder));)
            if (entry->d_name[0] != '.') {
                if (!replay(argv[i], entry->d_name))
                    return 1;
                files++;
            }
        (void)closedir(folder);
    }
    (void)printf("%d files\n", files);
    return files > 0 ? 0 : 1;
}
