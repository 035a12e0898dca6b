# SPDX-License-Identifier: MIT
"""The end-to-end preconditioner as one would write it with PyTorch, timed.

usage: e2e_torch.py ROWS COLS DEPTH THREADS [formula]
prints the median seconds of one thin SVD with the kernel between two rotations, and, where asked for, of the
formula as printed: two symmetric eigendecompositions, and a sum of DEPTH terms.
"""
import statistics
import sys
import time

import torch


def fractional(eigenvalues, eigenvectors, power):
    return (eigenvectors * eigenvalues.clamp(min=0) ** power) @ eigenvectors.T


def printed_formula(w, grad, depth):
    left, right = torch.linalg.eigh(w @ w.T), torch.linalg.eigh(w.T @ w)
    terms = (fractional(*left, (j - 1) / depth) @ grad @ fractional(*right, (depth - j) / depth)
             for j in range(1, depth + 1))
    return sum(terms)


def one_svd(w, grad, depth):
    if w.shape[0] > w.shape[1]:
        return one_svd(w.T, grad.T, depth).T
    u, s, vt = torch.linalg.svd(w, full_matrices=False)
    t = s ** (2 / depth)
    kernel = sum(torch.outer(t ** (j - 1), t ** (depth - j)) for j in range(1, depth + 1))
    y = u.T @ grad
    inner = y @ vt.T
    return u @ ((kernel * inner) @ vt + (t ** (depth - 1)).unsqueeze(1) * (y - inner @ vt))


def seconds(function, *arguments):
    times = []
    start = time.perf_counter()
    function(*arguments)
    first = time.perf_counter() - start
    if first > 1.0:  # nothing is warmed up by so long a call that would show
        times.append(first)
    while len(times) < 3 or (sum(times) < 1.0 and len(times) < 101):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


rows, cols, depth, threads = map(int, sys.argv[1:5])
torch.set_num_threads(threads)
torch.manual_seed(1)
w = 0.05 * torch.randn(rows, cols, dtype=torch.float64)
grad = torch.randn(rows, cols, dtype=torch.float64)
print(seconds(one_svd, w, grad, depth))
if sys.argv[5:] == ["formula"]:
    print(seconds(printed_formula, w, grad, depth))
