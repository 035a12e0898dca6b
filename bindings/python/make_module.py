# SPDX-License-Identifier: MIT
"""Write the C source of the extension module depthopt._native: what the public headers declare, and five callbacks.

usage: make_module.py OUTPUT.c HEADER.h...      HEADER.h: all public headers, in any order
"""
import pathlib
import re
import sys

import cffi

CALLBACKS = """
extern "Python" {
    dopt_status call_loss(dopt_cmat z, dopt_cmat y, double *sum, dopt_mat dz, void *user);
    dopt_status call_objective(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user);
    dopt_status call_gradient(dopt_cmat w, dopt_mat grad, void *user);
    int call_event(const dopt_event *event, void *user);
    void call_log(dopt_log_level level, const char *message, void *user);
}
"""
# A loop in C, which returns now and then so that Python can look for an interrupt.
STEPS = "dopt_status take_steps(dopt_trainer *trainer, double seconds, dopt_stop_reason *reason)"
STEPS_BODY = """
#include <time.h>
static double monotonic_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static %s
{
    const double end = monotonic_seconds() + seconds;
    dopt_status status;
    do
        status = dopt_trainer_step(trainer, reason);
    while (status == DOPT_OK && *reason == DOPT_STOP_NONE && monotonic_seconds() < end);
    return status;
}
""" % STEPS


def in_order(paths):
    """Headers after those that they include."""
    texts = {path.name: path.read_text() for path in paths}
    done = []

    def visit(name):
        if name not in done:
            for needed in re.findall(r"#include <depthopt/(\w+\.h)>", texts[name]):
                visit(needed)
            done.append(name)

    for name in sorted(texts):
        visit(name)
    return [texts[name] for name in done]


def declarations(text):
    """What cffi parses: no comments, no preprocessor, no inline functions; numbers behind #define stay."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S).replace("\\\n", " ")
    numbers = re.findall(r"^#define (DOPT_\w+) +\d+$", text, re.M)
    text = re.sub(r"^ *#.*$", "", text, flags=re.M)
    text = re.sub(r"^static inline .*?^\}", "", text, flags=re.M | re.S)
    text = re.sub(r"DOPT_(API|BEGIN_DECLS|END_DECLS)\b", "", text)
    return text + "".join(f"#define {name} ...\n" for name in numbers)


def defaults(text):
    """For each DOPT_X_OPTIONS_INIT a function default_x_options(), as cffi cannot read initializers."""
    names = re.findall(r"#define DOPT_(\w+)_OPTIONS_INIT\b", text)
    heads = {name: f"dopt_{name.lower()}_options default_{name.lower()}_options(void)" for name in names}
    declared = "".join(f"{head};\n" for head in heads.values())
    defined = "".join(f"static {head}\n{{\n    dopt_{name.lower()}_options o = DOPT_{name}_OPTIONS_INIT;\n    return o;\n}}\n"
                      for name, head in heads.items())
    return declared, defined


def main(output, *headers):
    texts = in_order([pathlib.Path(header) for header in headers])
    declared, defined = defaults("".join(texts))
    ffi = cffi.FFI()
    ffi.cdef("".join(map(declarations, texts)) + declared + CALLBACKS + STEPS + ";")
    ffi.set_source("depthopt._native", "#include <depthopt/depthopt.h>\n" + defined + STEPS_BODY)
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
