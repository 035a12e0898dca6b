#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Twenty steps of every update rule, computed apart from the library.

usage: make_trajectories.py > trajectories.txt

The parameters are three numbers p, the gradient is g_i = c_i p_i^3 + sin(p_i + t) at step t = 1, 2, ... Each line holds
    name decay decoupled p1 p2 p3          (after the last step, %.17g)
The rules are those of PyTorch 2.x (torch.optim.SGD, Adagrad, Adadelta, RMSprop, Adam), and group_rmsprop, written out for scalars
in 50-digit arithmetic, so that rounding does not depend on the order of operations.
"""
from decimal import Decimal, getcontext
import math

getcontext().prec = 50
D = Decimal
STEPS, START, SCALE = 20, [D("0.5"), D("-1.25"), D("2")], [D("0.3"), D("0.1"), D("0.05")]


def sine(x):
    """sin x by its series, after reduction to |x| <= pi."""
    pi = D("3.14159265358979323846264338327950288419716939937510582097494")
    x = x - (x / (2 * pi)).to_integral_value() * 2 * pi
    term = total = x
    for k in range(1, 60):
        term = -term * x * x / ((2 * k) * (2 * k + 1))
        total += term
    return total


def real(text):
    """The double that C reads, exactly."""
    return D(float(text))


class Rule:
    def __init__(self, name):
        self.name, self.state = name, [[D(0)] * 3, [D(0)] * 3]
        self.lr = real({"adadelta": "1", "adam": "1e-3", "group_rmsprop": "1e-3"}.get(name, "1e-2"))
        self.group = D(0)

    def step(self, t, i, p, g):
        a, b = self.state[0][i], self.state[1][i]
        name, lr = self.name, self.lr
        if name == "gd":
            return p - lr * g
        if name in ("momentum", "nesterov"):
            mu = real("0.9")
            a = mu * a + g
            move = a if name == "momentum" else g + mu * a
            self.state[0][i] = a
            return p - lr * move
        if name == "adagrad":
            a += g * g
            self.state[0][i] = a
            return p - lr * g / (a.sqrt() + real("1e-10"))
        if name == "adadelta":
            rho, eps = real("0.9"), real("1e-6")
            a = rho * a + (1 - rho) * g * g
            u = g * (b + eps).sqrt() / (a + eps).sqrt()
            self.state[0][i], self.state[1][i] = a, rho * b + (1 - rho) * u * u
            return p - lr * u
        if name == "rmsprop":
            rho = real("0.99")
            a = rho * a + (1 - rho) * g * g
            self.state[0][i] = a
            return p - lr * g / (a.sqrt() + real("1e-8"))
        if name == "group_rmsprop":
            rho = real("0.99")
            return p - lr * g / ((self.group / (1 - rho ** t)).sqrt() + real("1e-4"))
        b1, b2 = real("0.9"), real("0.999")
        a, b = b1 * a + (1 - b1) * g, b2 * b + (1 - b2) * g * g
        self.state[0][i], self.state[1][i] = a, b
        return p - lr * (a / (1 - b1 ** t)) / ((b / (1 - b2 ** t)).sqrt() + real("1e-8"))


def main():
    for name in ("gd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "group_rmsprop"):
        for decay, decoupled in (("0", 0), ("0.1", 0), ("0.1", 1)):
            rule, p = Rule(name), list(START)
            for t in range(1, STEPS + 1):
                g = [real(SCALE[i]) * p[i] ** 3 + sine(p[i] + t) for i in range(3)]
                if decoupled:
                    p = [x - rule.lr * real(decay) * x for x in p]
                else:
                    g = [y + real(decay) * x for x, y in zip(p, g)]
                rule.group = real("0.99") * rule.group + (1 - real("0.99")) * sum(y * y for y in g)
                p = [rule.step(t, i, p[i], g[i]) for i in range(3)]
            print(name, decay, decoupled, *("%.17g" % float(x) for x in p))


main()
