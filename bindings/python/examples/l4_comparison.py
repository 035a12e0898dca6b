# SPDX-License-Identifier: MIT
"""Does depth accelerate l_4 regression?   usage: l4_comparison.py [FILE]   FILE: ethanol.dat, .gz or not; default: simulated"""
import gzip
import sys

import numpy as np

import depthopt


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        rows = [line.replace(";", " ").replace(":", " ").split() for line in file]  # class concentration 1 v 2 v ...
    return np.array([row[3::2] for row in rows], float), np.array([row[1] for row in rows], float)


def simulate():
    z = depthopt.Rng(2018).fill_normal(np.empty((500, 12)))
    x = z[:, :1] + z[:, 1:11]
    return x, x[:, 0] - 2 * x[:, 1] + 0.1 * z[:, 11]


def standardise(a):
    return (a - a.mean(axis=0)) / a.std(axis=0)


x, y = map(standardise, read(sys.argv[1]) if len(sys.argv) > 1 else simulate())
objective = depthopt.Objective(x, y, depthopt.Loss.lp(4, weight=1))  # the plain mean of |error|^4
options = depthopt.Options(init="normal", init_std=0.3, seed=1, lr=1e-3, max_steps=2000)
for depth in (1, 2, 3):
    # Gradient descent on W itself starts where depth 2 does.
    report = depthopt.fit(objective, None, options, model="direct" if depth == 1 else "e2e", depth=max(depth, 2))
    print(f"depth {depth}: {report.value:.15e}")
