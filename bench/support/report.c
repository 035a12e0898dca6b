/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* popen, realpath */

#include "report.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../examples/support/options.h"

enum { text_max = 1024 };

static _Noreturn void give_up(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void help(const char *name, const char *what)
{
    printf("usage: %s [OPTION VALUE]...\n%s\nChecks its results first, then times them; scripts/bench runs several.\n\n"
           "  --threads N   threads of the BLAS and of the peers; default 1\n"
           "  --seconds S   time for each line of the table; default 1\n"
           "  --out DIR     folder of the CSV file and the picture; default bench-results\n"
           "  --quick       small sizes only\n"
           "  --only SERIES these lines alone, added to the files that are there\n"
           "  --help        this text\n"
           "\n"
           "example: %s --quick --out out-bench\n" OPTIONS_EXITS,
           name, what, name);
}

static void start_again_with(int threads, char **argv)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%d", threads);
    const char *present = getenv("OPENBLAS_NUM_THREADS");
    if (present && strcmp(present, number) == 0)
        return;
    (void)setenv("OPENBLAS_NUM_THREADS", number, 1);
    (void)setenv("OMP_NUM_THREADS", number, 1);
    (void)setenv("OMP_WAIT_POLICY", "passive", 0); /* or OpenMP's idle threads hold up those of the BLAS */
    (void)execv("/proc/self/exe", argv);
    give_up("/proc/self/exe", strerror(errno));
}

bench_options bench_begin(int argc, char **argv, const char *what)
{
    char message[256];
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0], *out = "bench-results",
               *only = NULL;
    int64_t threads = 1;
    double seconds = 1.0;
    bool quick = false, asked = false;
    const option table[] = {
        { "--threads", option_count, &threads, 1, "an integer from 1 up" },
        { "--seconds", option_real, &seconds, 1e-9, "a number above 0" },
        { "--out", option_text, &out, 0, "" },
        { "--quick", NULL, &quick, 0, "" },
        { "--only", option_text, &only, 0, "" },
        { "--help", NULL, &asked, 0, "" },
    };
    if (!options_read(argc, argv, sizeof table / sizeof *table, table, message)) {
        (void)fprintf(stderr, "%s: %s\n", name, message);
        exit(2);
    }
    if (asked) {
        help(name, what);
        exit(EXIT_SUCCESS);
    }
    const bench_options options = { (int)threads, seconds, out, quick, only };
    start_again_with(options.threads, argv);
    return options;
}

void bench_machine(FILE *to, const bench_options *options)
{
    char line[text_max], model[text_max] = "unknown processor";
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info && fgets(line, sizeof line, info))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(model, sizeof model, "%s", strchr(line, ':') + 2);
            break;
        }
    if (info)
        (void)fclose(info);
    (void)fprintf(to, "# %s, %ld cores, %s, %d thread%s\n", model, sysconf(_SC_NPROCESSORS_ONLN), BENCH_BLAS,
                  options->threads, options->threads == 1 ? "" : "s");
}

static FILE *open_as(const bench_options *options, const char *name, const char *mode)
{
    char path[text_max];
    if (mkdir(options->out, 0777) != 0 && errno != EEXIST)
        give_up(options->out, strerror(errno));
    (void)snprintf(path, sizeof path, "%s/%s", options->out, name);
    FILE *file = fopen(path, mode);
    if (!file)
        give_up(path, strerror(errno));
    return file;
}

FILE *bench_open(const bench_options *options, const char *name)
{
    return open_as(options, name, "w");
}

FILE *bench_table(const bench_options *options, const char *name, const char *header)
{
    FILE *csv = open_as(options, name, options->only ? "a" : "w");
    (void)fseek(csv, 0, SEEK_END);
    const bool fresh = ftell(csv) == 0;
    bench_machine(csv, options);
    if (fresh)
        (void)fprintf(csv, "%s\n", header);
    return csv;
}

bool bench_wants(const bench_options *options, const char *series)
{
    return !options->only || strcmp(options->only, series) == 0;
}

static bool succeeds(const char *command)
{
    const int status = system(command); /* NOLINT(cert-env33-c): a fixed command */
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void bench_plot(const bench_options *options, const char *script)
{
    char command[2 * text_max];
    (void)snprintf(command, sizeof command, "cd '%s' && gnuplot %s", options->out, script);
    if (options->only) /* some lines are not there yet */
        return;
    if (!succeeds(command))
        (void)fprintf(stderr, "no picture: gnuplot is missing or failed; later: %s\n", command);
}

const char *bench_torch(void)
{
    if (succeeds("python3 -c 'import torch' 2>/dev/null"))
        return "python3";
    return succeeds("/usr/bin/python3 -c 'import torch' 2>/dev/null") ? "/usr/bin/python3" : NULL;
}

bool bench_peer(const char *script, const char *arguments, int count, double *numbers)
{
    const char *python = bench_torch();
    char command[2 * text_max];
    if (!python)
        return false;
    (void)snprintf(command, sizeof command, "env -u OMP_WAIT_POLICY %s '%s/%s' %s", python, BENCH_SOURCE, script,
                   arguments);
    FILE *peer = popen(command, "r");
    int found = 0;
    while (peer && found < count && fscanf(peer, "%lf", &numbers[found]) == 1)
        found++;
    return peer && pclose(peer) == 0 && found == count;
}

void check_status(dopt_status status)
{
    if (status == DOPT_OK)
        return;
    (void)fprintf(stderr, "%s\n", dopt_last_error());
    exit(EXIT_FAILURE);
}

void bench_check(const char *what, double error, double tolerance)
{
    if (error <= tolerance)
        return;
    (void)fprintf(stderr, "%s: the result is off by %.2g, allowed is %.2g; nothing was timed\n", what, error,
                  tolerance);
    exit(EXIT_FAILURE);
}
