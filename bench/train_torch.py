# SPDX-License-Identifier: MIT
"""Full-batch steps of l_p regression as one would write them with PyTorch, timed.

usage: train_torch.py ROWS FEATURES P DEPTH WIDTH THREADS [STEPS]
prints the least and the median seconds of a step of the linear network with autograd, then those of the end-to-end
rule written out by hand. STEPS: so many of each, else as many as a second holds.
"""
import sys
import time

import torch

m, d, p, depth, width, threads = (int(a) for a in sys.argv[1:7])
fixed = int(sys.argv[7]) if len(sys.argv) > 7 else 0
torch.set_num_threads(threads)
torch.manual_seed(0)
x = 2 * torch.rand(m, d, dtype=torch.float64) - 1
y = 2 * torch.rand(m, 1, dtype=torch.float64) - 1


def network():
    dims = [d] + [width] * (depth - 1) + [1]
    factors = [(0.01 * torch.randn(b, a, dtype=torch.float64)).requires_grad_() for a, b in zip(dims, dims[1:])]
    optimizer = torch.optim.SGD(factors, lr=1e-6)

    def step():
        optimizer.zero_grad()
        z = x
        for factor in factors:
            z = z @ factor.T
        ((z - y).abs() ** p).mean().div(p).backward()
        optimizer.step()
    return step


def by_hand():
    w = 0.01 * torch.randn(d, 1, dtype=torch.float64)

    def step():
        nonlocal w
        r = x @ w - y
        g = x.T @ (r * r.abs() ** (p - 2)) / m
        if depth > 1:
            norm = w.norm()
            g = norm ** (2 - 2 / depth) * (g + (depth - 1) * (w.T @ g) / norm ** 2 * w)
        w = w - 1e-6 * g
    return step


def measure(step):
    for _ in range(5):
        step()
    times = []
    while (len(times) < fixed) if fixed else (len(times) < 10 or (sum(times) < 1.0 and len(times) < 5000)):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    times.sort()
    print(times[0], times[len(times) // 2])


measure(network())
measure(by_hand())
