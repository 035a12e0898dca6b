/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { path_max = 512 };

static void complain(char *message, const char *folder, const char *name)
{
    (void)snprintf(message, FOLDER_MESSAGE, "%.300s/%s: %s", folder, name, strerror(errno));
}

bool folder_make(const char *folder, char message[FOLDER_MESSAGE])
{
    if (strlen(folder) > 400) {
        (void)snprintf(message, FOLDER_MESSAGE, "--out: the name of the folder is too long");
        return false;
    }
    char inside[path_max];
    (void)snprintf(inside, sizeof inside, "%s/.", folder);
    if (mkdir(folder, 0777) == 0 || (errno == EEXIST && access(inside, W_OK | X_OK) == 0))
        return true;
    complain(message, folder, "");
    return false;
}

static void hidden_path(char *path, const char *folder, const char *name)
{
    (void)snprintf(path, path_max, "%.400s/.%.80s.new", folder, name);
}

FILE *folder_open(const char *folder, const char *name, char message[FOLDER_MESSAGE])
{
    char hidden[path_max];
    hidden_path(hidden, folder, name);
    FILE *file = fopen(hidden, "w");
    if (!file)
        complain(message, folder, name);
    return file;
}

bool folder_close(FILE *file, const char *folder, const char *name, char message[FOLDER_MESSAGE])
{
    char path[path_max], hidden[path_max];
    (void)snprintf(path, sizeof path, "%.400s/%.80s", folder, name);
    hidden_path(hidden, folder, name);
    const bool good = !ferror(file);
    if (fclose(file) == 0 && good && rename(hidden, path) == 0)
        return true;
    complain(message, folder, name);
    (void)remove(hidden);
    return false;
}

static bool draw(const char *folder, const char *script)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) == 0)
            (void)execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void folder_draw(const char *folder, const char *script)
{
    if (!draw(folder, script))
        (void)fprintf(stderr, "no picture: gnuplot is missing or failed; later: cd %s && gnuplot %s\n", folder, script);
}
