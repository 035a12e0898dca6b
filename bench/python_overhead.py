# SPDX-License-Identifier: MIT
"""What a call costs from Python: E2E.update() beside dopt_e2e_update() on the same memory, in turns.

usage: python_overhead.py LIBRARY [--quick]      LIBRARY: python_calls.c, compiled

Prints medians in microseconds for each call: C, Python, and the median of what a turn of Python took longer. Where PyTorch is
installed, also a step of EndToEnd and of SGD on one parameter of that shape.
"""
import ctypes
import os
import statistics
import sys
import time

import numpy as np

import depthopt

try:
    import torch
    from depthopt.torch import EndToEnd
except ImportError:
    torch = None

SHAPES = [(1, 1), (1, 4), (4, 4), (1, 784), (8, 8), (16, 16), (32, 32), (10, 784), (64, 64), (128, 128), (256, 256)]
TURN = 2e-3  # seconds


class Mat(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), *((name, ctypes.c_ssize_t) for name in ("rows", "cols", "down", "right")),
                ("dtype", ctypes.c_int)]


def mat(a):
    return Mat(a.ctypes.data, *a.shape, a.shape[1], 1, int(a.dtype == np.float32))


def contestants(library, e2e, w, grad):
    """Functions that make a number of calls and return the seconds of one."""
    handle = ctypes.c_void_p(int(depthopt._native.ffi.cast("intptr_t", e2e._c)))
    c_w, c_grad = mat(w), mat(grad)

    def c(lr, count):
        seconds = library.seconds_of_updates(handle, c_w, c_grad, ctypes.c_double(lr), count)
        assert seconds >= 0
        return seconds / count

    def python(lr, count):
        update = e2e.update
        start = time.perf_counter()
        for _ in range(count):
            update(w, grad, lr)
        return (time.perf_counter() - start) / count

    return c, python


def check(c, python, w):
    """Bits must agree."""
    start = w.copy()
    c(0.1, 1)
    by_c = w.copy()
    w[...] = start
    python(0.1, 1)
    assert np.array_equal(w, by_c) and not np.array_equal(w, start)
    w[...] = start


def stepper(optimizer):
    def steps(_, count):
        step = optimizer.step
        start = time.perf_counter()
        for _ in range(count):
            step()
        return (time.perf_counter() - start) / count
    return steps


def optimizers(w, grad):
    if torch is None:
        return []
    both = []
    for kind in (EndToEnd, torch.optim.SGD):
        p = torch.nn.Parameter(torch.from_numpy(w.copy()))
        p.grad = torch.from_numpy(grad)
        both.append(stepper(kind([p], lr=1e-9)))
    return both


def measure(library, shape, dtype, turns):
    rng = np.random.default_rng(1)
    w, grad = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    c, python = contestants(library, depthopt.E2E(*shape, 2), w, grad)
    check(c, python, w)
    all_of_them = [c, python, *optimizers(w, grad)]
    count = max(1, int(TURN / max(f(1e-9, 3) for f in all_of_them)))
    times = [[f(1e-9, count) for f in all_of_them] for _ in range(turns)]
    middle = [statistics.median(column) for column in zip(*times)]
    return [*middle[:2], statistics.median(line[1] - line[0] for line in times), *middle[2:]]


def main(path, quick):
    library = ctypes.CDLL(path)
    library.seconds_of_updates.restype = ctypes.c_double
    library.seconds_of_updates.argtypes = [ctypes.c_void_p, Mat, Mat, ctypes.c_double, ctypes.c_int]
    if torch is not None:
        torch.set_num_threads(1)
    print(f"# depthopt {depthopt.__version__}, Python {sys.version.split()[0]}, NumPy {np.__version__}, "
          f"OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS', '')}; microseconds for each call, depth 2")
    columns = ["C", "Python", "overhead", *(["EndToEnd", "torch SGD"] if torch else [])]
    print(f"{'shape':>9}  {'dtype':<7}", *(f"{name:>10}" for name in columns))
    for shape in SHAPES[:6] if quick else SHAPES:
        for dtype in (np.float64, np.float32):
            numbers = measure(library, shape, dtype, 5 if quick else 51)
            print(f"{shape[0]:>3} x {shape[1]:<3}  {np.dtype(dtype).name:<7}", *(f"{1e6 * x:10.2f}" for x in numbers), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], "--quick" in sys.argv[2:])
