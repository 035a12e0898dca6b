# SPDX-License-Identifier: MIT
"""Accuracy of the preconditioner over condition number, depth and method, against 60-digit arithmetic.

usage: e2e_accuracy.py LIBRARY [DRAWS]      LIBRARY: libdepthopt.so; needs python3-numpy and python3-mpmath

Prints a table in Markdown: the worst relative error ||R - P||_F / ||P||_F over DRAWS (default 5) matrices of 12 x 16 with
singular values evenly spaced on a logarithmic scale, for the library's two methods and for two formulas as one would write
them in NumPy: with one Gram matrix, and as printed, with two. "moved" is the change of P itself, in 60 digits, when W moves by
eps ||W||: no method can be expected to do much better.
"""
import ctypes
import sys

import mpmath
import numpy as np

mpmath.mp.dps = 60
ROWS, COLS = 12, 16
EPS = 2.0 ** -52


class Matrix(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("rows", ctypes.c_ssize_t), ("cols", ctypes.c_ssize_t),
                ("row_stride", ctypes.c_ssize_t), ("col_stride", ctypes.c_ssize_t), ("dtype", ctypes.c_int)]

    def __init__(self, array):
        super().__init__(array.ctypes.data, *array.shape, array.shape[1], 1, 0)


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("method", ctypes.c_int), ("allocator", ctypes.c_void_p * 3),
                ("logger", ctypes.c_void_p * 2), ("refresh_tolerance", ctypes.c_double)]


def by_library(library, method, w, grad, depth):
    handle, out = ctypes.c_void_p(), np.empty_like(w)
    options = Options(ctypes.sizeof(Options), method)
    library.dopt_last_error.restype = ctypes.c_char_p
    status = library.dopt_e2e_create(ctypes.c_ssize_t(ROWS), ctypes.c_ssize_t(COLS), ctypes.c_double(depth),
                                     ctypes.byref(options), ctypes.byref(handle))
    if status == 0:
        status = library.dopt_e2e_apply(handle, Matrix(w), Matrix(grad), Matrix(out))
    if status != 0:
        sys.exit(library.dopt_last_error().decode())
    library.dopt_e2e_destroy(ctypes.byref(handle))
    return out


def kernel(s, t, depth, power, log):
    """K for 0 <= s, t; `power` and `log` of the arithmetic in use."""
    if s == t:
        return s ** 2 if depth == np.inf else depth * power(s, 2 - 2 / depth) if s > 0 else s
    if depth == np.inf:
        return 0 * s if s * t == 0 else (s * s - t * t) / (2 * log(s / t))
    return (s * s - t * t) / (power(s, 2 / depth) - power(t, 2 / depth))


def exact(w, grad, depths):
    """P by the full SVD in 60 digits, for all depths."""
    u, s, v = mpmath.svd_r(mpmath.matrix(w.tolist()))
    y = u.T * mpmath.matrix(grad.tolist())
    b = y * v.T
    rest = y - b * v
    results = []
    for depth in depths:
        n = depth if depth == np.inf else mpmath.mpf(depth)
        k = mpmath.matrix(ROWS, ROWS)
        outside = rest.copy()
        for i in range(ROWS):
            null = kernel(s[i], mpmath.mpf(0), n, mpmath.power, mpmath.log)
            for j in range(ROWS):
                k[i, j] = kernel(s[i], s[j], n, mpmath.power, mpmath.log) * b[i, j]
            for j in range(COLS):
                outside[i, j] *= null
        results.append(u * (k * v + outside))
    return results


def kernel_table(s, depth):
    """K of all pairs without differences of powers, which would have no digits where values are close."""
    high, low = np.maximum.outer(s, s), np.minimum.outer(s, s)
    with np.errstate(divide="ignore", invalid="ignore"):
        l = np.where(high > 0, np.log(low / high), 0.0)
        below = 2 * l if depth == np.inf else np.expm1(2 * l / depth)
        ratio = np.where(l == 0, 1.0 if depth == np.inf else depth, np.expm1(2 * l) / below)
    return high ** (2 - 2 / depth) * np.where(np.isneginf(l), 0.0 if depth == np.inf else 1.0, ratio)


def one_gram(w, grad, depth):
    """U and s^2 from W W^T, V from U^T W."""
    values, u = np.linalg.eigh(w @ w.T)
    s = np.sqrt(np.maximum(values, 0))
    v = (u.T @ w) / np.where(s > 0, s, 1)[:, None]
    y = u.T @ grad
    b = y @ v.T
    null = 0 * s if depth == np.inf else s ** (2 - 2 / depth)
    return u @ ((kernel_table(s, depth) * b) @ v + null[:, None] * (y - b @ v))


def two_grams(w, grad, depth):
    """The formula as printed; integer depths."""
    if depth != int(min(depth, 1e6)):
        return np.full_like(w, np.nan)
    left, right = np.linalg.eigh(w @ w.T), np.linalg.eigh(w.T @ w)

    def root(pair, power):
        return (pair[1] * np.maximum(pair[0], 0) ** power) @ pair[1].T
    n = int(depth)
    return sum(root(left, (j - 1) / n) @ grad @ root(right, (n - j) / n) for j in range(1, n + 1))


def difference(a, b):
    return mpmath.sqrt(mpmath.fsum((x - y) ** 2 for x, y in zip(a, b)))


def norm(a):
    return mpmath.sqrt(mpmath.fsum(x * x for x in a))


def main():
    library, draws = ctypes.CDLL(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    rng = np.random.default_rng(1)
    depths = [2.0, 3.0, 8.0, 2.5, np.inf]
    methods = [("nested", lambda w, g, n: by_library(library, 0, w, g, n)),
               ("SVD", lambda w, g, n: by_library(library, 1, w, g, n)),
               ("one Gram matrix", one_gram), ("two, as printed", two_grams)]
    print("| condition | N | " + " | ".join(name for name, _ in methods) + " | moved |")
    print("|---|---|" + "---|" * (len(methods) + 1))
    for condition in [1e0, 1e2, 1e4, 1e6, 1e8, 1e10, 1e14]:
        worst = np.zeros((len(depths), len(methods) + 1))
        for _ in range(draws):
            q = np.linalg.qr(rng.standard_normal((ROWS, ROWS)))[0]
            r = np.linalg.qr(rng.standard_normal((COLS, COLS)))[0][:, :ROWS]
            w = np.ascontiguousarray((q * np.logspace(0, -np.log10(condition), ROWS)) @ r.T)
            grad = rng.standard_normal((ROWS, COLS))
            nudge = rng.standard_normal((ROWS, COLS))
            nudge *= EPS * np.linalg.norm(w) / np.linalg.norm(nudge)
            moved = mpmath.matrix(w.tolist()) + mpmath.matrix(nudge.tolist())
            for i, (p, near) in enumerate(zip(exact(w, grad, depths), exact(moved, grad, depths))):
                results = [mpmath.matrix(f(w, grad, depths[i]).tolist()) for _, f in methods] + [near]
                worst[i] = np.maximum(worst[i], [float(difference(x, p) / norm(p)) for x in results])
        for depth, line in zip(depths, worst):
            cells = ["-" if np.isnan(x) else f"{x:.1e}" for x in line]
            print(f"| {condition:.0e} | {depth:g} | " + " | ".join(cells) + " |", flush=True)


main()
