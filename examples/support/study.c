/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "study.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checksum.h"
#include "colour.h"
#include "json.h"
#include "options.h"
#include "sensors.h"
#include "standardise.h"
#include "streams.h"

/* Exit codes, those of lp_regression; EXIT_INTERRUPTED is one too. */
enum { EXIT_DATA = 1, EXIT_USAGE = 2 };

static void help(const study_plan *plan)
{
    printf("usage: %s [OPTION VALUE]...\n%s\nOne of the studies of scripts/reproduce.\n\n", plan->name, plan->about);
    if (plan->data)
        printf("  --data FILE   UCI gas sensors, LIBSVM, CSV or TSV, plain or .gz;\n"
               "                default: a simulated sensor array\n"
               "  --class LABEL only rows of this class (gas sensors)\n");
    if (plan->p > 0.0)
        printf("  --p P         power of the error, from 1 up; default %g\n", plan->p);
    if (plan->steps > 0)
        printf("  --steps T     default %lld, with --quick %lld\n", (long long)plan->steps, (long long)plan->quick);
    if (plan->keeps)
        printf("  --checkpoint FILE\n"
               "                save stages as FILE-1, FILE-2, ..., after an interrupt too\n"
               "  --every N     steps between two saves; default 10000\n"
               "  --resume      go on from what was saved by the same command\n");
    printf("  --quick       a small version, in seconds\n"
           "  --seed S      of the first weights; default 1\n"
           "  --out DIR     write results.json there, and each figure as CSV, gnuplot\n"
           "                script and SVG\n"
           "  --quiet       no progress\n"
           "  --help        this text\n"
           "\n"
           "example: %s --quick --out out-%s\n" OPTIONS_EXITS "%s",
           plan->name, plan->name, plan->keeps ? KEEP_EXITS : "");
}

static bool read_options(study *s, int argc, char **argv)
{
    const study_plan *plan = s->plan;
    const option all[] = {
        { "--out", option_text, &s->out, 0, "" },
        { "--seed", option_count, &s->seed, 0, OPTION_FROM_ZERO },
        { "--quick", NULL, &s->quick, 0, "" },
        { "--quiet", NULL, &s->quiet, 0, "" },
        { "--help", NULL, &s->help, 0, "" },
        { "--steps", option_count, &s->steps, 1, OPTION_FROM_ONE },
        { "--p", option_real, &s->p, 1, "a number from 1 up" },
        { "--data", option_text, &s->data, 0, "" },
        { "--class", option_text, &s->label, 0, "" },
    };
    const option keeps[] = { KEEP_ROWS(&s->keep) };
    option known[sizeof all / sizeof *all + KEEP_ROW_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (i < 5 || (i == 5 && plan->steps > 0) || (i == 6 && plan->p > 0.0) || (i > 6 && plan->data))
            known[count++] = all[i];
    for (size_t i = 0; i < KEEP_ROW_COUNT && plan->keeps; i++)
        known[count++] = keeps[i];
    s->keep.every = 10000;
    s->seed = 1;
    s->p = plan->p;
    if (!options_read(argc, argv, count, known, s->message))
        return false;
    if (s->steps == 0)
        s->steps = s->quick ? plan->quick : plan->steps;
    if (s->label && !s->data)
        return study_fail(s, "--class: needs --data FILE");
    return keep_check(&s->keep, s->message);
}

bool study_stage(study *s, char path[STUDY_PATH])
{
    s->stage++;
    (void)snprintf(path, STUDY_PATH, "%.4000s-%d", s->keep.path ? s->keep.path : "", s->stage);
    return keep_found(&s->keep, path);
}

static bool load(study *s)
{
    s->data_name = s->data ? "the file of --data" : "simulated sensor array";
    if (s->data) {
        const char *slash = strrchr(s->data, '/');
        s->data_name = slash ? slash + 1 : s->data;
        if (!table_read(s->data, NULL, s->label, &s->t, s->message))
            return false;
    } else if (!sensors_simulate(2018, &s->t)) {
        return study_fail(s, "out of memory");
    }
    s->data_sum = s->keep.path ? checksum_table(&s->t, 0) : 0;
    bool *dropped = calloc((size_t)s->t.cols, sizeof *dropped);
    const ptrdiff_t count = dropped ? standardise(&s->t, dropped) : -1;
    free(dropped);
    return count >= 0 || study_fail(s, "the target or every feature is constant: nothing to fit");
}

dopt_status study_create_data(dopt_cmat x, dopt_cmat y, const dopt_loss *loss, dopt_objective **out)
{
    dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
    options.threads = 1;
    return dopt_objective_create_data(x, y, loss, &options, out);
}

bool study_objective(study *s, double p, dopt_loss **loss, dopt_objective **objective)
{
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    const dopt_cmat x = dopt_cmat_f64(s->t.x, s->t.rows, s->t.cols), y = dopt_cmat_f64(s->t.y, s->t.rows, 1);
    options.weight = 1.0; /* the plain mean, without 1/p */
    return (dopt_loss_create_lp(p, &options, loss) == DOPT_OK &&
            study_create_data(x, y, *loss, objective) == DOPT_OK) ||
           study_fail_library(s);
}

bool study_on_paper_data(const study *s)
{
    return s->data && s->t.rows == 2565 && s->t.cols == 128;
}

verdict verdict_of(bool one, bool other)
{
    return one && other ? HOLDS : one || other ? PARTLY : FAILS;
}

static void next_item(FILE *list)
{
    (void)fputs(ftell(list) > 0 ? ",\n    " : "\n    ", list);
}

void study_claim(study *s, verdict v, const char *claim, const char *format, ...)
{
    static const char *const names[] = { "holds", "holds partly", "does not reproduce" };
    static const colour colours[] = { COLOUR_GOOD, COLOUR_DOUBT, COLOUR_BAD };
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)(v == HOLDS ? s->holds++ : v == PARTLY ? s->partly++ : s->fails++);
    printf("%s%s%s: %s\n    %s\n", colour_on(stdout, colours[v]), names[v], colour_off(stdout), claim, text);
    next_item(s->claims);
    (void)fputs("{ \"claim\": ", s->claims);
    json_text(s->claims, claim);
    (void)fprintf(s->claims, ", \"verdict\": \"%s\", \"numbers\": ", names[v]);
    json_text(s->claims, text);
    (void)fputs(" }", s->claims);
}

void study_compare(study *s, const char *what, double published, double ours)
{
    printf("  %-58s published %10.4g  ours %10.4g  ratio %.3f\n", what, published, ours, ours / published);
    next_item(s->compared);
    (void)fputs("{ \"what\": ", s->compared);
    json_text(s->compared, what);
    (void)fputs(", ", s->compared);
    json_number(s->compared, "published", published);
    (void)fputs(", ", s->compared);
    json_number(s->compared, "ours", ours);
    (void)fputs(" }", s->compared);
}

void study_number(study *s, const char *what, double value)
{
    printf("  %-70s %12.6g\n", what, value);
    next_item(s->numbers);
    (void)fputs("{ \"what\": ", s->numbers);
    json_text(s->numbers, what);
    (void)fputs(", ", s->numbers);
    json_number(s->numbers, "value", value);
    (void)fputs(" }", s->numbers);
}

bool study_fail(study *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(s->message, sizeof s->message, format, arguments);
    va_end(arguments);
    return false;
}

bool study_fail_library(study *s)
{
    return study_fail(s, "%.480s", dopt_last_error());
}

static FILE **part_of(study *s, int i)
{
    FILE **const parts[] = { &s->claims, &s->compared, &s->numbers, &s->figures };
    return parts[i];
}

static bool open_parts(study *s)
{
    for (int i = 0; i < 4; i++) {
        *part_of(s, i) = open_memstream(&s->text[i], &s->size[i]);
        if (!*part_of(s, i))
            return study_fail(s, "out of memory");
    }
    return true;
}

/* What was asked for, in words that rerun it from the build folder; of files, their names. */
static void write_command(FILE *file, int argc, char **argv)
{
    char command[1024] = "examples/";
    for (int i = 0; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/'), *word = slash ? slash + 1 : argv[i];
        if (strcmp(argv[i], "--out") == 0 || strcmp(argv[i], "--checkpoint") == 0 || strcmp(argv[i], "--every") == 0)
            i++;
        else if (strcmp(argv[i], "--quiet") != 0 && strcmp(argv[i], "--resume") != 0 &&
                 strlen(command) + strlen(word) + 2 < sizeof command) {
            (void)strcat(command, i > 0 ? " " : "");
            (void)strcat(command, word);
        }
    }
    (void)fputs("  \"command\": ", file);
    json_text(file, command);
}

static bool write_results(study *s, int argc, char **argv, double seconds)
{
    static const char *const names[] = { "claims", "compared", "numbers", "figures" };
    FILE *file = folder_open(s->out, "results.json", s->message);
    if (!file)
        return false;
    (void)fprintf(file, "{\n  \"name\": \"%s\",\n  \"about\": ", s->plan->name);
    json_text(file, s->plan->about);
    (void)fputs(",\n", file);
    write_command(file, argc, argv);
    if (s->plan->data) {
        (void)fputs(",\n  \"data\": ", file);
        json_text(file, s->data_name);
        (void)fprintf(file, ",\n  \"rows\": %td,\n  \"features\": %td", s->t.rows, s->t.cols);
    }
    (void)fprintf(file, ",\n  \"quick\": %s,\n  ", s->quick ? "true" : "false");
    json_number(file, "seconds", seconds);
    (void)fputs(",\n  ", file);
    json_number(file, "processor_seconds", (double)clock() / CLOCKS_PER_SEC);
    for (int i = 0; i < 4; i++)
        (void)fprintf(file, ",\n  \"%s\": [%s\n  ]", names[i], s->text[i]);
    (void)fputs("\n}\n", file);
    return folder_close(file, s->out, "results.json", s->message);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool carry_out(study *s, int argc, char **argv)
{
    const double start = now();
    bool good = open_parts(s) && (!s->out || folder_make(s->out, s->message)) && (!s->plan->data || load(s));
    good = good && s->plan->run(s);
    for (int i = 0; i < 4; i++)
        if (*part_of(s, i))
            good = fclose(*part_of(s, i)) == 0 && good;
    if (good && s->out)
        good = write_results(s, argc, argv, now() - start);
    for (int i = 0; i < 4; i++)
        free(s->text[i]);
    table_free(&s->t);
    return good;
}

static int carry_out_plan(int argc, char **argv, const study_plan *plan)
{
    study s = { .plan = plan };
    if (!read_options(&s, argc, argv)) {
        (void)fprintf(stderr, "%s: %s\n", plan->name, s.message);
        return EXIT_USAGE;
    }
    if (s.help) {
        help(plan);
        return 0;
    }
    if (s.keep.path)
        keep_watch();
    if (!carry_out(&s, argc, argv)) {
        (void)fprintf(stderr, "%s: %s\n", plan->name, s.message);
        return keep_interrupted() ? EXIT_INTERRUPTED : EXIT_DATA;
    }
    return 0;
}

int study_main(int argc, char **argv, const study_plan *plan)
{
    streams_begin();
    return streams_end(plan->name, carry_out_plan(argc, argv, plan));
}
