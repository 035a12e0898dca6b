# SPDX-License-Identifier: MIT
"""A training step of the convolutional network of examples/mnist in PyTorch, timed.

usage: cnn_torch.py BATCH THREADS STEPS
prints the median seconds of a step: plain dense layers; two matrices in succession in their place; the same with the
L2 penalty on the products of the matrices.
"""
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

batch, threads, steps = map(int, sys.argv[1:4])
torch.set_num_threads(threads)
torch.manual_seed(1)
images, labels = torch.randn(batch, 1, 28, 28), torch.randint(0, 10, (batch,))


def dense(inputs, outputs, deep):
    if not deep:
        return nn.Linear(inputs, outputs)
    return nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.Linear(outputs, outputs))


def seconds(deep, penalty):
    hidden, last = dense(3136, 512, deep), dense(512, 10, deep)
    net = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), hidden, nn.ReLU(), nn.Dropout(0.5), last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    times = []
    for _ in range(steps + 3):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(images), labels)
        if penalty:
            loss = loss + sum(2.5e-4 * (layer[1].weight @ layer[0].weight).square().sum() for layer in (hidden, last))
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:])


print(seconds(False, False), seconds(True, False), seconds(True, True))
